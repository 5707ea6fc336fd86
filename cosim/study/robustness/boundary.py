"""Where a simulated loop begins to oscillate as its gain grows, beside the theoretical limit.

In the linear regime the error's variance diverges as the gain nears the limit; beyond it the swing grows
until households are at 0 or 1 all together, and then no further. So over a range of gains the error climbs
from chance to saturation, within a few percent of the limit: the boundary is where it passes half of the
largest.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cosim.core.numbers import names_in
from cosim.engine.wings import describe
from cosim.regulation.design import GAIN_OVER_LIMIT
from cosim.regulation.stability import stability_limit
from cosim.study.robustness.cells import Place
from cosim.study.robustness.estimates import NOT_NEGATIVE, Estimate, Limits, estimate
from cosim.study.robustness.points import Axis, SweepPoints

Array = NDArray[np.float64]

SHARE_OF_SATURATION = 0.5
"""The error that counts as oscillation, over the largest one of the sweep."""


@dataclass(frozen=True)
class BoundaryPoint:
    """The boundary at one place of the other axes."""

    place: Place
    """Values of the other axes."""
    delay_steps: float
    """Mean loop delay d there."""
    simulated: Estimate
    """Gain at which the error passes the threshold, over the seeds; NaN where it never does."""
    theory: float
    """Largest stable gain for the delays that the households have (`mixture_stability_limit`)."""
    formula: float
    """2 sin(π / (2(2d+1))) / G at the mean delay: the same where all have one whole delay, else lower."""
    deviation: Estimate
    """Simulated over theory, less 1, seed by seed: each seed has delays of its own, and its own limit."""


@dataclass(frozen=True)
class Boundary:
    """The boundary of one resource over a sweep."""

    resource: str
    """``community_resource``."""
    gain_axis: Axis
    """The axis that varies the gain."""
    other_axes: tuple[Axis, ...]
    """All others."""
    threshold_units: float
    """The error that counts as oscillation."""
    points: tuple[BoundaryPoint, ...]
    """In the order of the other axes."""

    @property
    def crossed(self) -> list[BoundaryPoint]:
        """The places at which the error passes the threshold within the gains of the sweep."""
        return [point for point in self.points if math.isfinite(point.simulated.mean)]


def find_boundaries(points: SweepPoints) -> list[Boundary]:
    """The boundary of each resource whose gain is varied along an axis; empty where none is."""
    found = []
    for key in points.table.columns:
        number = describe(str(key)).number
        if number.pattern != GAIN_OVER_LIMIT:
            continue
        resource = names_in(str(key), number)
        axis = _gain_axis(points, resource)
        if axis is not None:
            found.append(_boundary(points, resource, axis))
    return found


def crossing(gains: Array, errors: Array, threshold: float) -> float:
    """The gain from which on the error stays above a threshold, interpolated between logarithms.

    Parameters
    ----------
    gains : ndarray, shape (n,)
        Increasing.
    errors : ndarray, shape (n,)
        Positive; NaN is left out.
    threshold : float
        What is to be passed.

    Returns
    -------
    float
        NaN where the largest gain is below the threshold, or the smallest above it.
    """
    known = np.isfinite(errors)
    gains, errors = gains[known], errors[known]
    below = np.flatnonzero(errors <= threshold)
    if len(below) == 0 or below[-1] == len(errors) - 1:
        return math.nan
    last = int(below[-1])
    ends = np.log(np.maximum(errors[last : last + 2], 1e-300))
    share = (math.log(threshold) - ends[0]) / (ends[1] - ends[0])
    return float(gains[last] * (gains[last + 1] / gains[last]) ** share)


def _gain_axis(points: SweepPoints, resource: str) -> Axis | None:
    """The numeric axis that the gain is proportional to, and nothing else."""
    gain = points.table[f"{resource}_gain_signal_per_unit"].to_numpy(dtype=float)
    for axis in points.numeric_axes:
        values = points.table[axis.name].to_numpy(dtype=float)
        if np.all(values > 0) and np.allclose(gain / values, gain[0] / values[0], rtol=1e-9):
            return axis
    return None


def _boundary(points: SweepPoints, resource: str, gain_axis: Axis) -> Boundary:
    others = tuple(axis for axis in points.axes if axis != gain_axis)
    community = max((name for name in points.communities if resource.startswith(f"{name}_")), key=len)
    error = f"{resource}_measured_rmse_units"
    threshold = SHARE_OF_SATURATION * float(points.table[error].max())
    columns = [axis.name for axis in others]
    groups = dict(iter(points.table.groupby(columns, sort=False))) if columns else {(): points.table}
    found = []
    for place in itertools.product(*(axis.values for axis in others)):
        rows = groups.get(place)
        if rows is not None:
            crossings = _crossings(rows, gain_axis.name, error, threshold)
            found.append(_boundary_point(rows, place, resource, community, gain_axis.name, crossings))
    return Boundary(resource, gain_axis, others, threshold, tuple(found))


def _crossings(rows: pd.DataFrame, gain: str, error: str, threshold: float) -> pd.Series:
    """The boundary of each seed."""
    by_gain = rows.pivot_table(index=gain, columns="seed", values=error)
    gains = by_gain.index.to_numpy(dtype=float)
    return by_gain.apply(lambda errors: crossing(gains, errors.to_numpy(dtype=float), threshold))


def _boundary_point(
    rows: pd.DataFrame, place: Place, resource: str, community: str, gain: str, crossings: pd.Series
) -> BoundaryPoint:
    delay = float(rows[f"{community}_loop_delay_steps"].mean())
    loop_gain = float(rows[f"{resource}_loop_gain_units_per_signal"].mean())
    actual = rows[f"{resource}_gain_signal_per_unit"].astype(float)
    scale = float((rows[gain].astype(float) / actual).mean())  # of the axis to the gain itself
    limits = scale * actual / rows[f"{resource}_gain_over_limit"].astype(float)
    theory = limits.groupby(rows["seed"]).mean()
    formula = scale * stability_limit(delay) / loop_gain
    deviation = estimate((crossings / theory - 1).to_numpy(), Limits(-1.0))
    simulated = estimate(crossings.to_numpy(), NOT_NEGATIVE)
    return BoundaryPoint(place, delay, simulated, float(theory.mean()), formula, deviation)
