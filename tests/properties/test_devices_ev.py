"""A vehicle's energy balance closes, it draws only at its charger, and what can be charged in time is."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import PARTS, Unit
from cosim.devices.ev_sessions import Session
from cosim.devices.vehicle_at_charger import InstalledVehicle
from cosim.devices.vehicle_charging import Charger
from cosim.households.household import Equipment, Household
from cosim.households.meters import Meters
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series, nothing
from tests.examples import examples

SLOT_MS = 900_000
N_INTERVALS = 48
UNITS = [Unit(0.0, "ev_charging")]
_STEP_MS = 10 * 60_000


class Home(Household):
    """A household with a vehicle and a load of 1 kW."""

    def __init__(self, vehicle: InstalledVehicle) -> None:
        load = Series(np.ones((4 * N_INTERVALS + 8, 1)), np.zeros(1, np.int64), np.ones(1))
        silent = nothing(4 * N_INTERVALS + 8, 1)
        profiles = Profile("load", False, load, silent), Profile("pv", True, silent, silent)
        book = ProfileBook(Demand(profiles), SLOT_MS, 4, N_INTERVALS)
        super().__init__(0, [vehicle], {"ev_charging": vehicle}, book)
        self.vehicle = vehicle

    def meters(self) -> Meters:
        return Meters(Equipment([self], {"ev": [(0, self.vehicle)]}), self.book, MS_PER_HOUR)


@st.composite
def chargers(draw: st.DrawFn) -> Charger:
    return Charger(
        charger_kw=draw(st.sampled_from([3.7, 11.0, 22.0])),
        battery_kwh=60.0,
        charge_efficiency=draw(st.floats(0.7, 1.0)),
        charges_when_due=draw(st.booleans()),
    )


@st.composite
def stays(draw: st.DrawFn) -> list[Session]:
    """Sessions of two days, some of them too short for what they need; the first may have begun before."""
    sessions, at_ms = [], draw(st.integers(-6, 6)) * MS_PER_HOUR
    for _ in range(draw(st.integers(1, 6))):
        departure_ms = at_ms + draw(st.integers(1, 12 * MS_PER_HOUR))
        if departure_ms > 0:
            sessions.append(Session(at_ms, departure_ms, draw(st.sampled_from([0.0, 0.5, 5.0, 40.0]))))
        at_ms = departure_ms + draw(st.integers(0, 10 * MS_PER_HOUR))
    return sessions


class Lived(NamedTuple):
    """What the meter showed, interval by interval, and what was delivered, step by step."""

    taken_kwh: list[float]
    delivered: list[float]
    vehicle: InstalledVehicle


def live(
    charger: Charger,
    sessions: list[Session],
    requests: list[int] | None = None,
    limits: dict[int, float] | None = None,
) -> Lived:
    """Two days in steps of ten minutes, regulated where there are requests; every balance closes."""
    home = Home(InstalledVehicle(charger, sessions))
    meters, taken, delivered = home.meters(), [], []
    if requests:
        home.regulate(UNITS, 0, True)
    stored = 0.0
    for step in range(6 * N_INTERVALS):
        now_ms = step * _STEP_MS
        if limits and step in limits:
            assert home.limit(limits[step], now_ms) == 1
        if requests:
            delivered += home.deliver([requests[step % len(requests)]], UNITS, now_ms, _STEP_MS)
        if step % 6 == 5:
            of = {name: float(each[0]) for name, each in meters.close(step // 6).devices["ev"].values.items()}
            assert of["given_kwh"] == 0
            change = of["stored_kwh"] - stored + of["lost_kwh"] + of["used_kwh"]
            assert of["taken_kwh"] == pytest.approx(change, abs=1e-12)
            assert of["lost_kwh"] == pytest.approx(
                (1 - charger.charge_efficiency) * of["taken_kwh"], abs=1e-12
            )
            assert -1e-12 <= of["taken_kwh"] <= charger.charger_kw * of["plugged_h"] + 1e-12
            stored = of["stored_kwh"]
            taken.append(of["taken_kwh"])
    return Lived(taken, delivered, home.vehicle)


def possible_kwh(charger: Charger, session: Session) -> float:
    """What a session is given if it charges all the time: the closed form."""
    kw = charger.charger_kw * charger.charge_efficiency
    before_h, during_h = max(-session.arrival_ms, 0), session.departure_ms - max(session.arrival_ms, 0)
    left = max(session.needed_kwh - kw * before_h / MS_PER_HOUR, 0.0)
    return min(left, kw * during_h / MS_PER_HOUR)


@settings(max_examples=examples(80), deadline=None, derandomize=True)
@given(charger=chargers(), sessions=stays())
def test_without_a_market_it_charges_at_once(charger: Charger, sessions: list[Session]) -> None:
    lived = live(charger, sessions)
    end_ms = N_INTERVALS * MS_PER_HOUR
    over = [session for session in sessions if session.departure_ms <= end_ms]
    assert len(lived.vehicle.ended) == len(over)
    for ended, session in zip(lived.vehicle.ended, over, strict=True):
        assert ended.charged_kwh == pytest.approx(possible_kwh(charger, session), abs=1e-9)
        assert ended.missing_kwh == pytest.approx(ended.needed_kwh - ended.charged_kwh, abs=1e-9)
    # At once: by any hour no schedule could have charged more.
    for hour in range(1, N_INTERVALS + 1):
        most = sum(
            possible_kwh(
                charger, session._replace(departure_ms=min(session.departure_ms, hour * MS_PER_HOUR))
            )
            for session in sessions
            if session.arrival_ms < hour * MS_PER_HOUR
        )
        assert sum(lived.taken_kwh[:hour]) * charger.charge_efficiency == pytest.approx(most, abs=1e-9)


@settings(max_examples=examples(120), deadline=None, derandomize=True)
@given(
    charger=chargers(),
    sessions=stays(),
    requests=st.lists(st.integers(0, 1), min_size=1, max_size=40),
    limits=st.dictionaries(
        st.integers(0, 6 * N_INTERVALS), st.sampled_from([0.0, 1.4, 4.2, math.inf]), max_size=4
    ),
)
def test_two_days_of_any_requests_and_limits(
    charger: Charger, sessions: list[Session], requests: list[int], limits: dict[int, float]
) -> None:
    lived = live(charger, sessions, requests, limits)
    assert all(0 <= share <= 1 for share in lived.delivered)
    for ended in lived.vehicle.ended:
        assert ended.charged_kwh + ended.missing_kwh == pytest.approx(ended.needed_kwh, abs=1e-9)


@settings(max_examples=examples(80), deadline=None, derandomize=True)
@given(charger=chargers(), sessions=stays(), requests=st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_what_is_due_is_charged_whatever_is_asked(
    charger: Charger, sessions: list[Session], requests: list[int]
) -> None:
    lived = live(charger._replace(charges_when_due=True), sessions, requests)
    for ended in lived.vehicle.ended:
        session = next(each for each in sessions if each.departure_ms == ended.departure_ms)
        # It begins on a whole millisecond.
        assert ended.charged_kwh == pytest.approx(possible_kwh(charger, session), abs=1e-5)


@settings(max_examples=examples(80), deadline=None, derandomize=True)
@given(charger=chargers(), sessions=stays(), requests=st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_what_is_delivered_is_drawn(charger: Charger, sessions: list[Session], requests: list[int]) -> None:
    """Of vehicles that are there for whole steps; one that comes amid a step waits for the next."""
    whole = [
        session._replace(
            arrival_ms=session.arrival_ms // _STEP_MS * _STEP_MS,
            departure_ms=-(-session.departure_ms // _STEP_MS) * _STEP_MS,
        )
        for session in sessions
    ]
    apart = [a for a, b in pairwise(whole) if a.departure_ms <= b.arrival_ms] + whole[-1:]
    lived = live(charger, apart, requests)
    unit_kwh = charger.charger_kw * _STEP_MS / MS_PER_HOUR
    for hour, taken in enumerate(lived.taken_kwh):
        promised = sum(lived.delivered[6 * hour : 6 * hour + 6]) * unit_kwh
        assert promised == pytest.approx(taken, abs=6 * unit_kwh / PARTS + 1e-5)


def test_a_vehicle_that_waits_leaves_without_what_it_was_not_asked_for() -> None:
    charger, session = Charger(11.0, 60.0, 0.9, False), Session(0, 10 * MS_PER_HOUR, 20.0)
    lived = live(charger, [session], [0])
    assert lived.vehicle.ended[0].missing_kwh == 20.0
    assert sum(lived.taken_kwh) == 0
    assert live(charger._replace(charges_when_due=True), [session], [0]).vehicle.ended[0].missing_kwh < 1e-9


def test_what_others_are_told_of_it_is_what_it_does() -> None:
    charger = Charger(11.0, 60.0, 1.0, True)
    sessions = [Session(0, 4 * MS_PER_HOUR, 11.0), Session(5 * MS_PER_HOUR, 20 * MS_PER_HOUR, 22.0)]
    vehicle = InstalledVehicle(charger, sessions)
    hour = MS_PER_HOUR
    assert vehicle.known_kw(0, 24 * hour) == [(hour, 11.0), (5 * hour, 0.0), (7 * hour, 11.0)]
    assert vehicle.known_kw(0, hour // 2) == [(hour // 2, 11.0)]
    vehicle.regulate(True)  # then it is known to charge when it is due
    assert vehicle.known_kw(0, 24 * hour) == [
        (3 * hour, 0.0), (4 * hour, 11.0), (18 * hour, 0.0), (20 * hour, 11.0),
    ]  # fmt: skip
