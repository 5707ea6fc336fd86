"""What stands behind a household's connection point: load, photovoltaics, battery."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.config.base import Fraction, Kilowatts, LocalPath, Model, Numbers, Probability, Text
from cosim.config.csv_format import CsvSeriesFormat
from cosim.config.values import (
    KilowattsValue,
    NonNegativeValue,
    PositiveKilowattHoursValue,
    ProbabilityValue,
)

PowerFactor = Fraction


class FeederLoad(Model):
    """The load that the feeder itself has where the household is placed, with its own P and Q profile."""

    kind: Literal["feeder"] = "feeder"
    """Taken from the feeder."""
    scaling: NonNegativeValue = 1.0
    """Factor on active and reactive power."""


class SimbenchLoad(Model):
    """A relative SimBench profile times a peak."""

    kind: Literal["simbench"]
    """A profile of the SimBench data set, by name."""
    profile: Text
    """Profile, such as `H0-A` (households) or `G1-B` (trade)."""
    peak_kw: KilowattsValue
    """What the relative profile is multiplied by, kW."""


class CsvLoad(CsvSeriesFormat):
    """A measured load from a CSV file with a column of time stamps and units in the header: `home_1 [kW]`, or
    energy in each slot, `home_1 [kWh]`."""

    kind: Literal["csv"]
    """Read from a CSV file."""
    file: LocalPath
    """The file, inside the scenario's folder."""
    columns: Numbers[Text] = ()
    """Columns (names without unit), dealt to the households in turn; all of the file's by default."""
    scaling: NonNegativeValue = 1.0
    """Factor on the values."""
    power_factor: PowerFactor = 0.95
    """Active over apparent power, inductive."""


class ConstantLoad(Model):
    """A load that never changes."""

    kind: Literal["constant"]
    """The same power all the time."""
    p_kw: KilowattsValue
    """Active power, kW."""
    power_factor: PowerFactor = 0.95
    """Active over apparent power, inductive."""


LoadConfig = Annotated[FeederLoad | SimbenchLoad | CsvLoad | ConstantLoad, Field(discriminator="kind")]


class FeederPv(Model):
    """The generators that the feeder itself has at the household's bus, with their own profiles."""

    kind: Literal["feeder"]
    """Taken from the feeder."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power); if not given, the
    generators keep the reactive power that they have in the grid's data."""


class SimbenchPv(Model):
    """A SimBench profile of photovoltaics times an installed power."""

    kind: Literal["simbench"] = "simbench"
    """A profile of the SimBench data set."""
    profile: Text = "any"
    """Profile, such as `PV3`; `any` deals PV1 ... PV8 to the households by seed."""
    kwp: KilowattsValue
    """Installed power, kWp."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power)."""


class CsvPv(CsvSeriesFormat):
    """Generation from a CSV file, positive, in `[kW/kWp]` and multiplied by `kwp`, or in `[kW]`, `[W]`, or
    `[kWh]` in each slot."""

    kind: Literal["csv"]
    """Read from a CSV file."""
    file: LocalPath
    """The file, inside the scenario's folder."""
    columns: Numbers[Text] = ()
    """Columns (names without unit), dealt to the households in turn; all of the file's by default."""
    kwp: KilowattsValue = 1.0
    """Installed power, kWp; a plain factor where the file is in kW, W or kWh."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power)."""


PvConfig = Annotated[FeederPv | SimbenchPv | CsvPv, Field(discriminator="kind")]


class BatteryConfig(Model):
    """A battery behind the meter; efficiencies apply on the way in and on the way out.

    A community with `unit_kwh` decides what it gives; without one it stores the surplus and covers the own
    load.
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
    """`surplus`: what the sun leaves after the household's load; or also from the grid, up to
    `grid_charge_soc`."""
    grid_charge_soc: Probability = 0.3
    """With `surplus_and_grid`: the grid charges while the state of charge is below this share. A battery that
    no market regulates keeps it as a reserve."""
    grid_charge_kw: Kilowatts = 1.0
    """With `surplus_and_grid`: charging power from the grid, kW."""
