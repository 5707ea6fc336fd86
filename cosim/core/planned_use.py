"""What a market and a device whose use it plans tell each other: how much is needed by when, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Need(NamedTuple):
    """Energy that a device needs within a time, at whatever power."""

    begin_ms: int
    end_ms: int
    """From when until when, ms since the start of the run."""
    energy_kwh: float
    """At its terminals; may be more than the time allows."""
    most_kw: float
    """The largest power that it can draw."""


class PlannedPower(NamedTuple):
    """A piece of a plan; each begins where the one before ends."""

    until_ms: int
    """Its end, ms since the start of the run."""
    power_kw: float
    """What is drawn until then."""


class Store(NamedTuple):
    """What a device stores, and what it can do."""

    stored_kwh: float
    """Energy in storage now."""
    start_kwh: float
    """Energy in storage when the run began."""
    capacity_kwh: float
    floor_kwh: float
    """Most and least energy in storage."""
    charge_kw: float
    discharge_kw: float
    """Largest powers at the terminals."""
    charge_efficiency: float
    discharge_efficiency: float
    """Stored over taken, and given over taken from storage."""
    leak_per_hour: float
    """Rate of self-discharge, 1/h."""
    takes_from_grid: bool
    """Whether it may take more than what the household's generation leaves of its load."""


class FollowsPlan(Protocol):
    """A device whose use can be planned."""

    def need(self) -> Need | None:
        """What it still needs from now on; None for nothing, or where it does not know yet."""

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Do what the plan says from now on, in place of every plan before; after its end nothing."""

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """Call this whenever a need has come up that no plan was made for."""

    def storage(self) -> Store | None:
        """What it stores for other times, and what it can do; None for a device that only uses energy."""
