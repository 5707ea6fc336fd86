"""What a run says of its feeder's limits, in words and numbers: which was left, how often, how far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import count, listed
from cosim.core.numbers import Number, Summary, declared, finite
from cosim.grid.extremes import SECTION
from cosim.grid.feeder import Feeder
from cosim.grid.limits import Usage


class LimitWords(NamedTuple):
    """How one kind of limit is spoken of: what is said, of which element, its key and its table."""

    outside: str
    element: str
    value: str
    key: str
    table: str


_WORDS = {
    "vm_min_pu": LimitWords("voltage too low", "bus", "{:.4f} pu", "voltage_low", "bus"),
    "vm_max_pu": LimitWords("voltage too high", "bus", "{:.4f} pu", "voltage_high", "bus"),
    "line_loading_max_percent": LimitWords("line overloaded", "line", "{:.4g} %", "line_overload", "line"),
    "trafo_loading_max_percent": LimitWords(
        "transformer overloaded", "transformer", "{:.4g} %", "trafo_overload", "trafo"
    ),
    "trafo3w_loading_max_percent": LimitWords(
        "three-winding transformer overloaded",
        "three-winding transformer",
        "{:.4g} %",
        "trafo3w_overload",
        "trafo3w",
    ),
}
WORDS_BY_KEY = {words.key: words for words in _WORDS.values()}
"""The same by the key of the kind, as the numbers of a summary begin."""
NUMBERS = declared(
    SECTION,
    "tables of voltages and loadings",
    *(
        number
        for words in _WORDS.values()
        for number in (
            Number(f"{words.key}_intervals", f"intervals with {words.outside}", "",
                f"intervals in which the limit of some {words.element} is left; null if nothing was solved",
                "less"),
            Number(f"{words.key}_use_max", f"limit used most, {words.outside}", "",
                f"largest share of its limit that any {words.element} uses in an interval, above 1 where "
                "it is left; of a lowest voltage the limit over the voltage; null if nothing was solved",
                "less"),
            Number(f"{words.key}_use_max_{words.table}", f"{words.element} of the limit used most, "
                f"{words.outside}", "", f"index of that {words.element}", kind="place"),
        )
    ),
)  # fmt: skip
_PAIRS = (
    ("vm_min_pu", "vm_max_pu"),
    ("line_loading_max_percent", "trafo_loading_max_percent", "trafo3w_loading_max_percent"),
)
"""Kinds of which the one that is used most is named where none is left."""


@dataclass
class _Worst:
    """The element that uses its limit most, over all that was seen."""

    n_outside: int = 0
    share: float = -np.inf
    value: float = np.nan
    limit: float = np.nan
    column: int = -1
    time_ms: int = -1

    def add(self, usage: Usage, times_ms: NDArray[np.int64]) -> None:
        """Take a block; the first of equals stays."""
        self.n_outside += int(np.count_nonzero(usage.outside.any(axis=1)))
        known = np.where(np.isnan(usage.share), -np.inf, usage.share)
        if known.size == 0:
            return
        row, column = np.unravel_index(int(known.argmax()), known.shape)
        if known[row, column] > self.share:
            self.share = float(known[row, column])
            self.value = float(usage.values[row, column])
            self.limit = float(usage.limits[column])
            self.column, self.time_ms = int(column), int(times_ms[row])


@dataclass
class LimitWatch:
    """Keeps what the sentence needs, block by block.

    Attributes
    ----------
    n_outside : int
        Intervals in which some element was outside some limit.
    """

    n_outside: int = 0
    _status: dict[str, int] = field(default_factory=dict)
    _worst: dict[str, _Worst] = field(default_factory=lambda: {name: _Worst() for name in _WORDS})

    def add(self, found: Mapping[str, Usage], status: Sequence[str], times_ms: NDArray[np.int64]) -> None:
        """Take a block of intervals: how far each limit is used, whether solved, and when they start."""
        for one in status:
            self._status[one] = self._status.get(one, 0) + 1
        outside = np.zeros(len(status), bool)
        for name, usage in found.items():
            outside |= usage.outside.any(axis=1)
            self._worst[name].add(usage, times_ms)
        self.n_outside += int(np.count_nonzero(outside))

    def sentence(self, feeder: Feeder, start: datetime) -> str:
        """What is to be said of the feeder: first what was not solved, then what was outside its limits.

        Parameters
        ----------
        feeder : Feeder
            Names the elements.
        start : datetime
            The run's start.
        """
        n, n_solved = sum(self._status.values()), self._status.get("converged", 0)
        if not n:
            return "no interval of the feeder was counted: nothing can be said about its limits"
        if not n_solved:
            return f"none of {count(n, 'interval')} was solved: nothing can be said about the feeder's limits"
        parts = []
        if n_solved < n:
            missing = [
                f"{self._status[kind]} {kind}" for kind in ("diverged", "skipped") if kind in self._status
            ]
            parts.append(f"{n - n_solved} of {count(n, 'interval')} not solved ({listed(missing)})")
        among = f"the {n_solved} solved" if n_solved < n else f"{count(n, 'interval')}"
        if self.n_outside:
            parts.append(f"the feeder is outside its limits in {self.n_outside} of {among}")
            kinds = [name for name, worst in self._worst.items() if worst.n_outside]
            parts += [self._left(name, feeder, start) for name in kinds]
        else:
            parts.append(f"the feeder is within its limits in all of {among}; closest to them:")
            parts[-1] += f" {listed([self._kept(pair, feeder, start) for pair in _PAIRS if self._has(pair)])}"
        return "; ".join(parts)

    def summary(self, feeder: Feeder) -> Summary:
        """How often each kind of limit was left, how far it was used, and by which element."""
        solved = self._status.get("converged", 0) > 0
        found: Summary = {}
        for name, words in _WORDS.items():
            index, worst = getattr(feeder, words.table).index, self._worst[name]
            if not len(index):
                continue
            seen = worst.column >= 0
            found[f"{words.key}_intervals"] = worst.n_outside if solved else None
            found[f"{words.key}_use_max"] = finite(worst.share) if seen else None
            found[f"{words.key}_use_max_{words.table}"] = int(index[worst.column]) if seen else None
        return found

    def _has(self, names: tuple[str, ...]) -> bool:
        return any(self._worst[name].column >= 0 for name in names)

    def _left(self, name: str, feeder: Feeder, start: datetime) -> str:
        outside = f"{_WORDS[name].outside} in {self._worst[name].n_outside}"
        return f"{outside}, worst {self._extreme(name, feeder, start)}"

    def _kept(self, names: tuple[str, ...], feeder: Feeder, start: datetime) -> str:
        return self._extreme(max(names, key=lambda one: self._worst[one].share), feeder, start)

    def _extreme(self, name: str, feeder: Feeder, start: datetime) -> str:
        worst, words = self._worst[name], _WORDS[name]
        value = words.value.format(worst.value)
        at = start + timedelta(milliseconds=worst.time_ms)
        where = _element(feeder, words.element, worst.column)
        return f"{value} (limit {worst.limit:g}) at {where}, {at:%Y-%m-%d %H:%M} UTC"


def _element(feeder: Feeder, element: str, column: int) -> str:
    index, names = {
        "bus": (feeder.bus.index, feeder.bus.name),
        "line": (feeder.line.index, feeder.line.name),
        "transformer": (feeder.trafo.index, feeder.trafo.name),
        "three-winding transformer": (feeder.trafo3w.index, feeder.trafo3w.name),
    }[element]
    return f"{element} {index[column]}{f' ({names[column]})' if names[column] else ''}"
