"""From where on a case, such as a mitigation, is better than none, along each numeric axis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cosim.study.robustness.cells import Place, by_seed, label_of
from cosim.study.robustness.estimates import (
    FEWEST_SEEDS,
    Estimate,
    bootstrap_rows,
    paired_difference,
    percentile_interval,
)
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity

Array = NDArray[np.float64]

NONE_NAMES = ("none", "baseline", "base", "null")
"""Names of the case that others are compared with."""


@dataclass(frozen=True)
class BreakEven:
    """Where along an axis a case, such as a mitigation, begins to pay."""

    quantity: Quantity
    """What it is judged by."""
    case: str
    baseline: str
    """The case, and the one it is compared with."""
    axis: Axis
    """The numeric axis."""
    held_axes: tuple[Axis, ...]
    """All others but that of the cases."""
    held: Place
    """Their values."""
    effects: tuple[Estimate, ...]
    """Case less baseline at each value of the axis, over the seeds that both have; negative is better (the
    sign is turned where a larger number is better)."""
    value: float
    """Where the mean effect becomes and stays negative: the first value of the axis where it always is, NaN
    where it is not even at the last."""
    low: float
    high: float
    """Interval of 95 % of it, by bootstrap over the seeds; infinite where seeds drawn anew never come to it,
    NaN for fewer than `FEWEST_SEEDS`."""
    worse_from: float
    """Where the mean effect becomes and stays positive; NaN where it is not at the last value of the axis."""

    @property
    def n_better(self) -> int:
        """Values of the axis at which the case is better, with its whole interval."""
        return sum(effect.sign < 0 for effect in self.effects)

    @property
    def n_worse(self) -> int:
        """Values of the axis at which it is worse, with its whole interval."""
        return sum(effect.sign > 0 for effect in self.effects)


def baseline_of(axis: Axis, wanted: str = "") -> str:
    """The case that the others of an axis are compared with; empty where it has none of such a name."""
    names = [wanted] if wanted else list(NONE_NAMES)
    return next((str(value) for value in axis.values if str(value) in names), "")


def break_evens(points: SweepPoints, quantities: Sequence[Quantity], wanted: str = "") -> list[BreakEven]:
    """Every case against the baseline of its axis, along every numeric axis, at every place of the others.

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    quantities : sequence of Quantity
        What to judge by.
    wanted : str
        Name of the baseline; ``none`` or ``baseline`` by default.
    """
    found = []
    for cases in points.named_axes:
        baseline = baseline_of(cases, wanted)
        if not baseline:
            continue
        for quantity, axis in itertools.product(quantities, points.numeric_axes):
            others = tuple(other for other in points.axes if other not in (cases, axis))
            for case in cases.values:
                if case == baseline:
                    continue
                for held in itertools.product(*(other.values for other in others)):
                    fixed = dict(zip((other.name for other in others), held, strict=True))
                    found.append(_one(points, quantity, cases, str(case), baseline, axis, others, fixed))
    return found


def sign_change(places: Array, effects: Array) -> float:
    """Where effects along an axis become negative and stay so, interpolated; NaN where the last is not.

    Parameters
    ----------
    places : ndarray, shape (n,)
        Increasing.
    effects : ndarray, shape (n,)
        Negative is better; NaN is left out.
    """
    known = np.isfinite(effects)
    places, effects = places[known], effects[known]
    bad = np.flatnonzero(effects >= 0)
    if len(effects) == 0 or (len(bad) and bad[-1] == len(effects) - 1):
        return math.nan
    if len(bad) == 0:
        return float(places[0])
    last = int(bad[-1])
    share = effects[last] / (effects[last] - effects[last + 1])
    return float(places[last] + share * (places[last + 1] - places[last]))


def _one(
    points: SweepPoints,
    quantity: Quantity,
    cases: Axis,
    case: str,
    baseline: str,
    axis: Axis,
    others: tuple[Axis, ...],
    fixed: dict[str, Any],
) -> BreakEven:
    effects, columns = [], []
    for value in axis.values:
        at = {**fixed, axis.name: value}
        with_it = quantity.harm(1) * by_seed(points, quantity.key, {**at, cases.name: case})
        without = quantity.harm(1) * by_seed(points, quantity.key, {**at, cases.name: baseline})
        effects.append(paired_difference(with_it, without))
        columns.append(with_it - without)
    places = np.array(axis.values, dtype=float)
    by_seed_and_place = pd.concat(columns, axis=1).to_numpy(dtype=float, na_value=np.nan)
    low, high = _interval(places, by_seed_and_place)
    means = np.array([effect.mean for effect in effects])
    value, worse_from = sign_change(places, means), sign_change(places, -means)
    return BreakEven(
        quantity,
        label_of([cases], (case,)),
        baseline,
        axis,
        others,
        tuple(fixed.values()),
        tuple(effects),
        value,
        low,
        high,
        worse_from,
    )


def _interval(places: Array, differences: Array) -> tuple[float, float]:
    """Interval of the sign change, with the seeds drawn anew; unknown for few of them."""
    n_seeds = len(differences)
    if n_seeds < FEWEST_SEEDS:
        return math.nan, math.nan
    with np.errstate(invalid="ignore"):
        known = np.isfinite(differences)
        chosen = bootstrap_rows(n_seeds)
        sums, counts = np.where(known, differences, 0.0)[chosen].sum(axis=1), known[chosen].sum(axis=1)
        means = sums / counts
    return percentile_interval(np.array([sign_change(places, row) for row in means]), n_seeds)
