"""What the feeder's own loads, generators and storages draw that no household took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.grid.elements import ActingPower, ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.feeder_profiles import ProfileRows
from cosim.grid.schema import GridConfig
from cosim.grid.simbench_data import SLOT_MINUTES
from cosim.grid.voltage_dependence import DependentPower

FloatArray = NDArray[np.float64]
_AHEAD, _NUMBERS_AHEAD = 168, 500_000
"""Intervals that are worked out together, and how many powers of buses at most."""
_FINE_MIN = 5
"""Every interval length, and SimBench's quarter hour, is a multiple of this (min)."""


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


class Background:
    """Mean powers of the feeder's remaining elements, interval by interval.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    elements : sequence of ElementRecord
        Those that no household took.
    grid : GridConfig
        Says what they do, by what factor, and how long an interval is.
    start : datetime
        Start of the first interval, with a time zone; on a quarter hour where profiles are followed.
    n_intervals : int
        Length of the run in intervals.

    Raises
    ------
    InputError
        If profiles are asked for that the feeder does not have, or do not cover the time.
    """

    def __init__(
        self,
        feeder: Feeder,
        elements: Sequence[ElementRecord],
        grid: GridConfig,
        start: datetime,
        n_intervals: int,
    ) -> None:
        mode = background_mode(feeder, grid)
        self._n_bus = feeder.n_bus
        self._elements = () if mode == "none" else tuple(elements)
        self._columns = feeder.bus_positions([element.bus for element in self._elements])
        self._supplied = feeder.bus.supplied[self._columns]
        bus_of = zip(self._elements, self._columns.tolist(), strict=True)
        self._dependent_columns = sorted({bus for element, bus in bus_of if element.shares})
        self._scaling = grid.background_scaling
        self._follows_profiles = mode == "profile"
        self._interval_min = grid.interval_min
        self._n_intervals = n_intervals
        self._ahead_from, self._n_ahead = 0, 0
        self._pages: ProfileRows | None = None
        names = sorted({name for each in self._elements for name in (each.p_profile, each.q_profile) if name})
        if self._follows_profiles and names and feeder.profiles is not None:
            n_slots = -(-n_intervals * grid.interval_min // SLOT_MINUTES)
            self._pages = feeder.profiles.open(names, start, n_slots)

    def at(self, interval: int) -> tuple[FloatArray, FloatArray, DependentPower | None]:
        """The powers in one interval, shape (n_bus,) each, and what of them follows the voltage.

        Some intervals are worked out at once, for they are asked for in their order.
        """
        row = interval - self._ahead_from
        if not 0 <= row < self._n_ahead:
            most = max(1, min(_AHEAD, _NUMBERS_AHEAD // self._n_bus))
            self._ahead_from, row = interval, 0
            self._n_ahead = max(1, min(most, self._n_intervals - interval))
            self._p_mw, self._q_mvar = self.power(interval, self._n_ahead)
            self._dependent = self.dependent(interval, self._n_ahead)
        dependent = None if self._dependent is None else self._dependent.rows(slice(row, row + 1))
        return self._p_mw[row], self._q_mvar[row], dependent

    def power(self, first: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Powers in the intervals ``first ... first + n - 1``.

        Returns
        -------
        p_mw, q_mvar : ndarray of float64, shape (n, n_bus)
            At 1 pu, in load convention. Where an interval is not a whole number of quarter hours, profiles
            are piecewise constant and their mean over the interval is taken.
        """
        p_mw, q_mvar = np.zeros((n, self._n_bus)), np.zeros((n, self._n_bus))
        powers = self.element_powers(first, n)
        for bus, (_, of_p, of_q) in zip(self._columns, powers, strict=True):
            p_mw[:, bus] += of_p
            q_mvar[:, bus] += of_q
        return p_mw, q_mvar

    def element_powers(self, first: int, n: int) -> list[tuple[ElementRecord, FloatArray, FloatArray]]:
        """Each element with its powers in these intervals, MW and Mvar, at 1 pu, shape (n,)."""
        factors = {"": np.ones(n)} | self._interval_means(first, n)
        found = []
        for element in self._elements:
            of_p, of_q = (element.p_profile, element.q_profile) if self._follows_profiles else ("", "")
            p_mw = self._scaling * element.p_mw * factors[of_p]
            found.append((element, p_mw, self._scaling * element.q_mvar * factors[of_q]))
        return found

    def loads_and_generators(self, first: int, n: int) -> tuple[FloatArray, FloatArray]:
        """What all that are supplied take, and what all give, MW at 1 pu, shape (n,) each."""
        powers = [p_mw for _, p_mw, _ in self.element_powers(first, n)]
        p_mw = np.array(powers).reshape(-1, n)[self._supplied]
        return p_mw.clip(min=0).sum(axis=0), -p_mw.clip(max=0).sum(axis=0)

    def acting(self, interval: int) -> list[ActingPower]:
        """Each element with its power in one interval."""
        powers = self.element_powers(interval, 1)
        return [(element, float(p_mw[0]), float(q_mvar[0])) for element, p_mw, q_mvar in powers]

    def dependent(self, first: int, n: int) -> DependentPower | None:
        """Which part of `power` follows the voltage; None where nothing ever does."""
        if not self._dependent_columns:
            return None
        buses = self._dependent_columns
        found = DependentPower(
            np.array(buses, dtype=np.int64), *(np.zeros((n, len(buses))) for _ in range(4))
        )
        powers, place = self.element_powers(first, n), {bus: column for column, bus in enumerate(buses)}
        for bus, (element, p_mw, q_mvar) in zip(self._columns.tolist(), powers, strict=True):
            if element.shares:
                column, shares = place[bus], element.shares
                found.p_impedance_mw[:, column] += shares.p_impedance * p_mw
                found.p_current_mw[:, column] += shares.p_current * p_mw
                found.q_impedance_mvar[:, column] += shares.q_impedance * q_mvar
                found.q_current_mvar[:, column] += shares.q_current * q_mvar
        return found

    def _interval_means(self, first: int, n: int) -> dict[str, FloatArray]:
        """Profiles as means over the intervals."""
        if self._pages is None:
            return {}
        begin, end = first * self._interval_min, (first + n) * self._interval_min
        first_quarter = begin // SLOT_MINUTES
        quarters = self._pages.rows(first_quarter, -(-end // SLOT_MINUTES))
        fine = np.repeat(quarters, SLOT_MINUTES // _FINE_MIN, axis=0)
        skipped = (begin - first_quarter * SLOT_MINUTES) // _FINE_MIN
        per_interval = self._interval_min // _FINE_MIN
        means = fine[skipped : skipped + n * per_interval].reshape(n, per_interval, -1).mean(axis=1)
        return dict(zip(self._pages.names, means.T, strict=True))
