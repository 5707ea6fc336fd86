"""Where on the feeder an impact study's limits are exceeded first."""

from __future__ import annotations

import numpy as np

from cosim.grid.feeder import Feeder
from cosim.study.impact.impact_analysis import Curve, ImpactAnalysis

Place = tuple[float, float]
"""Where something is drawn."""


def violations_at(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder) -> dict[tuple[str, int], Place]:
    """Where the elements are whose limits a curve's seeds exceed first, by kind of limit and index."""
    bus = {int(index): place for place, index in enumerate(feeder.bus.index)}
    places = {each: _place(feeder, bus, *each) for each in analysis.bindings(curve)}
    return {each: place for each, place in places.items() if place is not None}


def first_violations(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder) -> dict[Place, int]:
    """In how many seeds of a curve each place on the feeder is the first with a limit exceeded."""
    counts: dict[Place, int] = {}
    bindings = analysis.bindings(curve)
    for each, place in violations_at(analysis, curve, feeder).items():
        counts[place] = counts.get(place, 0) + bindings[each]
    return counts


def _place(feeder: Feeder, bus: dict[int, int], kind: str, element: int) -> Place | None:
    """Where an element is: a line at its middle, a transformer at its low-voltage bus."""
    ends: list[int] = []
    if kind.startswith("voltage"):
        ends = [element]
    elif kind == "line_overload":
        (row,) = np.flatnonzero(feeder.line.index == element)
        ends = [int(feeder.line.from_bus[row]), int(feeder.line.to_bus[row])]
    elif kind == "trafo_overload":
        (row,) = np.flatnonzero(feeder.trafo.index == element)
        ends = [int(feeder.trafo.lv_bus[row])]
    if not ends or not all(end in bus for end in ends):
        return None
    x, y = feeder.bus.xy[[bus[end] for end in ends]].mean(axis=0)
    return (float(x), float(y)) if np.isfinite([x, y]).all() else None
