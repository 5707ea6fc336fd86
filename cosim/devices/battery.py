"""A battery behind a meter: what it takes, what it gives, and what it loses on the way.

Energies at the terminals and energies in storage are kept apart:

    stored(t+h) = stored(t) - leak + charge_efficiency * charged - discharged / discharge_efficiency

closes by construction. The functions decide with comparisons, so they take one household's floats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cosim.core.clock import to_hours
from cosim.core.delivery import Unit, in_parts
from cosim.devices.interface import METERED, NEVER, ActiveDevice, Piece, Surroundings

OWN_LOAD, ANYTHING = "own_load", "anything"
"""What a battery can be asked for: to follow its household's own load, and so give no more than that takes;
or a whole unit evenly, or none."""


class Battery(NamedTuple):
    """Constants of one battery.

    Attributes
    ----------
    capacity_kwh, floor_kwh : float
        Most and least energy in storage; below the floor it does not discharge.
    charge_kw, discharge_kw : float
        Power limits at the terminals.
    charge_efficiency, discharge_efficiency : float
        Stored over taken, and given over taken from storage; in (0, 1].
    leak_per_hour : float
        Rate of self-discharge, 1/h: without charging, stored energy falls as exp(-leak_per_hour * h).
    grid_charge_kw, grid_charge_below_kwh : float
        Power that it takes from the grid while less than that energy is stored; 0 for none.
    """

    capacity_kwh: float
    floor_kwh: float
    charge_kw: float
    discharge_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    leak_per_hour: float
    grid_charge_kw: float = 0.0
    grid_charge_below_kwh: float = 0.0


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
    `grid_charge_below_kwh` the grid makes up for what the sun does not give.
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


def coverable_kwh(pieces: Sequence[Piece], limit_kw: float) -> float:
    """Energy that such a battery gives over all the pieces of a step, kWh."""
    return sum(covered_kw(piece.residual_kw, limit_kw) * piece.hours for piece in pieces)


class InstalledBattery(ActiveDevice):
    """A battery while time goes on.

    One that a market regulates gives what was promised, else takes the surplus; what gives does not take at
    the same moment, and the surplus then goes to the feeder. One that is not regulated serves its own home.

    Parameters
    ----------
    battery : Battery
        Its constants.
    stored_kwh : float
        Energy in storage at the start.

    Attributes
    ----------
    is_regulated : bool
        Whether a market decides what it gives.
    promise : list of (int, float)
        Until when (ms) it gives which power, kW; in order of time.
    charged_kwh, discharged_kwh, leaked_kwh : float
        Since it was last read; the first two at the terminals.
    """

    metered = (*METERED, "leaked_kwh")
    __slots__ = (
        "battery",
        "charged_kwh",
        "constants",
        "discharged_kwh",
        "is_regulated",
        "leaked_kwh",
        "promise",
    )

    def __init__(self, battery: Battery, stored_kwh: float) -> None:
        super().__init__(stored_kwh, battery.charge_efficiency)
        self.battery = self.constants = battery
        self.is_regulated = False
        self.promise: list[tuple[int, float]] = []
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Give what was promised, take the surplus, or serve the home; and lose what leaks meanwhile."""
        battery, stored_kwh = self.battery, self.stored_kwh
        charged = discharged = 0.0
        if not self.is_regulated:
            charged, discharged = own_use_kwh(battery, stored_kwh, surplus_kw, hours)
        elif self.promise:
            until_ms, power_kw = self.promise[0]
            if power_kw:
                discharged = power_kw * hours
            else:
                charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
            if end_ms == until_ms:
                del self.promise[0]
                self.until_ms = self.promise[0][0] if self.promise else NEVER
        else:
            charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
        if charged or discharged or battery.leak_per_hour:
            leak = leaked_kwh(battery, stored_kwh, hours)
            self.stored_kwh = stored_kwh + (
                -leak + battery.charge_efficiency * charged - discharged / battery.discharge_efficiency
            )
            self.charged_kwh += charged
            self.discharged_kwh += discharged
            self.leaked_kwh += leak
        return charged - discharged

    def close(self) -> tuple[float, ...]:
        """What happened since it was last called; of what was lost, self-discharge once more."""
        battery, charged, discharged, leaked = (
            self.battery,
            self.charged_kwh,
            self.discharged_kwh,
            self.leaked_kwh,
        )
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0
        lost = (
            leaked
            + (1.0 - battery.charge_efficiency) * charged
            + (1.0 / battery.discharge_efficiency - 1.0) * discharged
        )
        return charged, discharged, self.stored_kwh, lost, 0.0, 0.0, leaked

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer; what was promised before is void."""
        self._promise([])
        self.is_regulated = is_on

    def limit(self, most_kw: float) -> bool:
        """Charge with no more than this from now on."""
        self.battery = self.constants._replace(charge_kw=min(self.constants.charge_kw, most_kw))
        return True

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it has promised to give."""
        return [(until_ms, -power_kw) for until_ms, power_kw in self.promise]

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise what of the requested units it can give over the coming step.

        A unit for the own load is given as far as that load, less the generation, takes it and as there is
        energy; any other unit whole or not at all.
        """
        if not any(requested):
            self._promise([])
            return list(requested)
        battery, hours = self.battery, to_hours(step_ms)
        follows = any(want and unit.service == OWN_LOAD for want, unit in zip(requested, units, strict=True))
        pieces = around.pieces(now_ms, now_ms + step_ms, self) if follows else []
        most_kwh = deliverable_kwh(battery, self.stored_kwh, hours)
        steady_kwh = own_kwh = 0.0
        delivered: list[float] = []
        for want, unit in zip(requested, units, strict=True):
            got: float = want
            if want and unit.service == OWN_LOAD:
                coverable = coverable_kwh(pieces, battery.discharge_kw - steady_kwh / hours)
                left_kwh = min(coverable, most_kwh - steady_kwh) - own_kwh
                got = in_parts(left_kwh / unit.energy_kwh)
                own_kwh += got * unit.energy_kwh
            elif want:
                # What was promised to the own load before must still find room beside it, at every moment.
                power_kw = (steady_kwh + unit.energy_kwh) / hours
                if steady_kwh + own_kwh + unit.energy_kwh > most_kwh or (
                    own_kwh and own_kwh > coverable_kwh(pieces, battery.discharge_kw - power_kw)
                ):
                    got = 0
                else:
                    steady_kwh += unit.energy_kwh
            delivered.append(got)
        self._promise(self._pieces_of(steady_kwh / hours, own_kwh, pieces, now_ms + step_ms))
        return delivered

    def _pieces_of(
        self, steady_kw: float, own_kwh: float, pieces: Sequence[Piece], until_ms: int
    ) -> list[tuple[int, float]]:
        """A steady power, and on top of it the same share of the own load all through the step."""
        if own_kwh:
            limit_kw = self.battery.discharge_kw - steady_kw
            share = own_kwh / coverable_kwh(pieces, limit_kw)
            return [
                (piece.until_ms, steady_kw + share * covered_kw(piece.residual_kw, limit_kw))
                for piece in pieces
            ]
        return [(until_ms, steady_kw)] if steady_kw else []

    def _promise(self, promise: list[tuple[int, float]]) -> None:
        self.promise = promise
        self.until_ms = promise[0][0] if promise else NEVER
