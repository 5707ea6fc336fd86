"""How warm a home is while its heat pump runs: pure functions.

They are of one store of heat; loops over many compile them as they stand (`heat_pump_arrays`).
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Heated(NamedTuple):
    """Constants of what a heat pump heats."""

    lowest: float
    wanted: float
    highest: float
    """Limits of comfort, and the level that is wanted without a signal: kWh of electrical energy that the
    pump is ahead of its profile, or the temperature of a building, °C."""
    is_building: bool = False
    """Whether it is a building; else a store in front of a profile."""
    r_k_per_kw: float = 0.0
    c_kwh_per_k: float = 0.0
    """Thermal resistance of a building to the outside, and its heat capacity."""


class Weather(NamedTuple):
    """What acts on it throughout a slot."""

    demand_kw: float = 0.0
    """What the profile asks for, electrical."""
    outdoor_c: float = 0.0
    cop: float = 1.0
    """Temperature outside a building, and the pump's coefficient of performance at it."""


class Done(NamedTuple):
    """What has come of it since it was last asked; see `HeatFlows`."""

    used_kwh: float = 0.0
    missing_kwh: float = 0.0
    cold_h: float = 0.0
    cold_degree_h: float = 0.0
    heat_kwh: float = 0.0
    heat_lost_kwh: float = 0.0


def goal(heated: Heated, is_asked: bool, runs_when_due: bool) -> float:
    """The level that a pump works towards which a market regulates."""
    if is_asked:
        return heated.highest
    return heated.lowest if runs_when_due else -math.inf


def hold_kw(heated: Heated, weather: Weather, level: float) -> float:
    """Power that keeps the level; negative where it rises by itself."""
    if heated.is_building:
        return (level - weather.outdoor_c) / heated.r_k_per_kw / weather.cop
    return weather.demand_kw


def rest_c(heated: Heated, weather: Weather, power_kw: float) -> float:
    """The temperature that a building tends to."""
    return weather.outdoor_c + heated.r_k_per_kw * weather.cop * power_kw


def hours_to(heated: Heated, weather: Weather, level: float, goal: float, power_kw: float) -> float:
    """How long it takes to another level at a constant power; infinity where that is never reached.

    Of a building by the exponential with time constant R C, of a store by the difference of power and demand.
    """
    if heated.is_building:
        rest = rest_c(heated, weather, power_kw)
        if not min(level, rest) <= goal <= max(level, rest) or goal == rest:
            return math.inf
        return heated.r_k_per_kw * heated.c_kwh_per_k * math.log((level - rest) / (goal - rest))
    net_kw, way = power_kw - weather.demand_kw, goal - level
    return way / net_kw if way * net_kw > 0 else math.inf


def advanced(
    heated: Heated, weather: Weather, level: float, done: Done, power_kw: float, hours: float
) -> tuple[float, Done]:
    """The level after a time within a slot at a constant power, and what has come of it by then."""
    if heated.is_building:
        rest = rest_c(heated, weather, power_kw)
        after = rest + (level - rest) * math.exp(-hours / (heated.r_k_per_kw * heated.c_kwh_per_k))
        heat = weather.cop * power_kw * hours
        lost = heat - heated.c_kwh_per_k * (after - level)
        cold_h, cold_degree_h = cold(heated.lowest - level, heated.lowest - after, hours)
        return after, Done(
            done.used_kwh + power_kw * hours,
            done.missing_kwh,
            done.cold_h + cold_h,
            done.cold_degree_h + cold_degree_h,
            done.heat_kwh + heat,
            done.heat_lost_kwh + lost,
        )
    asked_kwh = weather.demand_kw * hours
    after = level + power_kw * hours - asked_kwh
    missing = max(heated.lowest - after, 0.0) if asked_kwh > power_kw * hours else 0.0
    cold_h = missing / (asked_kwh / hours - power_kw) if missing else 0.0
    return after + missing, Done(
        done.used_kwh + (asked_kwh - missing),
        done.missing_kwh + missing,
        done.cold_h + cold_h,
        done.cold_degree_h,
        done.heat_kwh,
        done.heat_lost_kwh,
    )


def cold(before_k: float, after_k: float, hours: float) -> tuple[float, float]:
    """Hours below the lower limit and K·h, as if the temperature went straight through a slot."""
    first, last = max(before_k, 0.0), max(after_k, 0.0)
    if max(first, last) <= 1e-9:
        return 0.0, 0.0
    share = 1.0 if min(before_k, after_k) >= 0 else (first + last) / abs(after_k - before_k)
    return share * hours, 0.5 * (first + last) * share * hours


def run(
    heated: Heated, weather: Weather, level: float, done: Done, aim: float, most_kw: float, hours: float
) -> tuple[float, float, Done]:
    """Live through a time within a slot: to its aim at full power or none, then hold it.

    Returns
    -------
    energy_kwh, level, done : float, float and Done
        Electrical energy taken, how warm it is then, and what has come of it.
    """
    energy, left = 0.0, hours
    if level != aim:
        power_kw = most_kw if level < aim else 0.0
        way = min(hours_to(heated, weather, level, aim, power_kw), left)
        level, done = advanced(heated, weather, level, done, power_kw, way)
        energy, left = power_kw * way, left - way
        if left > 0:
            level = aim  # as it is but for rounding
    if left > 0:
        hold = hold_kw(heated, weather, level)
        power_kw = min(max(hold, 0.0), most_kw)
        level, done = advanced(heated, weather, level, done, power_kw, left)
        energy += power_kw * left
        if power_kw == hold:
            level = aim
    return energy, level, done
