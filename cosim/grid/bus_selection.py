"""Which household stands at which bus, and which of the feeder's own elements no household took."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.core.errors import InputError, Problem, count
from cosim.core.streams import Streams
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.schema import PlaceByList, Placement, PlaceOnLoads, PlaceSpread


@dataclass(frozen=True)
class PlacedHousehold:
    """A household's connection point."""

    bus: int
    """Index of its bus."""
    load: ElementRecord | None
    """The feeder's own load that the household stands for; None where the bus has none left."""


def place_in_copies(
    feeder: Feeder, placement: Placement, sizes: Sequence[int], streams: Streams
) -> tuple[PlacedHousehold, ...]:
    """As `place_households`, of groups of these sizes; where a feeder is there several times they are dealt
    out to its copies, and stand in each as if it were the only one.

    Raises
    ------
    InputError
        If there are more households than places, or a list names a bus that is not supplied.
    """
    if feeder.copies is None:
        return place_households(feeder, placement, sum(sizes), streams)
    one, number, _ = feeder.copies
    shares = [size // number for size in sizes]
    in_one = place_households(one, placement, sum(shares), streams)
    loads = {(load.kind, load.index): load for load in feeder.loads}
    placed, first = [], 0
    for share in shares:
        here, first = in_one[first : first + share], first + share
        for shift in feeder.copies.shifts:
            for bus, load in ((each.bus + shift, each.load) for each in here):
                mine = None if load is None else loads[load.kind, load.index + shift]
                placed.append(PlacedHousehold(bus, mine))
    return tuple(placed)


def place_households(
    feeder: Feeder, placement: Placement, n_households: int, streams: Streams
) -> tuple[PlacedHousehold, ...]:
    """Give each household a bus, and the first load there that no household before it took.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    placement : Placement
        Way of placing.
    n_households : int
        Number of households.
    streams : Streams
        Decides where `spread` puts them. Places are ranked by one draw each, so that one household more moves
        none of the others.

    Raises
    ------
    InputError
        If there are more households than places, or a list names a bus that is not supplied.
    """
    match placement:
        case PlaceOnLoads():
            buses = list(feeder.candidate_buses)
        case PlaceByList():
            buses = [
                feeder.resolve_bus(bus, f"grid.placement.buses.{k}") for k, bus in enumerate(placement.buses)
            ]
        case PlaceSpread():
            order = spread_order(len(feeder.candidate_buses), streams)
            buses = [feeder.candidate_buses[k] for k in order]
    if n_households > len(buses):
        there = count(len(buses), "place") if buses else "no place"
        message = f"{count(n_households, 'household')}, but {there} on {feeder.network.name}"
        remedy = f"take at most {count(len(buses), 'household')}, or a larger network (`cosim networks`)"
        if not buses:
            message += ", which has no load that is supplied"
            remedy = "name the households' buses: {kind: list, buses: [...]}"
        raise InputError([Problem(message, remedy, "grid.placement", value=placement.kind)])
    free: dict[int, list[ElementRecord]] = {}
    for load in feeder.loads:
        free.setdefault(load.bus, []).append(load)
    placed = []
    for bus in buses[:n_households]:
        waiting = free.get(bus)
        placed.append(PlacedHousehold(bus, waiting.pop(0) if waiting else None))
    return tuple(placed)


def spread_order(n_places: int, streams: Streams) -> list[int]:
    """Places in the order in which `spread` fills them."""
    draw = streams.field("household placement").row(0, n_places)
    return [int(place) for place in np.argsort(draw, kind="stable")]


def background_elements(feeder: Feeder, households: Collection[PlacedHousehold]) -> tuple[ElementRecord, ...]:
    """The feeder's own elements that no household stands for: other loads, all generators, all storages."""
    taken = {(h.load.kind, h.load.index) for h in households if h.load is not None}
    return tuple(element for element in feeder.elements if (element.kind, element.index) not in taken)
