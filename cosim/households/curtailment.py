"""What controlled inverters gave up, and their reactive energy, over a run."""

from __future__ import annotations

import math

import numpy as np

from cosim.core.numbers import Number, Summary, declared
from cosim.households.meters import InverterReading

NUMBERS = (
    *declared("Energy", "table `inverters`",
        Number("pv_available_kwh", "generation available", "kWh",
            "what households with controlled inverters could have generated; of intervals that were solved"),
        Number("pv_curtailed_kwh", "generation curtailed", "kWh",
            "what of it was given up: by P(V), by the rating of the inverter, by a feed-in limit", "less",
            told="{} kWh of generation were curtailed"),
        Number("pv_curtailed_fraction", "share curtailed", "",
            "share of it that was given up; null without any", "less", "share"),
        Number("pv_reactive_drawn_kvarh", "reactive energy drawn", "kvarh",
            "drawn from the grid by controlled inverters (under-excited)"),
        Number("pv_reactive_given_kvarh", "reactive energy fed in", "kvarh",
            "fed in by controlled inverters (over-excited)"),
    ),
)  # fmt: skip


class Curtailment:
    """Sums over all controlled inverters; what was not solved is left out."""

    def __init__(self) -> None:
        self._available_kwh = self._curtailed_kwh = 0.0
        self._drawn_kvarh = self._given_kvarh = 0.0

    def add(self, shown: InverterReading) -> None:
        """Take an interval."""
        solved = ~np.isnan(shown.generated_kwh)
        drawn_kvarh = shown.drawn_kvarh[solved]
        self._available_kwh += math.fsum(shown.available_kwh[solved])
        self._curtailed_kwh += math.fsum(shown.curtailed_kwh[solved])
        self._drawn_kvarh += math.fsum(drawn_kvarh[drawn_kvarh > 0])
        self._given_kvarh -= math.fsum(drawn_kvarh[drawn_kvarh < 0])

    def result(self) -> Summary:
        """Energies of the run."""
        share = self._curtailed_kwh / self._available_kwh if self._available_kwh > 0 else None
        return {
            "pv_available_kwh": self._available_kwh,
            "pv_curtailed_kwh": self._curtailed_kwh,
            "pv_curtailed_fraction": share,
            "pv_reactive_drawn_kvarh": self._drawn_kvarh,
            "pv_reactive_given_kvarh": self._given_kvarh,
        }
