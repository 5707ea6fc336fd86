"""What is certain to have no schedule, told without looking for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.supply import TOLERANCE_KWH
from cosim.trading.valuation.appliance import Appliance, any_hours, time_of_day


def certain_shortage(
    appliances: Sequence[Appliance],
    fixed_load_kwh: NDArray[np.float64],
    contracted_kw: float,
    slot_h: float = 1.0,
) -> str:
    """Why a day has no schedule, as far as each appliance by itself and their sum can tell.

    Necessary conditions, so what they let pass may still have none; the solver will say so.

    Parameters
    ----------
    appliances : sequence of Appliance
        What is to run, each fitting into its window.
    fixed_load_kwh : ndarray, shape (n_hours,)
        Load that is there anyway.
    contracted_kw : float
        The largest load.
    slot_h : float
        Length of a market interval, h.

    Returns
    -------
    str
        One sentence that names the appliance or the hour; empty if nothing is certain.
    """
    room = contracted_kw * slot_h - fixed_load_kwh
    if room.min() < -TOLERANCE_KWH:
        hour = int(room.argmin())
        return (
            f"in {time_of_day(hour, slot_h)} the load that is not scheduled is "
            f"{fixed_load_kwh[hour] / slot_h:.3f} kW already, more "
            f"than the contracted power of {contracted_kw:g} kW"
        )
    limit = f"the contracted power of {contracted_kw:g} kW"
    for appliance in appliances:
        window = slice(appliance.earliest, appliance.latest)
        found = _most_hours(appliance, room[window] >= appliance.slot_kwh - TOLERANCE_KWH)
        if found < appliance.slots_needed:
            hour = appliance.earliest + int(room[window].argmax())
            return (
                f"{appliance.name} ({appliance.power_kw:g} kW) has to run for "
                f"{appliance.slots_needed * slot_h:g} h from hour {appliance.earliest * slot_h:g} to "
                f"{appliance.latest * slot_h:g}, but finds room for only {found * slot_h:g} h; "
                f"{limit} leaves {room[hour] / slot_h:.3f} kW at most beside the load "
                f"that is not scheduled, in {time_of_day(hour, slot_h)}"
            )
    needed_kwh, left_kwh = sum(each.energy_kwh for each in appliances), float(room.sum())
    if needed_kwh > left_kwh + TOLERANCE_KWH * len(room):
        return (
            f"all appliances need {needed_kwh:.3f} kWh, and {limit} leaves {left_kwh:.3f} kWh beside the "
            "load that is not scheduled"
        )
    return ""


def _most_hours(appliance: Appliance, has_room: NDArray[np.bool_]) -> int:
    """In how many hours of its window an appliance could run, were it alone."""
    if any_hours(appliance):
        return int(has_room.sum())
    edges = np.flatnonzero(np.diff(np.concatenate(([0], has_room.astype(np.int8), [0]))))
    stretches = edges[1::2] - edges[::2]
    return int((stretches // appliance.duration).sum()) * appliance.duration
