"""A household: the devices behind one connection point, and what markets may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cosim.core.clock import MS_PER_HOUR
from cosim.core.context import Context
from cosim.core.delivery import Unit
from cosim.core.errors import InputError, Problem, collected
from cosim.core.planned_use import FollowsPlan
from cosim.devices.active_device import ActiveDevice, Piece, residual_pieces
from cosim.devices.interface import DEVICES
from cosim.devices.sites import Site, Slots
from cosim.households.ownership import Owned
from cosim.households.profile_book import ProfileBook
from cosim.households.schema import HouseholdsConfig, kinds
from cosim.households.served_load import LookedUp


class Household:
    """A household's devices, brought up to date whenever somebody looks.

    Between two decisions nothing happens that is not known at the first, so no event is needed for it:
    `advance` integrates from the last look to this one, slot by slot of the profiles.

    Parameters
    ----------
    index : int
        Number of the household.
    devices : sequence of ActiveDevice
        Those that are more than a profile, in the order in which they take the surplus.
    services : mapping of str to ActiveDevice
        Which of them stands behind which service.
    book : ProfileBook
        Where its surplus is looked up.
    """

    __slots__ = ("_routes", "_sole", "_units", "book", "devices", "index", "services", "updated_ms")

    def __init__(
        self,
        index: int,
        devices: Sequence[ActiveDevice],
        services: dict[str, ActiveDevice],
        book: ProfileBook,
    ) -> None:
        self.index = index
        self.devices = tuple(devices)
        self.services = services
        self.book = book
        self.updated_ms = 0
        self._units: Sequence[Unit] = ()
        self._routes: list[tuple[ActiveDevice, list[int]]] = []
        self._sole: ActiveDevice | None = None

    def advance(self, now_ms: int) -> None:
        """Integrate the devices up to `now_ms`."""
        if self.updated_ms == now_ms or not self.devices:
            return
        if len(self.devices) > 1:
            self._advance_together(now_ms)
            return
        (device,) = self.devices
        book, t = self.book, self.updated_ms
        surplus_kw, slot_ms, first_ms = book.surplus_kw[self.index], book.slot_ms, book.first_ms
        while t < now_ms:
            end = t - t % slot_ms + slot_ms
            if end > now_ms:
                end = now_ms
            if end > device.until_ms:
                end = device.until_ms
            device.step(end, (end - t) / MS_PER_HOUR, surplus_kw[(t - first_ms) // slot_ms])
            t = end
        self.updated_ms = now_ms

    def _advance_together(self, now_ms: int) -> None:
        """Each device sees what the generation leaves of the load and of the devices before it."""
        book, t = self.book, self.updated_ms
        surplus_kw, slot_ms, first_ms = book.surplus_kw[self.index], book.slot_ms, book.first_ms
        while t < now_ms:
            end = min(t - t % slot_ms + slot_ms, now_ms, *(device.until_ms for device in self.devices))
            hours, left_kw = (end - t) / MS_PER_HOUR, surplus_kw[(t - first_ms) // slot_ms]
            for device in self.devices:
                left_kw -= device.step(end, hours, left_kw) / hours
            t = end
        self.updated_ms = now_ms

    def regulate(self, units: Sequence[Unit], now_ms: int, is_on: bool) -> None:
        """A market decides from now on about these units, or does so no longer."""
        self.advance(now_ms)
        for device, _ in self._routes_of(units):
            device.regulate(is_on)

    def limit(self, most_kw: float, now_ms: int) -> int:
        """Let each device draw no more than this from now on; says how many obey."""
        self.advance(now_ms)
        return sum(device.limit(most_kw) for device in self.devices)

    def planned_by(self, market: str) -> list[FollowsPlan]:
        """Its devices whose use a market plans."""
        return [device for device in self.devices if device.planned_by == market]

    def deliver(
        self, requested: Sequence[int], units: Sequence[Unit], now_ms: int, step_ms: int
    ) -> list[float]:
        """Promise what of the requested units the devices can do over the coming step.

        Parameters
        ----------
        requested : sequence of int
            0 or 1 for each resource; served in this order.
        units : sequence of Unit
            What one unit of each is.
        now_ms, step_ms : int
            Start and length of the step.

        Returns
        -------
        list of float
            What will be delivered of each, from 0 to 1, in whole parts of a unit.
        """
        if self.updated_ms != now_ms:
            self.advance(now_ms)
        if units is self._units and self._sole is not None:
            return self._sole.deliver(requested, units, now_ms, step_ms, self)
        routes = self._routes_of(units)
        delivered = [0.0 if unit.service else want for want, unit in zip(requested, units, strict=True)]
        for device, positions in routes:
            wanted, its = [requested[position] for position in positions], [units[p] for p in positions]
            for position, got in zip(
                positions, device.deliver(wanted, its, now_ms, step_ms, self), strict=True
            ):
                delivered[position] = got
        return delivered

    def pieces(self, start_ms: int, end_ms: int, of: ActiveDevice) -> list[Piece]:
        """What the household draws until `end_ms` but for device `of`, which it is taken to know.

        Of the devices before that one, what they know themselves; those behind it take what it leaves. Past
        the end of the run the last slot stands.
        """
        book = self.book
        surplus_kw = book.surplus_kw[self.index]
        pieces = residual_pieces(surplus_kw, book.first_ms, book.slot_ms, start_ms, end_ms)
        if self.devices[0] is not of:
            for device in self.devices[: self.devices.index(of)]:
                pieces = _on_top(pieces, start_ms, device.known_kw(start_ms, end_ms))
        return pieces

    def _routes_of(self, units: Sequence[Unit]) -> list[tuple[ActiveDevice, list[int]]]:
        """Which device is asked for which of the units."""
        if units is not self._units:  # one community asks, always for the same
            positions: dict[ActiveDevice, list[int]] = {}
            for position, unit in enumerate(units):
                if unit.service in self.services:
                    positions.setdefault(self.services[unit.service], []).append(position)
            self._units, self._routes = units, list(positions.items())
            alone = [device for device, its in self._routes if len(its) == len(units)]
            self._sole = alone[0] if alone else None
        return self._routes


def _on_top(pieces: Sequence[Piece], start_ms: int, known_kw: Sequence[tuple[int, float]]) -> list[Piece]:
    """The pieces with a device's power on top, cut where that changes; after the last of it there is none."""
    cuts = sorted({piece.until_ms for piece in pieces} | {until for until, _ in known_kw})
    result, t, piece, power = [], start_ms, 0, 0
    for cut in cuts:
        if cut <= start_ms or cut > pieces[-1].until_ms:
            continue
        while pieces[piece].until_ms < cut:
            piece += 1
        while power < len(known_kw) and known_kw[power][0] < cut:
            power += 1
        on_top_kw = known_kw[power][1] if power < len(known_kw) else 0.0
        result.append(Piece(cut, (cut - t) / MS_PER_HOUR, pieces[piece].residual_kw + on_top_kw))
        t = cut
    return result


class Equipment(NamedTuple):
    """The households of a run and their devices."""

    households: list[Household]
    """In the order of their numbers."""
    devices: dict[str, list[tuple[int, ActiveDevice]]]
    """Their devices that are more than a profile, with their households, by kind: every kind there is."""


def equip(
    configs: Sequence[HouseholdsConfig],
    owned: Sequence[Owned],
    context: Context,
    slots: Slots,
    book: ProfileBook,
    warn: Callable[[Iterable[Problem]], None],
) -> Equipment:
    """Install the devices of all households, by the configuration of each group; `warn` takes doubts.

    Raises
    ------
    InputError
        With everything that devices cannot be made of.
    """
    problems: list[Problem] = []
    served = {kind: LookedUp(series, slots) for kind, series in book.demand.served.items()}
    devices: dict[str, list[tuple[int, ActiveDevice]]] = {kind: [] for kind in kinds()}
    of: list[dict[str, ActiveDevice]] = [{} for _ in context.population.names]
    for group, config in zip(context.population.groups, configs, strict=True):
        for kind, device in config.devices.items():
            installed: Sequence[ActiveDevice] = ()
            with collected(problems):
                installed = device.install(Site(kind, group, context, slots, warn, served.get(kind)))
            for household, one in zip(group.members, installed, strict=bool(installed)):
                if kind in owned[household]:
                    devices[kind].append((household, one))
                    of[household][kind] = one
    if problems:
        raise InputError(problems)
    return Equipment([_household(number, each, book) for number, each in enumerate(of)], devices)


def _household(number: int, devices: dict[str, ActiveDevice], book: ProfileBook) -> Household:
    ordered = sorted(devices, key=lambda kind: DEVICES[kind].takes_surplus)
    offered = {service.name: one for kind, one in devices.items() for service in DEVICES[kind].services}
    return Household(number, [devices[kind] for kind in ordered], offered, book)
