"""A share of a group has a device: who does is nested over shares, and has the same of it at each."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import cosim
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.households.ownership import owners

GROUP = Group("homes", 1, 30, 129)


def test_owners_are_nested_and_as_many_as_the_share_says() -> None:
    of_share = [owners(share, "ev", GROUP, Streams(3)) for share in np.linspace(0, 1, 41)]
    assert [len(each) for each in of_share] == [int(99 * i / 40 + 0.5) for i in range(41)]
    assert all(fewer <= more for fewer, more in itertools.pairwise(of_share))
    assert of_share[-1] == frozenset(GROUP.members)


def test_seeds_and_kinds_choose_other_owners_and_all_are_as_likely() -> None:
    chosen = [owners(0.3, "ev", GROUP, Streams(seed)) for seed in range(400)]
    assert len(set(chosen)) == 400
    assert owners(0.3, "pv", GROUP, Streams(3)) != chosen[3]
    counts = np.bincount([h - 30 for each in chosen for h in each], minlength=99)
    expected, sd = 400 * 30 / 99, np.sqrt(400 * (30 / 99) * (69 / 99))
    assert np.abs(counts - expected).max() < 4.5 * sd


def test_a_later_group_changes_no_earlier_one() -> None:
    assert owners(0.5, "ev", Group("homes", 0, 0, 40), Streams(1)) == owners(
        0.5, "ev", Group("others", 0, 0, 40), Streams(1)
    )


def scenario(folder: Path, share: float, households: int = 10) -> dict[str, object]:
    (folder / "p.csv").write_text(
        "time,a [kW],b [kW],c [kW]\n"
        + "".join(f"2024-06-01T{hour:02d}:00Z,{hour},{2 * hour},{3 * hour}\n" for hour in range(24))
    )
    group = {
        "name": "homes",
        "households": households,
        "load": {"kind": "constant", "p_kw": {"uniform": [0.2, 2]}},
        "pv": {"kind": "csv", "file": "p.csv", "kwp": {"uniform": [0.5, 3]}, "share": share},
        "battery": {"capacity_kwh": {"uniform": [5, 10]}, "share": share},
    }
    return {
        "name": "shared",
        "time": {"start": "2024-06-01T00:00:00Z", "duration_h": 12},
        "groups": [group],
    }


@pytest.mark.filterwarnings("ignore")  # of the large roofs
def test_whoever_has_a_device_has_the_same_of_it_at_a_larger_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    some, more = (cosim.run(scenario(tmp_path, share)).tables for share in (0.3, 0.8))
    for column in ("battery_capacity_kwh", "pv_scale_kw"):
        few, many = some.prosumers[column], more.prosumers[column]
        has = few > 0
        assert (has.sum(), (many > 0).sum()) == (3, 8)
        assert (many[has] == few[has]).all()
    generated = [run.meters.groupby("prosumer").pv_kwh.sum() for run in (some, more)]
    had = generated[0] > 0
    assert had.sum() == 3
    assert (generated[1][had] == generated[0][had]).all()


@pytest.mark.filterwarnings("ignore")
def test_nobody_has_it_at_a_share_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    none = cosim.run(scenario(tmp_path, 0.0))
    without = scenario(tmp_path, 0.0)
    del without["groups"][0]["pv"], without["groups"][0]["battery"]  # type: ignore[index]
    plain = cosim.run(without)
    shared = ["time", "prosumer", "net_kwh"]
    assert none.tables.meters[shared].equals(plain.tables.meters[shared])


def test_a_share_beyond_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cosim.InputError, match=r"share"):
        cosim.run(scenario(tmp_path, 1.5))
