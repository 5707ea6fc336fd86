"""Profiles read a page at a time are the profiles read at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cosim.core.errors import InputError
from cosim.grid import profile_pages
from cosim.grid.feeder_profiles import SimbenchProfiles
from cosim.grid.profile_pages import ProfilePages
from cosim.grid.simbench_data import read_profiles
from cosim.households.profile_columns import PickedColumns, ProfileSources, Slots

START = datetime(2016, 3, 26, tzinfo=UTC)
NAMES = ("PV1", "H0-A_pload", "H0-A_qload")
N = 300


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Pages of 96 quarter hours; the starts of those that were read."""
    starts: list[datetime] = []

    def read(names: tuple[str, ...], start: datetime, n: int, scenario: int) -> object:
        starts.append(start)
        return read_profiles(names, start, n, scenario)

    monkeypatch.setattr(profile_pages, "SLOTS_PER_PAGE", 96)
    monkeypatch.setattr(profile_pages, "read_profiles", read)
    return starts


def test_pages_hold_what_the_file_holds(reads: list[datetime]) -> None:
    whole = read_profiles(NAMES, START, N).values
    pages = ProfilePages(NAMES, START, N)
    for first, end in ((0, 300), (0, 1), (95, 97), (96, 192), (10, 200), (290, 310), (299, 400), (300, 310)):
        np.testing.assert_array_equal(pages.rows(first, end), whole[first:end])
    with pytest.raises(InputError, match="no such profile"):
        ProfilePages(("PV1", "PV17"), START, N)
    with pytest.raises(InputError, match="only for 2016"):
        ProfilePages(NAMES, START, 366 * 96)


def test_each_page_is_read_once_by_who_goes_forward(reads: list[datetime]) -> None:
    pages = ProfilePages(NAMES, START, N)
    for first in range(0, N, 40):
        for _series in range(4):
            pages.rows(first, first + 44)
    assert reads == [START + timedelta(days=day) for day in range(4)]


@pytest.mark.parametrize("slot_min", [15, 5])
def test_sources_side_by_side(reads: list[datetime], slot_min: int) -> None:
    per_quarter = 15 // slot_min
    n_slots = N * per_quarter - 1  # a run may end within a quarter hour
    own = np.arange(float(n_slots))
    pages = SimbenchProfiles(0), {name: name for name in ("PV1", "H0-A_pload")}
    sources = ProfileSources(Slots(START, slot_min * 60_000, n_slots), {"own": own}, [pages])
    columns = PickedColumns(sources, ("PV1", "own", "H0-A_pload"))
    fine = np.repeat(read_profiles(NAMES, START, N).values, per_quarter, axis=0)[:n_slots]
    whole = np.stack([fine[:, 0], own, fine[:, 1]], axis=1)
    for first, end in ((0, n_slots), (1, 2), (94 * per_quarter + 1, 200), (n_slots - 2, n_slots + 9)):
        np.testing.assert_array_equal(columns[first:end], whole[first:end])


def test_sources_without_simbench() -> None:
    sources = ProfileSources(Slots(START, 900_000, 3), {"ones": np.broadcast_to(1.0, 3)})
    np.testing.assert_array_equal(PickedColumns(sources, ("ones", "ones"))[1:9], np.ones((2, 2)))
