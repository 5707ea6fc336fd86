"""What a heat pump heats: a store in front of a profile, or a building of one resistance and capacity.

Each has a level that the pump raises, a level that is wanted, and limits of comfort.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class HeatFlows(NamedTuple):
    """What a store of heat did since it was last asked.

    Attributes
    ----------
    stored_kwh : float
        What the pump is ahead of the demand, at the end, as electrical energy; 0 of a building.
    used_kwh : float
        Electrical energy that served its purpose.
    missing_kwh : float
        Electrical energy that the demand asked for and did not get; 0 of a building.
    cold_h : float
        For how long it was below its limit of comfort.
    cold_kh : float
        By how much and for how long, K·h; 0 of a store.
    heat_kwh, heat_lost_kwh : float
        Heat given, and lost to the outside; 0 of a store.
    temperature_c : float
        Inside, at the end; NaN of a store.
    """

    stored_kwh: float
    used_kwh: float
    missing_kwh: float = 0.0
    cold_h: float = 0.0
    cold_kh: float = 0.0
    heat_kwh: float = 0.0
    heat_lost_kwh: float = 0.0
    temperature_c: float = math.nan


class HeatStore(ABC):
    """What the pump of one household heats.

    Attributes
    ----------
    level, lowest, wanted, highest : float
        How warm it is, the limits of comfort, and what is wanted without a signal.
    """

    is_building: ClassVar[bool]
    __slots__ = ("highest", "level", "lowest", "wanted")

    def __init__(self, lowest: float, wanted: float, highest: float) -> None:
        self.level, self.lowest, self.wanted, self.highest = wanted, lowest, wanted, highest

    @abstractmethod
    def hold_kw(self, at_ms: int) -> float:
        """Power that keeps the level, in the slot of an instant; negative where it rises by itself."""

    @abstractmethod
    def hours_to(self, goal: float, power_kw: float, at_ms: int) -> float:
        """How long it takes to a level at a constant power; infinity where it is never reached."""

    @abstractmethod
    def advance(self, power_kw: float, hours: float, at_ms: int) -> None:
        """Live through a time within a slot."""

    @abstractmethod
    def close(self) -> HeatFlows:
        """What has happened since it was last called."""

    def copy(self) -> Self:
        """One to try on."""
        return copy.copy(self)


class ProfiledHeat(HeatStore):
    """A store in front of a demand that a profile gives, in electrical kWh: the pump is ahead or behind.

    Parameters
    ----------
    demand_kw : callable
        The demand in the slot of an instant.
    behind_kwh, ahead_kwh : float
        How far it can be behind and ahead; what is asked for beyond that is missing.
    """

    is_building = False
    __slots__ = ("_cold_h", "_missing", "_used", "demand_kw")

    def __init__(self, demand_kw: Callable[[int], float], behind_kwh: float, ahead_kwh: float) -> None:
        super().__init__(-behind_kwh, 0.0, ahead_kwh)
        self.demand_kw = demand_kw
        self._used = self._missing = self._cold_h = 0.0

    def hold_kw(self, at_ms: int) -> float:
        """The demand."""
        return self.demand_kw(at_ms)

    def hours_to(self, goal: float, power_kw: float, at_ms: int) -> float:
        """At the difference of power and demand."""
        net_kw, way = power_kw - self.demand_kw(at_ms), goal - self.level
        return way / net_kw if way * net_kw > 0 else math.inf

    def advance(self, power_kw: float, hours: float, at_ms: int) -> None:
        """Take in, and give what is asked for, as far as the store allows."""
        asked_kwh = self.demand_kw(at_ms) * hours
        level = self.level + power_kw * hours - asked_kwh
        missing = max(self.lowest - level, 0.0) if asked_kwh > power_kw * hours else 0.0
        self._missing += missing
        self._used += asked_kwh - missing
        if missing:
            self._cold_h += missing / (asked_kwh / hours - power_kw)
        self.level = level + missing

    def close(self) -> HeatFlows:
        """What was used and what was missing."""
        flows = HeatFlows(self.level, self._used, self._missing, self._cold_h)
        self._used = self._missing = self._cold_h = 0.0
        return flows


class Building(NamedTuple):
    """Constants of a building.

    Attributes
    ----------
    r_k_per_kw : float
        Thermal resistance to the outside.
    c_kwh_per_k : float
        Heat capacity.
    outdoor_c, cop : ndarray, shape (n_slots,)
        Temperature outside, and the pump's coefficient of performance at it.
    slot_ms : int
        Length of a slot.
    """

    r_k_per_kw: float
    c_kwh_per_k: float
    outdoor_c: Array
    cop: Array
    slot_ms: int


class HeatedBuilding(HeatStore):
    """A building at one temperature T: ``C dT/dt = COP P - (T - T_outside) / R``, solved exactly.

    Parameters
    ----------
    building : Building
        Its constants.
    set_point_c, band_k : float
        Temperature that is wanted and that it begins with, and how far it may be from it.
    """

    is_building = True
    __slots__ = ("_cold_h", "_cold_kh", "_heat", "_lost", "_used", "building")

    def __init__(self, building: Building, set_point_c: float, band_k: float) -> None:
        super().__init__(set_point_c - band_k, set_point_c, set_point_c + band_k)
        self.building = building
        self._used = self._heat = self._lost = self._cold_h = self._cold_kh = 0.0

    def _slot(self, at_ms: int) -> int:
        return min(at_ms // self.building.slot_ms, len(self.building.outdoor_c) - 1)

    def _rest_c(self, power_kw: float, at_ms: int) -> float:
        """The temperature that it tends to."""
        slot, of = self._slot(at_ms), self.building
        return float(of.outdoor_c[slot] + of.r_k_per_kw * of.cop[slot] * power_kw)

    def hold_kw(self, at_ms: int) -> float:
        """What the building loses, over the coefficient of performance."""
        slot, of = self._slot(at_ms), self.building
        return float((self.level - of.outdoor_c[slot]) / of.r_k_per_kw / of.cop[slot])

    def hours_to(self, goal: float, power_kw: float, at_ms: int) -> float:
        """By the exponential with time constant R C."""
        rest = self._rest_c(power_kw, at_ms)
        if not min(self.level, rest) <= goal <= max(self.level, rest) or goal == rest:
            return math.inf
        of = self.building
        return of.r_k_per_kw * of.c_kwh_per_k * math.log((self.level - rest) / (goal - rest))

    def advance(self, power_kw: float, hours: float, at_ms: int) -> None:
        """Warm up or cool down."""
        of, before, rest = self.building, self.level, self._rest_c(power_kw, at_ms)
        self.level = rest + (before - rest) * math.exp(-hours / (of.r_k_per_kw * of.c_kwh_per_k))
        heat = float(of.cop[self._slot(at_ms)]) * power_kw * hours
        self._used += power_kw * hours
        self._heat += heat
        self._lost += heat - of.c_kwh_per_k * (self.level - before)
        self._count_cold(self.lowest - before, self.lowest - self.level, hours)

    def _count_cold(self, before_k: float, after_k: float, hours: float) -> None:
        """Hours below the limit and K·h, as if the temperature went straight through a slot."""
        first, last = max(before_k, 0.0), max(after_k, 0.0)
        if max(first, last) > 1e-9:
            share = 1.0 if min(before_k, after_k) >= 0 else (first + last) / abs(after_k - before_k)
            self._cold_h += share * hours
            self._cold_kh += 0.5 * (first + last) * share * hours

    def close(self) -> HeatFlows:
        """Heat and temperature."""
        flows = HeatFlows(
            0.0, self._used, 0.0, self._cold_h, self._cold_kh, self._heat, self._lost, self.level
        )
        self._used = self._heat = self._lost = self._cold_h = self._cold_kh = 0.0
        return flows
