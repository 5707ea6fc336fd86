"""The meters at all connection points: they close together, at the end of each interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.households.household import Home
from cosim.households.profile_book import ProfileBook

Array = NDArray[np.float64]


class Reading(NamedTuple):
    """One interval, each of shape (n_households,).

    Attributes
    ----------
    load_kwh, pv_kwh, net_kwh : ndarray
        Consumed, generated, and drawn from the feeder at the connection point.
    charged_kwh, discharged_kwh, leaked_kwh, stored_kwh : ndarray
        The battery's; 0 for a household without one.
    p_kw, q_kvar : ndarray
        Mean power drawn from the feeder: what the power flow sees.
    """

    load_kwh: Array
    pv_kwh: Array
    net_kwh: Array
    charged_kwh: Array
    discharged_kwh: Array
    leaked_kwh: Array
    stored_kwh: Array
    p_kw: Array
    q_kvar: Array


class Meters:
    """All meters of a run.

    Parameters
    ----------
    homes : sequence of Home
        In the order of their numbers.
    book : ProfileBook
        Their load and generation.
    interval_ms : int
        Length of an interval.

    Attributes
    ----------
    book : ProfileBook
        Their load and generation.
    """

    def __init__(self, homes: Sequence[Home], book: ProfileBook, interval_ms: int) -> None:
        self.book = book
        self._homes = homes
        self._interval_ms = interval_ms

    def close(self, interval: int) -> Reading:
        """Read and reset all meters at the end of `interval`; intervals are closed in their order."""
        end_ms = (interval + 1) * self._interval_ms
        hours = to_hours(self._interval_ms)
        load_kw, load_kvar, pv_kw, pv_kvar = self.book.interval_means(interval)
        batteries = []
        for home in self._homes:
            home.advance(end_ms)
            batteries.append((home.charged_kwh, home.discharged_kwh, home.leaked_kwh, home.stored_kwh))
            home.charged_kwh = home.discharged_kwh = home.leaked_kwh = 0.0
        self.book.turn_to(interval + 1)
        charged, discharged, leaked, stored = np.array(batteries, np.float64).reshape(-1, 4).T
        p_kw = load_kw - pv_kw + (charged - discharged) / hours
        q_kvar = load_kvar + pv_kvar
        return Reading(
            load_kw * hours, pv_kw * hours, p_kw * hours, charged, discharged, leaked, stored, p_kw, q_kvar
        )
