"""Which household stands at which bus, and what the feeder's own elements do that no household took."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.network import GridConfig, PlaceByList, Placement, PlaceOnLoads, PlaceSpread, SimbenchSource
from cosim.errors import InputError, Problem
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.streams import Streams

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PlacedHousehold:
    """A household's connection point.

    Attributes
    ----------
    bus : int
        Index of its bus.
    load : ElementRecord or None
        The feeder's own load that the household stands for; None where the bus has none left.
    """

    bus: int
    load: ElementRecord | None


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
        message = f"{n_households} households, but {len(buses)} places on {feeder.network.name}"
        remedy = f"take at most {len(buses)} households, or a larger network (`cosim networks`)"
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


def background_mode(feeder: Feeder, grid: GridConfig) -> Literal["profile", "nominal", "none"]:
    """What the background does; decided by whether the feeder has profiles where the scenario does not say.

    Raises
    ------
    InputError
        If profiles are asked for that the feeder does not have.
    """
    if grid.background is None:
        return "profile" if feeder.has_profiles else "nominal"
    if grid.background == "profile" and not feeder.has_profiles:
        message = f"{feeder.network.name} has no profiles"
        raise InputError([Problem(message, "write nominal or none", "grid.background", value="profile")])
    return grid.background


def background_power(
    feeder: Feeder,
    elements: Collection[ElementRecord],
    grid: GridConfig,
    start: datetime,
    n_intervals: int,
) -> tuple[FloatArray, FloatArray]:
    """Mean power of the background in each interval.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    elements : collection of ElementRecord
        As `background_elements` gives them.
    grid : GridConfig
        Says what they do, by what factor, and how long an interval is.
    start : datetime
        Start of the first interval, with a time zone; on a quarter hour where profiles are followed.
    n_intervals : int
        Number of intervals.

    Returns
    -------
    p_mw, q_mvar : ndarray of float64, shape (n_intervals, n_bus)
        In load convention. Where an interval is not a whole number of quarter hours, profiles are piecewise
        constant and their mean over the interval is taken.

    Raises
    ------
    InputError
        If profiles do not cover the time.
    """
    p_mw = np.zeros((n_intervals, feeder.n_bus))
    q_mvar = np.zeros((n_intervals, feeder.n_bus))
    mode = background_mode(feeder, grid)
    if mode == "none" or not elements:
        return p_mw, q_mvar
    columns: dict[str, FloatArray] = {"": np.ones(n_intervals)}
    if mode == "profile":
        names = sorted({n for e in elements for n in (e.p_profile, e.q_profile) if n})
        columns |= _interval_means(feeder, names, start, n_intervals, grid.interval_min)
    for element in elements:
        bus = feeder.bus_positions((element.bus,))[0]
        of_p, of_q = (element.p_profile, element.q_profile) if mode == "profile" else ("", "")
        p_mw[:, bus] += grid.background_scaling * element.p_mw * columns[of_p]
        q_mvar[:, bus] += grid.background_scaling * element.q_mvar * columns[of_q]
    return p_mw, q_mvar


def _interval_means(
    feeder: Feeder, names: list[str], start: datetime, n_intervals: int, interval_min: int
) -> dict[str, FloatArray]:
    """Profiles as means over the intervals."""
    from cosim.grid.simbench_data import SLOT_MINUTES, read_profiles, scenario_of

    source = feeder.network.source
    if not isinstance(source, SimbenchSource):
        return {}
    n_slots = -(-n_intervals * interval_min // SLOT_MINUTES)
    values = read_profiles(names, start, n_slots, scenario_of(source.code)).values
    fine = np.repeat(values, SLOT_MINUTES // 5, axis=0)  # every interval length is a multiple of 5 min
    per_interval = interval_min // 5
    means = fine[: n_intervals * per_interval].reshape(n_intervals, per_interval, -1).mean(axis=1)
    return {name: means[:, column] for column, name in enumerate(names)}
