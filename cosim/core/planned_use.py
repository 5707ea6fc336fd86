"""What a market and a device whose use it plans tell each other: how much is needed by when, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Need(NamedTuple):
    """Energy that a device needs within a time, at whatever power.

    Attributes
    ----------
    begin_ms, end_ms : int
        From when until when, ms since the start of the run.
    energy_kwh : float
        At its terminals; may be more than the time is enough for.
    most_kw : float
        The largest power that it can draw.
    """

    begin_ms: int
    end_ms: int
    energy_kwh: float
    most_kw: float


class PlannedPower(NamedTuple):
    """A piece of a plan; each begins where the one before ends.

    Attributes
    ----------
    until_ms : int
        Its end, ms since the start of the run.
    power_kw : float
        What is drawn until then.
    """

    until_ms: int
    power_kw: float


class FollowsPlan(Protocol):
    """A device whose use can be planned."""

    def need(self) -> Need | None:
        """What it still needs from now on; None for nothing, or where it does not know yet."""

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Do what the plan says from now on, in place of every plan before; after its end nothing."""

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """Call this whenever a need has come up that no plan was made for."""
