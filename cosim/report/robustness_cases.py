"""Cases of a sweep whose axes are names alone: what each gives, and what it changes against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.engine.wings import describe
from cosim.report.robustness_lines import better_side
from cosim.report.robustness_maps import short_estimate
from cosim.report.style import DARK, STRONG, new_figure
from cosim.study.robustness.cells import cell_estimates, label_of
from cosim.study.robustness.estimates import Estimate
from cosim.study.robustness.pairs import PairMatrix
from cosim.study.robustness.points import SweepPoints

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def means_figure(points: SweepPoints, key: str) -> Figure:
    """A quantity at every place of a sweep that has no numeric axis."""
    name = describe(key, points.communities)
    cells = cell_estimates(points, key)
    labels = [label_of(points.axes, place) for place in cells]
    title = f"{name.name}: mean and 95 % interval over {points.n_seeds} seeds"
    return _dots(title, f"[{name.unit or '-'}]", labels, list(cells.values()), name.scale)


def changes_figure(points: SweepPoints, matrix: PairMatrix) -> Figure:
    """What each case changes against the baseline, seed by seed."""
    name = describe(matrix.quantity.key, points.communities)
    base = short_estimate(matrix.baseline, name.scale)
    title = f"{name.name}: what each case changes against none ({base}; {better_side(matrix.quantity)})"
    changes = [matrix.effects[(single,)].change for single in matrix.singles]
    figure = _dots(title, f"change [{name.unit or '-'}]", matrix.singles, changes, name.scale)
    figure.axes[0].axvline(0.0, color=DARK, linewidth=1.0)
    return figure


def _dots(title: str, unit: str, labels: Sequence[str], found: Sequence[Estimate], scale: float) -> Figure:
    """A dot with its interval for each label, the first at the top."""
    figure, (ax,) = new_figure(1.1 + 0.28 * len(labels))
    mean, low, high = np.array([each[:3] for each in found]).T * scale
    around = np.nan_to_num([mean - low, high - mean])
    rows = np.arange(len(labels))
    ax.errorbar(mean, rows, xerr=around, fmt="o", color=STRONG, ecolor=STRONG, elinewidth=1.4, capsize=2.5)
    ax.set_yticks(rows, labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlabel(unit)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
