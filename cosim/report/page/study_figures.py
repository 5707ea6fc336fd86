"""Figures of studies as scripts read them: curves with bands, dots with intervals, maps with runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Figure = dict[str, Any]


def curves(title: str, x_label: str, y_label: str, found: Sequence[dict[str, Any]], **more: Any) -> Figure:
    """Lines over a number, each with the band of its interval.

    Parameters
    ----------
    title, x_label, y_label : str
        Above the figure and at its axes.
    found : sequence of dict
        As from `curve`.
    **more
        ``about``, a sentence; ``line``, a value and its name; ``log``, whether x is spaced so.
    """
    return {
        "kind": "curves",
        "title": title,
        "x_label": x_label,
        "y_label": y_label,
        "curves": list(found),
        **more,
    }


def curve(
    name: str, x: Sequence[float] | Array, y: Array, low: Array, high: Array, **more: Any
) -> dict[str, Any]:
    """One line; what is not known is left out of it.

    Parameters
    ----------
    name : str
        In the legend.
    x, y, low, high : sequence of float
        Its points, with the ends of their intervals.
    **more
        ``shade``, the number of its colour, by default its place; ``hollow``, which of its marks are.
    """
    points = {key: plain(values) for key, values in zip("xylh", (x, y, low, high), strict=True)}
    return {"name": name, **points, **more}


def dots(title: str, x_label: str, rows: Sequence[dict[str, Any]], **more: Any) -> Figure:
    """A row for each thing: a dot, its interval, and the single values behind it.

    Parameters
    ----------
    title, x_label : str
        Above the figure and at its axis.
    rows : sequence of dict
        As from `dot`.
    **more
        ``about``, a sentence; ``zero``, whether a line stands at 0; ``words``, what dot, line and small dots
        are called in the legend, empty where there are none.
    """
    return {"kind": "dots", "title": title, "x_label": x_label, "rows": list(rows), **more}


def dot(
    name: str, ends: Iterable[float], single: Sequence[float] | Array = (), bound: str = "", shade: int = 1
) -> dict[str, Any]:
    """One row of `dots`: a value with its interval, single values behind it, what bound it is, its colour."""
    value, low, high = plain(list(ends))
    row = {"name": name, "value": value, "low": low, "high": high, "bound": bound}
    return {**row, "single": plain(single), "shade": shade}


def cell_map(
    title: str,
    axes: tuple[str, str],
    values: tuple[Sequence[str], Sequence[str]],
    cells: Sequence[dict[str, Any]],
    unit: str,
    **more: Any,
) -> Figure:
    """A map over two axes, whose cells open the runs behind them.

    Parameters
    ----------
    title : str
        Above the map.
    axes : tuple of str
        Names of the horizontal and of the vertical axis.
    values : tuple of sequences of str
        Their values, in order.
    cells : sequence of dict
        As from `cell`.
    unit : str
        Of what the cells show.
    **more
        ``about``, a sentence; ``columns``, headings of the runs behind a cell.
    """
    return {
        "kind": "map",
        "title": title,
        "axes": list(axes),
        "values": [list(each) for each in values],
        "cells": list(cells),
        "unit": unit,
        **more,
    }


def cell(place: Iterable[str], value: float, text: str, runs: Iterable[Sequence[str]]) -> dict[str, Any]:
    """One cell: its place along both axes, its value and text, and a row for each run behind it."""
    x, y = place
    return {"x": x, "y": y, "value": plain([value])[0], "text": text, "runs": [list(row) for row in runs]}


def feeder_marks(
    title: str,
    lines: Sequence[Array],
    marks: Sequence[dict[str, Any]],
    columns: tuple[str, str, str],
    about: str,
) -> Figure:
    """A feeder drawn flat, with marks whose size is how often something was there.

    Parameters
    ----------
    title : str
        Above the feeder.
    lines : sequence of ndarray, shape (2, 2)
        The two ends of each line, a row each: x and y.
    marks : sequence of dict
        As from `mark`.
    columns : tuple of str
        Headings of a mark's name, of where it is, and of its share.
    about : str
        A sentence.
    """
    ends = [plain(np.ravel(each)) for each in lines]
    drawn = [each for each in ends if None not in each]
    kind = {"kind": "feeder", "title": title, "lines": drawn, "marks": list(marks)}
    return {**kind, "columns": list(columns), "about": about}


def mark(name: str, where: str, xy: tuple[float, float], share: float, shade: int) -> dict[str, Any]:
    """One mark of `feeder_marks`; its share is of 1, and `shade` the number of its colour."""
    return {"name": name, "where": where, "x": xy[0], "y": xy[1], "share": share, "shade": shade}


def plain(values: Sequence[float] | Array) -> list[float | None]:
    """Numbers as JSON has them; None for what is not known."""
    return [float(value) if math.isfinite(value) else None for value in values]
