"""A battery's energy balance closes, its charge stays within its limits, and what it promises it gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import PARTS, Unit
from cosim.devices.battery_at_home import InstalledBattery
from cosim.devices.battery_energies import (
    Battery,
    charged_kwh,
    deliverable_kwh,
    leak_rate,
    leaked_kwh,
    own_use_kwh,
)
from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series
from tests.examples import examples

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
        Demand(
            (
                Profile("load", False, series(load), series(nothing)),
                Profile("pv", True, series(surplus_kw + 1.0), series(nothing)),
            )
        ),
        SLOT_MS,
        4,
        intervals_per_block,
    )


class Home(Household):
    """A household with a battery or none, and that battery's own meter."""

    def __init__(self, battery: Battery | None, stored_kwh: float, book: ProfileBook) -> None:
        devices = [] if battery is None else [InstalledBattery(battery, stored_kwh)]
        services = {service: device for device in devices for service in ("own_load", "anything")}
        super().__init__(0, devices, dict(services), book)

    @property
    def battery(self) -> InstalledBattery:
        (device,) = self.devices
        assert isinstance(device, InstalledBattery)
        return device

    def meters(self) -> Meters:
        return Meters(
            Equipment([self], {"battery": [(0, device) for device in self.devices]}), self.book, INTERVAL_MS
        )


def _unit(energy_kwh: float, for_own_load: bool = False) -> Unit:
    """A unit that takes no energy is of a resource that no device stands behind."""
    return Unit(energy_kwh, "own_load" if for_own_load else "anything" if energy_kwh else "")


def _regulated(battery: Battery | None, stored_kwh: float, book: ProfileBook) -> Home:
    """A home whose battery a market regulates."""
    home = Home(battery, stored_kwh, book)
    home.regulate([_unit(1.0)], 0, True)
    return home


@settings(max_examples=examples(60), deadline=None, derandomize=True)
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
    home = _regulated(battery, stored_start, book)
    meters = home.meters()
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
            delivered = home.deliver(wanted, [_unit(kwh) for kwh in units_kwh], now, step_ms)
            assert all(got <= want for got, want in zip(delivered, wanted, strict=True))
            promised_kwh = sum(got * unit for got, unit in zip(delivered, units_kwh, strict=True))
            promised_at = now
            n += 1
        reading = meters.close(interval)
        of = reading.devices["battery"].values
        tolerance = 1e-12 * battery.capacity_kwh
        leaks = battery.leak_per_hour > 0
        assert of["stored_kwh"][0] <= battery.capacity_kwh + tolerance
        # Self-discharge goes on below the floor; nothing else does.
        assert of["stored_kwh"][0] >= (0.0 if leaks else battery.floor_kwh) - tolerance
        assert of["taken_kwh"][0] >= 0
        assert of["given_kwh"][0] >= 0
        charged += of["taken_kwh"][0]
        discharged += of["given_kwh"][0]
        leaked += of["leaked_kwh"][0]
        net += reading.net_kwh[0]
        stored = of["stored_kwh"][0]
    given_kwh += promised_kwh * min(1.0, (N_INTERVALS * INTERVAL_MS - promised_at) / step_ms)
    gained = charged * battery.charge_efficiency - discharged / battery.discharge_efficiency - leaked
    assert stored - stored_start == pytest.approx(gained, abs=1e-9)
    assert discharged == pytest.approx(given_kwh, abs=1e-9)
    # The meter's energy is load − generation + battery: the surplus is what generation leaves of the load.
    assert net == pytest.approx(-sum(surplus_kw) / 4 + charged - discharged, abs=1e-9)


@settings(max_examples=examples(200), deadline=None, derandomize=True)
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
    home = _regulated(battery, 5.0, _book(np.array([4.0, 4.0, -1.0, -1.0] + [0.0] * 92)))
    home.advance(30 * 60_000)
    assert home.battery.stored_kwh == pytest.approx(6.8)
    assert home.deliver([1], [_unit(0.9)], 30 * 60_000, 30 * 60_000) == [1]
    home.advance(MS_PER_HOUR)
    assert home.battery.stored_kwh == pytest.approx(6.8 - 1.125)
    assert home.battery.discharged_kwh == pytest.approx(0.9)


def test_self_discharge_is_the_configured_share_of_a_day() -> None:
    battery = Battery(10.0, 0.0, 0.0, 0.0, 1.0, 1.0, leak_rate(0.03))
    home = Home(battery, 8.0, _book(np.zeros(96)))
    home.advance(24 * MS_PER_HOUR)
    assert home.battery.stored_kwh == pytest.approx(8.0 * 0.97)
    assert home.battery.leaked_kwh == pytest.approx(8.0 * 0.03)
    assert leak_rate(0.0) == 0.0
    assert math.isfinite(leak_rate(1.0))


def test_the_grid_charges_up_to_its_level_and_the_sun_beyond() -> None:
    battery = Battery(10.0, 0.0, 5.0, 5.0, 1.0, 1.0, 0.0, grid_charge_kw=2.0, grid_charge_below_kwh=3.0)
    at_night = _regulated(battery, 1.0, _book(np.full(96, -1.0)))
    at_night.advance(MS_PER_HOUR)
    assert at_night.battery.stored_kwh == pytest.approx(3.0)
    at_night.advance(5 * MS_PER_HOUR)
    assert at_night.battery.stored_kwh <= 3.0 + 2.0 * 0.25  # it looks at the level once a slot
    by_day = _regulated(battery, 1.0, _book(np.full(96, 3.0)))
    by_day.advance(MS_PER_HOUR)
    assert by_day.battery.stored_kwh == pytest.approx(4.0)


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
        home = _regulated(battery, stored, book)
        assert home.deliver([1, 1], [_unit(kwh) for kwh in units], 0, MS_PER_HOUR) == expected
    assert _regulated(None, 0.0, book).deliver([1, 1], (_unit(0.0), _unit(1.0)), 0, MS_PER_HOUR) == [1, 0]


_own, _sale = _unit(0.4, for_own_load=True), _unit(0.4)


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
    home = _regulated(battery, stored_kwh, _book(-np.array([0.5, 0.5, 0.5, 0.2] + [1.0] * 4 + [-2.0] * 88)))
    home.updated_ms = first_slot * SLOT_MS
    delivered = home.deliver([1] * len(units), units, first_slot * SLOT_MS, MS_PER_HOUR)
    assert delivered == pytest.approx(list(expected), abs=2 / PARTS)
    home.advance(first_slot * SLOT_MS + MS_PER_HOUR)
    assert home.battery.discharged_kwh == pytest.approx(0.4 * sum(delivered), abs=1e-12)


def test_a_load_above_the_power_limit_leaves_room_for_what_is_sold() -> None:
    """1 kW for half an hour, then 3 kW, of a battery of 2 kW: 1.5 kWh; beside a sale of 1 kW, 1 kWh."""
    battery = Battery(10.0, 0.0, 4.0, 2.0, 1.0, 1.0, 0.0)
    book = _book(-np.array([1.0, 1.0, 3.0, 3.0] + [0.0] * 92))

    def delivered(*units: Unit) -> list[float]:
        return _regulated(battery, 8.0, book).deliver([1] * len(units), units, 0, MS_PER_HOUR)

    assert delivered(_unit(2.0, for_own_load=True)) == [0.75]
    assert delivered(_unit(1.0), _unit(2.0, for_own_load=True)) == [1, 0.5]
    assert delivered(_unit(2.0, for_own_load=True), _unit(1.0)) == [0.75, 0]
    assert delivered(_unit(1.0, for_own_load=True), _unit(1.0)) == [1.0, 1]


@settings(max_examples=examples(60), deadline=None, derandomize=True)
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
    home = _regulated(battery, floor + share * (battery.capacity_kwh - floor), _book(np.array(surplus_kw)))
    units = [_unit(units_kwh[0], True), _unit(units_kwh[1]), _unit(units_kwh[2], True)]
    hours = step_min / 60
    for step, wanted in enumerate(requests):
        now = phase_ms + step * step_min * 60_000
        delivered = home.deliver(wanted, units, now, step_min * 60_000)
        assert all(0 <= got <= want for got, want in zip(delivered, wanted, strict=True))
        assert all(got * PARTS == int(got * PARTS) for got in delivered)
        sold_kw = delivered[1] * units_kwh[1] / hours
        promised_kwh = 0.0
        since = now
        for until, power_kw in home.battery.promise:
            own_kw = power_kw - sold_kw
            assert own_kw <= max(0.0, -surplus_kw[since // SLOT_MS]) + 1e-9
            assert power_kw <= battery.discharge_kw + 1e-9
            promised_kwh += power_kw * (until - since) / MS_PER_HOUR
            since = until
        asked_kwh = sum(got * unit.energy_kwh for got, unit in zip(delivered, units, strict=True))
        assert promised_kwh == pytest.approx(asked_kwh, abs=1e-9)


def _by_minutes(battery: Battery, stored: float, surplus_kw: list[float]) -> list[tuple[float, float]]:
    """The judge: a home battery stepped every second, by what it sees; kWh taken and given a slot."""
    slots = []
    for surplus in surplus_kw:
        taken = given_kwh = 0.0
        for _ in range(900):
            taking = giving = 0.0
            if surplus > 0 and stored < battery.capacity_kwh:
                taking = min(surplus, battery.charge_kw) / 3600
            elif surplus < 0 and stored > battery.floor_kwh:
                giving = min(-surplus, battery.discharge_kw) / 3600
            stored += taking * battery.charge_efficiency - giving / battery.discharge_efficiency
            taken += taking
            given_kwh += giving
        slots.append((taken, given_kwh))
    return slots


@pytest.mark.parametrize(
    "battery",
    [
        Battery(4.0, 0.4, 2.0, 2.0, 0.95, 0.95, 0.0),
        Battery(1.0, 0.0, 5.0, 0.7, 0.8, 1.0, 0.0),
        Battery(10.0, 5.0, 0.5, 3.0, 1.0, 0.6, 0.0),
    ],
)
def test_a_battery_without_a_market_follows_its_home(battery: Battery) -> None:
    surplus_kw = (3.0 * np.sin(np.arange(96) / 96 * 4 * np.pi) + np.sin(np.arange(96))).tolist()
    book = _book(np.array(surplus_kw))
    home = Home(battery, 0.5 * battery.capacity_kwh, book)
    for slot, (taken, given_kwh) in enumerate(_by_minutes(battery, home.battery.stored_kwh, surplus_kw)):
        home.battery.charged_kwh = home.battery.discharged_kwh = 0.0
        home.advance((slot + 1) * SLOT_MS)
        assert home.battery.charged_kwh == pytest.approx(taken, abs=3e-3)
        assert home.battery.discharged_kwh == pytest.approx(given_kwh, abs=3e-3)


@settings(max_examples=examples(80), deadline=None, derandomize=True)
@given(
    battery=batteries(),
    share=st.floats(0.0, 1.0),
    surplus_kw=st.lists(st.floats(-8.0, 8.0), min_size=96, max_size=96),
    looks_ms=st.lists(st.integers(1, 5_000_000), max_size=20),
)
def test_without_a_market_the_balance_closes_and_nothing_leaves_the_home(
    battery: Battery, share: float, surplus_kw: list[float], looks_ms: list[int]
) -> None:
    home = Home(battery, share * battery.capacity_kwh, _book(np.array(surplus_kw)))
    moments = sorted({*np.cumsum(looks_ms).tolist(), *range(SLOT_MS, 97 * SLOT_MS, SLOT_MS)})
    reserve = battery.grid_charge_below_kwh if battery.grid_charge_kw else 0.0
    now = 0
    for until in (one for one in moments if one <= 96 * SLOT_MS):
        surplus, hours, before = (
            surplus_kw[now // SLOT_MS],
            (until - now) / MS_PER_HOUR,
            home.battery.stored_kwh,
        )
        home.battery.charged_kwh = home.battery.discharged_kwh = home.battery.leaked_kwh = 0.0
        home.advance(until)
        taken, given_kwh, now = home.battery.charged_kwh, home.battery.discharged_kwh, until
        gained = taken * battery.charge_efficiency - given_kwh / battery.discharge_efficiency
        assert home.battery.stored_kwh == pytest.approx(before + gained - home.battery.leaked_kwh, abs=1e-9)
        assert home.battery.stored_kwh <= battery.capacity_kwh + 1e-9
        assert 0 <= taken <= battery.charge_kw * hours + 1e-12
        assert 0 <= given_kwh <= min(max(-surplus, 0.0), battery.discharge_kw) * hours + 1e-12
        assert not (taken and given_kwh)
        if given_kwh:  # neither the floor nor what the grid keeps as a reserve is for the load
            assert home.battery.stored_kwh >= max(battery.floor_kwh, reserve) - 1e-9
        if taken > max(surplus, 0.0) * hours + 1e-12:  # the grid helped, and no further than its reserve
            assert before < reserve
            assert home.battery.stored_kwh <= reserve + 1e-9


def test_a_battery_without_a_market_by_hand() -> None:
    battery = Battery(10.0, 1.0, 4.0, 2.0, 0.9, 0.8, 0.0)
    assert own_use_kwh(battery, 5.0, 6.0, 0.5) == (2.0, 0.0)  # 4 kW
    assert own_use_kwh(battery, 5.0, -1.5, 0.5) == (0.0, 0.75)
    assert own_use_kwh(battery, 5.0, -6.0, 0.5) == (0.0, 1.0)  # 2 kW
    assert own_use_kwh(battery, 1.5, -6.0, 0.5) == (0.0, pytest.approx(0.4))  # 0.5 kWh above the floor
    with_grid = battery._replace(grid_charge_kw=3.0, grid_charge_below_kwh=4.0)
    assert own_use_kwh(with_grid, 1.0, -6.0, 0.5) == (1.5, 0.0)
    assert own_use_kwh(with_grid, 3.1, -6.0, 0.5) == (pytest.approx(1.0), 0.0)  # 0.9 kWh up to the reserve
    assert own_use_kwh(with_grid, 4.5, -6.0, 0.5) == (0.0, pytest.approx(0.4))
    assert own_use_kwh(with_grid, 3.1, 6.0, 0.5) == (2.0, 0.0)  # the sun goes on beyond it


def test_a_market_that_begins_or_ends_voids_what_was_promised() -> None:
    battery = Battery(10.0, 0.0, 4.0, 4.0, 1.0, 1.0, 0.0)
    home = Home(battery, 8.0, _book(np.full(96, -1.0)))
    home.regulate([_unit(1.0)], MS_PER_HOUR, True)  # it covered 1 kWh by itself before
    assert home.deliver([1], [_unit(2.0)], MS_PER_HOUR, 4 * MS_PER_HOUR) == [1]
    home.regulate([_unit(1.0)], 3 * MS_PER_HOUR, False)  # half of the 2 kWh
    home.advance(5 * MS_PER_HOUR)  # and 2 kWh by itself again
    assert home.battery.stored_kwh == pytest.approx(8.0 - 1.0 - 1.0 - 2.0)
