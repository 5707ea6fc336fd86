"""Electric vehicles: keys, tables and numbers; what one does is in `vehicle_at_charger`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Fraction
from cosim.config.choice import Choice
from cosim.config.values import PositiveKilowattHoursValue, PositiveKilowattsValue
from cosim.core.delivery import Unit
from cosim.core.errors import InputError, Problem, count
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import PROSUMER, TIME, Column, Table
from cosim.devices.active_device import ActiveDevice
from cosim.devices.ev_session_csv import CsvSessions
from cosim.devices.ev_sessions import SESSIONS, DrawnSessions, Session, SessionSource
from cosim.devices.interface import DEVICES, Device, DeviceArrays, Service, Shown, can_be_arrays
from cosim.devices.planned_vehicle import PlannedVehicle
from cosim.devices.sites import Site
from cosim.devices.vehicle_arrays import VehicleArrays
from cosim.devices.vehicle_at_charger import InstalledVehicle, missing_whatever_happens, since_the_start
from cosim.devices.vehicle_charging import Charger

Array = NDArray[np.float64]

EV_CHARGING = "ev_charging"
"""What a vehicle can be asked for: to charge in a step."""
_WHOLE_KWH = 1e-6
"""A session that lacks less than this is complete."""
_SOURCE = "table `ev_sessions`"


@DEVICES.register("ev")
class ElectricVehicle(Device):
    """An electric vehicle and its charger.

    It charges at once when it comes home, unless a community asks it when to (`serves: ev_charging`) or the
    energy-value market schedules it (`scheduled_by: energy_value`).
    """

    charger_kw: PositiveKilowattsValue = 11.0
    """Power of the charger, kW: 3.7, 11, 22 or any other."""
    battery_kwh: PositiveKilowattHoursValue = 60.0
    """Capacity of the battery, kWh; a session needs no more."""
    charge_efficiency: Fraction = 0.9
    """Energy in the battery over energy at the charger's terminals."""
    sessions: Annotated[SessionSource, Choice(SESSIONS)] = DrawnSessions()
    """When the vehicle is at home, and what it needs until it leaves."""
    when_due: Literal["charge", "wait"] = "charge"
    """What a vehicle that a community regulates or a market schedules does once it can only be filled before
    it leaves by charging without a pause: it charges, whatever the signal or the plan, and reports that; or
    it waits until it is asked to, or charges as planned."""
    scheduled_by: Literal["energy_value"] | None = None
    """The market that schedules its charging: at variable power, in the cheapest hours from its arrival to
    its departure. null: none does."""

    services: ClassVar = (
        Service(
            EV_CHARGING,
            "is the charger's power for a step: the vehicle charges in it, as long as it is there and not "
            "full; away or full it delivers nothing",
            "an electric vehicle",
            own_unit=True,
            brief="charging of electric vehicles",
        ),
    )
    table: ClassVar = Table(
        "evs",
        "What each electric vehicle took, stored and used in each interval.",
        (
            TIME,
            PROSUMER,
            Column("charge_kwh", "number", "kWh", "taken at the charger's terminals"),
            Column("lost_kwh", "number", "kWh", "lost in charging"),
            Column("stored_kwh", "number", "kWh", "charged in this session, at the end of the interval"),
            Column("used_kwh", "number", "kWh", "taken along by vehicles that left"),
            Column("needed_kwh", "number", "kWh", "still needed in this session, at the end"),
            Column("plugged_h", "number", "h", "for how long it was at its charger"),
        ),
    )
    title: ClassVar = "Electric vehicles"
    shown: ClassVar = (
        Shown("charge_kwh", "charging"),
        Shown("needed_kwh", "still needed", is_level=True),
        Shown("plugged_h", "at the charger"),
    )
    event_table: ClassVar = Table(
        "ev_sessions",
        "Every charging session that has ended: a row when a vehicle leaves.",
        (
            PROSUMER,
            Column("arrival", "time", "UTC", "when the vehicle came; before the run for one that was there"),
            Column("departure", "time", "UTC", "when it left"),
            Column(
                "needed_kwh", "number", "kWh", "what its battery was to be given; from the run's start on"
            ),
            Column("charged_kwh", "number", "kWh", "what it was given"),
            Column("missing_kwh", "number", "kWh", "what it left without"),
        ),
    )
    numbers: ClassVar = declared("Electric vehicles", _SOURCE,
        Number("ev_sessions", "sessions", "", "charging sessions that ended with a departure"),
        Number("ev_sessions_incomplete", "left not full", "",
            "sessions that ended with energy missing", "less"),
        Number("ev_needed_kwh", "needed", "kWh", "what batteries were to be given in these sessions"),
        Number("ev_charged_kwh", "charged", "kWh", "what they were given"),
        Number("ev_missing_kwh", "missing at departure", "kWh", "what vehicles left without", "less",
            told="vehicles left without {} kWh that they needed"),
        Number("ev_still_needed_kwh", "still needed at the end", "kWh",
            "what vehicles at their chargers still need when the run ends; a vehicle that waits for cheaper "
            "hours has taken less by then, so the bills of runs that differ in this number cannot be "
            "compared", "less"),
    )  # fmt: skip

    @property
    def planned_by(self) -> str:
        """The energy-value market, or nobody."""
        return self.scheduled_by or ""

    def files(self) -> tuple[str, ...]:
        """A file of sessions."""
        return self.sessions.files()

    def unit_kw(self, service: str) -> float | None:
        """The power of the chargers, where all have the same."""
        return float(self.charger_kw) if isinstance(self.charger_kw, int | float) else None

    def unit_problems(self, service: str, unit_kw: float, group: str) -> Iterator[Problem]:
        """A unit is the charger's power, and nothing else."""
        if unit_kw:
            message = f"a unit of {EV_CHARGING} is the power of a vehicle's charger for a step"
            yield Problem(message, "Remove unit_kwh.")

    def install(self, site: Site) -> Sequence[ActiveDevice]:
        """A vehicle for each household, with sessions of its own."""
        charger_kw = site.values("charger_kw", self.charger_kw)
        battery_kwh = site.values("battery_kwh", self.battery_kwh)
        try:
            sessions = self.sessions.sessions(site, battery_kwh)
        except InputError as error:
            raise InputError([_of_sessions(problem, site) for problem in error.problems]) from None
        charges_when_due = self.when_due == "charge"
        chargers = [
            Charger(power, capacity, self.charge_efficiency, charges_when_due)
            for power, capacity in zip(charger_kw.tolist(), battery_kwh.tolist(), strict=True)
        ]
        if isinstance(self.sessions, CsvSessions):
            site.warn(_too_short(self.sessions.file, sessions, chargers))
        vehicles = zip(chargers, sessions, strict=True)
        if self.planned_by:
            return [PlannedVehicle(*each, self.planned_by) for each in vehicles]
        return [InstalledVehicle(*each) for each in vehicles]

    @classmethod
    def in_arrays(
        cls, devices: Sequence[InstalledVehicle], units: Sequence[Unit], step_ms: int, slot_ms: int
    ) -> DeviceArrays | None:
        """In loops that numba compiles, where it is installed."""
        return VehicleArrays(devices, step_ms, slot_ms) if can_be_arrays(devices, InstalledVehicle) else None

    @classmethod
    def parameters(cls, installed: Sequence[tuple[int, Any]], n_households: int) -> dict[str, Array]:
        """Charger and battery."""
        columns: dict[str, Array] = {}
        for owner, device in installed:
            for name in ("charger_kw", "battery_kwh", "charge_efficiency"):
                column = columns.setdefault(f"ev_{name}", np.full(n_households, np.nan))
                column[owner] = getattr(device.charger, name)
        return columns

    @classmethod
    def rows(cls, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The columns of the table `evs`."""
        names = ("lost_kwh", "stored_kwh", "used_kwh", "needed_kwh", "plugged_h")
        return {"charge_kwh": values["taken_kwh"], **{name: values[name] for name in names}}

    @classmethod
    def summary(
        cls, installed: Sequence[tuple[int, Any]], totals: Mapping[str, float], warm_up_ms: int
    ) -> Summary:
        """What was needed, charged and missing in all sessions that ended after the warm-up."""
        ended = [
            session
            for _, device in installed
            for session in device.ended
            if session.departure_ms > warm_up_ms
        ]
        missing = [session.missing_kwh for session in ended]
        return {
            "ev_sessions": len(ended),
            "ev_sessions_incomplete": sum(kwh > _WHOLE_KWH for kwh in missing),
            "ev_needed_kwh": math.fsum(session.needed_kwh for session in ended),
            "ev_charged_kwh": math.fsum(session.charged_kwh for session in ended),
            "ev_missing_kwh": math.fsum(missing),
            "ev_still_needed_kwh": math.fsum(device.remaining_kwh for _, device in installed),
        }


def _of_sessions(problem: Problem, site: Site) -> Problem:
    """A problem with the path of the sessions, where it has no file of its own."""
    if problem.file:
        return problem
    path = f"{site.path}.sessions.{problem.path}".rstrip(".")
    return Problem(problem.message, problem.remedy, path, value=problem.value)


def _too_short(
    file: str, sessions: Sequence[Sequence[Session]], chargers: Sequence[Charger]
) -> Iterator[Problem]:
    """One warning for sessions that are too short for their energy, naming the first line."""
    short = {
        session.line: missing_whatever_happens(since_the_start(session, charger), charger)
        for own, charger in zip(sessions, chargers, strict=True)
        for session in own
        if missing_whatever_happens(since_the_start(session, charger), charger) > _WHOLE_KWH
    }
    if short:
        line, are = min(short), "is" if len(short) == 1 else "are"
        message = (
            f"{count(len(short), 'session')} {are} too short for the energy even if charged at once at full "
            f"power: here {short[line]:.3g} kWh will be missing"
        )
        remedy = "Give a later departure, less energy, or a larger charger_kw; else it counts as missing."
        yield Problem(message, remedy, "energy", file, line, severity="warning")
