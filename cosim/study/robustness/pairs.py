"""Each case alone and in pairs: what it does against none, and what a pair does beyond its parts.

A case whose name is ``one + other`` is the pair of the cases with these names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cosim.study.robustness.break_even import baseline_of
from cosim.study.robustness.estimates import Estimate, estimate, paired_difference
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity, limits_of

JOIN = " + "
"""What stands between the names of a pair."""


@dataclass(frozen=True)
class Effect:
    """What a case, or a pair of them, does to a quantity."""

    names: tuple[str, ...]
    """One name, or two."""
    change: Estimate
    """The quantity less its baseline, over the seeds that both have."""
    interaction: Estimate | None
    """What a pair does beyond the sum of its parts; None for a single case, and where a part is missing."""


@dataclass(frozen=True)
class PairMatrix:
    """Every case alone and, where the sweep has some, in pairs."""

    quantity: Quantity
    """What is looked at."""
    axis: Axis
    """The axis of the cases."""
    baseline: Estimate
    """The quantity with none of them."""
    singles: tuple[str, ...]
    """Names of the single cases."""
    effects: dict[tuple[str, ...], Effect]
    """By names: one, or two in the order of `singles`."""

    @property
    def has_pairs(self) -> bool:
        """Whether there are cases in pairs."""
        return any(len(names) > 1 for names in self.effects)


def compared_axis(points: SweepPoints, wanted: str = "") -> Axis | None:
    """The axis whose cases are compared over all places.

    It is one with pairs; or, where no axis is a number that break-evens could be along, one with a baseline.

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    wanted : str
        Name of the baseline; ``none`` or ``baseline`` by default.
    """
    for axis in points.named_axes:
        names = {str(value) for value in axis.values}
        if baseline_of(axis, wanted) and any(
            JOIN in name and set(name.split(JOIN)) <= names for name in names
        ):
            return axis
    if points.numeric_axes:
        return None
    return next((axis for axis in points.named_axes if baseline_of(axis, wanted)), None)


def pair_matrix(points: SweepPoints, quantity: Quantity, wanted: str = "") -> PairMatrix | None:
    """The effects of cases and pairs on a quantity; None where there is no `compared_axis`, or no baseline.

    Other axes are averaged over, place by place: a difference is always between runs that differ in the case
    alone.

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    quantity : Quantity
        What is looked at.
    wanted : str
        Name of the baseline; ``none`` or ``baseline`` by default.
    """
    axis = compared_axis(points, wanted)
    baseline = baseline_of(axis, wanted) if axis is not None else ""
    if axis is None or not baseline:
        return None
    values = {str(name): _runs(points, quantity.key, axis, str(name)) for name in axis.values}
    without = values.pop(baseline)
    # A part may have failed wherever it stood alone.
    singles = tuple(dict.fromkeys(part for name in values for part in name.split(JOIN)))
    effects: dict[tuple[str, ...], Effect] = {}
    for name, runs in values.items():
        parts = tuple(sorted(name.split(JOIN), key=singles.index))
        interaction = None
        if len(parts) == 2 and all(part in values for part in parts):
            expected = values[parts[0]] + values[parts[1]] - without
            interaction = _difference(runs, expected)
        effects[parts] = Effect(parts, _difference(runs, without), interaction)
    baseline_by_seed = without.groupby(level="seed").mean().to_numpy(dtype=float, na_value=np.nan)
    return PairMatrix(quantity, axis, estimate(baseline_by_seed, limits_of(quantity.key)), singles, effects)


def _runs(points: SweepPoints, key: str, axis: Axis, name: str) -> pd.Series:
    """Values by seed and by the values of the other axes."""
    rows = points.table[points.table[axis.name] == name]
    others = [other.name for other in points.axes if other != axis]
    return rows.set_index(["seed", *others])[key].astype(float)


def _difference(one: pd.Series, other: pd.Series) -> Estimate:
    """Mean of ``one - other`` over the seeds, of the places that both have."""
    both = pd.concat([one, other], axis=1, join="inner", keys=["one", "other"]).dropna()
    by_seed = both.groupby(level="seed").mean()
    return paired_difference(by_seed["one"], by_seed["other"])
