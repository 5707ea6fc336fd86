"""A device that reacts: brought up to date whenever somebody looks, and asked what it can deliver."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import Unit
from cosim.core.planned_use import Need, PlannedPower, Store

NEVER = sys.maxsize
"""An instant that does not come, ms."""


class Piece(NamedTuple):
    """A time in which nothing changes."""

    until_ms: int
    """Its end, ms since the start."""
    hours: float
    """Its length."""
    residual_kw: float
    """What the household draws but for the device that looks; negative where generation leaves a surplus."""


class HomeSlots(NamedTuple):
    """The profiles of some households in slots."""

    surplus_kw: NDArray[np.float64]
    """What generation leaves of the load. Shape (n_households, n_slots)."""
    first_ms: int
    slot_ms: int
    """Begin of the first slot, ms since the start, and the length of each."""


def residual_pieces(
    surplus_kw: Sequence[float], first_ms: int, slot_ms: int, start_ms: int, end_ms: int
) -> list[Piece]:
    """What profiles say that a household draws from `start_ms` to `end_ms`.

    Parameters
    ----------
    surplus_kw : sequence of float
        What generation leaves of the load in each slot; beyond them the last one stands.
    first_ms, slot_ms : int
        Begin of the first slot, and the length of each.
    start_ms, end_ms : int
        From when until when.
    """
    pieces, last = [], len(surplus_kw) - 1
    t, slot = start_ms, (start_ms - first_ms) // slot_ms
    while t < end_ms:
        until = min(t - t % slot_ms + slot_ms, end_ms)
        pieces.append(Piece(until, (until - t) / MS_PER_HOUR, -surplus_kw[slot if slot < last else last]))
        t, slot = until, slot + 1
    return pieces


METERED = ("taken_kwh", "given_kwh", "stored_kwh", "lost_kwh", "used_kwh", "taken_kvarh")
"""What the meter of every device shows of an interval.

Taken and given at the terminals, stored at the end, lost on the way in, on the way out and in between, and
used for what the device is there for, such as driving; ``taken - given = change of stored + lost + used``.
The last is reactive.
"""


class Surroundings(Protocol):
    """What a device sees of its household."""

    def pieces(self, start_ms: int, end_ms: int, of: ActiveDevice) -> list[Piece]:
        """What the household draws but for device `of`, as far as it is known."""


class ActiveDevice(ABC):
    """One device of one household, brought up to date whenever somebody looks.

    Attributes
    ----------
    metered : tuple of str
        What its meter shows: `METERED`, and what else its kind has.
    until_ms : int
        When its behaviour next changes by itself; `step` is never called across it.
    stored_kwh : float
        What it stores; 0 for a device that stores nothing.
    charge_efficiency : float
        Stored energy over energy at the terminals.
    planned_by : str
        The market that plans its use (see `cosim.core.planned_use`); empty for none.
    """

    metered: ClassVar[tuple[str, ...]] = METERED
    planned_by: str = ""
    __slots__ = ("charge_efficiency", "stored_kwh", "until_ms")

    def __init__(self, stored_kwh: float = 0.0, charge_efficiency: float = 1.0) -> None:
        self.stored_kwh = stored_kwh
        self.charge_efficiency = charge_efficiency
        self.until_ms = NEVER

    @abstractmethod
    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Live through a time in which nothing changes, up to `end_ms`.

        Parameters
        ----------
        end_ms : int
            Its end.
        hours : float
            Its length.
        surplus_kw : float
            What the household's generation leaves of its load, and of the devices before this one.

        Returns
        -------
        float
            Energy drawn less energy given, kWh.
        """

    @abstractmethod
    def close(self) -> tuple[float, ...]:
        """What happened since it was last called, in the order of `metered`."""

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise what of the requested units it can do over the coming step.

        Parameters
        ----------
        requested : sequence of int
            0 or 1 for each; served in this order. Nothing requested takes back what was promised before.
        units : sequence of Unit
            Each of a service that it offers.
        now_ms, step_ms : int
            Start and length of the step.
        around : Surroundings
            The household.

        Returns
        -------
        list of float
            What will be delivered of each, from 0 to 1, in whole parts of a unit.
        """
        raise NotImplementedError(f"{type(self).__name__} offers no service")

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer; what was promised before is void."""
        raise NotImplementedError(f"{type(self).__name__} offers no service")

    def need(self) -> Need | None:
        """What it still needs from now on, where its use is planned."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Do what the plan says from now on; after its end nothing."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """Call this whenever a need has come up that no plan was made for."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def storage(self) -> Store | None:
        """What it stores for other times, where its use is planned."""
        return None

    def limit(self, most_kw: float) -> bool:
        """Draw no more than this from now on; infinity lifts the limit.

        Returns
        -------
        bool
            Whether it obeys.
        """
        return False

    def events(self) -> Sequence[tuple[Any, ...]]:
        """What happened to it since it was last called: rows of its kind's `Device.event_table`, but for the
        household; times in ms since the start."""
        return ()

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it is known to draw from `start_ms` on: until when (ms) which power, in order of time."""
        return ()
