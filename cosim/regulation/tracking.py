"""How well a community follows its capacities, and how far it is from its optimum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.core.numbers import COMMUNITY, Number, Summary, declared, finite

Array = NDArray[np.float64]

_STEPS = "table `regulation`; steps that begin before the warm-up is over do not count"
NUMBERS = (
    *declared(COMMUNITY, _STEPS,
        Number("{community}_{resource}_tracking_rmse_units", "error (RMS)", "units",
            "root mean square of the aggregate of each step less its capacity, which is that of the tick it "
            "begins with",
            "less"),
        Number("{community}_{resource}_tracking_bias_units", "error (mean)", "units",
            "mean of the same differences; positive is too much", least=-math.inf),
        Number("{community}_{resource}_capacity_mean_units", "mean capacity", "units",
            "mean of the capacity over the same steps"),
        Number("{community}_{resource}_measured_rmse_units", "error as measured", "units",
            "root mean square of what the platform measured less the capacity of the steps that it measured, "
            "by phases and mean latencies; null where it measured nothing", "less"),
        Number("{community}_{resource}_gradient_spread_end", "gradient spread", "cost/unit",
            "largest minus smallest ∇g among the members at the last step", "less"),
        Number("{community}_{resource}_average_shortfall_end_units", "average shortfall", "units",
            "capacity less Σx̄ at the last step; null if the capacity ever changed", least=-math.inf),
        Number("{community}_cost_gap_end", "cost above the optimum", "cost",
            "cost of the averages above the optimum for the sums they reach, at the last step", "less"),
        Number("{community}_distance_to_optimum_end", "distance to the optimum", "units",
            "‖x̄ - x*‖ at the last step, x* the optimum for the capacities; null where it does "
            "not exist", "less"),
    ),
)  # fmt: skip


class Targets:
    """The capacities that what the ticks show of a resource is compared with.

    A tick's capacity is that of the step which begins with it, and its aggregate that of the step which ends
    with it. What the platform measures at a tick is of steps of its households that began some ticks before.

    Parameters
    ----------
    heard_after : ndarray of int, shape (n,)
        How many ticks after the one that a step begins with each household's step is measured.
    """

    def __init__(self, heard_after: NDArray[np.int64]) -> None:
        (first, *others), counts = np.unique(heard_after, return_counts=True)
        self._first = int(first)
        self._others = [(int(each), n / len(heard_after)) for each, n in zip(others, counts[1:], strict=True)]
        self._n_before = max(1, int(heard_after.max()))
        self._before: Array | None = None

    def add(self, capacity: Array) -> tuple[Array, Array]:
        """Take the capacities of some ticks; what the aggregate and measurement of each are compared with.

        Before the first tick the capacity is taken to be that of the first tick.
        """
        before = np.full(self._n_before, capacity[0]) if self._before is None else self._before
        known = np.concatenate([before, capacity])
        self._before = known[-self._n_before :]

        def earlier(n_ticks: int) -> Array:
            return known[self._n_before - n_ticks : len(known) - n_ticks]

        measured = earlier(self._first)
        # Differences, so that a capacity that does not change is itself to the last bit.
        shifts = [share * (earlier(n_ticks) - measured) for n_ticks, share in self._others]
        return earlier(1), sum(shifts, measured)


@dataclass
class TrackingMetrics:
    """How well a resource's aggregate follows its capacity, over all steps from the warm-up's end on.

    Parameters
    ----------
    prefix : str
        ``community_resource``.
    from_ms : int
        The first tick that counts: a step before it the warm-up is over.

    Notes
    -----
    The aggregate is the mean over a step. What the platform measures swings more in a loop that oscillates:
    households that wake at different times of a step take turns, and the mean over the step hides it.
    """

    prefix: str
    from_ms: int
    n: int = 0
    error_sum: float = 0.0
    square_sum: float = 0.0
    capacity_sum: float = 0.0
    n_measured: int = 0
    measured_square_sum: float = 0.0
    spread_end: float = math.nan
    is_constant: bool = True
    average_shortfall_end: float = math.nan

    def add(self, columns: Mapping[str, Array], times_ms: NDArray[np.int64]) -> None:
        """Take a block of the regulation table of this resource, with what it is compared with."""
        used = times_ms >= self.from_ms
        error = (columns["aggregate"] - columns["target"])[used]
        self.n += len(error)
        self.error_sum += math.fsum(error)
        self.square_sum += math.fsum(error * error)
        self.capacity_sum += math.fsum(columns["target"][used])
        measured = (columns["measured"] - columns["measured_target"])[used]
        measured = measured[np.isfinite(measured)]
        self.n_measured += len(measured)
        self.measured_square_sum += math.fsum(measured * measured)
        self.spread_end = float(columns["gradient_spread"][-1])
        # Averages are of many steps: against a capacity that moves they fall short for no reason.
        self.is_constant &= bool(np.all(columns["capacity"] == columns["target"]))
        shortfall = float(columns["capacity"][-1] - columns["average_sum"][-1])
        self.average_shortfall_end = shortfall if self.is_constant else math.nan

    def result(self) -> Summary:
        """Tracking error (aggregate minus capacity, step by step) and the state at the end."""
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
