"""The feeder in numbers: its extremes with where and when, its energies, how many intervals were solved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.core.numbers import Number, Summary, declared, finite

Array = NDArray[np.float64]

SECTION = "Feeder"


def _extreme(
    name: str, unit: str, element: str, label: str, better: Literal["less", "more"]
) -> tuple[Number, ...]:
    """An extreme, the element that has it, and when; see `Extreme.result`."""
    table = "bus_voltage" if element == "bus" else f"{element}_loading"
    kind = "transformer" if element.startswith("trafo") else element
    symbol = "%" if unit == "percent" else unit
    of_all = f"the {label} in any interval; null where nothing was solved"
    return declared(
        SECTION,
        f"table `{table}`",
        Number(f"{name}_{unit}", label, symbol, of_all, better, digits=5 if unit == "pu" else 4),
        Number(f"{name}_{element}", f"{kind} of the {label}", "", f"index of that {kind}", kind="place"),
        Number(f"{name}_time_h", f"time of the {label}", "h", "hours from the start of the run", kind="time"),
    )


NUMBERS = (
    *_extreme("voltage_min", "pu", "bus", "lowest voltage", "more"),
    *_extreme("voltage_max", "pu", "bus", "highest voltage", "less"),
    *_extreme("line_loading_max", "percent", "line", "highest line loading", "less"),
    *_extreme("trafo_loading_max", "percent", "trafo", "highest transformer loading", "less"),
    *_extreme("trafo3w_loading_max", "percent", "trafo3w",
        "highest three-winding transformer loading", "less"),
    *declared(SECTION, "table `power_flow`, intervals that were solved",
        Number("energy_feeder_imported_kwh", "imports of the feeder", "kWh",
            "drawn from the grid above, interval by interval"),
        Number("energy_feeder_exported_kwh", "exports of the feeder", "kWh",
            "fed into the grid above, interval by interval"),
        Number("energy_lost_in_feeder_kwh", "losses in the feeder", "kWh",
            "losses of lines, transformers and all other connections of buses", "less"),
        Number("energy_feeder_own_load_kwh", "loads that belong to no household", "kWh",
            "what the feeder's own loads took: imports - exports of the feeder = imports - exports of the "
            "households + these - the generators that belong to no household + losses", least=-math.inf),
        Number("energy_feeder_own_generation_kwh", "generators that belong to no household", "kWh",
            "what the feeder's own generators gave"),
    ),
    *declared(SECTION, "table `power_flow`",
        Number("intervals", "intervals", "", "intervals that count, the warm-up left out"),
    ),
    *declared(SECTION, "tables of voltages and loadings",
        Number("intervals_outside_limits", "intervals outside limits", "",
            "intervals in which a voltage or a loading is outside the limits of its element", "less"),
    ),
    *declared(SECTION, "table `power_flow`",
        Number("intervals_diverged", "intervals diverged", "",
            "intervals whose power flow did not converge", "less"),
        Number("intervals_skipped", "intervals skipped", "", "intervals that were not solved", "less"),
    ),
)  # fmt: skip


@dataclass
class Extreme:
    """The smallest or largest value seen, with where and when."""

    sign: int
    value: float = math.nan
    element: int = -1
    time_ms: int = -1

    def add(self, values: Array, elements: Sequence[int], times_ms: NDArray[np.int64]) -> None:
        """Take a block of shape (n_times, n_elements); NaN does not count, the first of equals stays."""
        signed = np.where(np.isnan(values), -np.inf, self.sign * values)
        if signed.size == 0:
            return
        row, column = np.unravel_index(int(np.argmax(signed)), signed.shape)
        best = float(signed[row, column])
        if best > -math.inf and not best <= self.sign * self.value:
            self.value, self.element = self.sign * best, int(elements[int(column)])
            self.time_ms = int(times_ms[row])

    def result(self, name: str, unit: str, element: str) -> Summary:
        """The value, its element and the hours since the start; null where nothing was seen."""
        seen = self.element >= 0
        return {
            f"{name}_{unit}": finite(self.value),
            f"{name}_{element}": self.element if seen else None,
            f"{name}_time_h": self.time_ms / 3_600_000 if seen else None,
        }


@dataclass
class GridMetrics:
    """Voltages, loadings and losses over all intervals."""

    interval_h: float
    vm_min: Extreme = field(default_factory=lambda: Extreme(-1))
    vm_max: Extreme = field(default_factory=lambda: Extreme(1))
    line_max: Extreme = field(default_factory=lambda: Extreme(1))
    trafo_max: Extreme = field(default_factory=lambda: Extreme(1))
    trafo3w_max: Extreme | None = None
    n_intervals: int = 0
    n_outside: int = 0
    n_diverged: int = 0
    n_skipped: int = 0
    losses_kwh: float = 0.0
    slack_import_kwh: float = 0.0
    slack_export_kwh: float = 0.0
    own_load_kwh: float = 0.0
    own_generation_kwh: float = 0.0

    def add_own(self, load_mw: Array, generation_mw: Array) -> None:
        """Take what the feeder's own elements took and gave in intervals that were solved."""
        self.own_load_kwh += math.fsum(load_mw) * 1000 * self.interval_h
        self.own_generation_kwh += math.fsum(generation_mw) * 1000 * self.interval_h

    def add_counts(self, status: Sequence[str], p_slack_mw: Array, losses_mw: Array) -> None:
        """Take a block of intervals: their status, slack power and losses."""
        self.n_intervals += len(status)
        self.n_diverged += sum(one == "diverged" for one in status)
        self.n_skipped += sum(one == "skipped" for one in status)
        slack_kwh = np.nan_to_num(p_slack_mw) * 1000 * self.interval_h
        self.slack_import_kwh += math.fsum(slack_kwh[slack_kwh > 0])
        self.slack_export_kwh -= math.fsum(slack_kwh[slack_kwh < 0])
        self.losses_kwh += math.fsum(np.nan_to_num(losses_mw)) * 1000 * self.interval_h

    def result(self) -> Summary:
        """Extremes with element and time, energies over the slack, counts of intervals.

        Sums are over the intervals that were solved; where none was, they are null.
        """
        sums: Summary = {
            "energy_feeder_imported_kwh": self.slack_import_kwh,
            "energy_feeder_exported_kwh": self.slack_export_kwh,
            "energy_lost_in_feeder_kwh": self.losses_kwh,
            "energy_feeder_own_load_kwh": self.own_load_kwh,
            "energy_feeder_own_generation_kwh": self.own_generation_kwh,
        }
        is_solved = self.n_intervals > self.n_diverged + self.n_skipped
        return {
            **self.vm_min.result("voltage_min", "pu", "bus"),
            **self.vm_max.result("voltage_max", "pu", "bus"),
            **self.line_max.result("line_loading_max", "percent", "line"),
            **self.trafo_max.result("trafo_loading_max", "percent", "trafo"),
            **(
                self.trafo3w_max.result("trafo3w_loading_max", "percent", "trafo3w")
                if self.trafo3w_max
                else {}
            ),
            **(sums if is_solved else dict.fromkeys(sums)),
            "intervals": self.n_intervals,
            "intervals_outside_limits": self.n_outside if is_solved else None,
            "intervals_diverged": self.n_diverged,
            "intervals_skipped": self.n_skipped,
        }
