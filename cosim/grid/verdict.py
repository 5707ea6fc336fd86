"""What a run says of its feeder's limits: which was left, how often, how far, where and when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.core.numbers import Number, Summary, declared, finite
from cosim.grid.extremes import SECTION
from cosim.grid.feeder import Feeder
from cosim.grid.limits import Usage, band_use


class LimitWords(NamedTuple):
    """How a kind of limit is spoken of: what is said, of which element, key, table, what its use is called.

    Voltages have two limits, so that a share of "the limit" would say nothing: `used` says what is over what.
    """

    outside: str
    element: str
    value: str
    key: str
    table: str
    used: str
    more: str = ""


_HELD = (
    "; where buses have several bands, of that which is furthest from the middle of its own; a bus whose "
    "voltage the grid above holds counts only where it exceeds it"
)
_WORDS = {
    "vm_min_pu": LimitWords(
        *("voltage too low", "bus", "{:.4f} pu", "voltage_low", "bus"),
        "lower limit used most, limit as share of voltage",
        _HELD,
    ),
    "vm_max_pu": LimitWords(
        *("voltage too high", "bus", "{:.4f} pu", "voltage_high", "bus"),
        "upper limit used most, voltage as share of limit",
        _HELD,
    ),
    "line_loading_max_percent": LimitWords(
        *("line overloaded", "line", "{:.4g} %", "line_overload", "line"), "limit used most, line loading"
    ),
    "trafo_loading_max_percent": LimitWords(
        *("transformer overloaded", "transformer", "{:.4g} %", "trafo_overload", "trafo"),
        "limit used most, transformer loading",
    ),
    "trafo3w_loading_max_percent": LimitWords(
        "three-winding transformer overloaded",
        "three-winding transformer",
        "{:.4g} %",
        "trafo3w_overload",
        "trafo3w",
        "limit used most, three-winding transformer loading",
    ),
}


def place_text(words: LimitWords) -> str:
    """What its use is called, without the quotient: ``upper limit used most``."""
    return words.used.split(",")[0] if words.table == "bus" else words.used


WORDS_BY_KEY = {words.key: words for words in _WORDS.values()}
"""The same by the key of the kind, as the numbers of a summary begin."""
MOMENTS = "When a limit is used most"
"""Section of what was drawn and done in the interval in which a kind of limit is used most."""
_DRAWN = declared(
    MOMENTS,
    "table `injections`",
    *(
        Number(f"{words.key}_use_max_drawn_kw", f"drawn by all at the {place_text(words)}", "kW",
            "what households and all others at the feeder's buses drew together in that interval, less what "
            "they fed in; null if nothing was solved", least=-math.inf)
        for words in _WORDS.values()
    ),
)  # fmt: skip
KEY_BY_LIMIT = {name: words.key for name, words in _WORDS.items()}
"""The key by the name of the limit, as the table `violations` has it."""
NUMBERS = declared(
    SECTION,
    "tables of voltages and loadings",
    *(
        number
        for words in _WORDS.values()
        for number in (
            Number(f"{words.key}_intervals", f"intervals with {words.outside}", "",
                f"intervals in which the limit of some {words.element} is exceeded; null if nothing was "
                "solved", "less"),
            Number(f"{words.key}_use_max", words.used, "",
                f"largest share of its limit that any {words.element} uses in an interval, above 1 where "
                f"it is exceeded{words.more}; null if nothing was solved",
                "less", "ratio"),
            Number(f"{words.key}_use_max_{words.table}", f"{words.element} of the {place_text(words)}", "",
                f"index of that {words.element}", kind="place"),
            Number(f"{words.key}_use_max_time_h", f"time of the {place_text(words)}", "h",
                "hours from the start of the run", kind="time"),
        )
    ),
) + _DRAWN  # fmt: skip


@dataclass
class _Worst:
    """The element that uses its limit most, over all that was seen."""

    n_outside: int = 0
    rank: float = -np.inf
    share: float = -np.inf
    column: int = -1
    time_ms: int = -1
    drawn_kw: float = math.nan

    def add(
        self,
        usage: Usage,
        rank: NDArray[np.float64],
        times_ms: NDArray[np.int64],
        drawn_kw: NDArray[np.float64],
    ) -> None:
        """Take a block, and what picks the element that uses its limit most; the first of equals stays."""
        self.n_outside += int(np.count_nonzero(usage.outside.any(axis=1)))
        known = np.where(np.isnan(usage.share), -np.inf, rank)
        if known.size == 0:
            return
        row, column = np.unravel_index(int(known.argmax()), known.shape)
        if known[row, column] > self.rank:
            self.rank, self.share = float(known[row, column]), float(usage.share[row, column])
            self.column, self.time_ms, self.drawn_kw = int(column), int(times_ms[row]), float(drawn_kw[row])


@dataclass
class LimitWatch:
    """Keeps how far each kind of limit is used, block by block."""

    held: NDArray[np.bool_]
    """Buses whose voltage the grid above holds: how near that is to a limit says nothing of the feeder. Shape
    (n_bus,)."""
    n_outside: int = 0
    """Intervals in which some element was outside some limit."""
    _status: dict[str, int] = field(default_factory=dict)
    _worst: dict[str, _Worst] = field(default_factory=lambda: {name: _Worst() for name in _WORDS})

    def add(
        self,
        found: Mapping[str, Usage],
        status: Sequence[str],
        times_ms: NDArray[np.int64],
        drawn_kw: NDArray[np.float64],
    ) -> None:
        """Take a block of intervals: how far each limit is used, whether solved, when they start, what all
        buses draw together."""
        for one in status:
            self._status[one] = self._status.get(one, 0) + 1
        outside = np.zeros(len(status), bool)
        for name, usage in found.items():
            outside |= usage.outside.any(axis=1)
            if _WORDS[name].table == "bus":
                usage = usage._replace(share=np.where(self.held & ~usage.outside, np.nan, usage.share))
            self._worst[name].add(usage, _rank(found, name, usage), times_ms, drawn_kw)
        self.n_outside += int(np.count_nonzero(outside))

    @property
    def worst_ms(self) -> dict[str, int]:
        """When each kind of limit is used most so far: start of the interval, ms since the run's start."""
        return {_WORDS[name].key: each.time_ms for name, each in self._worst.items() if each.column >= 0}

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
            found[f"{words.key}_use_max_time_h"] = to_hours(worst.time_ms) if seen else None
            found[f"{words.key}_use_max_drawn_kw"] = finite(worst.drawn_kw) if seen else None
        return found


def _rank(found: Mapping[str, Usage], name: str, usage: Usage) -> NDArray[np.float64]:
    """What says who uses a limit most: its share; of buses with several bands how far each uses its own."""
    low, high = found["vm_min_pu"].limits, found["vm_max_pu"].limits
    if _WORDS[name].table != "bus" or not len(low) or (low.min() == low.max() and high.min() == high.max()):
        return usage.share
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(band_use(_WORDS[name].key, usage.values, low, high))
