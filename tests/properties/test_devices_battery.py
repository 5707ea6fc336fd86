"""A battery's energy balance closes, its charge stays within its limits, and what it promises it gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.clock import MS_PER_HOUR
from cosim.devices.battery import PARTS, Battery, Unit, charged_kwh, deliverable_kwh, leak_rate, leaked_kwh
from cosim.households.home import Home
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, ProfileBook, Series

SLOT_MS = 900_000
INTERVAL_MS = MS_PER_HOUR
N_INTERVALS = 24

_efficiencies = st.floats(0.5, 1.0)


@st.composite
def batteries(draw: st.DrawFn) -> Battery:
    capacity = draw(st.floats(0.5, 20.0))
    return Battery(
        capacity_kwh=capacity,
        floor_kwh=capacity * draw(st.floats(0.0, 0.9)),
        charge_kw=draw(st.floats(0.0, 10.0)),
        discharge_kw=draw(st.floats(0.0, 10.0)),
        charge_efficiency=draw(_efficiencies),
        discharge_efficiency=draw(_efficiencies),
        leak_per_hour=leak_rate(draw(st.sampled_from([0.0, 0.001, 0.05, 0.5]))),
        grid_charge_kw=draw(st.sampled_from([0.0, 1.0, 3.0])),
        grid_charge_below_kwh=capacity * draw(st.floats(0.0, 1.0)),
    )


def _book(surplus_kw: np.ndarray, intervals_per_block: int = 24) -> ProfileBook:
    """One household whose load is 1 kW and whose generation leaves this surplus, slot by slot."""
    n = len(surplus_kw)

    def series(values: np.ndarray) -> Series:
        return Series(values[:, np.newaxis], np.zeros(1, np.int64), np.ones(1))

    load, nothing = np.ones(n), np.zeros(n)
    return ProfileBook(
        Demand(series(load), series(nothing), series(surplus_kw + 1.0), series(nothing)),
        SLOT_MS,
        4,
        intervals_per_block,
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    battery=batteries(),
    start=st.floats(0.0, 1.0),
    surplus_kw=st.lists(st.floats(-5.0, 8.0), min_size=96, max_size=96),
    wakes_min=st.lists(st.integers(1, 90), min_size=1, max_size=60),
    step_min=st.sampled_from([5, 15, 60, 70]),
    requests=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=5),
    units_kwh=st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 3.0)),
)
def test_a_day_of_any_requests(
    battery: Battery,
    start: float,
    surplus_kw: list[float],
    wakes_min: list[int],
    step_min: int,
    requests: list[tuple[int, int]],
    units_kwh: tuple[float, float],
) -> None:
    book = _book(np.array(surplus_kw), intervals_per_block=7)
    stored_start = battery.floor_kwh + start * (battery.capacity_kwh - battery.floor_kwh)
    home = Home(0, battery, stored_start, book)
    meters = Meters([home], book, INTERVAL_MS)
    step_ms = step_min * 60_000
    wakes = np.cumsum(wakes_min) * 60_000
    promised_kwh, promised_at, n = 0.0, 0, 0
    given_kwh = charged = discharged = leaked = net = 0.0
    for interval in range(N_INTERVALS):
        end_ms = (interval + 1) * INTERVAL_MS
        while n < len(wakes) and wakes[n] <= end_ms:
            now = int(wakes[n])
            # Of the last promise, what fell into the time since: it is kept whatever else happened.
            given_kwh += promised_kwh * min(1.0, (now - promised_at) / step_ms)
            wanted = requests[n % len(requests)]
            delivered = home.deliver(wanted, [Unit(kwh) for kwh in units_kwh], now, step_ms)
            assert all(got <= want for got, want in zip(delivered, wanted, strict=True))
            promised_kwh = sum(got * unit for got, unit in zip(delivered, units_kwh, strict=True))
            promised_at = now
            n += 1
        reading = meters.close(interval)
        tolerance = 1e-12 * battery.capacity_kwh
        leaks = battery.leak_per_hour > 0
        assert reading.stored_kwh[0] <= battery.capacity_kwh + tolerance
        # Self-discharge goes on below the floor; nothing else does.
        assert reading.stored_kwh[0] >= (0.0 if leaks else battery.floor_kwh) - tolerance
        assert reading.charged_kwh[0] >= 0
        assert reading.discharged_kwh[0] >= 0
        charged += reading.charged_kwh[0]
        discharged += reading.discharged_kwh[0]
        leaked += reading.leaked_kwh[0]
        net += reading.net_kwh[0]
        stored = reading.stored_kwh[0]
    given_kwh += promised_kwh * min(1.0, (N_INTERVALS * INTERVAL_MS - promised_at) / step_ms)
    gained = charged * battery.charge_efficiency - discharged / battery.discharge_efficiency - leaked
    assert stored - stored_start == pytest.approx(gained, abs=1e-9)
    assert discharged == pytest.approx(given_kwh, abs=1e-9)
    # The meter's energy is load − generation + battery: the surplus is what generation leaves of the load.
    assert net == pytest.approx(-sum(surplus_kw) / 4 + charged - discharged, abs=1e-9)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(batteries(), st.floats(0.0, 1.0), st.floats(0.0, 5.0), st.floats(0.01, 5.0))
def test_a_promise_is_kept_in_any_number_of_pieces(
    battery: Battery, share: float, energy_kwh: float, hours: float
) -> None:
    stored = share * battery.capacity_kwh
    energy_kwh = min(energy_kwh, deliverable_kwh(battery, stored, hours))
    if energy_kwh == 0:  # below the floor self-discharge goes on
        return
    assert energy_kwh <= battery.discharge_kw * hours
    for _ in range(7):
        leak = leaked_kwh(battery, stored, hours / 7)
        stored -= leak + energy_kwh / 7 / battery.discharge_efficiency
    assert stored >= battery.floor_kwh - 1e-9


def test_efficiencies_by_hand() -> None:
    """4 kW for half an hour at 90 %: 2 kWh taken, 1.8 kWh stored; 0.9 kWh given take 1.125 at 80 %."""
    battery = Battery(10.0, 0.0, 4.0, 4.0, 0.9, 0.8, 0.0)
    assert charged_kwh(battery, 5.0, 6.0, 0.5) == 2.0
    assert charged_kwh(battery, 9.1, 6.0, 0.5) == pytest.approx(1.0)  # room for 0.9 kWh, which takes 1 kWh
    assert charged_kwh(battery, 5.0, -1.0, 0.5) == 0.0
    home = Home(0, battery, 5.0, _book(np.array([4.0, 4.0, -1.0, -1.0] + [0.0] * 92)))
    home.advance(30 * 60_000)
    assert home.stored_kwh == pytest.approx(6.8)
    assert home.deliver([1], [Unit(0.9)], 30 * 60_000, 30 * 60_000) == [1]
    home.advance(MS_PER_HOUR)
    assert home.stored_kwh == pytest.approx(6.8 - 1.125)
    assert home.discharged_kwh == pytest.approx(0.9)


def test_self_discharge_is_the_configured_share_of_a_day() -> None:
    battery = Battery(10.0, 0.0, 0.0, 0.0, 1.0, 1.0, leak_rate(0.03))
    home = Home(0, battery, 8.0, _book(np.zeros(96)))
    home.advance(24 * MS_PER_HOUR)
    assert home.stored_kwh == pytest.approx(8.0 * 0.97)
    assert home.leaked_kwh == pytest.approx(8.0 * 0.03)
    assert leak_rate(0.0) == 0.0
    assert math.isfinite(leak_rate(1.0))


def test_the_grid_charges_up_to_its_level_and_the_sun_beyond() -> None:
    battery = Battery(10.0, 0.0, 5.0, 5.0, 1.0, 1.0, 0.0, grid_charge_kw=2.0, grid_charge_below_kwh=3.0)
    at_night = Home(0, battery, 1.0, _book(np.full(96, -1.0)))
    at_night.advance(MS_PER_HOUR)
    assert at_night.stored_kwh == pytest.approx(3.0)
    at_night.advance(5 * MS_PER_HOUR)
    assert at_night.stored_kwh <= 3.0 + 2.0 * 0.25  # it looks at the level once a slot
    by_day = Home(0, battery, 1.0, _book(np.full(96, 3.0)))
    by_day.advance(MS_PER_HOUR)
    assert by_day.stored_kwh == pytest.approx(4.0)


def test_what_a_battery_refuses() -> None:
    battery = Battery(10.0, 2.0, 4.0, 4.0, 1.0, 0.8, 0.0)
    book = _book(np.zeros(96))
    cases = {
        (2.0, (1.0, 1.0)): [0, 0],  # at the floor
        (3.25, (1.0, 1.0)): [1, 0],  # 1.25 kWh above it: one unit, and the first is served first
        (10.0, (5.0, 1.0)): [0, 1],  # 5 kWh in an hour are more than 4 kW
        (10.0, (3.0, 2.0)): [1, 0],  # and so are both together
        (2.0, (0.0, 1.0)): [1, 0],  # a resource without energy does not concern it
    }
    for (stored, units), expected in cases.items():
        home = Home(0, battery, stored, book)
        assert home.deliver([1, 1], [Unit(kwh) for kwh in units], 0, MS_PER_HOUR) == expected
    assert Home(0, None, 0.0, book).deliver([1, 1], (Unit(0.0), Unit(1.0)), 0, MS_PER_HOUR) == [1, 0]


_own, _sale = Unit(0.4, for_own_load=True), Unit(0.4)


@pytest.mark.parametrize(
    ("stored_kwh", "first_slot", "units", "expected"),
    [
        (8.0, 0, (_own, _sale), (1.0, 1)),  # 0.425 kWh of load in the hour take the whole unit
        (8.0, 0, (_own, _own, _sale), (1.0, 0.0625, 1)),  # and 0.025 kWh of the next
        (8.0, 4, (_own, _own, _own), (1.0, 1.0, 0.5)),  # 1 kWh
        (8.0, 5, (_sale, _own), (1, 1.0)),  # 0.75 kWh, then the sun covers the load
        (8.0, 7, (_own, _sale), (0.625, 1)),  # 0.25 kWh
        (8.0, 8, (_own, _sale), (0.0, 1)),
        (0.5, 4, (_own, _sale), (1.0, 0)),  # 0.1 kWh is left: a sold unit is whole or nothing
        (0.5, 4, (_sale, _own), (1, 0.25)),  # the own load takes what there is
        (0.0, 4, (_own, _sale), (0.0, 0)),
    ],
)
def test_own_use_is_what_the_own_load_takes(
    stored_kwh: float, first_slot: int, units: tuple[Unit, ...], expected: tuple[float, ...]
) -> None:
    """Load less generation: 0.5, 0.5, 0.5, 0.2 kW, then 1 kW for an hour, then a surplus of 2 kW."""
    battery = Battery(10.0, 0.0, 4.0, 4.0, 1.0, 1.0, 0.0)
    home = Home(0, battery, stored_kwh, _book(-np.array([0.5, 0.5, 0.5, 0.2] + [1.0] * 4 + [-2.0] * 88)))
    home.updated_ms = first_slot * SLOT_MS
    delivered = home.deliver([1] * len(units), units, first_slot * SLOT_MS, MS_PER_HOUR)
    assert delivered == pytest.approx(list(expected), abs=2 / PARTS)
    home.advance(first_slot * SLOT_MS + MS_PER_HOUR)
    assert home.discharged_kwh == pytest.approx(0.4 * sum(delivered), abs=1e-12)


def test_a_load_above_the_power_limit_leaves_room_for_what_is_sold() -> None:
    """1 kW for half an hour, then 3 kW, of a battery of 2 kW: 1.5 kWh; beside a sale of 1 kW, 1 kWh."""
    battery = Battery(10.0, 0.0, 4.0, 2.0, 1.0, 1.0, 0.0)
    book = _book(-np.array([1.0, 1.0, 3.0, 3.0] + [0.0] * 92))

    def delivered(*units: Unit) -> list[float]:
        return Home(0, battery, 8.0, book).deliver([1] * len(units), units, 0, MS_PER_HOUR)

    assert delivered(Unit(2.0, for_own_load=True)) == [0.75]
    assert delivered(Unit(1.0), Unit(2.0, for_own_load=True)) == [1, 0.5]
    assert delivered(Unit(2.0, for_own_load=True), Unit(1.0)) == [0.75, 0]
    assert delivered(Unit(1.0, for_own_load=True), Unit(1.0)) == [1.0, 1]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    battery=batteries(),
    share=st.floats(0.0, 1.0),
    surplus_kw=st.lists(st.floats(-5.0, 5.0), min_size=96, max_size=96),
    requests=st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=20, max_size=20),
    units_kwh=st.tuples(*[st.floats(0.001, 3.0)] * 3),
    phase_ms=st.integers(0, SLOT_MS - 1),
    step_min=st.sampled_from([5, 15, 40, 60]),
)
def test_own_use_never_leaves_the_home(
    battery: Battery,
    share: float,
    surplus_kw: list[float],
    requests: list[tuple[int, int, int]],
    units_kwh: tuple[float, float, float],
    phase_ms: int,
    step_min: int,
) -> None:
    """In every piece of every step the battery gives the sold power and at most the residual load on top."""
    floor = battery.floor_kwh
    home = Home(0, battery, floor + share * (battery.capacity_kwh - floor), _book(np.array(surplus_kw)))
    units = [Unit(units_kwh[0], True), Unit(units_kwh[1]), Unit(units_kwh[2], True)]
    hours = step_min / 60
    for step, wanted in enumerate(requests):
        now = phase_ms + step * step_min * 60_000
        delivered = home.deliver(wanted, units, now, step_min * 60_000)
        assert all(0 <= got <= want for got, want in zip(delivered, wanted, strict=True))
        assert all(got * PARTS == int(got * PARTS) for got in delivered)
        sold_kw = delivered[1] * units_kwh[1] / hours
        promised_kwh = 0.0
        since = now
        for until, power_kw in home.promise:
            own_kw = power_kw - sold_kw
            assert own_kw <= max(0.0, -surplus_kw[since // SLOT_MS]) + 1e-9
            assert power_kw <= battery.discharge_kw + 1e-9
            promised_kwh += power_kw * (until - since) / MS_PER_HOUR
            since = until
        asked_kwh = sum(got * unit.energy_kwh for got, unit in zip(delivered, units, strict=True))
        assert promised_kwh == pytest.approx(asked_kwh, abs=1e-9)
