"""What the feeder's own loads and generators draw that no household took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.network import GridConfig, SimbenchSource
from cosim.errors import InputError, Problem
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder

FloatArray = NDArray[np.float64]
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
        self._scaling = grid.background_scaling
        self._follows_profiles = mode == "profile"
        self._profiles: dict[str, FloatArray] = {"": np.ones(n_intervals)}
        if self._follows_profiles:
            names = sorted({n for e in self._elements for n in (e.p_profile, e.q_profile) if n})
            self._profiles |= _interval_means(feeder, names, start, n_intervals, grid.interval_min)

    def power(self, first: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Powers in the intervals ``first ... first + n - 1``.

        Returns
        -------
        p_mw, q_mvar : ndarray of float64, shape (n, n_bus)
            In load convention. Where an interval is no whole number of quarter hours, profiles are piecewise
            constant and their mean over the interval is taken.
        """
        p_mw, q_mvar = np.zeros((n, self._n_bus)), np.zeros((n, self._n_bus))
        rows = slice(first, first + n)
        for element, bus in zip(self._elements, self._columns, strict=True):
            of_p, of_q = (element.p_profile, element.q_profile) if self._follows_profiles else ("", "")
            p_mw[:, bus] += self._scaling * element.p_mw * self._profiles[of_p][rows]
            q_mvar[:, bus] += self._scaling * element.q_mvar * self._profiles[of_q][rows]
        return p_mw, q_mvar


def _interval_means(
    feeder: Feeder, names: list[str], start: datetime, n_intervals: int, interval_min: int
) -> dict[str, FloatArray]:
    """Profiles as means over the intervals."""
    from cosim.grid.simbench_data import SLOT_MINUTES, read_profiles, scenario_of

    source = feeder.network.source
    if not isinstance(source, SimbenchSource):
        return {}
    n_slots = -(-n_intervals * interval_min // SLOT_MINUTES)
    if not names:
        return {}
    values = read_profiles(names, start, n_slots, scenario_of(source.code)).values
    fine = np.repeat(values, SLOT_MINUTES // _FINE_MIN, axis=0)
    per_interval = interval_min // _FINE_MIN
    means = fine[: n_intervals * per_interval].reshape(n_intervals, per_interval, -1).mean(axis=1)
    return {name: means[:, column] for column, name in enumerate(names)}
