"""A battery behind a meter: what it takes, what it gives, and what it loses on the way.

Energies at the terminals and energies in storage are kept apart:

    stored(t+h) = stored(t) - leak + charge_efficiency * charged - discharged / discharge_efficiency

closes by construction. The functions decide with comparisons, so they take one household's floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Fraction, Kilowatts, Probability
from cosim.config.values import KilowattsValue, PositiveKilowattHoursValue, ProbabilityValue, bounds
from cosim.core.clock import MS_PER_DAY, to_hours
from cosim.core.delivery import Unit, in_parts
from cosim.core.errors import Problem
from cosim.core.tables import PROSUMER, TIME, Column, Table
from cosim.devices.interface import (
    DEVICES,
    METERED,
    NEVER,
    ActiveDevice,
    Device,
    GroupAround,
    Piece,
    Service,
    Site,
    Surroundings,
)

Array = NDArray[np.float64]

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
        promise = self.promise
        if not self.is_regulated:
            charged, discharged = own_use_kwh(battery, stored_kwh, surplus_kw, hours)
        elif promise:
            until_ms, power_kw = promise[0]
            if power_kw:
                discharged = power_kw * hours
            else:
                charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
            if end_ms == until_ms:
                del promise[0]
                self.until_ms = promise[0][0] if promise else NEVER
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
        pieces: list[Piece] = []
        for want, unit in zip(requested, units, strict=True):
            if want and unit.service == OWN_LOAD:
                pieces = around.pieces(now_ms, now_ms + step_ms, self)
                break
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
        promise = self.promise = self._pieces_of(steady_kwh / hours, own_kwh, pieces, now_ms + step_ms)
        self.until_ms = promise[0][0] if promise else NEVER
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


@DEVICES.register("battery")
class BatteryConfig(Device):
    """A battery behind the meter.

    Efficiencies apply on the way in and on the way out. A community with `unit_kwh` decides what it gives;
    without one it stores the surplus and covers the own load.
    """

    capacity_kwh: PositiveKilowattHoursValue
    """Usable capacity, kWh."""
    charge_kw: KilowattsValue = 5.0
    """Largest charging power at the terminals, kW."""
    discharge_kw: KilowattsValue = 5.0
    """Largest discharging power at the terminals, kW."""
    charge_efficiency: Fraction = 0.95
    """Stored energy over energy at the terminals."""
    discharge_efficiency: Fraction = 0.95
    """Energy at the terminals over energy taken from storage."""
    self_discharge_per_day: Probability = 0.0
    """Share of the stored energy that is lost in a day."""
    soc_initial: ProbabilityValue = 0.5
    """State of charge at the start, as a share of the capacity."""
    soc_min: Probability = 0.1
    """State of charge below which it does not discharge, as a share of the capacity."""
    charge_from: Literal["surplus", "surplus_and_grid"] = "surplus"
    """`surplus`: only the PV surplus, what generation leaves after the household's load; or also from the
    grid, up to `grid_charge_soc`."""
    grid_charge_soc: Probability = 0.3
    """With `surplus_and_grid`: the grid charges while the state of charge is below this share. A battery
    that no community regulates keeps it as a reserve."""
    grid_charge_kw: Kilowatts = 1.0
    """With `surplus_and_grid`: charging power from the grid, kW."""

    services: ClassVar = (
        Service(
            OWN_LOAD,
            "follows the household's load, less its generation, through the step and delivers what that "
            "takes, up to the unit",
            "a battery",
            follows_load=True,
        ),
        Service(ANYTHING, "is given evenly, whole or not at all, and may go to the feeder", "a battery"),
    )
    is_storage: ClassVar = True
    takes_surplus: ClassVar = True
    empty: ClassVar = "the batteries will be empty"
    full: ClassVar = "the batteries will be full most of the time"
    table: ClassVar = Table(
        "batteries",
        "What each battery stored, took and gave in each interval.",
        (
            TIME,
            PROSUMER,
            Column("soc_kwh", "number", "kWh", "stored at the end of the interval"),
            Column("charge_kwh", "number", "kWh", "taken at the terminals"),
            Column("discharge_kwh", "number", "kWh", "given at the terminals"),
            Column("leaked_kwh", "number", "kWh", "lost by self-discharge"),
        ),
    )

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """Whether it is ever charged, and keys that do nothing."""
        if self.charge_from != "surplus":
            return
        if not around.generates:
            message = (
                "a battery that charges only from surplus, in households without generation, never charges"
            )
            yield Problem(message, "Add `pv:`, or `charge_from: surplus_and_grid`.", severity="warning")
        for key in ("grid_charge_kw", "grid_charge_soc"):
            if getattr(self, key) != type(self).model_fields[key].default:
                message = f"{key} does nothing while the battery charges only from surplus"
                remedy = "Add `charge_from: surplus_and_grid`, or remove it."
                yield Problem(message, remedy, key, severity="warning")

    def unit_problems(self, service: str, unit_kw: float, group: str) -> Iterator[Problem]:
        """Whether it can give a unit at all."""
        if bounds(self.discharge_kw)[1] < unit_kw:
            message = f"a unit is {unit_kw:g} kW over a step, and no battery of '{group}' gives as much"
            yield Problem(message, "Raise discharge_kw, or use smaller units.", severity="warning")

    def install(self, site: Site) -> Sequence[ActiveDevice]:
        """A battery for each household, with its own parameters where they are drawn."""
        names = ("capacity_kwh", "charge_kw", "discharge_kw", "soc_initial")
        drawn = zip(*(site.values(name, getattr(self, name)).tolist() for name in names), strict=True)
        with_grid = self.charge_from == "surplus_and_grid"
        return [
            InstalledBattery(
                Battery(
                    capacity_kwh=capacity_kwh,
                    floor_kwh=capacity_kwh * self.soc_min,
                    charge_kw=charge_kw,
                    discharge_kw=discharge_kw,
                    charge_efficiency=self.charge_efficiency,
                    discharge_efficiency=self.discharge_efficiency,
                    leak_per_hour=leak_rate(self.self_discharge_per_day),
                    grid_charge_kw=self.grid_charge_kw if with_grid else 0.0,
                    grid_charge_below_kwh=capacity_kwh * self.grid_charge_soc if with_grid else 0.0,
                ),
                soc_initial * capacity_kwh,
            )
            for capacity_kwh, charge_kw, discharge_kw, soc_initial in drawn
        ]

    @classmethod
    def parameters(cls, installed: Sequence[tuple[int, Any]], n_households: int) -> dict[str, Array]:
        """What is stored at the start, and the constants."""
        columns = {"battery_stored_start_kwh": np.zeros(n_households)}
        for owner, device in installed:
            columns["battery_stored_start_kwh"][owner] = device.stored_kwh
            for name, value in zip(Battery._fields, device.constants, strict=True):
                columns.setdefault(f"battery_{name}", np.full(n_households, np.nan))[owner] = value
        return columns

    @classmethod
    def rows(cls, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The columns of the table `batteries`."""
        return {
            "soc_kwh": values["stored_kwh"],
            "charge_kwh": values["taken_kwh"],
            "discharge_kwh": values["given_kwh"],
            "leaked_kwh": values["leaked_kwh"],
        }

    @classmethod
    def supply_kwh(cls, installed: Sequence[tuple[int, Any]], surplus_kw: Array, slot_ms: int) -> Array:
        """At most what each battery takes in, less its losses."""
        starts = np.arange(0, len(surplus_kw), MS_PER_DAY // slot_ms)
        available = np.zeros((2, len(starts)))
        for household, device in installed:
            battery = device.constants
            round_trip = battery.charge_efficiency * battery.discharge_efficiency
            most_kwh = (battery.capacity_kwh - battery.floor_kwh) / battery.charge_efficiency
            from_surplus_kw = np.minimum(surplus_kw[:, household], battery.charge_kw)
            from_grid_kw = np.maximum(battery.grid_charge_kw - from_surplus_kw, 0.0)
            surplus_kwh, grid_kwh = (
                np.add.reduceat(intake_kw, starts) * to_hours(slot_ms)
                for intake_kw in (from_surplus_kw, from_grid_kw)
            )
            # The grid fills up to a threshold, once a day.
            below_kwh = (
                max(battery.grid_charge_below_kwh - battery.floor_kwh, 0.0) / battery.charge_efficiency
            )
            for row, intake_kwh in enumerate((surplus_kwh, surplus_kwh + np.minimum(grid_kwh, below_kwh))):
                available[row] += round_trip * np.minimum(intake_kwh, most_kwh)
        return available
