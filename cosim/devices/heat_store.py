"""What a heat pump heats: a store in front of a profile, or a building of one resistance and capacity.

Each has a level that the pump raises, a level that is wanted, and limits of comfort; what becomes of it are
the functions of `heat_balance`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.devices.heat_balance import Done, Heated, Weather
from cosim.devices.sites import ServedLoad

Array = NDArray[np.float64]


class HeatFlows(NamedTuple):
    """What a store of heat did since it was last asked."""

    stored_kwh: float
    """What the pump is ahead of the demand, at the end, as electrical energy; 0 of a building."""
    used_kwh: float
    """Electrical energy that served its purpose."""
    missing_kwh: float
    """Electrical energy that the demand asked for and did not get; 0 of a building."""
    cold_h: float
    """For how long it was below its limit of comfort."""
    cold_degree_h: float
    """By how much and for how long, K·h; 0 of a store."""
    heat_kwh: float
    heat_lost_kwh: float
    """Heat given, and lost to the outside; 0 of a store."""
    temperature_c: float
    """Inside, at the end; NaN of a store."""


class HeatStore(ABC):
    """What the pump of one household heats.

    Attributes
    ----------
    heated : Heated
        Its constants.
    level : float
        How warm it is.
    done : Done
        What has come of it since it was last read.
    """

    __slots__ = ("done", "heated", "level")

    def __init__(self, heated: Heated) -> None:
        self.heated, self.level, self.done = heated, heated.wanted, Done()

    @abstractmethod
    def weather(self, at_ms: int) -> Weather:
        """What acts on it in the slot of an instant."""

    def close(self) -> HeatFlows:
        """What has happened since it was last called."""
        done, self.done = self.done, Done()
        is_building = self.heated.is_building
        return HeatFlows(0.0 if is_building else self.level, *done, self.level if is_building else math.nan)


class ProfiledHeat(HeatStore):
    """A store in front of a demand that a profile gives, in electrical kWh: the pump is ahead or behind.

    Parameters
    ----------
    demand : ServedLoad
        The demands of all households.
    household : int
        Whose this is.
    behind_kwh, ahead_kwh : float
        How far it can be behind and ahead; what is asked for beyond that is missing.
    """

    __slots__ = ("demand", "household")

    def __init__(self, demand: ServedLoad, household: int, behind_kwh: float, ahead_kwh: float) -> None:
        super().__init__(Heated(-behind_kwh, 0.0, ahead_kwh))
        self.demand, self.household = demand, household

    def weather(self, at_ms: int) -> Weather:
        """The demand."""
        return Weather(demand_kw=self.demand.kw(self.household, at_ms))


class Building(NamedTuple):
    """Constants of a building."""

    r_k_per_kw: float
    """Thermal resistance to the outside."""
    c_kwh_per_k: float
    """Heat capacity."""
    outdoor_c: Array
    cop: Array
    """Temperature outside, and the pump's coefficient of performance at it. Shape (n_slots,)."""
    slot_ms: int
    """Length of a slot."""


class HeatedBuilding(HeatStore):
    """A building at one temperature T: ``C dT/dt = COP P - (T - T_outside) / R``, solved exactly.

    Parameters
    ----------
    building : Building
        Its constants.
    set_point_c, band_k : float
        Temperature that is wanted and that it begins with, and how far it may be from it.
    """

    __slots__ = ("building",)

    def __init__(self, building: Building, set_point_c: float, band_k: float) -> None:
        limits = set_point_c - band_k, set_point_c, set_point_c + band_k
        super().__init__(Heated(*limits, True, building.r_k_per_kw, building.c_kwh_per_k))
        self.building = building

    def weather(self, at_ms: int) -> Weather:
        """The temperature outside, and what the pump makes of it."""
        of = self.building
        slot = min(at_ms // of.slot_ms, len(of.outdoor_c) - 1)
        return Weather(outdoor_c=float(of.outdoor_c[slot]), cop=float(of.cop[slot]))
