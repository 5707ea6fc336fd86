"""Profiles that a network brings along: who follows them, when, and what stands in the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from cosim.core.errors import InputError
from cosim.grid.background import Background
from cosim.grid.feeder import Feeder, feeder_from_net
from cosim.grid.feeder_profiles import FileProfiles
from cosim.grid.profile_factors import factor_doubts
from cosim.grid.schema import GridConfig, NetworkConfig
from cosim.households.profile_columns import ProfileSources, Slots
from cosim.households.sources.feeder_profile import FEEDER

NETWORK = NetworkConfig.model_validate(
    {"name": "n", "title": "t", "origin": "o", "licence": "l", "source": {"kind": "json", "file": "n.json"}}
)
JULY = datetime(2016, 7, 4, tzinfo=UTC)


def stamps(first: str, n: int, minutes: int = 15) -> list[str]:
    """German local time as SimBench writes it, from an instant in UTC."""
    times = pd.date_range(first, periods=n, freq=f"{minutes}min", tz="UTC").tz_convert("Europe/Berlin")
    return list(times.strftime("%d.%m.%Y %H:%M"))


def tables(first: str = "2016-07-03T22:00", n: int = 96 * 2, **columns: Any) -> dict[str, pd.DataFrame]:
    """A load's, a generator's and a storage's profile that count the rows."""
    rows = np.arange(n)
    time = stamps(first, n)
    return {
        "load": pd.DataFrame({"time": time, "L_pload": rows / 100, "L_qload": rows / 200} | columns),
        "renewables": pd.DataFrame({"time": time, "S": rows / 1000}),
        "storage": pd.DataFrame({"time": time, "B": np.where(rows % 2, -0.5, 0.25)}),
        "powerplants": pd.DataFrame({"time": time}),
    }


def feeder(profiles: dict[str, pd.DataFrame] | None, names: tuple[str, str, str] = ("L", "S", "B")) -> Feeder:
    """A line with a load of 20 kW and 8 kvar, a generator of 10 kW and a storage that discharges 4 kW."""
    net = pp.create_empty_network()
    for k in range(3):
        pp.create_bus(net, 0.4, name=f"b{k}")
    pp.create_ext_grid(net, 0)
    pp.create_line(net, 0, 1, 0.1, "NAYY 4x150 SE")
    pp.create_line(net, 1, 2, 0.1, "NAYY 4x150 SE")
    pp.create_load(net, 1, 0.02, 0.008)
    pp.create_sgen(net, 2, 0.02, scaling=0.5)
    pp.create_storage(net, 2, -0.004, max_e_mwh=0.01)
    for kind, name in zip(("load", "sgen", "storage"), names, strict=True):
        net[kind]["profile"] = name
    if profiles is not None:
        net["profiles"] = profiles
    return feeder_from_net(net, NETWORK)


def powers(made: Feeder, start: datetime = JULY, n: int = 2, **grid: Any) -> np.ndarray:
    """kW of load, generator and storage in intervals of an hour, then the load's kvar; shape (n, 4)."""
    config = GridConfig.model_validate({"network": "n"} | grid)
    found = Background(made, made.elements, config, start, n).element_powers(0, n)
    return 1000 * np.stack([*(p for _, p, _ in found), found[0][2]], axis=1)


def test_elements_follow_the_profiles_of_their_network() -> None:
    made = feeder(tables())
    assert made.has_profiles
    assert made.warnings == ()
    first_row = 8  # the file begins two hours before the run
    means = first_row + np.array([1.5, 5.5])
    expected = np.stack([20 * means / 100, -10 * means / 1000, [0.5, 0.5], 8 * means / 200], axis=1)
    np.testing.assert_allclose(powers(made), expected, atol=1e-15)
    nominal = powers(made, background="nominal")
    np.testing.assert_allclose(nominal, [[20, -10, -4, 8]] * 2)


def test_without_profiles_in_the_network_the_nominal_power_counts_and_that_is_said() -> None:
    made = feeder(None, ("H0-A", "PV3", "Storage_PV3_H0-A"))
    assert not made.has_profiles
    np.testing.assert_allclose(powers(made), [[20, -10, -4, 8]] * 2)
    (warning,) = made.warnings
    assert warning.severity == "warning"
    assert str(warning).startswith(
        "load.0.profile: 34 kW in 3 elements with a profile that the network does not include: load 0 "
        "(H0-A), sgen 0 (PV3) and storage 0 (Storage_PV3_H0-A); its nominal power counts"
    )
    with pytest.raises(InputError, match="no profiles"):
        powers(made, background="profile")


@pytest.mark.parametrize("missing", range(3))
def test_an_element_whose_own_profile_is_missing_draws_its_nominal_power(missing: int) -> None:
    names = tuple("?" if k == missing else name for k, name in enumerate("LSB"))
    made = feeder(tables(), names)  # type: ignore[arg-type]
    whole, part = powers(feeder(tables())), powers(made)
    assert part[:, missing].tolist() == pytest.approx([[20, -10, -4][missing]] * 2)
    others = [k for k in range(3) if k != missing]
    np.testing.assert_array_equal(part[:, others], whole[:, others])
    assert "1 element with a profile that the network does not include" in str(made.warnings[0])


def test_a_name_that_is_a_number_is_a_name_and_one_of_blanks_is_none() -> None:
    made = feeder(tables(), (5, " S ", "  "))  # type: ignore[arg-type]
    (warning,) = made.warnings
    assert "20 kW in 1 element with a profile that the network does not include: load 0 (5)" in str(warning)
    assert [element.p_profile for element in made.elements] == ["", "S", ""]


FACTORS = (
    (
        {"L_pload": -0.5},
        "profiles.load.L_pload, row 0: the loads that follow this profile generate: it is -0.5",
    ),
    ({"L_pload": [0.1, -0.9] * 4}, "profiles.load.L_pload, row 1: the loads that follow this profile gener"),
    ({"L_pload": [0.4, -999] * 4}, "profiles.load.L_pload, row 1: a factor of -999 on the nominal power"),
    ({"L_pload": 3500.0}, "profiles.load.L_pload, row 0: a factor of 3,500 on the nominal power"),
    ({"L_qload": -25.0}, "profiles.load.L_qload, row 0: a factor of -25 on the nominal power"),
    ({"S": [0.0, 0.3, -0.2, 0.1] * 2}, "renewables.S, row 2: the generators that follow this profile draw"),
    ({"B": [0.0, 0.3, -32.0, 0.1] * 2}, "profiles.storage.B, row 2: a factor of -32 on the nominal power"),
)


@pytest.mark.parametrize(("change", "says"), FACTORS)
def test_factors_that_cannot_be_meant_are_doubted(change: dict[str, Any], says: str) -> None:
    profiles = tables(n=8)
    for name, factors in change.items():
        profiles[{"L": "load", "S": "renewables", "B": "storage"}[name[0]]][name] = factors
    made = feeder(profiles)
    everyone = {(element.kind, element.index) for element in made.elements}
    said = [str(each) for each in factor_doubts(made.elements, everyone, made.profiles)]
    assert any(says in each for each in said), said
    assert factor_doubts(made.elements, everyone, feeder(tables(n=8)).profiles) == []
    assert factor_doubts(made.elements, set(), made.profiles) == []  # nobody follows it


def test_reactive_power_without_a_profile_follows_the_active() -> None:
    profiles = tables()
    del profiles["load"]["L_qload"]
    made = feeder(profiles)
    found = powers(made)
    np.testing.assert_allclose(found[:, 3], found[:, 0] * 0.4)
    assert "20 kW in 1 element with a profile of active power alone: load 0 (L)" in str(made.warnings[0])


@pytest.mark.parametrize(
    ("first", "day"),
    [("2016-03-26T23:00", "2016-03-27T00:00"), ("2016-10-29T22:00", "2016-10-30T00:00")],
)
def test_local_time_is_right_through_both_changes(first: str, day: str) -> None:
    """Rows are evenly spaced in universal time, whatever the clocks on the wall do."""
    made = feeder(tables(first, 96 * 3))
    begin = datetime.fromisoformat(f"{day}:00+00:00")
    skipped = (begin - datetime.fromisoformat(f"{first}:00+00:00")).total_seconds() / 900
    found = powers(made, begin, 8)
    np.testing.assert_allclose(found[:, 0], 20 / 100 * (skipped + 1.5 + 4 * np.arange(8)))


@pytest.mark.parametrize(
    "times",
    [
        pd.Series(pd.date_range("2016-07-04T00:00", periods=192, freq="15min", tz="UTC")),
        pd.Series(pd.date_range("2016-07-04T02:00", periods=192, freq="15min", tz="Europe/Berlin")),
        pd.date_range("2016-07-04T00:00", periods=192, freq="15min").strftime("%Y-%m-%dT%H:%MZ").to_series(),
        pd.Series(stamps("2016-07-04T00:00", 192)),
    ],
    ids=["utc", "zone", "text", "simbench"],
)  # fmt: skip
def test_times_with_an_offset_are_read_too(times: pd.Series) -> None:
    profiles = tables()
    for frame in profiles.values():
        frame["time"] = times.to_numpy() if times.dtype == object else times
    np.testing.assert_allclose(powers(feeder(profiles))[:, 0], 20 / 100 * np.array([1.5, 5.5]))


def test_hours_hold_in_each_of_their_quarters() -> None:
    profiles = FileProfiles({"load": pd.DataFrame({"time": stamps("2016-07-04", 3, 60), "L": [1.0, 2, 4]})})
    assert profiles.open(["L"], JULY, 12).rows(2, 9).ravel().tolist() == [1, 1, 2, 2, 2, 2, 4]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"time": ["04.07.2016 00:00"] * 192}, "not evenly spaced|multiple of 15"),
        ({"time": [*stamps("2016-07-03T22:00", 191), "09.07.2016 00:00"]}, "not evenly spaced"),
        ({"time": stamps("2016-07-03T22:00", 192, 5)}, "multiple of 15 min, not 5"),
        ({"time": stamps("2016-07-03T22:00", 192)[::-1]}, "multiple of 15 min, not -15"),
        ({"time": ["noon"] * 192}, "the times cannot be read"),
        ({"time": [f"30.10.2016 0{2 + k // 60}:{k % 60:02d}" for k in range(192)]}, "times cannot be read"),
        ({"time": stamps("2016-07-10T22:00", 192)}, "cover 2016-07-10T22:00Z to 2016-07-12T22:00Z"),
        ({"time": stamps("2016-07-03T22:05", 192)}, "outside or between"),
        ({"L_pload": [np.nan, *range(191)]}, r"profiles\.load\.L_pload, row 0"),
        ({"L_qload": [*range(191), "much"]}, r"profiles\.load\.L_qload, row 191"),
        ({"L_qload": [*range(191), "12"]}, r"profiles\.load\.L_qload, row 191"),
        ({"L_qload": [*range(191), "1461e4007615600"]}, r"profiles\.load\.L_qload, row 191"),
        ({"S": [0.5] * 192}, "the tables load and renewables both have it"),
    ],
)
def test_profiles_that_cannot_be_followed_are_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        powers(feeder(tables(**change)))


def test_households_follow_the_profiles_of_the_feeders_loads() -> None:
    made = feeder(tables())
    slots = Slots(JULY, 300_000, 36)
    held = {"own": np.arange(36.0)}
    sources = ProfileSources(
        slots, held, [(made.profiles, {f"{FEEDER}{name}": name for name in ("L_pload", "S")})]
    )
    found = sources.stack((f"{FEEDER}L_pload", "own", f"{FEEDER}S"), slice(4, 8))
    rows = 8 + np.array([1, 1, 2, 2])
    np.testing.assert_array_equal(found, np.stack([rows / 100, [4, 5, 6, 7], rows / 1000], axis=1))
