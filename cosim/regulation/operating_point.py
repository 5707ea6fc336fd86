"""Where policies hold a community once it has settled, and how the aggregate answers the signal there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.community_costs import Costs
from cosim.regulation.fixed_points import NOT_FIXED, settle
from cosim.regulation.responses import Responses


class OperatingPoint(NamedTuple):
    """Where policies hold the community once it has settled."""

    averages: NDArray[np.float64]
    """x̄ at the fixed point σ = x̄. Shape (N, m)."""
    signals: NDArray[np.float64]
    """Ω*, the signals that hold it there, in the policies' `signal_unit`. Shape (m,)."""
    loop_gains: NDArray[np.float64]
    """G_r = Σ dσ_ir/dΩ_r over the households that are not saturated at 0 or 1. Shape (m,)."""
    locked_out: NDArray[np.bool_]
    """Who stays at 0 for every resource, since its policy multiplies by a gradient that is not positive.
    Shape (N,)."""
    residual: float
    """Largest distance between x̄ and the clipped response, and between Σ x̄ and C."""

    @property
    def is_fixed(self) -> bool:
        """Whether it is one: else there is none for these capacities that the market can reach."""
        return self.residual <= NOT_FIXED


def operating_point(
    responses: Responses,
    costs: Costs,
    capacities: NDArray[np.float64],
) -> OperatingPoint:
    """Averages, signals and loop gains at the fixed point of all responses.

    Parameters
    ----------
    responses : Responses
        Of N households.
    costs : Costs
        Of N households.
    capacities : ndarray, shape (m,)
        C_r.

    Raises
    ------
    InputError
        If a capacity is below 0 or above the number of households.
    """
    capacities = np.asarray(capacities, dtype=np.float64)
    x, signals, locked_out = settle(responses, costs, capacities)
    slopes_of_cost = np.array(costs.gradients(list(x)))
    response = responses.response(signals[:, np.newaxis], x, slopes_of_cost)
    distance = np.abs(np.clip(response, 0.0, 1.0) - x).max(initial=0.0)
    residual = max(distance, np.abs(x.sum(axis=1) - capacities).max(initial=0.0))
    answers = (x > 0.0) & (x < 1.0)
    # An average may approach its bound for ever; the response says who is held there.
    answers[(response <= 0.0) | (response >= 1.0)] = False
    slopes = np.where(answers, responses.slope(x, slopes_of_cost), 0.0)
    return OperatingPoint(np.ascontiguousarray(x.T), signals, slopes.sum(axis=1), locked_out, float(residual))
