"""The one way between two households on a radial feeder: its length, its impedance, what on it is scarce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY
from cosim.core.errors import Problem
from cosim.grid.coupling import Block
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits
from cosim.trading.schemas.market_slots import HOURLY, MarketSlots

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
_EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


class Branches(NamedTuple):
    """What connects each bus with the next one towards the supply."""

    elements: list[list[int]]
    """By bus: columns among all lines, then all transformers; none at a supply, or over a switch."""
    length_km: Array
    """Length of the shortest line; 0 for what is none. Shape (n_bus,)."""
    impedance_ohm: NDArray[np.complex128]
    """Of the lines in parallel; 0 for what is none. Shape (n_bus,)."""
    is_trafo: NDArray[np.bool_]
    """Whether it is a transformer. Shape (n_bus,)."""
    n_pairs: int
    """Pairs of supplied buses that are connected: as many as branches, where the feeder is radial."""


def feeder_branches(feeder: Feeder) -> Branches:
    """The branches of a feeder."""
    n_bus, n_line = feeder.n_bus, len(feeder.line.index)
    parent, supplied = feeder.bus.tree.parent, feeder.bus.supplied
    position = {int(bus): column for column, bus in enumerate(feeder.bus.index)}
    table = feeder.net.line
    ohm = (table.r_ohm_per_km + 1j * table.x_ohm_per_km).to_numpy() * feeder.line.length_km
    ohm = ohm / table.parallel.to_numpy()
    ends = [
        *((int(a), int(b)) for a, b in zip(feeder.line.from_bus, feeder.line.to_bus, strict=True)),
        *((int(a), int(b)) for a, b in zip(feeder.trafo.hv_bus, feeder.trafo.lv_bus, strict=True)),
    ]
    found = Branches(
        [[] for _ in range(n_bus)],
        np.zeros(n_bus),
        np.zeros(n_bus, dtype=np.complex128),
        np.zeros(n_bus, dtype=np.bool_),
        len(_pairs(feeder, position)),
    )
    closed = np.concatenate([feeder.line.closed, feeder.trafo.closed])
    for number in np.flatnonzero(closed).tolist():
        first, second = (position[bus] for bus in ends[number])
        below = first if parent[first] == second else second
        if not supplied[below] or {int(parent[below]), below} != {first, second}:
            continue
        found.elements[below].append(number)
        if number >= n_line:
            found.is_trafo[below] = True
            continue
        length, before = float(feeder.line.length_km[number]), found.impedance_ohm[below]
        known = found.length_km[below]
        found.length_km[below] = min(known, length) if before else length
        found.impedance_ohm[below] = before * ohm[number] / (before + ohm[number]) if before else ohm[number]
    return found


def _pairs(feeder: Feeder, position: dict[int, int]) -> set[frozenset[int]]:
    """Pairs of supplied buses with a closed connection."""
    switches = feeder.net.switch[(feeder.net.switch.et == "b") & feeder.net.switch.closed.astype(bool)]
    line, trafo, trafo3w = feeder.line, feeder.trafo, feeder.trafo3w
    ends: list[tuple[int, int]] = [
        *zip(line.from_bus[line.closed].tolist(), line.to_bus[line.closed].tolist(), strict=True),
        *zip(trafo.hv_bus[trafo.closed].tolist(), trafo.lv_bus[trafo.closed].tolist(), strict=True),
        *zip(switches.bus.tolist(), switches.element.tolist(), strict=True),
    ]
    for buses, connected in zip(trafo3w.buses.tolist(), trafo3w.closed, strict=True):
        sides = [bus for bus, there in zip(buses, connected, strict=True) if there]
        ends += [(sides[0], other) for other in sides[1:]]
    supplied = feeder.bus.supplied
    pairs = {frozenset((position[int(a)], position[int(b)])) for a, b in ends}
    return {pair for pair in pairs if len(pair) == 2 and all(supplied[bus] for bus in pair)}


class FeederWays:
    """The ways between households.

    Parameters
    ----------
    feeder : Feeder
        A radial one.
    columns : ndarray of int, shape (n_households,)
        Column of each household's bus.
    """

    def __init__(self, feeder: Feeder, columns: Ints) -> None:
        self._branches = branches = feeder_branches(feeder)
        self._columns = columns
        self._xy, self._coordinates = feeder.bus.xy, feeder.coordinates
        tree = feeder.bus.tree
        self.parent = tree.parent
        self.elements = branches.elements
        self._n_roots = int(np.sum(tree.supplied & (tree.parent < 0)))
        self._n_supplied = int(np.sum(tree.supplied))
        self.top_down = [int(bus) for bus in np.argsort(tree.depth, kind="stable") if tree.depth[bus] > 0]
        self._km = self.summed(branches.length_km)
        self._ohm = self.summed(branches.impedance_ohm)
        self._meetings: dict[int, Ints] = {}

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self._columns)

    def problems(self, needs: str) -> Iterator[Problem]:
        """Why fees cannot follow ways, or coordinates, on this feeder."""
        if needs == "coordinates":
            if self._coordinates != "own":
                message = "the feeder has no coordinates, and the fee depends on them"
                yield Problem(message, "Use `by_line_length` or `by_electrical_distance`.")
            return
        if self._branches.n_pairs > self._n_supplied - self._n_roots or self._n_roots > 1:
            message = "the fee depends on the single path between two places, and this feeder is meshed"
            yield Problem(message, "Open its rings, or choose a fee that is `flat` or `by_straight_line`.")
        zone = self._below_trafo()
        if needs == "ways" and len({int(zone[bus]) for bus in self._columns}) > 1:
            message = (
                "the fee depends on the lines between households, and some are behind other transformers"
            )
            yield Problem(message, "Place them behind one, or choose another fee.")

    def summed(self, values: NDArray[np.number]) -> NDArray:  # type: ignore[type-arg]
        """Sums of what branches have along the way from the supply to each bus; the last axis is the bus."""
        sums = np.zeros_like(values)
        for bus in self.top_down:
            sums[..., bus] = sums[..., self.parent[bus]] + values[..., bus]
        return sums

    def column(self, household: int) -> int:
        """Column of its bus."""
        return int(self._columns[household])

    def columns(self, households: Ints) -> Ints:
        """Columns of their buses."""
        return self._columns[households]

    def meeting(self, household: int, others: Ints) -> Ints:
        """Columns of the buses at which the ways from the supply to it and to others part."""
        bus = self.column(household)
        if bus not in self._meetings:
            own, at = {bus}, bus
            while self.parent[at] >= 0:
                at = int(self.parent[at])
                own.add(at)
            meets = np.arange(len(self.parent))
            for below in self.top_down:
                meets[below] = below if below in own else meets[self.parent[below]]
            self._meetings[bus] = meets
        return self._meetings[bus][self.columns(others)]

    def line_km(self, household: int, others: Ints) -> Array:
        """Length of the lines between, km."""
        return np.asarray(self._between(self._km, household, others))

    def impedance_ohm(self, household: int, others: Ints) -> Array:
        """Magnitude of the impedance of the lines between, Ω."""
        return np.asarray(np.abs(self._between(self._ohm, household, others)))

    def straight_km(self, household: int, others: Ints) -> Array:
        """Distance by the coordinates, longitude and latitude, on a sphere (haversine), km."""
        longitude, latitude = np.radians(self._xy.T)
        bus, far = self.column(household), self.columns(others)
        across = np.sin((latitude[far] - latitude[bus]) / 2) ** 2
        along = np.sin((longitude[far] - longitude[bus]) / 2) ** 2
        half = np.sqrt(across + np.cos(latitude[far]) * np.cos(latitude[bus]) * along)
        return np.asarray(2 * _EARTH_KM * np.arcsin(np.minimum(half, 1.0)))

    def _between(self, sums: NDArray, household: int, others: Ints) -> NDArray:  # type: ignore[type-arg]
        meeting = self.meeting(household, others)
        own, far = sums[self.column(household)], sums[self.columns(others)]
        return np.asarray((own - sums[meeting]) + (far - sums[meeting]))

    def _below_trafo(self) -> Ints:
        zone = np.arange(len(self.parent))
        for bus in self.top_down:
            zone[bus] = bus if self._branches.is_trafo[bus] else zone[self.parent[bus]]
        return zone


class Usage(NamedTuple):
    """How far branches were used on a day, shape (n_hours, n_bus) each, by the market's intervals."""

    share: Array
    """Loading over limit, the highest of the metering intervals within; 0 where nothing was solved."""
    downward: NDArray[np.bool_]
    """Whether power flowed from the supply to the bus then."""


class UsageMemory:
    """How far lines and transformers were used on the last days.

    Parameters
    ----------
    ways : FeederWays
        The feeder.
    limits : FeederLimits
        Its limits.
    n_days : int
        How many days it remembers.
    slots : MarketSlots
        The market's intervals.
    """

    def __init__(
        self, ways: FeederWays, limits: FeederLimits, n_days: int, slots: MarketSlots = HOURLY
    ) -> None:
        self._ways = ways
        self._slots = slots
        self._limit = np.concatenate([limits.line_loading_max_percent, limits.trafo_loading_max_percent])
        self._n_days = n_days
        self._bus = np.array([bus for bus, each in enumerate(ways.elements) for _ in each], dtype=np.int64)
        self._element = np.array([number for each in ways.elements for number in each], dtype=np.int64)
        self._bottom_up = ways.top_down[::-1]
        self.days: dict[int, Usage] = {}

    def take(self, block: Block) -> None:
        """Remember solved intervals."""
        loading = np.concatenate([block.flow.line_loading_percent, block.flow.trafo_loading_percent], axis=1)
        for row, start_ms in enumerate(block.starts_ms.tolist()):
            share = np.zeros(len(self._ways.parent))
            used = np.nan_to_num(loading[row][self._element] / self._limit[self._element])
            np.maximum.at(share, self._bus, used)
            day, hour = start_ms // MS_PER_DAY, self._slots.number(start_ms)
            kept = self._day(day, len(share))
            higher = share > kept.share[hour]
            kept.share[hour][higher] = share[higher]
            kept.downward[hour][higher] = self._drawn_below(block.p_mw[row])[higher] > 0

    def _day(self, day: int, n_bus: int) -> Usage:
        if day not in self.days:
            shape = (self._slots.per_day, n_bus)
            self.days[day] = Usage(np.zeros(shape), np.ones(shape, dtype=np.bool_))
            for old in [each for each in self.days if each <= day - self._n_days]:
                del self.days[old]
        return self.days[day]

    def _drawn_below(self, p_mw: Array) -> Array:
        """What each bus and those behind it draw together, losses left out."""
        below = np.nan_to_num(p_mw)
        for bus in self._bottom_up:
            below[self._ways.parent[bus]] += below[bus]
        return below


class FeederGround:
    """What fees know of the feeder on a day; see `Ground`.

    Parameters
    ----------
    ways : FeederWays
        The feeder.
    usage : Usage or None
        How far it was used on the day by which fees go; None before there is one.
    n_hours : int
        Intervals of the market in a day.
    """

    def __init__(self, ways: FeederWays, usage: Usage | None = None, n_hours: int = HOURLY.per_day) -> None:
        self._ways = ways
        self.n_hours = n_hours
        self._usage = usage
        self._sums: dict[float, tuple[Array, Array]] = {}
        self.line_km, self.impedance_ohm = ways.line_km, ways.impedance_ohm
        self.straight_km = ways.straight_km

    def scarcity_from_grid(self, buyer: int, threshold: float) -> Array:
        """See `Ground.scarcity_from_grid`."""
        if self._usage is None:
            return np.zeros(self.n_hours)
        down, _ = self._summed(threshold)
        return down[:, self._ways.column(buyer)]

    def scarcity_between(self, buyer: int, sellers: Ints, hours: Ints, threshold: float) -> Array:
        """See `Ground.scarcity_between`: upwards from the seller, then downwards to the buyer."""
        if self._usage is None:
            return np.zeros(len(sellers))
        down, up = self._summed(threshold)
        own, far = self._ways.column(buyer), self._ways.columns(sellers)
        meeting = self._ways.meeting(buyer, sellers)
        return np.asarray((up[hours, far] - up[hours, meeting]) + (down[hours, own] - down[hours, meeting]))

    def _summed(self, threshold: float) -> tuple[Array, Array]:
        """Scarcity from the supply to each bus, of what flows downwards, and of what flows upwards."""
        assert self._usage is not None
        if threshold not in self._sums:
            scarcity = np.maximum(0.0, (self._usage.share - threshold) / (1 - threshold))
            downward = np.where(self._usage.downward, scarcity, 0.0)
            self._sums[threshold] = self._ways.summed(downward), self._ways.summed(scarcity - downward)
        return self._sums[threshold]


class NoFeeder:
    """Where there is no feeder, or it has errors: no fee goes by it in any run.

    Parameters
    ----------
    n_hours : int
        Intervals of the market in a day.
    """

    def __init__(self, n_hours: int = HOURLY.per_day) -> None:
        self.n_hours = n_hours

    def line_km(self, buyer: int, sellers: Ints) -> Array:
        """Nothing."""
        return np.zeros(len(sellers))

    impedance_ohm = straight_km = line_km

    def scarcity_from_grid(self, buyer: int, threshold: float) -> Array:
        """Nothing."""
        return np.zeros(self.n_hours)

    def scarcity_between(self, buyer: int, sellers: Ints, hours: Ints, threshold: float) -> Array:
        """Nothing."""
        return np.zeros(len(sellers))


def reference_day(day: int, publication_ms: int) -> int:
    """The last day that is over, and measured, when the offers of a day are published.

    Parameters
    ----------
    day : int
        Delivery day.
    publication_ms : int
        How long before it offers are published.
    """
    return (day * MS_PER_DAY - publication_ms - 1) // MS_PER_DAY - 1
