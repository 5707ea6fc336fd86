"""A quantity over the places of a sweep: mean and interval over the seeds at each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cosim.config.axis_words import at_value
from cosim.study.robustness.estimates import Estimate, estimate
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import limits_of

Array = NDArray[np.float64]
Place = tuple[Any, ...]
"""A value of each axis."""


@dataclass(frozen=True)
class Panel:
    """The places that a heat map or a line shows: one or two numeric axes, all others held."""

    held: Place
    """Value of every other axis, in the order of `SweepPoints.axes`."""
    label: str
    """These in words; empty where there are no others."""
    mean: Array
    low: Array
    high: Array
    """Mean and ends of its 95 % interval; NaN where no point succeeded. Shape (n_y, n_x) or (n_x,)."""


def drawn_axes(points: SweepPoints) -> tuple[Axis, ...]:
    """The axes of a map: the first two numeric ones, the first along y; or the only one; or none."""
    return points.numeric_axes[:2]


def cell_estimates(points: SweepPoints, key: str) -> dict[Place, Estimate]:
    """Mean and interval of a number at every place where a point succeeded, in the order of the axes."""
    names = [axis.name for axis in points.axes]
    # A sample of cases alone draws a place more than once: runs of one seed there are the same run.
    runs = points.table.groupby([*names, "seed"], sort=False, dropna=False, as_index=False)[key].mean()
    found = {
        place: estimate(values.to_numpy(dtype=float, na_value=np.nan), limits_of(key))
        for place, values in runs.groupby(names, sort=False, dropna=False)[key]
    }
    ranks = [{value: rank for rank, value in enumerate(axis.values)} for axis in points.axes]
    by_rank = {
        tuple(rank[value] for rank, value in zip(ranks, place, strict=True)): found[place] for place in found
    }
    return {
        tuple(axis.values[rank] for axis, rank in zip(points.axes, place, strict=True)): by_rank[place]
        for place in sorted(by_rank)
    }


def panels(points: SweepPoints, key: str) -> list[Panel]:
    """A quantity as arrays over the drawn axes, one panel for each combination of the others."""
    drawn = drawn_axes(points)
    cells = cell_estimates(points, key)
    others = [axis for axis in points.axes if axis not in drawn]
    result = []
    for held in itertools.product(*(axis.values for axis in others)):
        fixed = dict(zip((axis.name for axis in others), held, strict=True))
        arrays = np.full((3, *(len(axis.values) for axis in drawn)), np.nan)
        for index, values in zip(
            np.ndindex(*arrays.shape[1:]), itertools.product(*(axis.values for axis in drawn)), strict=True
        ):
            there = dict(zip((axis.name for axis in drawn), values, strict=True)) | fixed
            cell = cells.get(tuple(there[axis.name] for axis in points.axes))
            if cell is not None:
                arrays[(slice(None), *index)] = cell.mean, cell.low, cell.high
        result.append(Panel(held, label_of(others, held), *arrays))
    return result


def label_of(axes: Sequence[Axis], values: Place) -> str:
    """Values of axes in words: names by themselves where these are clear, numbers with what they are of."""

    def text(axis: Axis, value: Any) -> str:
        if axis.is_numeric:
            return at_value(axis.name, f"{value:g}")
        return f"{axis.name} = {value}" if axis.shares_names else str(value)

    return ", ".join(text(axis, value) for axis, value in zip(axes, values, strict=True))


def by_seed(points: SweepPoints, key: str, place: dict[str, Any]) -> pd.Series:
    """A number's values by seed where axes have the values given."""
    table = points.table
    rows = np.logical_and.reduce([table[name] == value for name, value in place.items()])
    return table[rows].set_index("seed")[key]
