"""The energy balance of a household closes for any list of devices; each sees what others leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.delivery import Unit
from cosim.devices.active_device import METERED, NEVER, ActiveDevice, Surroundings
from cosim.devices.battery_at_home import InstalledBattery
from cosim.devices.battery_energies import Battery
from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series
from tests.examples import examples

SLOT_MS, N_HOURS = 900_000, 12
STEP_MS = 1_200_000


class Boiler(ActiveDevice):
    """Made up: heats water at full power from one instant to another, or as long as a market asks it to.

    It loses 10 % on the way in and 2 % of its content an hour, and somebody showers all the time.
    """

    metered = (*METERED, "minutes_on")
    __slots__ = ("asked_until_ms", "power_kw", "since", "window_ms")

    def __init__(self, power_kw: float, window_ms: tuple[int, int]) -> None:
        super().__init__(stored_kwh=1.0)
        self.power_kw = power_kw
        self.window_ms = window_ms
        self.asked_until_ms = 0
        self.since = np.zeros(4)
        self.until_ms = window_ms[0] if window_ms[0] > 0 else window_ms[1]

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        start_ms = end_ms - round(hours * MS_PER_HOUR)
        first, last = self.window_ms
        is_on = first <= start_ms < last or start_ms < self.asked_until_ms
        taken = self.power_kw * hours if is_on else 0.0
        used = min(self.stored_kwh, 0.3 * hours)
        leaked = (self.stored_kwh - used) * 0.02 * hours
        self.stored_kwh += 0.9 * taken - used - leaked
        self.since += taken, leaked + 0.1 * taken, used, 60 * hours * is_on
        self.until_ms = min((t for t in (first, last, self.asked_until_ms) if t > end_ms), default=NEVER)
        return taken

    def close(self) -> tuple[float, ...]:
        taken, lost, used, minutes = self.since.tolist()
        self.since = np.zeros(4)
        return taken, 0.0, self.stored_kwh, lost, used, 0.2 * taken, minutes

    def deliver(
        self, requested: Sequence[int], units: Sequence[Unit], now_ms: int, step_ms: int, around: Surroundings
    ) -> list[float]:
        self.asked_until_ms = now_ms + step_ms if any(requested) else 0
        instants = (*self.window_ms, self.asked_until_ms)
        self.until_ms = min((t for t in instants if t > now_ms), default=NEVER)
        return [float(want) for want in requested]

    def regulate(self, is_on: bool) -> None:
        self.asked_until_ms = 0

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        first, last = self.window_ms
        return [(first, 0.0), (last, self.power_kw)] if start_ms < last else []


def _book(net_kw: Sequence[float]) -> ProfileBook:
    values = np.repeat(np.array(net_kw, float), 4)
    load, pv = np.maximum(values, 0.0), np.maximum(-values, 0.0)

    def series(column: np.ndarray) -> Series:
        return Series(column[:, np.newaxis], np.zeros(1, np.int64), np.ones(1))

    nothing = np.zeros(len(values))
    return ProfileBook(
        Demand(
            (
                Profile("load", False, series(load), series(nothing)),
                Profile("pv", True, series(pv), series(nothing)),
            )
        ),
        SLOT_MS,
        4,
        5,
    )


_windows = st.tuples(st.integers(0, 6 * MS_PER_HOUR), st.integers(1, 6 * MS_PER_HOUR)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(
    net_kw=st.lists(st.floats(-5.0, 5.0), min_size=N_HOURS, max_size=N_HOURS),
    boilers=st.lists(st.tuples(st.floats(0.1, 4.0), _windows), max_size=3),
    n_batteries=st.integers(0, 2),
    is_regulated=st.booleans(),
    requests=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=7
    ),
    phase_ms=st.integers(0, STEP_MS - 1),
)
def test_the_balance_closes(
    net_kw: list[float],
    boilers: list[tuple[float, tuple[int, int]]],
    n_batteries: int,
    is_regulated: bool,
    requests: list[tuple[int, ...]],
    phase_ms: int,
) -> None:
    """Of the connection point and of each device, interval by interval, to 1e-9 kWh."""
    made = [Boiler(power_kw, window) for power_kw, window in boilers]
    batteries = [
        InstalledBattery(Battery(4.0, 0.2, 2.0, 1.5, 0.9, 0.85, 0.01, 0.5, 1.0), 2.0)
        for _ in range(n_batteries)
    ]
    services: dict[str, ActiveDevice] = {}
    services |= {"hot_water": made[0]} if made else {}
    services |= dict.fromkeys(("own_load", "anything"), batteries[0]) if batteries else {}
    book = _book(net_kw)
    household = Household(0, [*made, *batteries], services, book)
    devices = {"boiler": [(0, each) for each in made], "battery": [(0, each) for each in batteries]}
    meters = Meters(Equipment([household], devices), book, MS_PER_HOUR)
    units = [Unit(0.1, "own_load"), Unit(0.5, "hot_water"), Unit(0.3, "anything")]
    if is_regulated:
        household.regulate(units, 0, True)
    stored = {kind: np.array([each.stored_kwh for _, each in pairs]) for kind, pairs in devices.items()}
    wakes = iter(range(phase_ms, N_HOURS * MS_PER_HOUR, STEP_MS))
    wake = next(wakes)
    for hour in range(N_HOURS):
        while is_regulated and wake < (hour + 1) * MS_PER_HOUR:
            got = household.deliver(requests[wake // STEP_MS % len(requests)], units, wake, STEP_MS)
            wanted = requests[wake // STEP_MS % len(requests)]
            assert all(0 <= g <= w for g, w in zip(got, wanted, strict=True))
            assert got[1] == (wanted[1] if made else 0)
            wake = next(wakes, N_HOURS * MS_PER_HOUR)
        reading = meters.close(hour)
        active_kwh = 0.0
        for kind, each in reading.devices.items():
            of = each.values
            change = of["taken_kwh"] - of["given_kwh"] - of["lost_kwh"] - of["used_kwh"]
            assert of["stored_kwh"] - stored[kind] == pytest.approx(change, abs=1e-9)
            stored[kind] = of["stored_kwh"]
            active_kwh += of["taken_kwh"].sum() - of["given_kwh"].sum()
        assert reading.net_kwh[0] == pytest.approx(net_kw[hour] + active_kwh, abs=1e-9)
        assert reading.consumed_kwh[0] - reading.generated_kwh[0] == pytest.approx(
            reading.net_kwh[0], abs=1e-9
        )
        heated = reading.devices["boiler"].values["taken_kwh"].sum() if made else 0.0
        assert reading.q_kvar[0] == pytest.approx(0.2 * heated, abs=1e-9)


def test_a_battery_sees_what_a_boiler_leaves() -> None:
    """3 kW of sun; a boiler of 2 kW from 0:10 to 0:40: the battery takes 3 kW, then 1 kW, then 3 kW again."""
    boiler, battery = (
        Boiler(2.0, (600_000, 2_400_000)),
        InstalledBattery(Battery(10.0, 0.0, 5.0, 5.0, 1.0, 1.0, 0.0), 0.0),
    )
    book = _book([-3.0] * N_HOURS)
    household = Household(0, [boiler, battery], {"anything": battery}, book)
    for minute, stored_kwh in ((10, 0.5), (40, 1.0), (60, 2.0)):
        household.advance(minute * 60_000)
        assert battery.stored_kwh == pytest.approx(stored_kwh)


def test_what_a_boiler_is_known_to_draw_is_own_load() -> None:
    """1 kW of load and 2 kW of a boiler from 0:10 to 0:40 are 2 kWh in the first hour."""
    boiler, battery = (
        Boiler(2.0, (600_000, 2_400_000)),
        InstalledBattery(Battery(10.0, 0.0, 5.0, 5.0, 1.0, 1.0, 0.0), 9.0),
    )
    household = Household(0, [boiler, battery], {"own_load": battery}, _book([1.0] * N_HOURS))
    pieces = household.pieces(0, MS_PER_HOUR, battery)
    residual_kw = {600_000: 1.0, 900_000: 3.0, 1_800_000: 3.0, 2_400_000: 3.0, 2_700_000: 1.0, 3_600_000: 1.0}
    assert {piece.until_ms: piece.residual_kw for piece in pieces} == residual_kw
    assert sum(piece.hours for piece in pieces) == to_hours(MS_PER_HOUR)
    units = [Unit(4.0, "own_load")]
    household.regulate(units, 0, True)
    assert household.deliver([1], units, 0, MS_PER_HOUR) == [pytest.approx(0.5, abs=1e-6)]
    household.advance(MS_PER_HOUR)
    assert battery.stored_kwh == pytest.approx(7.0, abs=1e-5)


def test_a_limit_from_outside_holds_for_the_devices_that_obey() -> None:
    battery = InstalledBattery(Battery(10.0, 0.0, 5.0, 5.0, 1.0, 1.0, 0.0), 0.0)
    household = Household(0, [Boiler(1.0, (0, 1)), battery], {}, _book([-3.0] * N_HOURS))
    assert household.limit(2.0, 0) == 1
    household.advance(MS_PER_HOUR)
    assert battery.stored_kwh == pytest.approx(2.0)
    household.limit(float("inf"), MS_PER_HOUR)
    household.advance(2 * MS_PER_HOUR)
    assert battery.stored_kwh == pytest.approx(5.0)
