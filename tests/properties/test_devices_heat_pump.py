"""A heat pump's balances close, it stays within comfort and power, and a building follows its equation."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import PARTS, Unit
from cosim.devices.heat_pump_at_work import InstalledHeatPump, Pump
from cosim.devices.heat_store import Building, HeatedBuilding, HeatStore, ProfiledHeat
from cosim.devices.sites import Slots
from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series, nothing
from cosim.households.served_load import LookedUp
from tests.examples import examples

SLOT_MS = 900_000
N_INTERVALS = 24
N_SLOTS = 4 * N_INTERVALS
UNITS = [Unit(0.0, "heat_pump")]
_STEP_MS = 10 * 60_000


class Lived(NamedTuple):
    """What the meter showed of each interval, by name, and what was delivered in each step."""

    values: dict[str, list[float]]
    delivered: list[float]


def live(
    pump: Pump, store: HeatStore, requests: list[int] | None = None, limits: dict[int, float] | None = None
) -> Lived:
    """A day in steps of ten minutes, regulated where there are requests."""
    device = InstalledHeatPump(pump, store)
    silent = nothing(N_SLOTS + 8, 1)
    profiles = Profile("load", False, silent, silent), Profile("pv", True, silent, silent)
    home = Household(
        0, [device], {"heat_pump": device}, ProfileBook(Demand(profiles), SLOT_MS, 4, N_INTERVALS)
    )
    meters = Meters(Equipment([home], {"heat_pump": [(0, device)]}), home.book, MS_PER_HOUR)
    if requests:
        home.regulate(UNITS, 0, True)
    values: dict[str, list[float]] = {name: [] for name in device.metered}
    delivered = []
    for step in range(6 * N_INTERVALS):
        now_ms = step * _STEP_MS
        if limits and step in limits:
            assert home.limit(limits[step], now_ms) == 1
        if requests:
            delivered += home.deliver([requests[step % len(requests)]], UNITS, now_ms, _STEP_MS)
        if step % 6 == 5:
            for name, each in meters.close(step // 6).devices["heat_pump"].values.items():
                values[name].append(float(each[0]))
    return Lived(values, delivered)


def profiled(demand_kw: list[float], behind: float, ahead: float) -> ProfiledHeat:
    series = Series(np.array(demand_kw)[:, None], np.zeros(1, np.int64), np.ones(1))
    served = LookedUp(series, Slots(datetime(2016, 1, 1, tzinfo=UTC), SLOT_MS, N_SLOTS))
    return ProfiledHeat(served, 0, behind, ahead)


def building(outdoor_c: list[float], r: float = 6.0, c: float = 5.0, band_k: float = 1.0) -> HeatedBuilding:
    outdoor = np.array(outdoor_c)
    return HeatedBuilding(Building(r, c, outdoor, 3.0 + 0.05 * outdoor, SLOT_MS), 21.0, band_k)


_demand = st.lists(st.floats(0.0, 3.0), min_size=N_SLOTS, max_size=N_SLOTS)
_outdoor = st.lists(st.floats(-15.0, 30.0), min_size=N_SLOTS, max_size=N_SLOTS)
_requests = st.lists(st.integers(0, 1), min_size=1, max_size=30)
_limits = st.dictionaries(st.integers(0, 143), st.sampled_from([0.0, 1.0, math.inf]), max_size=3)


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(
    demand_kw=_demand, behind=st.floats(0, 4), ahead=st.floats(0, 4), requests=_requests, limits=_limits,
    runs=st.booleans(),
)  # fmt: skip
def test_a_day_of_any_requests_before_a_profile(
    demand_kw: list[float],
    behind: float,
    ahead: float,
    requests: list[int],
    limits: dict[int, float],
    runs: bool,
) -> None:
    pump = Pump(3.0, 0.3, runs, SLOT_MS)
    values, delivered = live(pump, profiled(demand_kw, behind, ahead), requests, limits)
    asked = np.array(demand_kw).reshape(-1, 4).mean(axis=1)
    level = 0.0
    for n in range(N_INTERVALS):
        taken, used, missing = (values[name][n] for name in ("taken_kwh", "used_kwh", "missing_kwh"))
        assert taken - used == pytest.approx(values["stored_kwh"][n] - level, abs=1e-9)
        assert used + missing == pytest.approx(asked[n], abs=1e-9)
        level = values["stored_kwh"][n]
        assert -behind - 1e-9 <= level <= ahead + 1e-9
        assert -1e-12 <= taken <= 3.0 + 1e-9
        assert missing >= 0
        assert values["taken_kvarh"][n] == pytest.approx(0.3 * taken)
        assert (values["cold_h"][n] > 0) == (missing > 0)
    if runs and not limits:
        assert max(values["missing_kwh"]) < 1e-9  # it can always draw what is asked for
    if not limits:
        assert sum(delivered) * 0.5 == pytest.approx(sum(values["taken_kwh"]), abs=144 * 0.5 / PARTS)


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(demand_kw=_demand)
def test_without_a_signal_it_draws_its_profile(demand_kw: list[float]) -> None:
    values, _ = live(Pump(3.0, 0.0, True, SLOT_MS), profiled(demand_kw, 2.0, 2.0))
    expected = np.array(demand_kw).reshape(-1, 4).mean(axis=1)
    assert values["taken_kwh"] == pytest.approx(expected.tolist(), abs=1e-12)
    assert set(values["stored_kwh"]) == {0.0}


@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(outdoor_c=_outdoor, requests=_requests, limits=_limits, runs=st.booleans())
def test_a_day_of_any_requests_in_a_building(
    outdoor_c: list[float], requests: list[int], limits: dict[int, float], runs: bool
) -> None:
    values, delivered = live(Pump(3.0, 0.0, runs, SLOT_MS), building(outdoor_c), requests, limits)
    before = 21.0
    for n in range(N_INTERVALS):
        assert values["taken_kwh"][n] == pytest.approx(values["used_kwh"][n], abs=1e-9)
        heat, lost, after = (values[name][n] for name in ("heat_kwh", "heat_lost_kwh", "temperature_c"))
        assert heat - lost == pytest.approx(5.0 * (after - before), abs=1e-9)
        before = after
    if runs and not limits:
        assert sum(values["cold_degree_h"]) < 1e-6  # 3 kW at a COP of 2.25 hold 20 °C at -15 °C outside
    if not limits:
        assert sum(delivered) * 0.5 == pytest.approx(sum(values["taken_kwh"]), abs=144 * 0.5 / PARTS)


@settings(max_examples=examples(15), deadline=None, derandomize=True)
@given(outdoor_c=_outdoor)
def test_a_building_without_heat_follows_its_equation(outdoor_c: list[float]) -> None:
    """Off all day: temperature, heat lost and K·h of cold as by a general solver."""
    values, _ = live(Pump(3.0, 0.0, False, SLOT_MS), building(outdoor_c), [0])
    temperature, lost_kwh, cold_degree_h = 21.0, 0.0, 0.0
    for slot in range(N_SLOTS):
        outside = outdoor_c[slot]

        def flow(t: float, y: list[float], outside: float = outside) -> list[float]:
            return [-(y[0] - outside) / 30.0, (y[0] - outside) / 6.0, max(20.0 - y[0], 0.0)]

        solved = solve_ivp(flow, (0, 0.25), [temperature, lost_kwh, cold_degree_h], rtol=1e-10, atol=1e-10)
        temperature, lost_kwh, cold_degree_h = solved.y[:, -1]
        if slot % 4 == 3:
            assert values["temperature_c"][slot // 4] == pytest.approx(temperature, abs=1e-7)
    assert sum(values["heat_lost_kwh"]) == pytest.approx(lost_kwh, abs=1e-6)
    assert sum(values["cold_degree_h"]) == pytest.approx(
        cold_degree_h, rel=2e-3, abs=2e-3
    )  # straight through a slot


def test_the_thermostat_holds_the_set_point_with_what_is_lost() -> None:
    values, _ = live(Pump(3.0, 0.0, True, SLOT_MS), building([-9.0] * N_SLOTS))
    assert values["temperature_c"] == [21.0] * N_INTERVALS
    assert values["heat_lost_kwh"] == pytest.approx([30 / 6.0] * N_INTERVALS)
    assert values["taken_kwh"] == pytest.approx([30 / 6.0 / 2.55] * N_INTERVALS)


def test_a_warm_day_needs_no_heat() -> None:
    values, _ = live(Pump(3.0, 0.0, True, SLOT_MS), building([26.0] * N_SLOTS))
    assert sum(values["taken_kwh"]) == 0
    assert 21 < values["temperature_c"][-1] < 26
    assert sum(values["cold_h"]) == 0


def test_too_weak_a_pump_leaves_it_cold() -> None:
    values, _ = live(Pump(0.5, 0.0, True, SLOT_MS), building([-9.0] * N_SLOTS))
    assert values["taken_kwh"] == pytest.approx([0.5] * N_INTERVALS)
    assert 0 < sum(values["cold_h"]) < 24
    assert sum(values["cold_degree_h"]) > 0
