"""Which household stands at which bus, and which of the feeder's own elements it takes the place of."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.config.network import GridConfig
from cosim.engine.population import Population
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.placement import background_elements, place_households
from cosim.streams import Streams


@dataclass(frozen=True)
class Placement:
    """Where the households are.

    Attributes
    ----------
    buses : tuple of int
        Bus index of each household; -1 without a feeder.
    loads : tuple of ElementRecord or None
        The feeder's own load whose place each household takes; None where there is none.
    sgens : tuple of tuple of ElementRecord
        The feeder's own generators whose place it takes.
    background : tuple of ElementRecord
        The feeder's elements that nobody took.
    """

    buses: tuple[int, ...]
    loads: tuple[ElementRecord | None, ...]
    sgens: tuple[tuple[ElementRecord, ...], ...]
    background: tuple[ElementRecord, ...]


def nowhere(population: Population) -> Placement:
    """Without a feeder."""
    n = population.size
    return Placement((-1,) * n, (None,) * n, ((),) * n, ())


def place(population: Population, grid: GridConfig, feeder: Feeder, streams: Streams) -> Placement:
    """Put the households on the feeder.

    A household takes the place of the load it stands on; one with generation of its own also takes the place
    of the generators at its bus.

    Raises
    ------
    InputError
        If there are more households than places, or a listed bus does not exist.
    """
    placed = place_households(feeder, grid.placement, population.size, streams)
    free_sgens = {element.index: element for element in feeder.sgens if element.kind == "sgen"}
    sgens: list[tuple[ElementRecord, ...]] = []
    for household, spot in enumerate(placed):
        own: tuple[ElementRecord, ...] = ()
        if population.group_of(household).config.pv is not None:
            own = tuple(element for element in free_sgens.values() if element.bus == spot.bus)
            for element in own:
                del free_sgens[element.index]
        sgens.append(own)
    replaced = {(element.kind, element.index) for own in sgens for element in own}
    background = tuple(
        element
        for element in background_elements(feeder, placed)
        if (element.kind, element.index) not in replaced
    )
    buses, loads = tuple(spot.bus for spot in placed), tuple(spot.load for spot in placed)
    return Placement(buses, loads, tuple(sgens), background)
