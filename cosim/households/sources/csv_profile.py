"""Measured profiles from CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from cosim.config.base import LocalPath, Numbers, Text
from cosim.config.csv_format import CsvSeriesFormat
from cosim.config.values import KilowattsValue, NonNegativeValue
from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import POWER
from cosim.csv_files.series import CsvSeries, read_series
from cosim.csv_files.words import shown
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import PowerFactor
from cosim.devices.profile_doubts import Profiles
from cosim.devices.profiles import reactive_power, resample_mean
from cosim.devices.pv import PV_SOURCES, Photovoltaics
from cosim.devices.sites import ProfileSite


@LOAD_SOURCES.register("csv")
class CsvLoad(CsvSeriesFormat, Load):
    """A measured load from a CSV file with a column of time stamps and units in the header: `home_1 [kW]`, or
    energy in each slot, `home_1 [kWh]`."""

    file: LocalPath
    """The file, inside the scenario's folder."""
    columns: Numbers[Text] = ()
    """Columns (names without unit), dealt to the households in turn; all of the file's by default."""
    scaling: NonNegativeValue = 1.0
    """Factor on the values."""
    power_factor: PowerFactor = 0.95
    """Active over apparent power, inductive."""

    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def put_profiles(self, site: ProfileSite) -> None:
        """The file's columns, dealt in turn."""
        _deal(self, site, site.values("scaling", self.scaling), self.power_factor)


@PV_SOURCES.register("csv")
class CsvPv(CsvSeriesFormat, Photovoltaics):
    """Generation from a CSV file, positive, in `[kW/kWp]` and multiplied by `kwp`, or in `[kW]`, `[W]`, or
    `[kWh]` in each slot."""

    file: LocalPath
    """The file, inside the scenario's folder."""
    columns: Numbers[Text] = ()
    """Columns (names without unit), dealt to the households in turn; all of the file's by default."""
    kwp: KilowattsValue = 1.0
    """Installed power, kWp; a plain factor where the file is in kW, W or kWh."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power)."""

    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def put_profiles(self, site: ProfileSite) -> None:
        """The file's columns, dealt in turn."""
        # An under-excited inverter draws reactive power while it generates: Q has the load's sign.
        _deal(self, site, site.values("kwp", self.kwp), self.cos_phi)

    def rated_kw(self, site: ProfileSite, installed_kw: Mapping[int, float]) -> Mapping[int, float]:
        """`kwp`, where the file is per installed kWp; else it is a plain factor."""
        _, series = _read(self, site)
        per_kwp = [unit.per_kwp for unit in series.units]
        return {
            household: kwp if per_kwp[(household - site.first) % len(per_kwp)] else float("nan")
            for household, kwp in installed_kw.items()
        }


def _deal(device: CsvLoad | CsvPv, site: ProfileSite, scales: Sequence[float], factor: float) -> None:
    """Columns of the file, dealt in turn and multiplied by the households' factors.

    Raises
    ------
    InputError
        If the file cannot be used, or does not cover the run.
    """
    keys, profiles = _columns(device, site)
    q_per_p = float(reactive_power(1.0, factor))
    for household, scale in zip(site.members, scales, strict=True):
        column = (household - site.first) % len(keys)
        site.put(household, (keys[column], scale), (keys[column], scale * q_per_p))
        profiles.scale[column] = max(profiles.scale[column], scale)
    site.warn(device.doubts(profiles))


def _columns(device: CsvLoad | CsvPv, site: ProfileSite) -> tuple[list[str], Profiles]:
    """The file, cut and resampled to the run: the keys of its columns, and what is used of it."""
    file, path, slots = device.file, f"{site.path}.file", site.slots
    number, series = _read(device, site)
    first_ms = round((slots.start - series.start).total_seconds() * 1000)
    n_needed = -(-slots.n_slots * slots.slot_ms // series.slot_ms)
    first = first_ms // series.slot_ms
    if first_ms < 0 or first + n_needed > len(series.values):
        end = slots.start + timedelta(milliseconds=slots.n_slots * slots.slot_ms)
        message = (
            f"the profile covers {series.start:%Y-%m-%dT%H:%MZ} to {series.end:%Y-%m-%dT%H:%MZ}, "
            f"the run {slots.start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
        )
        remedy = "Shorten the run, move its start, or give a longer series."
        raise InputError([Problem(message, remedy, path, file)])
    if first_ms % series.slot_ms:
        message = f"the run does not start where a row of {file} starts"
        raise InputError([Problem(message, "Move time.start to a time stamp of the file.", path, file)])
    used = slice(first, first + n_needed)
    values = resample_mean(series.values[used], series.slot_ms, slots.slot_ms)[: slots.n_slots]
    keys = [f"csv:{number}:{file}:{name}" for name in series.columns]
    for key, column in zip(keys, values.T.copy(), strict=True):  # a copy lets go of the rest of the file
        site.hold(key, column)
    scale = np.zeros(len(keys))
    return keys, Profiles(
        file, series.columns, series.units, series.values[used], series.lines[used], series.slot_ms, scale
    )


def _read(device: CsvLoad | CsvPv, site: ProfileSite) -> tuple[int, CsvSeries]:
    """The file's columns, and the number of this reading; one that several groups ask for is read once."""
    read: dict[tuple[object, ...], CsvSeries] = site.shared.setdefault("csv", {})
    how = (getattr(device, name) for name in CsvSeriesFormat.model_fields)
    key = (site.kind, device.file, device.columns, *how)
    if key not in read:
        series = read_series(site.folder / device.file, device.file, device, POWER, wanted=device.columns)
        _refuse_per_kwp(device, series)
        read[key] = series
        site.found(series.found)
        site.warn(series.warnings)
    return list(read).index(key), read[key]


def _refuse_per_kwp(device: CsvLoad | CsvPv, series: CsvSeries) -> None:
    """What is per installed kWp is generation."""
    if device.is_generation:
        return
    per_kwp = [name for name, unit in zip(series.columns, series.units, strict=True) if unit.per_kwp]
    message = "a load's column is per installed kWp, a unit that only photovoltaics have"
    remedy, line = "Give the load in kW, or name the file as `pv`.", series.found.header_line
    problems = [Problem(message, remedy, shown(name), device.file, line) for name in per_kwp[:5]]
    if problems:
        raise InputError(problems)
