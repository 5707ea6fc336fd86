"""What is certain to have no schedule, told without looking for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.supply import TOLERANCE_KWH
from cosim.trading.valuation.appliance import Appliance, any_hours


def certain_shortage(
    appliances: Sequence[Appliance], fixed_load_kwh: NDArray[np.float64], contracted_kw: float
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
        The largest load of an hour.

    Returns
    -------
    str
        One sentence that names the appliance or the hour; empty if nothing is certain.
    """
    room = contracted_kw - fixed_load_kwh
    if room.min() < -TOLERANCE_KWH:
        hour = int(room.argmin())
        return (
            f"in hour {hour} the load that is not scheduled is {fixed_load_kwh[hour]:.3f} kW already, more "
            f"than the contracted power of {contracted_kw:g} kW"
        )
    limit = f"the contracted power of {contracted_kw:g} kW"
    for appliance in appliances:
        window = slice(appliance.earliest_start_h, appliance.latest_end_h)
        found_h = _most_hours(appliance, room[window] >= appliance.power_kw - TOLERANCE_KWH)
        if found_h < appliance.hours_needed:
            hour = appliance.earliest_start_h + int(room[window].argmax())
            return (
                f"{appliance.name} ({appliance.power_kw:g} kW) has to run for {appliance.hours_needed} h "
                f"from hour {appliance.earliest_start_h} to {appliance.latest_end_h}, but finds room "
                f"for only {found_h} h; {limit} leaves {room[hour]:.3f} kW at most beside the load "
                f"that is not scheduled, in hour {hour}"
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
    return int((stretches // appliance.duration_h).sum()) * appliance.duration_h
