"""How well a community follows its capacities, and how far it is from its optimum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.core.numbers import COMMUNITY, Number, Summary, declared, finite

Array = NDArray[np.float64]

_TICKS = "table `regulation`; the initial step does not count, nor does the warm-up"
NUMBERS = (
    *declared(COMMUNITY, _TICKS,
        Number("{community}_{resource}_tracking_rmse_units", "error (RMS)", "units",
            "root mean square of aggregate - capacity", "less"),
        Number("{community}_{resource}_tracking_bias_units", "error (mean)", "units",
            "mean of aggregate - capacity; positive is too much", least=-math.inf),
        Number("{community}_{resource}_capacity_mean_units", "mean capacity", "units",
            "mean of the capacity over the same steps"),
        Number("{community}_{resource}_measured_rmse_units", "error as measured", "units",
            "root mean square of what the platform measured - capacity; null where it measured "
            "nothing", "less"),
        Number("{community}_{resource}_gradient_spread_end", "gradient spread", "cost/unit",
            "largest minus smallest ∇g among the members at the last step", "less"),
        Number("{community}_{resource}_average_shortfall_end_units", "average shortfall", "units",
            "capacity - Σx̄ at the last step; null where the capacity changed", least=-math.inf),
        Number("{community}_cost_gap_end", "cost above the optimum", "cost",
            "cost of the averages above the optimum for the sums they reach, at the last step", "less"),
        Number("{community}_distance_to_optimum_end", "distance to the optimum", "units",
            "‖x̄ - x*‖ at the last step, x* the optimum for the capacities; null where it does "
            "not exist", "less"),
    ),
)  # fmt: skip


@dataclass
class TrackingMetrics:
    """How well a resource's aggregate follows its capacity, over all ticks but the initial one.

    Parameters
    ----------
    prefix : str
        ``community_resource``.

    Notes
    -----
    The aggregate is the mean over a step. What the platform measures swings more in a loop that oscillates:
    households that wake at different times of a step take turns, and the mean over the step hides it.
    """

    prefix: str
    n: int = 0
    error_sum: float = 0.0
    square_sum: float = 0.0
    capacity_sum: float = 0.0
    n_measured: int = 0
    measured_square_sum: float = 0.0
    spread_end: float = math.nan
    average_shortfall_end: float = math.nan

    def add(self, columns: Mapping[str, Array]) -> None:
        """Take a block of the regulation table of this resource."""
        used = columns["step"] > 0
        error = (columns["aggregate"] - columns["capacity"])[used]
        self.n += len(error)
        self.error_sum += math.fsum(error)
        self.square_sum += math.fsum(error * error)
        self.capacity_sum += math.fsum(columns["capacity"][used])
        measured = (columns["measured"] - columns["capacity"])[used]
        measured = measured[np.isfinite(measured)]
        self.n_measured += len(measured)
        self.measured_square_sum += math.fsum(measured * measured)
        self.spread_end = float(columns["gradient_spread"][-1])
        capacity = columns["capacity"]
        # Averages are of many steps: against a capacity that moves they fall short for no reason.
        is_constant = bool(np.all(capacity == capacity[0]))
        shortfall = float(capacity[-1] - columns["average_sum"][-1])
        self.average_shortfall_end = shortfall if is_constant else math.nan

    def result(self) -> Summary:
        """Tracking error (aggregate minus capacity) and the state at the end."""
        n, n_measured = self.n or math.nan, self.n_measured or math.nan
        return {
            f"{self.prefix}_tracking_rmse_units": finite(math.sqrt(self.square_sum / n)),
            f"{self.prefix}_tracking_bias_units": finite(self.error_sum / n),
            f"{self.prefix}_capacity_mean_units": finite(self.capacity_sum / n),
            f"{self.prefix}_measured_rmse_units": finite(math.sqrt(self.measured_square_sum / n_measured)),
            f"{self.prefix}_gradient_spread_end": finite(self.spread_end),
            f"{self.prefix}_average_shortfall_end_units": finite(self.average_shortfall_end),
        }


@dataclass
class GapMetrics:
    """How far a community's averages are from the optimum when a run ends, and what the optimum costs.

    Parameters
    ----------
    prefix : str
        The community's name.
    """

    prefix: str
    gap_end: float = math.nan
    distance_end: float = math.nan

    def add(self, gaps: Array, distances: Array) -> None:
        """Take a block of ticks."""
        self.gap_end, self.distance_end = float(gaps[-1]), float(distances[-1])

    def result(self) -> Summary:
        """Gap and distance at the last tick."""
        return {
            f"{self.prefix}_cost_gap_end": finite(self.gap_end),
            f"{self.prefix}_distance_to_optimum_end": finite(self.distance_end),
        }
