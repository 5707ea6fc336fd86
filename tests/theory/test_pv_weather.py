"""Photovoltaics from weather equal pvlib's own chain, called plainly on the same file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

pvlib = pytest.importorskip("pvlib")

LATITUDE, LONGITUDE = 48.14, 11.58
_HOURS = np.arange(8760)


def made_up() -> dict[str, np.ndarray]:
    """A year of hours of standard time that no place has: sun from 6 to 18 h, warmer in summer."""
    day, hour = _HOURS // 24, _HOURS % 24
    season = 1 - 0.6 * np.cos(2 * np.pi * day / 365)
    sun = np.clip(np.sin(np.pi * (hour + 0.5 - 6) / 12), 0, None) * season
    cloud = 0.5 + 0.5 * np.sin(day * 1.7) ** 2
    dni, dhi = np.round(500 * sun * cloud), np.round(150 * sun)
    temperature = np.round(
        10 - 12 * np.cos(2 * np.pi * day / 365) + 4 * np.sin(2 * np.pi * (hour - 9) / 24), 1
    )
    return {
        "dni": dni,
        "dhi": dhi,
        "ghi": np.round(dhi + 0.6 * dni),
        "temp": temperature,
        "wind": 2 + day % 4,
    }


def write_epw(file: Path) -> None:
    """The file of EnergyPlus: eight lines of header, and 35 columns."""
    year = made_up()
    lines = [f"LOCATION,Nowhere,-,DEU,made up,000000,{LATITUDE},{LONGITUDE},1.0,515.0"]
    lines += [f"HEADER {number}" for number in range(7)]
    stamps = pd.date_range("2019-01-01", periods=8760, freq="h")
    for n, stamp in enumerate(stamps):
        cells = ["9999"] * 35
        cells[:6] = [*(str(part) for part in (2019, stamp.month, stamp.day, stamp.hour + 1, 0)), "?"]
        cells[6], cells[21] = str(year["temp"][n]), str(year["wind"][n])
        cells[13:16] = [str(year[name][n]) for name in ("ghi", "dni", "dhi")]
        lines.append(",".join(cells))
    file.write_text("\n".join(lines) + "\n")


def write_tmy3(file: Path) -> None:
    """The file of NREL: two lines of header, hours that end with their stamp."""
    year = made_up()
    names = ("GHI (W/m^2)", "DNI (W/m^2)", "DHI (W/m^2)", "Dry-bulb (C)", "Wspd (m/s)")
    stamps = pd.date_range("2019-01-01", periods=8760, freq="h")
    lines = [f"000000,Nowhere,XX,1.0,{LATITUDE},{LONGITUDE},515"]
    lines.append(",".join(["Date (MM/DD/YYYY)", "Time (HH:MM)", *names]))
    for n, stamp in enumerate(stamps):
        values = ",".join(str(year[name][n]) for name in ("ghi", "dni", "dhi", "temp", "wind"))
        lines.append(f"{stamp:%m/%d/%Y},{stamp.hour + 1:02d}:00,{values}")
    file.write_text("\n".join(lines) + "\n")


def loaded(folder: Path, start: str, hours: int, n: int = 1, **pv: Any) -> LoadedScenario:
    content: dict[str, Any] = {
        "name": "roofs",
        "time": {"start": start, "duration_h": hours, "step_s": 3600},
        "groups": [{"name": "homes", "households": n, "pv": {"kind": "weather", "kwp": 5, **pv}}],
        "report": {"figures": False},
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


def generated(made: LoadedScenario, folder: Path) -> pd.DataFrame:
    """kWh of each household and hour."""
    run_scenario(made, folder)
    return read_table(folder, "meters").pivot(index="time", columns="prosumer", values="pv_kwh")


def plainly(weather: pd.DataFrame, tilt: float, azimuth: float, altitude: float, inverter_kw: float) -> Any:
    """PVWatts of 5 kWp by pvlib alone, kW."""
    system = pvlib.pvsystem.PVSystem(
        surface_tilt=tilt,
        surface_azimuth=azimuth,
        module_parameters={"pdc0": 5000, "gamma_pdc": -0.0035},
        inverter_parameters={"pdc0": inverter_kw * 1000 / 0.96},
        racking_model="open_rack",
        module_type="glass_glass",
    )
    place = pvlib.location.Location(LATITUDE, LONGITUDE, altitude=altitude)
    chain = pvlib.modelchain.ModelChain.with_pvwatts(system, place)
    chain.run_model(weather)
    return chain.results.ac.fillna(0).clip(lower=0).to_numpy() / 1000


@pytest.mark.parametrize("kind", ["epw", "tmy3"])
def test_a_week_of_a_weather_file_is_that_of_pvlib(tmp_path: Path, kind: str) -> None:
    name = "year.epw" if kind == "epw" else "year.csv"
    (write_epw if kind == "epw" else write_tmy3)(tmp_path / name)
    made = loaded(
        tmp_path, "2016-06-20T00:00:00Z", 168, file=name, tilt_deg=30, azimuth_deg=200, inverter_kw=3
    )
    found = generated(made, tmp_path / "run")
    year = made_up()
    # From 0 h UTC on by the file's clock, an hour ahead: the sun is that of the middle of each hour in 2016.
    first = (pd.Timestamp("2019-06-20") - pd.Timestamp("2019-01-01")).days * 24 + 1
    rows = slice(first, first + 168)
    weather = pd.DataFrame(
        {
            **{each: year[each][rows] for each in ("ghi", "dni", "dhi")},
            "temp_air": year["temp"][rows],
            "wind_speed": year["wind"][rows],
        },
        index=found.index + pd.Timedelta(minutes=30),
    )
    expected = plainly(weather.astype(float), 30, 200, 515.0, 3.0)
    assert found["h001"].to_numpy() == pytest.approx(expected, abs=1e-12)
    assert 15 < expected.sum() / 7 < 40
    assert found["h001"].max() <= 3 + 1e-12


def test_a_clear_day_is_that_of_pvlib(tmp_path: Path) -> None:
    made = loaded(tmp_path, "2016-06-21T00:00:00Z", 24, latitude=LATITUDE, longitude=LONGITUDE)
    found = generated(made, tmp_path / "run")
    middles = pd.date_range("2016-06-21T00:07:30Z", periods=96, freq="15min")
    weather = pvlib.location.Location(LATITUDE, LONGITUDE, altitude=0.0).get_clearsky(middles)
    expected = plainly(weather, 35, 180, 0.0, 5.0).reshape(-1, 4).mean(axis=1)
    assert found["h001"].to_numpy() == pytest.approx(expected, abs=1e-12)


def test_a_rating_clips_and_directions_differ(tmp_path: Path) -> None:
    place = {"latitude": LATITUDE, "longitude": LONGITUDE}
    each = {"each": [90, 180, 270]}
    found = generated(
        loaded(tmp_path, "2016-06-21T00:00:00Z", 24, n=3, azimuth_deg=each, inverter_kw=2.5, **place),
        tmp_path / "run",
    )
    peaks = found.idxmax()
    assert found.max().max() == pytest.approx(2.5)
    assert peaks["h001"] < peaks["h003"]
    # East in the morning is west in the afternoon, around noon at 11:15 UTC.
    assert found["h001"].sum() == pytest.approx(found["h003"].sum(), rel=0.05)


def test_a_leap_day_is_like_the_day_before_it(tmp_path: Path) -> None:
    write_epw(tmp_path / "year.epw")
    found = generated(loaded(tmp_path, "2016-02-27T23:00:00Z", 48, file="year.epw"), tmp_path / "run")
    days = found["h001"].to_numpy().reshape(2, 24)
    assert days[1] == pytest.approx(days[0], rel=0.05)  # the same weather under a sun a day higher


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.epw").write_text("no weather\n")
    with pytest.raises(InputError, match="cannot be read as a weather file"):
        build(loaded(tmp_path, "2016-06-21T00:00:00Z", 24, file="bad.epw"))
    with pytest.raises(InputError, match="nothing says where the roof is"):
        build(loaded(tmp_path, "2016-06-21T00:00:00Z", 24))
    monkeypatch.setitem(sys.modules, "pvlib", None)
    with pytest.raises(InputError) as refused:
        build(loaded(tmp_path, "2016-06-21T00:00:00Z", 24, latitude=48, longitude=11))
    (problem,) = refused.value.problems
    assert problem.message == "this needs pvlib, which is not installed"
    assert problem.remedy == "Install it: pip install 'cosim[pvlib]'."
