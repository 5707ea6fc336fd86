"""Batteries behind the meters of a group's households: their keys, columns and what all could give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Fraction, Kilowatts, Probability
from cosim.config.values import KilowattsValue, PositiveKilowattHoursValue, ProbabilityValue, bounds
from cosim.core.clock import MS_PER_DAY, to_hours
from cosim.core.delivery import Unit
from cosim.core.errors import Problem
from cosim.core.tables import PROSUMER, TIME, Column, Table
from cosim.devices.active_device import ActiveDevice
from cosim.devices.battery_arrays import BatteryArrays
from cosim.devices.battery_at_home import ANYTHING, OWN_LOAD, InstalledBattery
from cosim.devices.battery_energies import (
    Battery,
    leak_rate,
)
from cosim.devices.interface import DEVICES, Device, DeviceArrays, GroupAround, Service, Shown, can_be_arrays
from cosim.devices.planned_battery import PlannedBattery
from cosim.devices.sites import Site

Array = NDArray[np.float64]


@DEVICES.register("battery")
class BatteryConfig(Device):
    """A battery behind the meter.

    Efficiencies apply on the way in and on the way out. A community with `unit_kwh` decides what it gives;
    without one it stores the surplus and covers the household's own load.
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
    scheduled_by: Literal["energy_value"] | None = None
    """The market that plans it, against expected prices and by what was bought and sold
    (`energy_value.household.storage`); then it gives to others too, and with `surplus_and_grid` charges with
    `charge_kw` whenever that pays. null: none does."""

    services: ClassVar = (
        Service(
            OWN_LOAD,
            "follows the household's load, less its generation, through the step and delivers what that "
            "takes, up to the unit",
            "a battery",
            follows_load=True,
            brief="battery power for each home's own load",
        ),
        Service(
            ANYTHING,
            "is given evenly, whole or not at all, and may go to the feeder",
            "a battery",
            brief="battery power given evenly, into the feeder too",
        ),
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
    title: ClassVar = "Batteries"
    shown: ClassVar = (
        Shown("charge_kwh", "charging"),
        Shown("discharge_kwh", "discharging", is_given=True),
        Shown("soc_kwh", "stored", is_level=True),
    )

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """Whether it is ever charged, and keys that do nothing."""
        if self.charge_from != "surplus":
            yield from self._idle_keys("while the market plans the battery") if self.planned_by else ()
            return
        if not around.generates:
            message = (
                "a battery that charges only from surplus, in households without generation, never charges"
            )
            yield Problem(message, "Add `pv:`, or `charge_from: surplus_and_grid`.", severity="warning")
        yield from self._idle_keys("while the battery charges only from surplus")

    def _idle_keys(self, why: str) -> Iterator[Problem]:
        for key in ("grid_charge_kw", "grid_charge_soc"):
            if getattr(self, key) != type(self).model_fields[key].default:
                remedy = (
                    "Remove it." if self.planned_by else "Add `charge_from: surplus_and_grid`, or remove it."
                )
                yield Problem(f"{key} does nothing {why}", remedy, key, severity="warning")

    @property
    def planned_by(self) -> str:
        """The energy-value market, or nobody."""
        return self.scheduled_by or ""

    def draws_by_itself(self) -> bool:
        """Where the grid charges it."""
        return self.charge_from != "surplus"

    def unit_problems(self, service: str, unit_kw: float, group: str) -> Iterator[Problem]:
        """Whether it can give a unit at all."""
        if bounds(self.discharge_kw)[1] < unit_kw:
            message = f"a unit is {unit_kw:g} kW over a step, and no battery of '{group}' can give that much"
            yield Problem(message, "Raise discharge_kw, or use smaller units.", severity="warning")

    def install(self, site: Site) -> Sequence[ActiveDevice]:
        """A battery for each household, with its own parameters where they are drawn."""
        names = ("capacity_kwh", "charge_kw", "discharge_kw", "soc_initial")
        drawn = zip(*(site.values(name, getattr(self, name)).tolist() for name in names), strict=True)
        with_grid = self.charge_from == "surplus_and_grid"
        batteries = [
            (
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
        if self.planned_by:
            return [PlannedBattery(*each, self.planned_by) for each in batteries]
        return [InstalledBattery(*each) for each in batteries]

    @classmethod
    def in_arrays(
        cls, devices: Sequence[InstalledBattery], units: Sequence[Unit], step_ms: int, slot_ms: int
    ) -> DeviceArrays | None:
        """In loops that numba compiles, where it is installed."""
        return (
            BatteryArrays(devices, units, step_ms, slot_ms)
            if can_be_arrays(devices, InstalledBattery)
            else None
        )

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
