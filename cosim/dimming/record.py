"""What is written down of dimming: when each household's limit changed, and for how long there was one."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR, to_utc
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import INSTANT, PROSUMER, Coded, Column, RowSink, Table
from cosim.dimming.control_box import NONE, ORDER, SILENCE
from cosim.dimming.grid_operator import Operator, Order
from cosim.grid.moments import limits_and_moments
from cosim.grid.verdict import MOMENTS

POWER_LIMITS = Table(
    "power_limits",
    "A row whenever the limits of a household change, in order of time.",
    (
        INSTANT,
        PROSUMER,
        Column(
            "max_kw", "number", "kW", "what each of its devices draws at most from now on; NaN for no limit"
        ),
        Column("feed_in_kw", "number", "kW", "what it feeds in at most from now on; NaN for no limit"),
        Column("cause", "text", "", "`order` of the operator, `silence`, or `none` where there is no limit"),
    ),
)
NUMBERS = declared("Dimming", "table `power_limits`",
    Number("dimming_orders", "limits ordered", "", "how often the operator began to limit devices", "less"),
    Number("dimming_feed_in_orders", "limits on feed-in ordered", "",
        "how often the operator began to limit feed-in", "less"),
    Number("dimming_household_h", "under its order", "h",
        "for how long households were limited by an order, added up", "less"),
    Number("dimming_silence_household_h", "limited in silence", "h",
        "for how long households limited themselves because they heard nothing, added up", "less"),
) + declared(MOMENTS, "table `power_limits`",
    *(
        Number(f"{key}_limited_households", f"households limited {moment}", "",
            "households under a limit in that interval, by an order or in silence; on average over it")
        for key, moment in limits_and_moments()
    ),
)  # fmt: skip


class LimitRecord:
    """Collects changes.

    Parameters
    ----------
    writer : RowSink
        Where they go.
    start : datetime
        Of the run.
    names : tuple of str
        Of the households.
    """

    def __init__(self, writer: RowSink, start: datetime, names: tuple[str, ...]) -> None:
        self._writer, self._start, self._names = writer, start, names
        self._rows: list[tuple[int, int, Order, str]] = []
        self._since: dict[int, tuple[int, str]] = {}
        self._lasted_ms = {ORDER: 0, SILENCE: 0}
        self._read_ms = self._counted_ms = self._household_ms = 0

    def changed(self, now_ms: int, household: int, order: Order, cause: str) -> None:
        """The limits of a household are others from now on."""
        self._count(now_ms)
        self._end(household, now_ms)
        if cause != NONE:
            self._since[household] = now_ms, cause
        self._rows.append((now_ms, household, order, cause))

    def _end(self, household: int, now_ms: int) -> None:
        since_ms, cause = self._since.pop(household, (now_ms, ORDER))
        self._lasted_ms[cause] += now_ms - since_ms

    def limited(self, now_ms: int) -> float:
        """How many households have been under a limit since this was last asked, in the mean over time."""
        self._count(now_ms)
        mean = self._household_ms / (now_ms - self._read_ms)
        self._read_ms, self._household_ms = now_ms, 0
        return mean

    def _count(self, now_ms: int) -> None:
        self._household_ms += len(self._since) * (now_ms - self._counted_ms)
        self._counted_ms = now_ms

    def close(self, now_ms: int) -> None:
        """Limits end with the run; write what has been collected."""
        for household in list(self._since):
            self._end(household, now_ms)
        self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._rows:
            return
        times, households, orders, causes = zip(*self._rows, strict=True)
        self._rows = []
        self._writer.append(
            {
                "time": to_utc(self._start, np.array(times, np.int64)),
                "prosumer": Coded(np.array(households), self._names),
                "max_kw": _limits([order.max_kw for order in orders]),
                "feed_in_kw": _limits([order.feed_in_kw for order in orders]),
                "cause": list(causes),
            }
        )

    def summary(self, operator: Operator) -> Summary:
        """How often, and for how long."""
        return {
            "dimming_orders": operator.load.begun,
            "dimming_feed_in_orders": operator.feed_in.begun,
            "dimming_household_h": self._lasted_ms[ORDER] / MS_PER_HOUR,
            "dimming_silence_household_h": self._lasted_ms[SILENCE] / MS_PER_HOUR,
        }


def _limits(kw: list[float]) -> NDArray[np.float64]:
    """Limits as they are written: NaN for none."""
    values = np.array(kw, dtype=np.float64)
    return np.where(np.isinf(values), np.nan, values)
