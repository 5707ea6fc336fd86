"""Numbers for each hour of a day, or for each month of a year."""

from __future__ import annotations

HOURS = 24
"""Hours of a day that are scheduled together."""
MONTHS = 12


# Not min_length: that counts the valid entries only, and so a bad entry would be two problems.
def one_an_hour(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers, if they are one for each hour of a day."""
    return _as_many(numbers, HOURS, "hour of the day")


def one_a_month(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers, if they are one for each month."""
    return _as_many(numbers, MONTHS, "month")


def _as_many(numbers: tuple[float, ...], needed: int, what: str) -> tuple[float, ...]:
    if len(numbers) != needed:
        raise ValueError(
            f"{len(numbers)} numbers are given, and one is needed for each {what}; give {needed}"
        )
    return numbers
