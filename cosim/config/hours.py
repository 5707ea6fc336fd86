"""Hours of a day in configuration."""

from __future__ import annotations

HOURS = 24
"""Hours of a day that are scheduled together."""


def one_an_hour(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers, if they are one for each hour of a day."""
    # Not min_length: that counts the valid entries only, and so a bad entry would be two problems.
    if len(numbers) != HOURS:
        raise ValueError(
            f"{HOURS} numbers are needed, one for each hour of the day, and these are {len(numbers)}"
        )
    return numbers
