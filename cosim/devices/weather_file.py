"""Weather files of a typical year (EPW, TMY3), read by pvlib and put on the time of a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.devices.sites import Slots

Array = NDArray[np.float64]

COLUMNS = ("ghi", "dni", "dhi", "temp_air", "wind_speed")
"""What is used: irradiances (W/m²), temperature (°C) and wind (m/s)."""
_HOURS = 8760


def pvlib() -> ModuleType:
    """The package, which takes a second to load.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import pvlib as package
    except ImportError:
        message = "this needs pvlib, which is not installed"
        raise InputError([Problem(message, "Install it: pip install 'cosim[pvlib]'.")]) from None
    module: ModuleType = package
    return module


class TypicalYear(NamedTuple):
    """A year of hours."""

    latitude: float
    longitude: float
    altitude_m: float
    """Where it was measured."""
    utc_offset_h: float
    """Its standard time."""
    values: dict[str, Array]
    """`COLUMNS`, each a mean over an hour of standard time, the first from 0 to 1 h of 1 January. Shape
    (8760,)."""

    def hours(self, moments: Sequence[datetime]) -> tuple[list[datetime], NDArray[np.int64]]:
        """The beginnings of the hours, by the file's clock, in which moments lie; and which is whose."""
        ahead = timedelta(hours=self.utc_offset_h)
        begins = [(each + ahead).replace(minute=0, second=0, microsecond=0) - ahead for each in moments]
        position = {begin: number for number, begin in enumerate(dict.fromkeys(begins))}
        return list(position), np.array([position[begin] for begin in begins])

    def at(self, hours: Sequence[datetime]) -> dict[str, Array]:
        """The values of some hours, whatever their year; 29 February is like the day before it."""
        ahead = timedelta(hours=self.utc_offset_h)
        rows = np.array([_hour_of_year(hour + ahead) for hour in hours])
        return {name: column[rows] for name, column in self.values.items()}

    def over(self, slots: Slots) -> dict[str, Array]:
        """The values of a run, one a slot."""
        begins = [slots.start + timedelta(milliseconds=n * slots.slot_ms) for n in range(slots.n_slots)]
        hours, row = self.hours(begins)
        return {name: column[row] for name, column in self.at(hours).items()}


def _hour_of_year(moment: datetime) -> int:
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return int(
        (datetime(2019, moment.month, day, moment.hour) - datetime(2019, 1, 1)).total_seconds() // 3600
    )


def read_weather(folder: Path, file: str) -> TypicalYear:
    """Read a weather file; what it is, its name says.

    Raises
    ------
    InputError
        If pvlib is not installed, or the file is no whole year of hours with all that is used.
    """
    iotools = pvlib().iotools
    is_epw = file.lower().endswith(".epw")
    try:
        table, about = (
            iotools.read_epw(folder / file)
            if is_epw
            else iotools.read_tmy3(folder / file, map_variables=True)
        )
        values = {name: table[name].to_numpy(float) for name in COLUMNS}
        where = [float(about[key]) for key in ("latitude", "longitude", "altitude", "TZ")]
    except (ValueError, KeyError, IndexError, OSError, TypeError) as error:
        kind = "EPW" if is_epw else "TMY3"
        message = f"cannot be read as a weather file ({kind}): {type(error).__name__}: {error}"
        remedy = "Give a file of EnergyPlus (.epw) or of TMY3 (.csv)."
        raise InputError([Problem(message, remedy, "file", file)]) from None
    bad = [name for name, column in values.items() if len(column) != _HOURS or not np.isfinite(column).all()]
    if bad:
        message = f"is not a whole year of {_HOURS} hours with finite numbers: {', '.join(bad)}"
        raise InputError([Problem(message, "Give a typical year without gaps.", "file", file)])
    latitude, longitude, altitude_m, utc_offset_h = where
    return TypicalYear(latitude, longitude, altitude_m, utc_offset_h, values)
