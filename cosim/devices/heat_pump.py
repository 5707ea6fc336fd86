"""Heat pumps: keys, tables and numbers.

What one does is in `heat_pump_at_work`, what it heats in `heat_store`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import MAX_KWH, Model, Range
from cosim.config.choice import Choice
from cosim.config.values import PositiveKilowattsValue, PositiveValue, Value
from cosim.core.delivery import Unit
from cosim.core.errors import InputError, Problem
from cosim.core.numbers import Number, Summary, declared
from cosim.core.registry import Registry
from cosim.core.tables import PROSUMER, TIME, Column, Table
from cosim.devices.active_device import ActiveDevice
from cosim.devices.heat_pump_arrays import HeatPumpArrays
from cosim.devices.heat_pump_at_work import InstalledHeatPump, Pump
from cosim.devices.heat_store import Building, HeatedBuilding, HeatStore, ProfiledHeat
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import (
    DEVICES,
    Device,
    DeviceArrays,
    PowerFactor,
    Service,
    Shown,
    can_be_arrays,
)
from cosim.devices.profiles import reactive_power
from cosim.devices.sites import Site
from cosim.devices.weather import TEMPERATURES, Celsius, TemperatureSource

Array = NDArray[np.float64]

HEAT_PUMP = "heat_pump"
"""What a heat pump can be asked for: to run in a step."""


class HeatDemand(Model):
    """What a group's heat pumps heat."""

    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return ()

    def served_load(self) -> Load | None:
        """A profile of what is asked for."""
        return None

    @abstractmethod
    def stores(self, site: Site) -> Sequence[HeatStore]:
        """One for each household of the group."""


HEAT_DEMANDS: Registry[HeatDemand] = Registry("demand for heat", HeatDemand)  # type: ignore[type-abstract]
"""What heat pumps heat."""

_Kwh = Annotated[Value, Range(0, MAX_KWH)]


@HEAT_DEMANDS.register("profile")
class ProfiledDemand(HeatDemand):
    """An electrical profile of a heat pump, with a store of heat in front of it.

    Without a signal the pump draws what the profile says. Otherwise it may be ahead of it or behind, in kWh
    of electrical energy; what the profile asks for beyond that is missing.
    """

    load: Annotated[Load, Choice(LOAD_SOURCES)]
    """The profile: SimBench's `Air_Parallel_1`, `Soil_Alternative_1` and the like, a CSV file, or a constant;
    its active power alone is used."""
    ahead_kwh: _Kwh = 3.0
    """How far the pump can be ahead of the profile, kWh."""
    behind_kwh: _Kwh = 3.0
    """How far it can be behind before anybody is cold, kWh."""

    def files(self) -> tuple[str, ...]:
        """A file of profiles."""
        return self.load.files()

    def served_load(self) -> Load:
        """The profile."""
        return self.load

    def stores(self, site: Site) -> list[HeatStore]:
        """A store for each household, neither ahead nor behind."""
        served = site.served
        assert served is not None  # every kind that has one is given it
        behind, ahead = (
            site.values(name, getattr(self, name)).tolist() for name in ("behind_kwh", "ahead_kwh")
        )
        return [
            ProfiledHeat(served, household, *limits)
            for household, *limits in zip(site.group.members, behind, ahead, strict=True)
        ]


@HEAT_DEMANDS.register("building")
class HeatedHome(HeatDemand):
    """A building of one thermal resistance and one heat capacity.

    Without a signal the pump holds the set point. The coefficient of performance follows Staffell et al.:
    with ΔT between flow and source, 6.81 - 0.121 ΔT + 0.000630 ΔT² for air, 8.77 - 0.150 ΔT + 0.000734 ΔT²
    for the ground, fitted from 15 (20) to 60 K; a smaller ΔT counts as 15 (20) K, a larger one as 60 K.

    References
    ----------
    I. Staffell, D. Brett, N. Brandon, A. Hawkes: "A review of domestic heat pumps", Energy & Environmental
    Science 5 (2012) 9291-9306, doi:10.1039/C2EE22653G.
    """

    temperature: Annotated[TemperatureSource, Choice(TEMPERATURES)]
    """Temperature outside."""
    r_k_per_kw: PositiveValue = 6.0
    """Thermal resistance to the outside, K per kW of heat that is lost."""
    c_kwh_per_k: PositiveValue = 10.0
    """Heat capacity, kWh per kelvin."""
    set_point_c: Annotated[Value, Range(0, 40)] = 21.0
    """Indoor temperature that is wanted, °C."""
    band_k: Annotated[Value, Range(0, 20)] = 1.0
    """How far the indoor temperature may deviate from it, K."""
    flow_c: Celsius = 35.0
    """Temperature of the heating water, °C: 35 for underfloor heating, 50 for radiators."""
    source: Literal["air", "ground"] = "air"
    """Where the pump takes heat from: the air outside, or the ground."""
    ground_c: Celsius = 10.0
    """Temperature of the ground, °C."""

    def files(self) -> tuple[str, ...]:
        """A file of temperatures."""
        return self.temperature.files()

    def stores(self, site: Site) -> list[HeatStore]:
        """A building for each household, at its set point."""
        outdoor_c = self.temperature.outdoor_c(site.context.folder, site.slots)
        from_c = outdoor_c if self.source == "air" else np.full(len(outdoor_c), float(self.ground_c))
        cop = COPS[self.source](self.flow_c - from_c)
        names = ("r_k_per_kw", "c_kwh_per_k", "set_point_c", "band_k")
        drawn = zip(*(site.values(name, getattr(self, name)).tolist() for name in names), strict=True)
        return [
            HeatedBuilding(Building(r, c, outdoor_c, cop, site.slots.slot_ms), set_point_c, band_k)
            for r, c, set_point_c, band_k in drawn
        ]


def air_cop(delta_k: Array) -> Array:
    """Staffell et al. (2012), air-source heat pumps, 15 to 60 K."""
    bounded = np.clip(delta_k, 15.0, 60.0)
    cop: Array = 6.81 - 0.121 * bounded + 0.000630 * bounded**2
    return cop


def ground_cop(delta_k: Array) -> Array:
    """Staffell et al. (2012), ground-source heat pumps, 20 to 60 K."""
    bounded = np.clip(delta_k, 20.0, 60.0)
    cop: Array = 8.77 - 0.150 * bounded + 0.000734 * bounded**2
    return cop


COPS: Mapping[str, Callable[[Array], Array]] = {"air": air_cop, "ground": ground_cop}


@DEVICES.register("heat_pump")
class HeatPump(Device):
    """A heat pump with a store of heat, or in a building that is one.

    It draws what its profile says, or holds its set point, unless a community asks it when to run
    (`serves: heat_pump`).
    """

    heat: Annotated[HeatDemand, Choice(HEAT_DEMANDS)]
    """What it heats."""
    power_kw: PositiveKilowattsValue
    """Electrical power at full load, kW; it runs at any power below that, too."""
    power_factor: PowerFactor = 0.95
    """Active over apparent power, inductive."""
    when_due: Literal["run", "wait"] = "run"
    """What a pump that a community regulates does at its lower limit of comfort: it runs just enough to hold
    that limit, whatever the signal, and reports that; or it waits until it is asked to."""

    services: ClassVar = (
        Service(
            HEAT_PUMP,
            "is the heat pump's full power for a step: the pump runs in it, as far as there is room for the "
            "heat; at its upper limit of comfort it delivers just what holds it there",
            "a heat pump",
            own_unit=True,
            brief="running of heat pumps",
        ),
    )
    table: ClassVar = Table(
        "heat_pumps",
        "What each heat pump took in each interval, and whether it was warm enough.",
        (
            TIME,
            PROSUMER,
            Column("taken_kwh", "number", "kWh", "taken, electrical"),
            Column(
                "used_kwh",
                "number",
                "kWh",
                "electrical energy that served the demand; for a building, all of it",
            ),
            Column(
                "ahead_kwh",
                "number",
                "kWh",
                "how far ahead of its profile it is at the end; 0 for a building",
            ),
            Column("missing_kwh", "number", "kWh", "what its profile asked for and did not get"),
            Column("cold_h", "number", "h", "for how long it was below the lower limit of comfort"),
            Column("cold_degree_h", "number", "K·h", "how far below it, times for how long; of a building"),
            Column("heat_kwh", "number", "kWh", "heat given to a building"),
            Column("heat_lost_kwh", "number", "kWh", "heat that the building lost"),
            Column("temperature_c", "number", "°C", "inside a building at the end of the interval, else NaN"),
        ),
    )
    title: ClassVar = "Heat pumps"
    shown: ClassVar = (
        Shown("taken_kwh", "taken"),
        Shown("used_kwh", "for the heat demand"),
        Shown("ahead_kwh", "ahead of the profile", is_level=True),
        Shown("cold_h", "too cold"),
        Shown("temperature_c", "temperature", is_level=True),
    )
    numbers: ClassVar = declared("Heat pumps", "table `heat_pumps`",
        Number("heat_pump_taken_kwh", "taken", "kWh", "what all heat pumps took, electrical"),
        Number("heat_pump_missing_kwh", "missing", "kWh",
            "what profiles asked for and did not get where the pump was as far behind as it may be", "less",
            told="heat pumps fell short of their profiles by {} kWh"),
        Number("heat_pump_cold_h", "too cold", "h",
            "for how long homes were below their lower limit of comfort, added up", "less",
            told="homes were too cold for {} h, added up"),
        Number("heat_pump_cold_degree_h", "degree hours too cold", "K·h",
            "by how much and for how long buildings were below it, added up", "less"),
    )  # fmt: skip

    def files(self) -> tuple[str, ...]:
        """Files of profiles or temperatures."""
        return self.heat.files()

    def served_load(self) -> Device | None:
        """The profile of what is asked for."""
        return self.heat.served_load()

    def unit_problems(self, service: str, unit_kw: float, group: str) -> Iterator[Problem]:
        """A unit is the pump's full power, and nothing else."""
        if unit_kw:
            message = f"a unit of {HEAT_PUMP} is the full power of a heat pump for a step"
            yield Problem(message, "Remove unit_kwh.")

    def install(self, site: Site) -> Sequence[ActiveDevice]:
        """A pump for each household."""
        powers_kw = site.values("power_kw", self.power_kw).tolist()
        kvar_per_kw = float(reactive_power(1.0, self.power_factor))
        runs_when_due, slot_ms = self.when_due == "run", site.slots.slot_ms
        try:
            stores = self.heat.stores(site)
        except InputError as error:
            raise InputError(
                [
                    Problem(
                        p.message,
                        p.remedy,
                        p.path if p.line else f"{site.path}.heat",
                        p.file,
                        p.line,
                        p.value,
                    )
                    for p in error.problems
                ]
            ) from None
        return [
            InstalledHeatPump(Pump(power_kw, kvar_per_kw, runs_when_due, slot_ms), store)
            for power_kw, store in zip(powers_kw, stores, strict=True)
        ]

    @classmethod
    def in_arrays(
        cls, devices: Sequence[InstalledHeatPump], units: Sequence[Unit], step_ms: int, slot_ms: int
    ) -> DeviceArrays | None:
        """In loops that numba compiles, where it is installed."""
        is_known = all(type(each.store) in (HeatedBuilding, ProfiledHeat) for each in devices)
        return (
            HeatPumpArrays(devices, step_ms)
            if is_known and can_be_arrays(devices, InstalledHeatPump)
            else None
        )

    @classmethod
    def parameters(cls, installed: Sequence[tuple[int, Any]], n_households: int) -> dict[str, Array]:
        """Its power."""
        columns: dict[str, Array] = {}
        for owner, device in installed:
            column = columns.setdefault("heat_pump_power_kw", np.full(n_households, np.nan))
            column[owner] = device.pump.power_kw
        return columns

    @classmethod
    def rows(cls, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The columns of the table `heat_pumps`."""
        names = [column.name for column in cls.table.columns[2:]]
        return {name: values["stored_kwh" if name == "ahead_kwh" else name] for name in names}

    @classmethod
    def summary(
        cls, installed: Sequence[tuple[int, Any]], totals: Mapping[str, float], warm_up_ms: int
    ) -> Summary:
        """Energy, and what was missing of comfort."""
        names = ("taken_kwh", "missing_kwh", "cold_h", "cold_degree_h")
        return {f"heat_pump_{name}": totals[name] for name in names}
