"""Energies of a battery: what it takes, what it gives, and what it loses on the way.

Energies at the terminals and energies in storage are kept apart:

    stored(t+h) = stored(t) - leak + charge_efficiency * charged - discharged / discharge_efficiency

closes by construction. The functions decide with comparisons, so they take one household's floats; loops over
many households compile them as they stand (`battery_arrays`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.core.delivery import in_parts

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""
Numbers: TypeAlias = Sequence[float] | NDArray[np.float64]


class Battery(NamedTuple):
    """Constants of one battery."""

    capacity_kwh: float
    floor_kwh: float
    """Most and least energy in storage; below the floor it does not discharge."""
    charge_kw: float
    discharge_kw: float
    """Power limits at the terminals."""
    charge_efficiency: float
    discharge_efficiency: float
    """Stored over taken, and given over taken from storage; in (0, 1]."""
    leak_per_hour: float
    """Rate of self-discharge, 1/h: without charging, stored energy falls as exp(-leak_per_hour * h)."""
    grid_charge_kw: float = 0.0
    grid_charge_below_kwh: float = 0.0
    """Power that it takes from the grid while less than that energy is stored; 0 for none."""


def leak_rate(self_discharge_per_day: float) -> float:
    """Rate of self-discharge, 1/h, that loses the given share of the stored energy in 24 hours."""
    return 0.0 if self_discharge_per_day == 0 else -math.log1p(-min(self_discharge_per_day, 1 - 1e-12)) / 24


def leaked_kwh(battery: Battery, stored_kwh: float, hours: float) -> float:
    """Energy lost by self-discharge in `hours`, from what was stored at their start, kWh."""
    if battery.leak_per_hour == 0.0:
        return 0.0
    return -stored_kwh * math.expm1(-battery.leak_per_hour * hours)


def charged_kwh(battery: Battery, stored_kwh: float, surplus_kw: float, hours: float) -> float:
    """Energy at the terminals that a controller takes in `hours` at a constant surplus, kWh.

    It follows the surplus up to the power limit and until the battery is full; below
    `grid_charge_below_kwh` the grid makes up for a surplus that is too small.
    """
    power_kw = surplus_kw if surplus_kw > 0.0 else 0.0
    if stored_kwh < battery.grid_charge_below_kwh and power_kw < battery.grid_charge_kw:
        power_kw = battery.grid_charge_kw
    if power_kw > battery.charge_kw:
        power_kw = battery.charge_kw
    energy_kwh = power_kw * hours
    room_kwh = (battery.capacity_kwh - stored_kwh) / battery.charge_efficiency
    if energy_kwh > room_kwh:
        energy_kwh = room_kwh
    return energy_kwh if energy_kwh > 0.0 else 0.0


def deliverable_kwh(battery: Battery, stored_kwh: float, hours: float) -> float:
    """Most energy at the terminals that can be given over the next `hours`, kWh.

    It allows for self-discharge on the way, so a promise made at the start of a step is kept.
    """
    left_kwh = stored_kwh * math.exp(-battery.leak_per_hour * hours) - battery.floor_kwh
    energy_kwh = left_kwh * battery.discharge_efficiency
    if energy_kwh > battery.discharge_kw * hours:
        energy_kwh = battery.discharge_kw * hours
    return energy_kwh if energy_kwh > 0.0 else 0.0


def own_use_kwh(battery: Battery, stored_kwh: float, surplus_kw: float, hours: float) -> tuple[float, float]:
    """What a battery that nobody regulates takes and gives in `hours` at a constant surplus, kWh.

    It does what home batteries do: it stores the surplus and covers the load that the generation leaves,
    and never feeds in. Where the grid charges it too, that is up to `grid_charge_below_kwh`, a reserve which
    the load does not get.

    Returns
    -------
    tuple of (float, float)
        Charged and discharged, at the terminals; one of them is 0.
    """
    reserve_kwh = battery.grid_charge_below_kwh if battery.grid_charge_kw else 0.0
    if surplus_kw > 0.0 or stored_kwh < reserve_kwh:
        energy_kwh = charged_kwh(battery, stored_kwh, surplus_kw, hours)
        leak_kwh = leaked_kwh(battery, stored_kwh, hours)
        up_to_reserve_kwh = (reserve_kwh - stored_kwh + leak_kwh) / battery.charge_efficiency
        return min(energy_kwh, max(surplus_kw * hours, up_to_reserve_kwh)), 0.0
    kept = battery._replace(floor_kwh=max(battery.floor_kwh, reserve_kwh))
    wanted_kwh = covered_kw(-surplus_kw, battery.discharge_kw) * hours
    return 0.0, min(wanted_kwh, deliverable_kwh(kept, stored_kwh, hours))


def covered_kw(residual_kw: float, limit_kw: float) -> float:
    """Power of a battery that follows a residual load up to a limit; it never exports."""
    if residual_kw <= 0.0:
        return 0.0
    return residual_kw if residual_kw < limit_kw else limit_kw


def coverable_kwh(residual_kw: Numbers, piece_h: Numbers, limit_kw: float) -> float:
    """Energy that such a battery gives over the pieces of a step, kWh; of each, its load and its length."""
    energy_kwh = 0.0
    for piece in range(len(piece_h)):
        energy_kwh += covered_kw(residual_kw[piece], limit_kw) * piece_h[piece]
    return energy_kwh


def regulated_kwh(
    battery: Battery, stored_kwh: float, power_kw: float, surplus_kw: float, hours: float
) -> tuple[float, float, float]:
    """What a battery that a market regulates takes, gives and loses in `hours` at a constant surplus, kWh.

    It gives the power that was promised, else takes the surplus; what gives does not take at the same moment,
    and the surplus then goes to the feeder. The first two are at the terminals.
    """
    charged = discharged = leaked = 0.0
    if power_kw:
        discharged = power_kw * hours
    else:
        charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
    if charged or discharged or battery.leak_per_hour:
        leaked = leaked_kwh(battery, stored_kwh, hours)
    return charged, discharged, leaked


def change_kwh(battery: Battery, charged: float, discharged: float, leaked: float) -> float:
    """By how much what is stored changes, kWh."""
    return -leaked + battery.charge_efficiency * charged - discharged / battery.discharge_efficiency


def lost_kwh(
    battery: Battery, charged: FloatOrArray, discharged: FloatOrArray, leaked: FloatOrArray
) -> FloatOrArray:
    """What gets lost on the way in, on the way out and in between, kWh; of floats and of arrays."""
    return (
        leaked
        + (1.0 - battery.charge_efficiency) * charged
        + (1.0 / battery.discharge_efficiency - 1.0) * discharged
    )


def promised(
    battery: Battery,
    most_kwh: float,
    follows_load: bool,
    unit_kwh: float,
    steady_kwh: float,
    own_kwh: float,
    residual_kw: Numbers,
    piece_h: Numbers,
    hours: float,
) -> float:
    """What of a requested unit a battery can give over a step, from 0 to 1 in whole parts.

    A unit for the own load is given as far as that load, less the generation, takes it and as there is
    energy; any other unit whole or not at all.

    Parameters
    ----------
    battery : Battery
        Its constants.
    most_kwh : float
        What it can give over the step, as of `deliverable_kwh`.
    follows_load, unit_kwh
        Whether the unit is for the own load, and its energy.
    steady_kwh, own_kwh : float
        What it gives already of units before this one: evenly, and to the own load.
    residual_kw, piece_h : sequence of float
        What the household draws in each piece of the step, and how long; looked at for the own load alone.
    hours : float
        Length of the step.
    """
    if follows_load:
        coverable = coverable_kwh(residual_kw, piece_h, battery.discharge_kw - steady_kwh / hours)
        left_kwh = most_kwh - steady_kwh
        return in_parts(((coverable if coverable < left_kwh else left_kwh) - own_kwh) / unit_kwh)
    if steady_kwh + own_kwh + unit_kwh > most_kwh:
        return 0.0
    # What was promised to the own load before must still find room beside it, at every moment.
    power_kw = (steady_kwh + unit_kwh) / hours
    if own_kwh and own_kwh > coverable_kwh(residual_kw, piece_h, battery.discharge_kw - power_kw):
        return 0.0
    return 1.0


def share_of_own(own_kwh: float, residual_kw: Numbers, piece_h: Numbers, limit_kw: float) -> float:
    """Which share of the own load is covered, up to that limit, by so much energy over a step."""
    return own_kwh / coverable_kwh(residual_kw, piece_h, limit_kw) if own_kwh else 0.0
