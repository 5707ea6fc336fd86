"""What is written down of dimming: when each household's limit changed, and for how long there was one."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from cosim.core.clock import MS_PER_HOUR, to_utc
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import INSTANT, PROSUMER, Coded, Column, RowSink, Table
from cosim.dimming.control_box import NONE, ORDER, SILENCE

POWER_LIMITS = Table(
    "power_limits",
    "A row whenever the limit on the flexible devices of a household changes, in order of time.",
    (
        INSTANT,
        PROSUMER,
        Column(
            "most_kw", "number", "kW", "what each of its devices draws at most from now on; NaN for no limit"
        ),
        Column("cause", "text", "", "`order` of the operator, `silence`, or `none` where there is no limit"),
    ),
)
NUMBERS = declared("Dimming", "table `power_limits`",
    Number("dimming_orders", "limits ordered", "", "how often the operator began to limit", "less"),
    Number("dimming_household_h", "under its order", "h",
        "for how long households were limited by an order, added up", "less"),
    Number("dimming_silence_household_h", "limited in silence", "h",
        "for how long households limited themselves because they heard nothing, added up", "less"),
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
        self._rows: list[tuple[int, int, float, str]] = []
        self._since: dict[int, tuple[int, str]] = {}
        self._lasted_ms = {ORDER: 0, SILENCE: 0}
        self._n_orders = 0

    def changed(self, now_ms: int, household: int, most_kw: float, cause: str) -> None:
        """The limit of a household is another one from now on."""
        self._end(household, now_ms)
        if cause != NONE:
            self._since[household] = now_ms, cause
        self._rows.append((now_ms, household, math.nan if most_kw == math.inf else most_kw, cause))

    def ordered(self) -> None:
        """The operator has begun to limit."""
        self._n_orders += 1

    def _end(self, household: int, now_ms: int) -> None:
        since_ms, cause = self._since.pop(household, (now_ms, ORDER))
        self._lasted_ms[cause] += now_ms - since_ms

    def close(self, now_ms: int) -> None:
        """Write what has been collected."""
        for household in list(self._since):
            self._end(household, now_ms)
        if not self._rows:
            return
        times, households, limits, causes = zip(*self._rows, strict=True)
        self._rows = []
        self._writer.append(
            {
                "time": to_utc(self._start, np.array(times, np.int64)),
                "prosumer": Coded(np.array(households), self._names),
                "most_kw": np.array(limits),
                "cause": list(causes),
            }
        )

    def summary(self) -> Summary:
        """How often, and for how long."""
        return {
            "dimming_orders": self._n_orders,
            "dimming_household_h": self._lasted_ms[ORDER] / MS_PER_HOUR,
            "dimming_silence_household_h": self._lasted_ms[SILENCE] / MS_PER_HOUR,
        }
