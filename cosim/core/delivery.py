"""What a market asks of a household: units of a resource, over a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

PARTS = 1 << 20
"""A unit is delivered in whole parts of this many, about a millionth: then sums of deliveries are exact."""


class Unit(NamedTuple):
    """What one unit of a resource takes from a household's devices."""

    energy_kwh: float
    """At their terminals, over a step."""
    service: str = ""
    """What it is for, by the name under which devices offer it; empty for a resource that no device stands
    behind."""


class Deliverer(Protocol):
    """What carries out an agent's decisions."""

    def deliver(
        self, requested: Sequence[int], units: Sequence[Unit], now_ms: int, step_ms: int
    ) -> list[float]:
        """What of the requested units will be delivered over the coming step, in whole parts of a unit."""

    def regulate(self, units: Sequence[Unit], now_ms: int, is_on: bool) -> None:
        """A market decides from now on about these units, or does so no longer."""


class DeviceLoop(NamedTuple):
    """What devices do in a compiled loop over many steps, as functions of their state there."""

    deliver: Callable[..., NDArray[np.float64]]
    """``deliver(places, requested, times_ms, devices, delivered)``: what is delivered, for which the last has
    room; see `BulkDeliverer`."""
    close: Callable[..., None]
    """``close(now_ms, devices, flows)``: bring all up to now, write what their meters have counted, and have
    these begin anew."""
    n_flows: int
    """How many numbers a meter counts: `flows` are of shape (n_flows, n)."""
    uses: tuple[Callable[..., Any], ...]
    """The functions that both call, and those that these call."""


class BulkDeliverer(Protocol):
    """What carries out the decisions of many agents at once, always about the same units and steps."""

    def deliver(
        self, positions: NDArray[np.int64], requested: NDArray[np.float64], times_ms: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What of the requested units will be delivered over the coming step, shape (m, k).

        Parameters
        ----------
        positions, times_ms : ndarray of int64, shape (k,)
            Who is asked, by place among all, and when.
        requested : ndarray, shape (m, k)
            0 or 1 for each unit.
        """

    def close_meters(self, now_ms: int) -> None:
        """An interval ends now, and is read later: keep what meters have counted; all that is asked for up to
        now has been."""

    @property
    def loop(self) -> DeviceLoop | None:
        """What all of them do in a compiled loop; None where there is none."""

    def in_loop(self) -> Any:
        """Their state for that loop, which changes it."""

    def keep_flows(self, now_ms: int, flows: NDArray[np.float64]) -> None:
        """Keep what meters have counted there, of each interval up to now.

        Parameters
        ----------
        now_ms : int
            The end of the last one.
        flows : ndarray, shape (n_intervals, n_flows, n)
            As that loop writes them.
        """


def in_parts(fraction: float) -> float:
    """The fraction, at most 1, in whole parts of a unit, rounded down."""
    if fraction >= 1.0:
        return 1.0
    return math.floor(fraction * PARTS) / PARTS if fraction > 0.0 else 0.0
