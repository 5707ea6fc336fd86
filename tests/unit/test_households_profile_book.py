"""The book of profiles: the same numbers in blocks of any length, and means that keep the energy."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series, nothing

N_INTERVALS, PER_INTERVAL, SLOT_MS = 20, 4, 900_000
N_SLOTS, N_HOMES = N_INTERVALS * PER_INTERVAL, 5


def _demand() -> Demand:
    numbers = np.random.default_rng(2)

    def series() -> Series:
        columns = numbers.random((N_SLOTS, 3))
        return Series(columns, numbers.integers(0, 3, N_HOMES), numbers.random(N_HOMES) * 5)

    load = Profile("load", False, series(), series())
    return Demand((load, Profile("pv", True, series(), nothing(N_SLOTS, N_HOMES))))


def _of(series: Series) -> np.ndarray:
    return np.stack(
        [series.columns[:, c] * s for c, s in zip(series.choice, series.scale, strict=True)], axis=1
    )


@pytest.mark.parametrize("per_block", [1, 3, 20, 168])
def test_means_and_surplus_in_blocks_of_any_length(per_block: int) -> None:
    demand = _demand()
    book = ProfileBook(demand, SLOT_MS, PER_INTERVAL, per_block)
    load, pv = (_of(profile.kw) for profile in demand.profiles)
    for interval in range(N_INTERVALS):
        book.turn_to(interval)
        slots = slice(interval * PER_INTERVAL, (interval + 1) * PER_INTERVAL)
        means = book.interval_means(interval)
        reactive = sum(_of(profile.kvar) for profile in demand.profiles)
        for mean, whole in zip(means, (load, pv, reactive), strict=True):
            assert np.allclose(mean, whole[slots].mean(axis=0), rtol=1e-14, atol=0)
        first = (interval * PER_INTERVAL * SLOT_MS - book.first_ms) // SLOT_MS
        surplus = np.array([of_home[first : first + PER_INTERVAL] for of_home in book.surplus_kw]).T
        assert np.array_equal(surplus, (pv - load)[slots])


@pytest.mark.parametrize("per_block", [1, 3, 20, 168])
def test_what_is_set_aside_is_seen_by_batteries_and_by_no_meter(per_block: int) -> None:
    """Also where it is known before the block that it falls into."""
    demand, aside = _demand(), np.arange(N_HOMES) - 2.0
    plain, book = (ProfileBook(demand, SLOT_MS, PER_INTERVAL, per_block) for _ in range(2))
    for interval in (0, 4, 19):
        book.set_aside(interval, aside)
        book.set_aside(interval, aside)
    for interval in range(N_INTERVALS):
        for each in (plain, book):
            each.turn_to(interval)
        assert np.array_equal(plain.interval_means(interval), book.interval_means(interval))
        first = (interval * PER_INTERVAL * SLOT_MS - book.first_ms) // SLOT_MS
        before, after = (
            np.array([of_home[first : first + PER_INTERVAL] for of_home in each.surplus_kw]).T
            for each in (plain, book)
        )
        assert np.allclose(before - after, 2 * aside if interval in (0, 4, 19) else 0.0, rtol=0, atol=1e-12)


def test_meters_integrate_exactly() -> None:
    demand = _demand()
    book = ProfileBook(demand, SLOT_MS, PER_INTERVAL, 7)
    equipment = Equipment([Household(i, [], {}, book) for i in range(N_HOMES)], {})
    meters = Meters(equipment, book, PER_INTERVAL * SLOT_MS)
    net = sum(meters.close(interval).net_kwh for interval in range(N_INTERVALS))
    load, pv = (_of(profile.kw) for profile in demand.profiles)
    energy = (load - pv).sum(axis=0) * SLOT_MS / 3_600_000
    assert np.allclose(net, energy, rtol=1e-13)
