"""Which household stands at which bus, and which of the feeder's own elements it takes the place of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.core.population import Population
from cosim.core.streams import Streams
from cosim.grid.bus_selection import background_elements, place_in_copies
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.feeder_profiles import FeederProfiles
from cosim.grid.schema import GridConfig
from cosim.households.ownership import Owned, standing_for


@dataclass(frozen=True)
class Placement:
    """Where the households are."""

    buses: tuple[int, ...]
    """Bus index of each household; -1 without a feeder."""
    loads: tuple[ElementRecord | None, ...]
    """The feeder's own load whose place each household takes; None where there is none."""
    sgens: tuple[tuple[ElementRecord, ...], ...]
    """The feeder's own generators that each household has as its own; they share a profile."""
    background: tuple[ElementRecord, ...]
    """The feeder's elements that nobody took."""
    replaced: tuple[tuple[ElementRecord, ...], ...] = ()
    """The feeder's own generators whose place each household's own generation takes."""
    profiles: FeederProfiles | None = None
    """What the feeder's elements follow."""

    @property
    def taken(self) -> tuple[ElementRecord, ...]:
        """The feeder's elements for which a household stands."""
        loads = (load for load in self.loads if load is not None)
        return (*loads, *(sgen for own in (*self.sgens, *self.replaced) for sgen in own))

    def elements(self, table: str, household: int) -> tuple[ElementRecord, ...]:
        """The feeder's own elements of one table, `load` or `sgen`, that a household has as its own."""
        if table == "sgen":
            return self.sgens[household]
        load = self.loads[household]
        return () if load is None else (load,)


def nowhere(population: Population) -> Placement:
    """Without a feeder."""
    n = population.size
    return Placement((-1,) * n, (None,) * n, ((),) * n, ())


def place(
    owned: Sequence[Owned],
    population: Population,
    grid: GridConfig,
    feeder: Feeder,
    streams: Streams,
) -> Placement:
    """Put the households on the feeder.

    A household takes the place of the load it stands on. A generator at its bus is its own if its generation
    is `feeder`; it is replaced by other generation if the scenario says so, and else stays what it is.

    Raises
    ------
    InputError
        If there are more households than places, or a listed bus does not exist.
    """
    sizes = [len(group.members) for group in population.groups]
    placed = place_in_copies(feeder, grid.placement, sizes, streams)
    free: dict[int, list[ElementRecord]] = {}
    for sgen in feeder.sgens:
        free.setdefault(sgen.bus, []).append(sgen)
    own: list[tuple[ElementRecord, ...]] = []
    replaced: list[tuple[ElementRecord, ...]] = []
    for household, spot in enumerate(placed):
        generation = standing_for(owned[household], "sgen")
        here = tuple(free.get(spot.bus, ()))
        is_own = any(device.keeps_element for device in generation)
        same = tuple(sgen for sgen in here if sgen.p_profile == here[0].p_profile)
        own.append(same if is_own else ())
        replaced.append(here if generation and not is_own and grid.replace_generators else ())
        for sgen in (*own[-1], *replaced[-1]):
            free[spot.bus].remove(sgen)
    at_buses = background_elements(feeder, placed)
    left = {(sgen.kind, sgen.index) for at_bus in free.values() for sgen in at_bus}
    background = tuple(e for e in at_buses if not e.is_sgen or (e.kind, e.index) in left)
    buses, loads = tuple(spot.bus for spot in placed), tuple(spot.load for spot in placed)
    return Placement(buses, loads, tuple(own), background, tuple(replaced), feeder.profiles)
