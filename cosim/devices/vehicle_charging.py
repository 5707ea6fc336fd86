"""How an electric vehicle charges: pure functions.

They are of one vehicle; loops over many compile them as they stand (`vehicle_arrays`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import in_parts
from cosim.devices.active_device import NEVER

NOTHING_KWH = 1e-9
"""What less than this is needed of is full."""
_LONGEST_MS = 1 << 60
"""Charging that takes longer than any run; instants of that many ms add up in 64 bits."""


class Charger(NamedTuple):
    """Constants of one vehicle and its charger."""

    charger_kw: float
    """Power at the terminals."""
    battery_kwh: float
    """Capacity."""
    charge_efficiency: float
    """Stored over taken energy."""
    charges_when_due: bool
    """Whether it charges whatever it is asked for, once nothing less than that fills it in time."""


def lasts_ms(charger: Charger, power_kw: float, kwh: float) -> int:
    """How long it charges for that much in its battery; `NEVER` without power."""
    if power_kw <= 0.0:
        return NEVER
    hours = kwh / charger.charge_efficiency / power_kw
    return NEVER if hours == math.inf else math.ceil(min(hours * MS_PER_HOUR, _LONGEST_MS))


def due_ms(charger: Charger, power_kw: float, remaining_kwh: float, departure_ms: int) -> int:
    """From when on only charging without a pause fills it in time; `NEVER` for one that waits."""
    needs_ms = lasts_ms(charger, power_kw, remaining_kwh)
    return departure_ms - needs_ms if charger.charges_when_due and needs_ms != NEVER else NEVER


def charges_now(
    charger: Charger,
    power_kw: float,
    remaining_kwh: float,
    now_ms: int,
    departure_ms: int,
    asked_until_ms: int,
) -> bool:
    """Whether a vehicle at its charger charges from now on.

    Parameters
    ----------
    charger : Charger
        Its constants.
    power_kw : float
        What it may draw.
    remaining_kwh : float
        What its battery still needs.
    now_ms, departure_ms : int
        Now, and when it leaves.
    asked_until_ms : int
        Until when it is asked to charge; `NEVER` for one that charges whenever it is there.
    """
    if not remaining_kwh:
        return False
    return now_ms < asked_until_ms or now_ms >= due_ms(charger, power_kw, remaining_kwh, departure_ms)


def charging(
    charger: Charger, power_kw: float, kwh: float, begin_ms: int, departure_ms: int, asked_until_ms: int
) -> tuple[int, int]:
    """From when until when it charges for that much, from `begin_ms` on, as far as it stands now."""
    needs_ms = lasts_ms(charger, power_kw, kwh)
    if not kwh or needs_ms == NEVER:
        return 0, 0
    if begin_ms < asked_until_ms:
        return begin_ms, min(begin_ms + needs_ms, departure_ms, asked_until_ms)
    return max(begin_ms, due_ms(charger, power_kw, kwh, departure_ms)), departure_ms


def charged_kwh(charger: Charger, power_kw: float, remaining_kwh: float, hours: float) -> tuple[float, float]:
    """What it takes at the terminals at that power, and what of that its battery gets, kWh."""
    energy, stored = power_kw * hours, power_kw * hours * charger.charge_efficiency
    if stored >= remaining_kwh - NOTHING_KWH:
        stored = remaining_kwh
        energy = stored / charger.charge_efficiency
    return energy, stored


def next_change_ms(
    charger: Charger,
    power_kw: float,
    remaining_kwh: float,
    now_ms: int,
    departure_ms: int,
    asked_until_ms: int,
) -> int:
    """When a vehicle at its charger next changes what it does by itself; parameters as of `charges_now`."""
    until_ms = departure_ms
    if remaining_kwh and asked_until_ms != NEVER:
        if now_ms < asked_until_ms < until_ms:
            until_ms = asked_until_ms
        due = due_ms(charger, power_kw, remaining_kwh, departure_ms)
        if now_ms < due < until_ms:
            until_ms = due
    return until_ms


def promised(
    charger: Charger, power_kw: float, begin_ms: int, stop_ms: int, now_ms: int, step_ms: int
) -> float:
    """What of a unit, its charger's power for a step from now on, it takes that charges in that time."""
    begin, stop = max(begin_ms, now_ms), min(stop_ms, now_ms + step_ms)
    if stop <= begin:
        return 0.0
    energy_kwh = power_kw * ((stop - begin) / MS_PER_HOUR)
    return in_parts(energy_kwh / (charger.charger_kw * (step_ms / MS_PER_HOUR)))
