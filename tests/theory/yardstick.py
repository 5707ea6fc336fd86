"""The yardstick of a run, for tests that ask for single problems and for some of the households."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.community_costs import Costs
from cosim.regulation.optimum import OptimalCosts

Floats = NDArray[np.float64]
Members = NDArray[np.bool_] | None


def optimal_costs(costs: Costs, sums: Floats, active: Members = None) -> Floats:
    """Optimal cost for each of K capacity vectors, of shape (K, m), among those who are active."""
    there = _of(costs, active)
    return OptimalCosts(there, np.size(sums) * there.n_households).of(np.asarray(sums, dtype=np.float64))


def cost_gaps(costs: Costs, averages: Floats, active: Members = None) -> Floats:
    """How much averages of shape (K, N, m) cost above the optimum for the sums they reach."""
    present = averages if active is None else averages[:, active]
    return (
        OptimalCosts(_of(costs, active), present.size)
        .measure(np.ascontiguousarray(present.transpose(0, 2, 1)))
        .gaps
    )


def _of(costs: Costs, active: Members) -> Costs:
    return costs if active is None else costs.select(np.flatnonzero(active))
