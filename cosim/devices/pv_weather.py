"""Photovoltaics from weather: PVWatts by pvlib, with the roof's direction and an inverter of its rating."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Fraction, LocalPath, Number, Range
from cosim.config.values import KilowattsValue, PositiveKilowattsValue, Value
from cosim.core.errors import InputError, Problem
from cosim.devices.interface import PowerFactor
from cosim.devices.profiles import reactive_power
from cosim.devices.pv import PV_SOURCES, Photovoltaics
from cosim.devices.sites import ProfileSite, Slots
from cosim.devices.weather_file import pvlib, read_weather

Array = NDArray[np.float64]

_STANDARD_W = 1000.0
"""One kWp, W: columns are per kWp."""


@PV_SOURCES.register("weather")
class WeatherPv(Photovoltaics):
    """Generation of a roof from a weather file (EPW, TMY3) or under a clear sky; needs the extra `pvlib`.

    The chain is pvlib's `ModelChain.with_pvwatts`: Hay-Davies transposition, physical losses by the angle of
    incidence, cell temperature by SAPM (open rack, glass on glass), PVWatts' DC model, losses and inverter.
    """

    kwp: KilowattsValue
    """Installed power, kWp."""
    tilt_deg: Annotated[Value, Range(0, 90)] = 35.0
    """Tilt of the roof from the horizontal, degrees."""
    azimuth_deg: Annotated[Value, Range(0, 360)] = 180.0
    """Direction that it faces, degrees clockwise from north: 90 is east, 180 south."""
    inverter_kw: PositiveKilowattsValue | None = None
    """Largest active power that the inverter gives, kW; by default as much as the modules."""
    file: LocalPath | None = None
    """A weather file of a typical year inside the scenario's folder, `.epw` or `.csv` (TMY3); a clear sky
    by default."""
    latitude: Annotated[Number, Range(-90, 90)] | None = None
    """Degrees north; that of the weather file by default."""
    longitude: Annotated[Number, Range(-180, 180)] | None = None
    """Degrees east; that of the weather file by default."""
    altitude_m: Annotated[Number, Range(-500, 9000)] | None = None
    """Height above the sea, m; that of the weather file, or 0, by default."""
    temperature_per_k: Annotated[Number, Range(-0.02, 0.02)] = -0.0035
    """Change of the modules' power per kelvin, as a share of it."""
    inverter_efficiency: Fraction = 0.96
    """Nominal efficiency of the inverter."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power)."""

    def files(self) -> tuple[str, ...]:
        """The weather file."""
        return () if self.file is None else (self.file,)

    def put_profiles(self, site: ProfileSite) -> None:
        """A column for each direction and ratio of inverter to modules that there is."""
        kwp = site.values("kwp", self.kwp)
        rated_kw = kwp if self.inverter_kw is None else site.values("inverter_kw", self.inverter_kw)
        directions = zip(
            site.values("tilt_deg", self.tilt_deg), site.values("azimuth_deg", self.azimuth_deg), strict=True
        )
        sky = self._sky(site)
        q_per_p = float(reactive_power(1.0, self.cos_phi))
        known: set[str] = set()
        for household, power, rating, direction in zip(site.members, kwp, rated_kw, directions, strict=True):
            ratio = rating / power if power else 1.0
            key = f"weather:{site.path}:{direction[0]:g}:{direction[1]:g}:{ratio:g}"
            if key not in known:
                site.hold(key, sky.generation(self, *direction, ratio))
                known.add(key)
            # An under-excited inverter draws reactive power while it generates: Q has the load's sign.
            site.put(household, (key, power), (key, power * q_per_p))

    def _sky(self, site: ProfileSite) -> _Sky:
        try:
            return _sky(self, site.folder, site.slots)
        except InputError as error:
            raise InputError(
                [
                    Problem(p.message, p.remedy, site.path if not p.file else p.path, p.file, p.line, p.value)
                    for p in error.problems
                ]
            ) from None


class _Sky:
    """The weather of a run at one place.

    Parameters
    ----------
    place : pvlib.location.Location
        Where.
    weather : pandas.DataFrame
        By times in the middle of what they stand for.
    row : ndarray of int, shape (n_slots,)
        The row of the weather in which each slot lies.
    """

    def __init__(self, place: Any, weather: Any, row: NDArray[np.int64]) -> None:
        self._place, self._weather, self._row = place, weather, row

    def generation(self, roof: WeatherPv, tilt: float, azimuth: float, ratio: float) -> Array:
        """kW per kWp in each slot, with an inverter of `ratio` kW per kWp."""
        from pvlib import modelchain, pvsystem, temperature

        mount = pvsystem.FixedMount(tilt, azimuth)
        array = pvsystem.Array(
            mount,
            module_parameters={"pdc0": _STANDARD_W, "gamma_pdc": roof.temperature_per_k},
            temperature_model_parameters=temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"][
                "open_rack_glass_glass"
            ],
        )
        efficiency = roof.inverter_efficiency
        inverter = {"pdc0": ratio * _STANDARD_W / efficiency, "eta_inv_nom": efficiency}
        system = pvsystem.PVSystem([array], inverter_parameters=inverter)
        chain = modelchain.ModelChain.with_pvwatts(system, self._place)
        chain.run_model(self._weather)
        kw: Array = np.nan_to_num(np.asarray(chain.results.ac, float)) / 1000
        return np.maximum(kw, 0.0)[self._row]


def _sky(roof: WeatherPv, folder: Path, slots: Slots) -> _Sky:
    """The weather of a run, from the file or clear.

    Raises
    ------
    InputError
        If pvlib is missing, the file cannot be read, or nothing says where the roof is.
    """
    pvlib()
    import pandas as pd
    from pvlib import location

    begins = [slots.start + timedelta(milliseconds=n * slots.slot_ms) for n in range(slots.n_slots)]
    if roof.file is None:
        if roof.latitude is None or roof.longitude is None:
            message, remedy = (
                "nothing says where the roof is",
                "Give latitude and longitude, or a weather file.",
            )
            raise InputError([Problem(message, remedy)])
        place = location.Location(roof.latitude, roof.longitude, altitude=roof.altitude_m or 0.0)
        middle = pd.DatetimeIndex(begins) + pd.Timedelta(milliseconds=slots.slot_ms / 2)
        return _Sky(place, place.get_clearsky(middle), np.arange(slots.n_slots))
    year = read_weather(folder, roof.file)
    given = (roof.latitude, roof.longitude, roof.altitude_m)
    latitude, longitude, altitude = (
        known if told is None else told for told, known in zip(given, year[:3], strict=True)
    )
    hours, row = year.hours(begins)
    weather = pd.DataFrame(year.at(hours), index=pd.DatetimeIndex(hours) + pd.Timedelta(minutes=30))
    return _Sky(location.Location(latitude, longitude, altitude=altitude), weather, row)
