"""What is written down of the copies of a feeder: one row each, and in the summary which is worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import Column, ColumnData, Table
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.extremes import SECTION
from cosim.grid.feeder import FeederCopies
from cosim.grid.flow_result import FlowResult
from cosim.grid.limits import Usage

FloatArray = NDArray[np.float64]

FEEDER_COPIES = Table(
    "feeder_copies",
    "One row per copy of the feeder, the warm-up left out; only with `grid.copies`.",
    (
        Column("copy", "integer", "", "number of the copy, from 1"),
        Column("first_index", "integer", "", "by how much the indices of its elements are shifted"),
        Column("households", "integer", "", "households at its buses"),
        Column("recorded", "flag", "", "whether the large tables have its elements (`record.grid`)"),
        Column(
            "vm_min_pu", "number", "pu", "lowest voltage of any of its buses; NaN where nothing was solved"
        ),
        Column("vm_min_bus", "integer", "", "index of that bus; -1 for none"),
        Column("vm_max_pu", "number", "pu", "highest voltage of any of its buses"),
        Column("vm_max_bus", "integer", "", "index of that bus; -1 for none"),
        Column("line_loading_max_percent", "number", "%", "highest loading of any of its lines"),
        Column("trafo_loading_max_percent", "number", "%", "highest loading of any of its transformers"),
        Column("limit_use_max", "number", "", "largest share of its limit that any of its elements uses"),
        Column("intervals_outside_limits", "integer", "", "intervals in which any of its limits is exceeded"),
        Column("intervals_unsolved", "integer", "", "intervals in which its power flow was not solved"),
        Column("imported_kwh", "number", "kWh", "drawn from the grid above, interval by interval"),
        Column("exported_kwh", "number", "kWh", "fed into the grid above, interval by interval"),
        Column("losses_kwh", "number", "kWh", "lost in its lines and transformers"),
    ),
)
NUMBERS = declared(SECTION, "table `feeder_copies`",
    Number("feeders", "feeders", "", "copies of the feeder; only with `grid.copies`"),
    Number("feeders_outside_limits", "feeders outside limits", "",
        "copies in which some limit is exceeded in some interval", "less"),
    Number("feeder_worst", "worst feeder", "",
        "number of the copy that is outside its limits in the most intervals; if several tie, or none is, of "
        "the one that uses a limit most; null where nothing was solved", kind="place"),
)  # fmt: skip


class CopyTally:
    """Keeps what each copy came to, block by block.

    Parameters
    ----------
    grid : ConnectedFeeder
        All copies.
    of : FeederCopies
        What they are copies of.
    interval_h : float
        Length of an interval.
    recorded : ndarray of bool, shape (n_copies,)
        Of which the large tables have elements.
    """

    def __init__(
        self, grid: ConnectedFeeder, of: FeederCopies, interval_h: float, recorded: NDArray[np.bool_]
    ) -> None:
        n = self._n = of.number
        self._shifts = of.shifts
        self._held, self._interval_h, self._recorded = grid.feeder.held, interval_h, recorded
        self._bus = grid.feeder.bus.index
        at = Counter((np.array(grid.buses, np.int64) // of.stride).tolist())
        self._households = np.array([at[copy] for copy in range(1, n + 1)], np.int64)
        self._low, self._high = np.full(n, np.inf), np.full(n, -np.inf)
        self._low_at, self._high_at = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
        self._line, self._trafo, self._use = (np.full(n, -np.inf) for _ in range(3))
        self._outside, self._unsolved = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._imported, self._exported, self._losses = np.zeros(n), np.zeros(n), np.zeros(n)

    def add(self, flow: FlowResult, found: Mapping[str, Usage]) -> None:
        """Take some intervals, in order of time."""
        for row in range(len(flow.status)):  # one by one, so that nothing depends on how they are parted
            self._add_voltages(flow.vm_pu[row])
            self._line = np.fmax(self._line, self._largest(flow.line_loading_percent[row]))
            for loading in (flow.trafo_loading_percent[row], flow.trafo3w_loading_percent[row]):
                self._trafo = np.fmax(self._trafo, self._largest(loading))
            self._add_usage(found, row)
            slack_kwh, lost_kwh = flow.of_copies_mw[row].T * (1000 * self._interval_h)
            self._unsolved += np.isnan(slack_kwh)
            slack_kwh, lost_kwh = np.nan_to_num(slack_kwh), np.nan_to_num(lost_kwh)
            self._imported += np.maximum(slack_kwh, 0.0)
            self._exported += np.maximum(-slack_kwh, 0.0)
            self._losses += lost_kwh

    def _add_voltages(self, vm_pu: FloatArray) -> None:
        own = vm_pu.reshape(self._n, -1)
        here, n_bus = np.arange(self._n), own.shape[1]
        low, high = np.where(np.isnan(own), np.inf, own), np.where(np.isnan(own), -np.inf, own)
        at = low.argmin(axis=1)
        is_new = low[here, at] < self._low
        self._low = np.where(is_new, low[here, at], self._low)
        self._low_at = np.where(is_new, self._bus[here * n_bus + at], self._low_at)
        at = high.argmax(axis=1)
        is_new = high[here, at] > self._high
        self._high = np.where(is_new, high[here, at], self._high)
        self._high_at = np.where(is_new, self._bus[here * n_bus + at], self._high_at)

    def _largest(self, values: FloatArray) -> FloatArray:
        own = np.where(np.isnan(values), -np.inf, values).reshape(self._n, -1)
        return np.asarray(own.max(axis=1, initial=-np.inf))

    def _add_usage(self, found: Mapping[str, Usage], row: int) -> None:
        outside = np.zeros(self._n, bool)
        for name, usage in found.items():
            is_outside, share = usage.outside[row], usage.share[row]
            outside |= is_outside.reshape(self._n, -1).any(axis=1)
            if name.startswith("vm_"):  # how near the grid above comes to a limit says nothing of a feeder
                share = np.where(self._held & ~is_outside, np.nan, share)
            self._use = np.fmax(self._use, self._largest(share))
        self._outside += outside

    def _worst(self) -> int | None:
        """Number of the worst copy."""
        if not np.isfinite(self._use).any():
            return None
        return int(np.lexsort((-self._use, -self._outside))[0]) + 1

    def rows(self) -> dict[str, ColumnData]:
        """The rows of `feeder_copies`."""
        known = (
            np.where(np.isfinite(each), each, np.nan)
            for each in (self._low, self._high, self._line, self._trafo, self._use)
        )
        low, high, line, trafo, use = known
        return {
            "copy": np.arange(1, self._n + 1),
            "first_index": np.array(self._shifts, np.int64),
            "households": self._households,
            "recorded": self._recorded,
            "vm_min_pu": low,
            "vm_min_bus": self._low_at,
            "vm_max_pu": high,
            "vm_max_bus": self._high_at,
            "line_loading_max_percent": line,
            "trafo_loading_max_percent": trafo,
            "limit_use_max": use,
            "intervals_outside_limits": self._outside,
            "intervals_unsolved": self._unsolved,
            "imported_kwh": self._imported,
            "exported_kwh": self._exported,
            "losses_kwh": self._losses,
        }

    def summary(self) -> Summary:
        """How many there are, how many left a limit, and which is worst."""
        return {
            "feeders": self._n,
            "feeders_outside_limits": int(np.count_nonzero(self._outside)),
            "feeder_worst": self._worst(),
        }
