"""What each axis of a sample does to a quantity while the others vary too: partial rank correlations.

The places of a sample share no value of an axis, so there is no map to be drawn. What can be said is whether
a quantity rises or falls with an axis once the part that the other axes explain is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.study.robustness.cells import cell_estimates
from cosim.study.robustness.estimates import CONFIDENCE, Estimate, estimate
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity, limits_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sensitivity:
    """How a quantity goes with one axis."""

    quantity: Quantity
    """What is looked at."""
    axis: Axis
    """A numeric one."""
    correlation: float
    """Partial rank correlation, -1 to 1; NaN where nothing is left to correlate."""
    low: float
    high: float
    """Its 95 % interval; NaN with too few places."""
    n: int
    """Places that it is from."""

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class SampledPlaces:
    """A quantity at every place of a sample, averaged over its seeds."""

    coordinates: dict[Axis, tuple[object, ...]]
    """By the axis: its value at each place."""
    means: Array
    """The quantity. Shape (n_places,)."""


def sampled_places(points: SweepPoints, key: str) -> SampledPlaces:
    """The places at which a number of the summary is known."""
    cells = cell_estimates(points, key)
    known = {place: found.mean for place, found in cells.items() if np.isfinite(found.mean)}
    columns = zip(*known, strict=True) if known else ((),) * len(points.axes)
    return SampledPlaces(
        dict(zip(points.axes, map(tuple, columns), strict=True)),
        np.array(list(known.values()), dtype=np.float64),
    )


def sensitivities(points: SweepPoints, quantities: Sequence[Quantity]) -> list[Sensitivity]:
    """Partial rank correlation of every quantity with every numeric axis of a sample.

    Ranks of axis and quantity are each cleared of what the other axes explain linearly (a named axis counts
    as one variable a case), then correlated: the PRCC of S. Marino et al., "A methodology for performing
    global uncertainty and sensitivity analysis in systems biology", J. Theor. Biol. 254 (2008). It sees what
    rises or falls throughout, and misses what has its best in the middle. The interval is Fisher's with the
    variance of D. Bonett and T. Wright, Psychometrika 65 (2000), less a degree of freedom for each variable
    taken out.
    """
    found = []
    for quantity in quantities:
        places = sampled_places(points, quantity.key)
        found += [_sensitivity(quantity, axis, places) for axis in points.numeric_axes]
    return found


def case_means(points: SweepPoints, quantity: Quantity, axis: Axis) -> dict[str, Estimate]:
    """Mean of a quantity over the places of each case of a named axis, with its interval over the places."""
    places = sampled_places(points, quantity.key)
    mine = np.array([str(value) for value in places.coordinates[axis]])
    limits = limits_of(quantity.key)
    return {str(value): estimate(places.means[mine == str(value)], limits) for value in axis.values}


def partial_rank_correlation(one: Array, other: Array, held: Sequence[Array]) -> tuple[float, float, float]:
    """Correlation of the ranks of two variables without what `held` explains of either, and its interval.

    Parameters
    ----------
    one, other : ndarray, shape (n,)
        The variables.
    held : sequence of ndarray, shape (n,)
        What is taken out of both, in ranks.

    Returns
    -------
    (float, float, float)
        Value, lower and upper end of 95 %; NaN where one of them does not vary, or there are too few points.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    design = np.column_stack([np.ones(len(one)), *held])
    left = [_residual(rankdata(variable), design) for variable in (one, other)]
    scale = math.sqrt(float(left[0] @ left[0]) * float(left[1] @ left[1]))
    # Residuals that are rounding alone have nothing to correlate.
    if scale <= 1e-9 * len(one) ** 3:
        return math.nan, math.nan, math.nan
    value = min(1.0, max(-1.0, float(left[0] @ left[1]) / scale))
    degrees = len(one) - 3 - len(held)
    if degrees <= 0:
        return value, math.nan, math.nan
    spread = float(ndtri((1 + CONFIDENCE) / 2)) * math.sqrt((1 + value**2 / 2) / degrees)
    with np.errstate(divide="ignore"):
        center = np.arctanh(value)
    return value, float(np.tanh(center - spread)), float(np.tanh(center + spread))


def _sensitivity(quantity: Quantity, axis: Axis, places: SampledPlaces) -> Sensitivity:
    from scipy.stats import rankdata

    held: list[Array] = []
    for other, coordinates in places.coordinates.items():
        if other.is_numeric and other != axis:
            held.append(rankdata(np.array(coordinates, dtype=float)))
        elif not other.is_numeric:
            labels = np.array([str(value) for value in coordinates])
            held += [(labels == str(value)).astype(float) for value in other.values[1:]]
    along = np.array(places.coordinates[axis], dtype=float)
    found = partial_rank_correlation(along, places.means, held)
    return Sensitivity(quantity, axis, *found, len(places.means))


def _residual(values: Array, design: Array) -> Array:
    explained = design @ np.linalg.lstsq(design, values)[0]
    return np.asarray(values - explained, dtype=np.float64)
