"""Every limit that a feeder leaves, as rows of a table; for how long elements are overloaded, by how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_utc
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import TIME, Coded, Column, ColumnData, Table
from cosim.grid.feeder import Feeder
from cosim.grid.limits import ROUNDING, Usage

FloatArray = NDArray[np.float64]

VIOLATIONS = Table(
    "violations",
    "Every limit of an element that is exceeded, interval by interval; empty where all are kept.",
    (
        TIME,
        Column(
            "kind",
            "text",
            "",
            "the limit: vm_min_pu, vm_max_pu, line_loading_max_percent, trafo_loading_max_percent or "
            "trafo3w_loading_max_percent",
        ),
        Column("element", "integer", "", "index of the bus, line or transformer in the feeder"),
        Column("value", "number", "pu or %", "what was calculated"),
        Column("limit", "number", "pu or %", "the limit of this element"),
    ),
)
OVERLOADS = Table(
    "overloads",
    "One row per line or transformer that was loaded above its rating or its limit, the warm-up left out.",
    (
        Column("kind", "text", "", "line, trafo or trafo3w"),
        Column("element", "integer", "", "its index in the feeder"),
        Column("intervals", "integer", "", "intervals in which it was above its limit"),
        Column("longest_h", "number", "h", "longest time above its limit without a break"),
        Column("loading_max_percent", "number", "%", "highest loading"),
        Column(
            "above_rating_kvah",
            "number",
            "kVAh",
            "apparent energy above its rating: at 130 %, 30 % of the rating for as long as it lasts",
        ),
    ),
)
_LOADED = {
    "line": "line_loading_max_percent",
    "trafo": "trafo_loading_max_percent",
    "trafo3w": "trafo3w_loading_max_percent",
}
NUMBERS = (
    *declared("Feeder", "table `overloads`",
        Number("line_overload_longest_h", "longest overload of a line", "h",
            "longest time for which one line is above its limit without a break", "less"),
        Number("trafo_overload_longest_h", "longest overload of a transformer", "h",
            "longest time for which one transformer is above its limit without a break", "less"),
        Number("line_energy_above_rating_kvah", "energy above the rating of lines", "kVAh",
            "apparent energy above 100 % of the rated current, all lines together", "less"),
        Number("trafo_energy_above_rating_kvah", "energy above the rating of transformers", "kVAh",
            "apparent energy above 100 % of the rated power, all transformers together", "less"),
    ),
)  # fmt: skip


def violation_rows(
    feeder: Feeder, found: Mapping[str, Usage], start: datetime, starts_ms: NDArray[np.int64]
) -> dict[str, ColumnData]:
    """The rows of the table `violations` for some intervals, in order of time."""
    index = _index(feeder)
    kinds = tuple(found)
    places = [np.nonzero(usage.outside) for usage in found.values()]
    row = np.concatenate([where[0] for where in places])
    kind = np.repeat(np.arange(len(kinds)), [len(where[0]) for where in places])
    parts = list(zip(kinds, found.values(), places, strict=True))
    element = np.concatenate([index[name][column] for name, _, (_, column) in parts])
    value = np.concatenate([usage.values[where] for _, usage, where in parts])
    limit = np.concatenate([usage.limits[column] for _, usage, (_, column) in parts])
    order = np.lexsort((kind, row))
    return {
        "time": to_utc(start, starts_ms[row[order]]),
        "kind": Coded(kind[order], kinds),
        "element": element[order],
        "value": value[order],
        "limit": limit[order],
    }


class ViolationTally:
    """What summary and `overloads` say, added up block by block.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    interval_h : float
        Length of an interval, h.
    """

    def __init__(self, feeder: Feeder, interval_h: float) -> None:
        self._interval_h = interval_h
        self._index = _index(feeder)
        self._rating_kva = feeder.facts.rating_kva
        sizes = {kind: len(rating) for kind, rating in self._rating_kva.items()}
        self._intervals = {kind: np.zeros(n, dtype=np.int64) for kind, n in sizes.items()}
        self._running = {kind: np.zeros(n, dtype=np.int64) for kind, n in sizes.items()}
        self._longest = {kind: np.zeros(n, dtype=np.int64) for kind, n in sizes.items()}
        self._highest = {kind: np.zeros(n) for kind, n in sizes.items()}
        self._above = {kind: np.zeros(n) for kind, n in sizes.items()}

    def add(self, found: Mapping[str, Usage]) -> None:
        """Take a block of intervals, in order of time; what is not known is neither in- nor outside."""
        for kind, name in _LOADED.items():
            self._add_loading(kind, found[name])

    def _add_loading(self, kind: str, usage: Usage) -> None:
        outside, percent = usage.outside, np.nan_to_num(usage.values)
        self._highest[kind] = np.maximum(self._highest[kind], percent.max(axis=0, initial=0.0))
        beyond = np.where(percent > 100.0 * (1 + ROUNDING), percent - 100.0, 0.0)
        if not (outside.any() or beyond.any()):
            self._running[kind][:] = 0
            return
        kvah_per_percent = self._rating_kva[kind] * (self._interval_h / 100.0)
        # Row by row, so that sums do not depend on how intervals are parted into blocks.
        for is_outside, percent_beyond in zip(outside, beyond, strict=True):
            self._intervals[kind] += is_outside
            self._running[kind] = np.where(is_outside, self._running[kind] + 1, 0)
            self._longest[kind] = np.maximum(self._longest[kind], self._running[kind])
            self._above[kind] += percent_beyond * kvah_per_percent

    def overloads(self) -> dict[str, ColumnData]:
        """The rows of the table `overloads`."""
        columns: dict[str, list[object]] = {column.name: [] for column in OVERLOADS.columns}
        for kind, name in _LOADED.items():
            for k in np.flatnonzero((self._intervals[kind] > 0) | (self._above[kind] > 0)):
                row = (
                    kind,
                    int(self._index[name][k]),
                    int(self._intervals[kind][k]),
                    float(self._longest[kind][k] * self._interval_h),
                    float(self._highest[kind][k]),
                    float(self._above[kind][k]),
                )
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        return dict(columns)

    def summary(self, is_solved: bool) -> Summary:
        """Longest overloads and energies; null where nothing was solved."""
        of_trafos = ("trafo", "trafo3w")
        result: Summary = {
            "line_overload_longest_h": self._longest_h("line"),
            "trafo_overload_longest_h": max(self._longest_h(kind) for kind in of_trafos),
            "line_energy_above_rating_kvah": float(self._above["line"].sum()),
            "trafo_energy_above_rating_kvah": sum(float(self._above[kind].sum()) for kind in of_trafos),
        }
        return result if is_solved else dict.fromkeys(result)

    def _longest_h(self, kind: str) -> float:
        return float(self._longest[kind].max(initial=0) * self._interval_h)


def _index(feeder: Feeder) -> dict[str, NDArray[np.int64]]:
    """Indices of the elements that each limit is about."""
    return {
        "vm_min_pu": feeder.bus.index,
        "vm_max_pu": feeder.bus.index,
        "line_loading_max_percent": feeder.line.index,
        "trafo_loading_max_percent": feeder.trafo.index,
        "trafo3w_loading_max_percent": feeder.trafo3w.index,
    }
