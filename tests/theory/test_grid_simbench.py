"""SimBench by way of the cache is SimBench: powers, voltages, time; and the cache mends itself."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandapower as pp
import pytest
import simbench

from cosim.core.errors import InputError, SimulationError
from cosim.grid import simbench_data
from cosim.grid.background import Background
from cosim.grid.feeder import Feeder, feeder_from_net, load_feeder
from cosim.grid.feeder_profiles import FileProfiles
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig, NetworkConfig

CODE = "1-LV-rural3--0-sw"
NETWORK = NetworkConfig.model_validate(
    {"name": "n", "title": "t", "source": {"kind": "simbench", "code": CODE}, "origin": "o", "licence": "l"}
)


@pytest.fixture(scope="module")
def original() -> Any:
    return simbench.get_simbench_net(CODE)


@pytest.fixture(scope="module")
def feeder() -> Feeder:
    return load_feeder(NETWORK, Path())


@pytest.fixture(scope="module")
def absolute(original: Any) -> Any:
    """The power of each element in each quarter of an hour, by simbench."""
    return simbench.get_absolute_values(original, True)


@pytest.mark.slow
def test_profile_powers_equal_simbench_s_absolute_values(
    original: Any, absolute: Any, feeder: Feeder
) -> None:
    """All buses, two days in each of four places of the year, both changes of the clock among them."""
    assert feeder.has_profiles
    grid = GridConfig.model_validate({"network": "n", "interval_min": 15})
    position = {int(bus): column for column, bus in enumerate(feeder.bus.index)}
    for first in (0, 86 * 96 - 40, 200 * 96, 303 * 96 - 40):
        start = simbench_data.FIRST_SLOT + timedelta(minutes=15) * first
        p_mw, q_mvar = Background(feeder, feeder.elements, grid, start, 192).power(0, 192)
        expected_p, expected_q = np.zeros_like(p_mw), np.zeros_like(q_mvar)
        rows = slice(first, first + 192)
        for kind, sign in (("load", 1), ("sgen", -1)):
            for index, bus in original[kind].bus.items():
                expected_p[:, position[bus]] += sign * absolute[kind, "p_mw"][index].to_numpy()[rows]
        for index, bus in original.load.bus.items():
            expected_q[:, position[bus]] += absolute["load", "q_mvar"][index].to_numpy()[rows]
        np.testing.assert_allclose(p_mw, expected_p, rtol=0, atol=1e-15)
        np.testing.assert_allclose(q_mvar, expected_q, rtol=0, atol=1e-15)


@pytest.mark.slow
def test_voltages_equal_runpp_on_simbench_s_own_net(original: Any, absolute: Any, feeder: Feeder) -> None:
    """The net that went through the cache, against the one that did not."""
    net = copy.deepcopy(original)
    grid = GridConfig.model_validate({"network": "n", "interval_min": 15})
    flow = PowerFlow(feeder)
    for row in (40, 19_000, 19_250):
        start = simbench_data.FIRST_SLOT + timedelta(minutes=15) * row
        result = flow.solve(*Background(feeder, feeder.elements, grid, start, 1).power(0, 1))
        for (kind, column), table in absolute.items():
            if len(net[kind]):
                net[kind][column] = table.iloc[row]
        pp.runpp(net, tolerance_mva=1e-11, numba=False)
        np.testing.assert_allclose(result.vm_pu[0], net.res_bus.vm_pu, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            result.line_loading_percent[0], net.res_line.loading_percent, rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("minutes", [60, 10])
def test_an_interval_has_the_same_background_in_any_block(feeder: Feeder, minutes: int) -> None:
    grid = GridConfig.model_validate({"network": "n", "interval_min": minutes})
    made = Background(feeder, feeder.elements, grid, datetime(2016, 7, 4, tzinfo=UTC), 40)
    whole = made.power(0, 40)
    for first, n in ((0, 1), (7, 1), (5, 20), (39, 1)):
        for block, all_of_them in zip(made.power(first, n), whole, strict=True):
            np.testing.assert_array_equal(block, all_of_them[first : first + n])
    for interval in (0, 1, 39, 12):
        for power, all_of_them in zip(made.at(interval)[:2], whole, strict=True):
            np.testing.assert_array_equal(power, all_of_them[interval])


def test_hours_are_means_of_quarters(feeder: Feeder) -> None:
    start = datetime(2016, 7, 4, tzinfo=UTC)
    powers = {
        minutes: Background(
            feeder,
            feeder.elements,
            GridConfig.model_validate({"network": "n", "interval_min": minutes}),
            start,
            24 * 60 // minutes,
        ).power(0, 24 * 60 // minutes)[0]
        for minutes in (60, 15, 10)
    }
    hourly = powers[60]
    np.testing.assert_allclose(powers[15].reshape(24, 4, -1).mean(axis=1), hourly, rtol=0, atol=1e-15)
    np.testing.assert_allclose(powers[10].reshape(24, 6, -1).mean(axis=1), hourly, rtol=0, atol=1e-15)


def test_businesses_open_at_the_same_local_time_all_year() -> None:
    """In universal time they open an hour earlier in summer; so rows are spaced evenly in universal time."""
    names = ("G1-B_pload", "G1-C_pload", "G4-A_pload")
    values = simbench_data.read_profiles(names, simbench_data.FIRST_SLOT, simbench_data.N_SLOTS).values
    quarter = timedelta(minutes=15)
    berlin = ZoneInfo("Europe/Berlin")
    stamps = [
        (simbench_data.FIRST_SLOT + k * quarter).astimezone(berlin) for k in range(simbench_data.N_SLOTS)
    ]
    slot = np.array([stamp.hour * 4 + stamp.minute // 15 for stamp in stamps])
    weekday = np.array([stamp.weekday() < 5 for stamp in stamps])
    summer = np.array([bool(stamp.dst()) for stamp in stamps])
    for column in range(len(names)):
        opening = []
        for season in (summer, ~summer):
            day = np.array([values[season & weekday & (slot == k), column].mean() for k in range(56)])
            opening.append(int(np.argmax(day > (day[:20].min() + day[20:].max()) / 2)))
        assert abs(opening[0] - opening[1]) <= 1
        assert 6 * 4 <= opening[0] <= 8 * 4


def test_the_sun_does_not_jump_when_the_clock_does() -> None:
    """Its mean hour in UTC, a month before and after the change of the clock, over all eight profiles."""
    names = [f"PV{k}" for k in range(1, 9)]
    values = simbench_data.read_profiles(names, simbench_data.FIRST_SLOT, simbench_data.N_SLOTS).values.mean(
        axis=1
    )
    hour = np.array([(23 + 0.25 * k + 0.125) % 24 for k in range(simbench_data.N_SLOTS)])
    change = int((datetime(2016, 3, 27, 1, tzinfo=UTC) - simbench_data.FIRST_SLOT) / timedelta(minutes=15))
    month = 30 * 96
    before, after = slice(change - month, change), slice(change, change + month)
    mean_hour = [float(np.average(hour[part], weights=values[part])) for part in (before, after)]
    assert abs(mean_hour[0] - mean_hour[1]) < 0.3


def test_stamps_are_checked() -> None:
    with pytest.raises(SimulationError, match="quarter hours"):
        simbench_data.check_stamps(["01.01.2016 00:00"] * simbench_data.N_SLOTS)


@pytest.mark.parametrize(
    ("start", "n", "says"),
    [
        (datetime(2019, 7, 1, tzinfo=UTC), 96, "only for 2016"),
        (datetime(2016, 12, 31, tzinfo=UTC), 96, "only for 2016"),
        (datetime(2016, 7, 1), 96, "no time zone"),
        (datetime(2016, 7, 1, 0, 7, tzinfo=UTC), 96, "quarter hour"),
    ],
)
def test_times_without_profiles_are_refused(start: datetime, n: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        simbench_data.read_profiles(["PV1"], start, n)


def test_unknown_names_are_refused_with_the_right_one() -> None:
    with pytest.raises(InputError, match="H0-A_pload"):
        simbench_data.read_profiles(["H0-A_plaod"], datetime(2016, 7, 1, tzinfo=UTC), 4)
    with pytest.raises(InputError, match="low-voltage"):
        simbench_data.read_grid("1-HV-mixed--0-sw")


@pytest.mark.slow
def test_a_broken_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feeder: Feeder) -> None:
    monkeypatch.setenv("COSIM_CACHE_DIR", str(tmp_path))
    folder = tmp_path / f"simbench-{metadata.version('simbench')}-pandapower-{metadata.version('pandapower')}"
    folder.mkdir()
    (folder / f"{CODE}.json").write_text('{"_module": "os", "_class": "function", "_object": "system"}')
    again = feeder_from_net(simbench_data.read_grid(CODE), NETWORK)
    assert again.net.line.equals(feeder.net.line)
    assert again.elements == feeder.elements
    assert [file.name for file in folder.iterdir()] == [f"{CODE}.json"]  # nothing half-written left


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COSIM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match="COSIM_CACHE_DIR"):
        simbench_data.read_grid(CODE)


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(simbench_data.metadata, "version", absent)
    simbench_data._versions.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'cosim\[simbench\]'"):
        simbench_data.read_grid(CODE)
    simbench_data._versions.cache_clear()


@pytest.mark.slow
def test_the_calling_process_stays_small() -> None:
    """A feeder and its profiles add little to what pandapower's import takes, and simbench is not loaded."""
    code = (
        "import resource, sys\n"
        "import pandapower, pyarrow.parquet, scipy.sparse.linalg\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "from datetime import UTC, datetime\n"
        "from cosim.grid.simbench_data import read_grid, read_profiles\n"
        f"read_grid('{CODE}')\n"
        "read_profiles(['H0-A_pload', 'H0-A_qload', 'PV1'], datetime(2016, 1, 1, tzinfo=UTC), 35000)\n"
        "assert 'simbench' not in sys.modules\n"
        "print((peak() - before) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert int(done.stdout) < 120


@pytest.mark.slow
def test_a_network_that_brings_its_profiles_draws_what_the_built_in_one_does(
    original: Any, feeder: Feeder
) -> None:
    """SimBench's own net with its profiles in it, as a user saves it, against the grid by its code."""
    own = feeder_from_net(original, NETWORK)
    assert isinstance(own.profiles, FileProfiles)
    grid = GridConfig.model_validate({"network": "n", "interval_min": 15})
    for start in (datetime(2016, 3, 26, 20, tzinfo=UTC), datetime(2016, 10, 29, 20, tzinfo=UTC)):
        theirs, ours = (
            Background(each, each.elements, grid, start, 96).power(0, 96) for each in (feeder, own)
        )
        np.testing.assert_array_equal(theirs, ours)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["1-LV-rural1--1-sw", "1-LV-rural3--2-sw"])
def test_storages_of_future_scenarios_follow_their_profiles(code: str) -> None:
    """Against simbench's absolute values, by the cache and from the net itself."""
    net = simbench.get_simbench_net(code)
    absolute = simbench.get_absolute_values(net, True)["storage", "p_mw"]
    first = 200 * 96
    start = simbench_data.FIRST_SLOT + timedelta(minutes=15) * first
    grid = GridConfig.model_validate({"network": "n", "interval_min": 15})
    network = NetworkConfig.model_validate(
        NETWORK.model_dump() | {"source": {"kind": "simbench", "code": code}}
    )
    for made in (load_feeder(network, Path()), feeder_from_net(net, network)):
        storages = [element for element in made.elements if element.kind == "storage"]
        powers = Background(made, storages, grid, start, 96).element_powers(0, 96)
        assert len(powers) == len(net.storage)
        for element, p_mw, _ in powers:
            expected = absolute[element.index].to_numpy()[first : first + 96]
            np.testing.assert_allclose(p_mw, expected, rtol=0, atol=1e-15)
        assert any((p_mw != 0).any() for _, p_mw, _ in powers)


@pytest.mark.slow
@pytest.mark.parametrize(("code", "vn_hv_kv"), [("1-LV-rural1--1-sw", 20.5), ("1-LV-rural1--2-sw", 20.5)])
def test_taps_of_the_later_scenarios_act(code: str, vn_hv_kv: float) -> None:
    """SimBench gives position 1 of 2.5 % on the high-voltage side and no type: pandapower 3 leaves it out."""
    source = {"kind": "simbench", "code": code}
    network = NetworkConfig.model_validate(NETWORK.model_dump() | {"source": source})
    made = load_feeder(network, Path())
    assert not any("tap" in warning.path for warning in made.warnings)
    judge = simbench_data.read_grid(code)
    pp.runpp(judge, numba=False)
    without = judge.res_bus.vm_pu.copy()
    judge.trafo["vn_hv_kv"] = vn_hv_kv
    pp.runpp(judge, numba=False)
    ours = copy.deepcopy(made.source.net)
    pp.runpp(ours, numba=False)
    np.testing.assert_allclose(ours.res_bus.vm_pu, judge.res_bus.vm_pu, rtol=0, atol=1e-9)
    assert (without - ours.res_bus.vm_pu).max() > 0.02
