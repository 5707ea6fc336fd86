"""Temperatures outside: constant, from a CSV file, or from a weather file of a typical year."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import LocalPath, Model, Number, Range, Text
from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.errors import InputError, Problem
from cosim.core.registry import Registry
from cosim.csv_files.column_units import TEMPERATURE
from cosim.csv_files.series import read_series
from cosim.devices.profiles import resample_mean
from cosim.devices.sites import Slots
from cosim.devices.weather_file import read_weather

Array = NDArray[np.float64]

Celsius = Annotated[Number, Range(-100, 100)]
"""A temperature, °C."""


class TemperatureSource(Model):
    """Where the temperature outside comes from."""

    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return ()

    @abstractmethod
    def outdoor_c(self, folder: Path, slots: Slots) -> Array:
        """The temperature in each slot, °C; shape (n_slots,).

        Raises
        ------
        InputError
            If a file cannot be used, or does not cover the run.
        """


TEMPERATURES: Registry[TemperatureSource] = Registry(
    "temperature",
    TemperatureSource,  # type: ignore[type-abstract] # an interface
)
"""Where temperatures come from."""


@TEMPERATURES.register("constant")
class ConstantTemperature(TemperatureSource):
    """The same temperature outside all the time."""

    degrees_c: Celsius
    """Temperature, °C."""

    def outdoor_c(self, folder: Path, slots: Slots) -> Array:
        """The same in every slot."""
        return np.full(slots.n_slots, float(self.degrees_c))


@TEMPERATURES.register("csv")
class CsvTemperature(CsvSeriesFormat, TemperatureSource):
    """A temperature from a CSV file with a column of time stamps: `outside [°C]`."""

    file: LocalPath
    """The file, inside the scenario's folder."""
    column: Text | None = None
    """Column (name without unit); the first one in °C by default."""

    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def outdoor_c(self, folder: Path, slots: Slots) -> Array:
        """The column, cut and averaged to the slots of the run."""
        wanted = () if self.column is None else (self.column,)
        series = read_series(folder / self.file, self.file, self, TEMPERATURE, wanted=wanted, only_first=True)
        end = slots.start + timedelta(milliseconds=slots.n_slots * slots.slot_ms)
        if series.start > slots.start or series.end < end:
            message = (
                f"the temperatures cover {series.start:%Y-%m-%dT%H:%MZ} to {series.end:%Y-%m-%dT%H:%MZ}, "
                f"the run {slots.start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
            )
            remedy = "Shorten the run, move its start, or give a longer series."
            raise InputError([Problem(message, remedy, "file", self.file)])
        first_ms = round((slots.start - series.start).total_seconds() * 1000)
        if first_ms % series.slot_ms:
            message = f"the run does not start where a row of {self.file} starts"
            raise InputError(
                [Problem(message, "Move time.start to a time stamp of the file.", "file", self.file)]
            )
        values = series.values[first_ms // series.slot_ms :, 0]
        return resample_mean(values, series.slot_ms, slots.slot_ms)[: slots.n_slots]


@TEMPERATURES.register("weather_file")
class FileTemperature(TemperatureSource):
    """A temperature from a weather file of a typical year, EPW or TMY3; needs the extra `pvlib`."""

    file: LocalPath
    """The file, inside the scenario's folder; its name ends in `.epw`, or `.csv` for TMY3."""

    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def outdoor_c(self, folder: Path, slots: Slots) -> Array:
        """Each hour of the year, whatever the year of the run."""
        return read_weather(folder, self.file).over(slots)["temp_air"]
