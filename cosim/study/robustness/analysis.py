"""All that is worked out of a sweep, before anything is drawn or written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cosim.core.errors import InputError, Problem, suggest
from cosim.study.robustness.boundary import Boundary, find_boundaries
from cosim.study.robustness.break_even import BreakEven, baseline_of, break_evens
from cosim.study.robustness.cells import Panel, panels
from cosim.study.robustness.pairs import PairMatrix, compared_axis, pair_matrix
from cosim.study.robustness.points import SweepPoints, read_points
from cosim.study.robustness.quantities import Quantity, choose_quantities
from cosim.study.robustness.sensitivity import Sensitivity, sensitivities


@dataclass(frozen=True)
class Analysis:
    """What a sweep says."""

    points: SweepPoints
    """What it was made from."""
    quantities: tuple[Quantity, ...]
    """What was looked at."""
    panels: dict[str, list[Panel]]
    """By the quantity's key: its means and intervals over the drawn axes; empty without a numeric axis."""
    boundaries: tuple[Boundary, ...]
    """Where loops begin to oscillate, where a gain was varied."""
    break_evens: tuple[BreakEven, ...]
    """Cases against their baseline, where there is one and a numeric axis."""
    pair_matrices: tuple[PairMatrix, ...]
    """Cases alone and in pairs, where there are pairs, or where no axis is a number."""
    sensitivities: tuple[Sensitivity, ...] = ()
    """What each axis does, where the points are a sample; then all of the above are empty, for they compare
    places of a grid."""


def analyse(folder: Path, wanted: list[str], baseline: str = "") -> Analysis:
    """Work out all that can be of a sweep.

    Parameters
    ----------
    folder : Path
        The sweep's directory.
    wanted : list of str
        Names of the numbers to look at; the usual ones if empty.
    baseline : str
        The case that others are compared with; ``none`` or ``baseline`` by default.

    Raises
    ------
    InputError
        If it is no sweep, has no such number, no such case, or nothing in it varies.
    """
    points = read_points(folder)
    _require_baseline(points, baseline)
    quantities = choose_quantities(points, wanted)
    if not quantities:
        message = "none of the usual numbers varies over this sweep's points"
        raise InputError(
            [Problem(message, "Name the numbers to evaluate with --quantity.", file=str(folder))]
        )
    if points.is_sample:
        found = tuple(sensitivities(points, quantities))
        return Analysis(points, tuple(quantities), {}, (), (), (), found)
    compared = compared_axis(points, baseline)
    matrices = [pair_matrix(points, quantity, baseline) for quantity in quantities] if compared else []
    return Analysis(
        points,
        tuple(quantities),
        {q.key: panels(points, q.key) for q in quantities} if points.numeric_axes else {},
        tuple(find_boundaries(points)),
        tuple(break_evens(points, quantities, baseline)) if compared is None else (),
        tuple(matrix for matrix in matrices if matrix is not None),
    )


def _require_baseline(points: SweepPoints, baseline: str) -> None:
    if baseline and points.is_sample:
        message = (
            "the points of this sweep are a sample: no two cases were run at the same place, to be compared"
        )
        raise InputError([Problem(message, "Leave --baseline out.", "--baseline", value=baseline)])
    if baseline and not any(baseline_of(axis, baseline) for axis in points.named_axes):
        known = [str(value) for axis in points.named_axes for value in axis.values]
        message = "no axis of this sweep has a case of this name"
        raise InputError([Problem(message, suggest(baseline, known), "--baseline", value=baseline)])
