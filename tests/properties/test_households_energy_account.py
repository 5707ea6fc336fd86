"""Self-consumption and self-sufficiency are shares, whatever batteries do, as the literature has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import Unit
from cosim.devices.battery_at_home import InstalledBattery
from cosim.devices.battery_energies import Battery
from cosim.households.energy_account import EnergyMetrics, Store, StoreFlows
from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series
from tests.examples import examples

N_HOURS = 24
_kwh = st.floats(0.0, 5.0)
_hours = st.lists(st.tuples(_kwh, _kwh), min_size=N_HOURS, max_size=N_HOURS)


def _shares(
    load: np.ndarray,
    pv: np.ndarray,
    charged: np.ndarray,
    discharged: np.ndarray,
    stored: np.ndarray,
    efficiency: float,
) -> tuple[float | None, float | None]:
    """Of one household: rows of hours; `stored` has one value more, the first."""
    every = []
    for n_at_once in (1, 5, len(load)):
        metrics = EnergyMetrics({"battery": Store(stored[:1], np.array([efficiency]))})
        for first in range(0, len(load), n_at_once):
            rows = slice(first, first + n_at_once)
            some = [each[rows, np.newaxis] for each in (load, pv, charged, discharged, stored[1:])]
            net = some[0] - some[1] + some[2] - some[3]
            metrics.add(some[0], some[1], net, {"battery": StoreFlows(*some[2:])})
        every.append(metrics.result())
    result = every[0]
    assert every == [result] * 3, "to the bit, however many intervals are taken together"
    return result["self_consumption_fraction"], result["self_sufficiency_fraction"]


def _metered(
    battery: Battery, start_kwh: float, load: np.ndarray, pv: np.ndarray, requests: list[int] | None
) -> dict[str, np.ndarray]:
    """A day's meters, by the hour: of a battery that no market regulates, or of one that sells 1 kWh."""

    def series(values: np.ndarray) -> Series:
        return Series(values[:, np.newaxis], np.zeros(1, np.int64), np.ones(1))

    nothing = np.zeros(N_HOURS)
    demand = Demand(
        (
            Profile("load", False, series(load), series(nothing)),
            Profile("pv", True, series(pv), series(nothing)),
        )
    )
    book = ProfileBook(demand, MS_PER_HOUR, 1, N_HOURS)
    device, units = InstalledBattery(battery, start_kwh), [Unit(1.0, "anything")]
    home = Household(0, [device], {"anything": device}, book)
    home.regulate(units, 0, requests is not None)
    meters = Meters(Equipment([home], {"battery": [(0, device)]}), book, MS_PER_HOUR)
    readings = []
    for hour in range(N_HOURS):
        if requests is not None:
            home.deliver([requests[hour]], units, hour * MS_PER_HOUR, MS_PER_HOUR)
        readings.append(meters.close(hour))
    of = {
        name: np.array([each.devices["battery"].values[name][0] for each in readings])
        for name in device.metered
    }
    return {
        "net_kwh": np.array([each.net_kwh[0] for each in readings]),
        "charged_kwh": of["taken_kwh"],
        "discharged_kwh": of["given_kwh"],
        "stored": np.array([start_kwh, *of["stored_kwh"]]),
    }


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(
    hours=_hours,
    start=st.floats(0.0, 1.0),
    efficiencies=st.tuples(st.floats(0.5, 1.0), st.floats(0.5, 1.0)),
    leak_per_hour=st.sampled_from([0.0, 0.01, 0.3]),
    grid=st.tuples(st.sampled_from([0.0, 2.0]), st.floats(0.0, 1.0)),
    requests=st.none() | st.lists(st.integers(0, 1), min_size=N_HOURS, max_size=N_HOURS),
)
def test_both_are_shares_whatever_a_battery_does(
    hours: list[tuple[float, float]],
    start: float,
    efficiencies: tuple[float, float],
    leak_per_hour: float,
    grid: tuple[float, float],
    requests: list[int] | None,
) -> None:
    """Charging from the grid, full at the start, leaking, selling into the grid."""
    load, pv = np.array(hours).T
    battery = Battery(6.0, 0.5, 3.0, 3.0, *efficiencies, leak_per_hour, grid[0], 6.0 * grid[1])
    seen = _metered(battery, 0.5 + start * 5.5, load, pv, requests)
    for share in _shares(
        load, pv, seen["charged_kwh"], seen["discharged_kwh"], seen["stored"], battery.charge_efficiency
    ):
        assert share is None or 0.0 <= share <= 1.0


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(
    hours=st.lists(st.tuples(_kwh, _kwh, _kwh, _kwh, _kwh), min_size=1, max_size=12),
    efficiency=st.floats(0.1, 1.0),
)
def test_sufficiency_is_a_share_of_any_meters(hours: list[tuple[float, ...]], efficiency: float) -> None:
    """Even of meters that no battery could have brought about."""
    load, pv, charged, discharged, stored = np.array(hours).T
    _, sufficiency = _shares(load, pv, charged, discharged, np.append(0.0, stored), efficiency)
    assert sufficiency is None or 0.0 <= sufficiency <= 1.0


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(hours=_hours, discharge_efficiency=st.floats(0.5, 1.0), capacity=st.floats(0.5, 20.0))
def test_a_battery_that_only_stores_the_surplus_has_the_textbook_shares(
    hours: list[tuple[float, float]], discharge_efficiency: float, capacity: float
) -> None:
    """Luthander et al. (2015): M = min(L, P + S), of a battery that begins empty; and 1 less imports."""
    load, pv = np.array(hours).T
    battery = Battery(capacity, 0.0, 3.0, 3.0, 0.9, discharge_efficiency, 0.0)
    seen = _metered(battery, 0.0, load, pv, None)
    used = np.minimum(load, pv + seen["discharged_kwh"] - seen["charged_kwh"]).sum()
    imported = np.maximum(seen["net_kwh"], 0.0).sum()
    consumption, sufficiency = _shares(
        load, pv, seen["charged_kwh"], seen["discharged_kwh"], seen["stored"], 0.9
    )
    if pv.sum() > 1e-6:
        assert consumption == pytest.approx(used / pv.sum(), abs=1e-9)
    if load.sum() > 1e-6:
        assert sufficiency == pytest.approx(used / load.sum(), abs=1e-9)
        assert sufficiency == pytest.approx(1 - imported / load.sum(), abs=1e-9)


def _one(value: float) -> np.ndarray:
    return np.array([value])


def _ones(value: float) -> np.ndarray:
    """Of one interval and household."""
    return np.array([[value]])


@pytest.mark.parametrize(
    ("rows", "start_kwh", "consumption", "sufficiency"),
    [
        # load, pv, charged, discharged, stored at the end; a battery without losses
        ([(1, 0, 2, 0, 2), (1, 0, 0, 1, 1)], 0, None, 0.0),  # all of the grid's
        ([(0, 2, 2, 0, 2), (2, 0, 0, 2, 0)], 0, 1.0, 1.0),  # all of the sun's
        ([(0, 2, 4, 0, 4), (4, 0, 0, 4, 0)], 0, 1.0, 0.5),  # half of each
        ([(0, 2, 4, 0, 4), (0, 0, 0, 2, 2), (2, 0, 0, 2, 0)], 0, 0.5, 0.5),  # half is sold first
        ([(0, 2, 2, 0, 4), (4, 0, 0, 4, 0)], 2, 1.0, 0.5),  # half was there before
        ([(1, 3, 0, 0, 0), (1, 0, 0, 0, 0)], 0, 1 / 3, 0.5),  # no battery
        ([(1, 3, 2, 0, 2)], 0, 1 / 3, 1.0),  # what is still stored is not yet consumed
    ],
)
def test_by_hand(
    rows: list[tuple[float, ...]], start_kwh: float, consumption: float | None, sufficiency: float
) -> None:
    load, pv, charged, discharged, stored = np.array(rows, float).T
    found = _shares(load, pv, charged, discharged, np.append(float(start_kwh), stored), 1.0)
    assert found == (
        consumption if consumption is None else pytest.approx(consumption),
        pytest.approx(sufficiency),
    )


def test_sums_of_nothing_are_null() -> None:
    metrics = EnergyMetrics({"battery": Store(_one(2.0), _one(1.0))})
    assert set(metrics.result().values()) == {None}
    metrics.add(
        _ones(1), _ones(0), _ones(1), {"battery": StoreFlows(_ones(0), _ones(0), _ones(2))}, counts=False
    )
    assert set(metrics.result().values()) == {None}
    metrics.add(_ones(1), _ones(0), _ones(1), {"battery": StoreFlows(_ones(0), _ones(0), _ones(2))})
    assert metrics.result()["energy_generated_kwh"] == 0.0


def test_the_warm_up_does_not_count_nor_what_it_stored() -> None:
    metrics = EnergyMetrics({"battery": Store(_one(0.0), _one(1.0))})
    metrics.add(
        _ones(0), _ones(4), _ones(0), {"battery": StoreFlows(_ones(4), _ones(0), _ones(4))}, counts=False
    )
    metrics.add(_ones(4), _ones(1), _ones(-1), {"battery": StoreFlows(_ones(0), _ones(4), _ones(0))})
    result = metrics.result()
    assert (result["self_consumption_fraction"], result["self_sufficiency_fraction"]) == (1.0, 0.25)
    assert result["energy_stored_change_kwh"] == -4
    assert result["energy_battery_charged_kwh"] == 0


_signed = st.floats(-5.0, 5.0)


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(st.lists(st.tuples(_signed, _signed), min_size=1, max_size=24))
def test_both_are_shares_of_loads_and_generation_of_either_sign(hours: list[tuple[float, float]]) -> None:
    load, pv = np.array(hours).T
    nothing = np.zeros(len(load))
    shares = _shares(load, pv, nothing, nothing, np.zeros(len(load) + 1), 1.0)
    assert all(share is None or 0.0 <= share <= 1.0 for share in shares)


@pytest.mark.parametrize(
    ("load", "pv", "consumption", "sufficiency"),
    [
        ([3, -1, -2, -1, 3, 3], [0, 0, 0, 0, 0, 0], 0.0, 0.0),  # a net load that feeds 4 kWh in
        ([3, -1], [1, 2], 1 / 4, 1 / 3),
        ([2, 2], [-1, 4], 1 / 2, 2 / 5),  # an inverter that draws 1 kWh
        ([-2, 1], [-1, 0], 1 / 2, 1 / 2),
    ],
)
def test_signs_by_hand(load: list[float], pv: list[float], consumption: float, sufficiency: float) -> None:
    n = len(load)
    nothing = np.zeros(n)
    shares = _shares(np.array(load, float), np.array(pv, float), nothing, nothing, np.zeros(n + 1), 1.0)
    assert shares == pytest.approx((consumption, sufficiency))
