"""Cases alone and in pairs as a triangle of numbers: what each does against none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cosim.engine.wings import describe
from cosim.report.robustness_maps import DIVERGING, short_estimate
from cosim.report.style import DARK, new_figure
from cosim.study.robustness.pairs import Effect, PairMatrix
from cosim.study.robustness.points import SweepPoints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MORE, LESS = "▲", "▼"
"""Marks of a pair that does more, or less, than its parts together."""


def pairs_figure(points: SweepPoints, matrix: PairMatrix) -> Figure:
    """The change by each case (diagonal) and each pair (below it).

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    matrix : PairMatrix
        The effects on one quantity.
    """
    from matplotlib.colors import TwoSlopeNorm

    name = describe(matrix.quantity.key, points.communities)
    n = len(matrix.singles)
    values = np.full((n, n), np.nan)
    for names, effect in matrix.effects.items():
        row, column = _place(matrix, names)
        values[row, column] = effect.change.mean * name.scale
    largest = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    figure, (ax,) = new_figure(1.5 + 0.48 * n)
    norm = TwoSlopeNorm(0.0, -largest, largest)
    drawn = ax.pcolormesh(np.ma.masked_invalid(values), cmap=DIVERGING, norm=norm, edgecolors="w")
    for names, effect in matrix.effects.items():
        row, column = _place(matrix, names)
        strong = abs(values[row, column]) > 0.7 * largest
        text = f"{_text(effect, name.scale)}"
        weight = "bold" if len(names) == 1 else "normal"
        ax.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6.2, weight=weight,
            color="w" if strong else DARK,
        )  # fmt: skip
    places = np.arange(n) + 0.5
    ax.set_xticks(places, matrix.singles, rotation=35, ha="right")
    ax.set_yticks(places, matrix.singles)
    ax.invert_yaxis()
    ax.grid(False)
    bar = figure.colorbar(drawn, ax=ax, pad=0.01, fraction=0.04)
    bar.set_label(f"change [{name.unit or '-'}]")
    base = short_estimate(matrix.baseline, name.scale)
    ax.set_title(
        f"{name.name} [{name.unit or '-'}]: change against none ({base}); alone on the diagonal.\n"
        f"{MORE} / {LESS}: a pair does more / less than its parts together"
    )
    return figure


def _place(matrix: PairMatrix, names: tuple[str, ...]) -> tuple[int, int]:
    """Row and column: a pair stands below the diagonal."""
    places = sorted(matrix.singles.index(name) for name in names)
    return places[-1], places[0]


def _text(effect: Effect, scale: float) -> str:
    text = short_estimate(effect.change, scale)
    if effect.interaction is None or effect.interaction.sign == 0:
        return text
    return f"{text} {MORE if effect.interaction.sign > 0 else LESS}"
