"""The intervals in which each kind of limit is used most, and what others wrote down of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cosim.core.numbers import Summary, finite
from cosim.grid.verdict import WORDS_BY_KEY, place_text


def limits_and_moments() -> Iterator[tuple[str, str]]:
    """Of each kind of limit the beginning of its numbers, and what its moment is called in their labels."""
    for key, words in WORDS_BY_KEY.items():
        yield f"{key}_use_max", f"at the {place_text(words)}"


class Moments:
    """Numbers of single intervals: of those in which limits are used most, and of those not solved yet."""

    def __init__(self) -> None:
        self._numbers: dict[int, Mapping[str, float]] = {}

    def add(self, start_ms: int, numbers: Mapping[str, float]) -> None:
        """Take those of the interval that started at `start_ms`, by the end of their names."""
        self._numbers[start_ms] = numbers

    def keep(self, worst_ms: Collection[int]) -> None:
        """Forget all but these intervals; all that were added have been solved."""
        self._numbers = {at_ms: each for at_ms, each in self._numbers.items() if at_ms in worst_ms}

    def result(self, worst_ms: Mapping[str, int]) -> Summary:
        """The numbers when each kind of limit is used most, by the kind and start of that interval."""
        return {
            f"{key}_use_max_{name}": finite(number)
            for key, at_ms in worst_ms.items()
            for name, number in self._numbers[at_ms].items()
        }
