"""What is written down of ties: what passed in each interval, and at which marginal costs."""

from __future__ import annotations

import math

import numpy as np

from cosim.core.clock import to_hours, to_utc
from cosim.core.context import TimeAxis
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import TIME, Column, RowSink, Table
from cosim.ties.schema import TieConfig

TIES = Table(
    "ties",
    "What passed over each tie in each interval.",
    (
        TIME,
        Column("tie", "text", "", "name of the tie"),
        Column("energy_kwh", "number", "kWh", "sold by the one community, and taken by the other"),
        Column("limit_kwh", "number", "kWh", "what could have passed"),
        Column("seller_cost", "number", "cost/kWh", "marginal cost of the seller's community at the end"),
        Column("buyer_cost", "number", "cost/kWh", "of the buyer's; below 0 where more is worth something"),
    ),
)
NUMBERS = declared("Ties", "table `ties`",
    Number("tie_{tie}_energy_kwh", "sold over the tie", "kWh", "what the one sold is what the other took"),
    Number("tie_{tie}_use_max_fraction", "largest use of the tie", "",
        "largest mean power of an interval, as a share of its limit", "neither", "share"),
    Number("tie_{tie}_answers", "answers heard", "", "answers that the seller heard, newer than any before"),
    Number("tie_{tie}_idle_fraction", "share of time without an answer", "",
        "share of the intervals in which nothing passed", "less", "share"),
    Number("tie_{tie}_paid_eur", "paid over the tie", "EUR",
        "what the buyer's community paid the seller's", least=-math.inf),
)  # fmt: skip


class TieRecorder:
    """Collects what passes over one tie.

    Parameters
    ----------
    config : TieConfig
        The tie.
    time : TimeAxis
        Of the run.
    writer : RowSink
        Where rows go.
    """

    def __init__(self, config: TieConfig, time: TimeAxis, writer: RowSink) -> None:
        self._config, self._time, self._writer = config, time, writer
        self._rows: list[tuple[int, float, float, float]] = []
        self._counted: list[float] = []
        self.answers = 0

    def add(self, interval: int, energy_kwh: float, costs: tuple[float, float]) -> None:
        """Take an interval."""
        start_ms = interval * self._time.interval_ms
        self._rows.append((start_ms, energy_kwh, *costs))
        if start_ms >= self._time.warm_up_ms:
            self._counted.append(energy_kwh)

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._rows:
            return
        starts_ms, energies, sellers, buyers = zip(*self._rows, strict=True)
        self._rows = []
        limit_kwh = self._config.limit_kw * to_hours(self._time.interval_ms)
        self._writer.append(
            {
                "time": to_utc(self._time.start, np.array(starts_ms, np.int64)),
                "tie": [self._config.name] * len(starts_ms),
                "energy_kwh": np.array(energies),
                "limit_kwh": np.full(len(starts_ms), limit_kwh),
                "seller_cost": np.array(sellers),
                "buyer_cost": np.array(buyers),
            }
        )

    def summary(self) -> Summary:
        """What passed over the run."""
        if not self._counted:
            return {}
        energies, name = np.array(self._counted), f"tie_{self._config.name}"
        limit_kwh, total_kwh = self._config.limit_kw * to_hours(self._time.interval_ms), math.fsum(energies)
        return {
            f"{name}_energy_kwh": total_kwh,
            f"{name}_use_max_fraction": min(float(energies.max()) / limit_kwh, 1.0),
            f"{name}_answers": self.answers,
            f"{name}_idle_fraction": float((energies == 0).mean()),
            f"{name}_paid_eur": self._config.price * total_kwh,
        }
