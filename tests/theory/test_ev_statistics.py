"""Drawn charging sessions against the survey that they are drawn from, and against what was measured.

Netze BW's field test *E-Mobility-Carré* (Tamm, 16 months): 58 charging points, 45 cars of the test (BMW i3,
VW e-Golf) that were driven 1,100 km a month each; at most 13 charged at a time, 0.22 of the points (Netze BW,
as reported by auto motor und sport and Auto Bild in 2021).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.core.context import Context, TimeAxis
from cosim.core.population import number_households
from cosim.core.streams import Streams
from cosim.devices import travel_survey as survey
from cosim.devices.ev_sessions import DrawnSessions, Session
from cosim.devices.sites import Site, Slots

PAGE = Path(__file__).resolve().parents[2] / "docs" / "devices.md"
MONDAY = datetime(2016, 1, 4, tzinfo=UTC)
H = 3_600_000


def site(n: int, days: int, seed: int = 1, start: datetime = MONDAY) -> Site:
    """`n` households of one group."""
    population = number_households([("a", n)])
    time = TimeAxis(start, days * 24 * H, 900_000, H)
    context = Context(time, population, Streams(seed), Path(), (), lambda path: ("", 0))
    slots = Slots(start, 900_000, days * 96)
    return Site("ev", population.groups[0], context, slots, lambda problems: None)


def drawn(n: int, days: int, seed: int = 1, **keys: float | str) -> list[list[Session]]:
    """Their sessions, of batteries that are never too small."""
    source = DrawnSessions.model_validate({"kind": "drawn", "timezone": "UTC", **keys})
    return source.sessions(site(n, days, seed), np.full(n, 1e9))


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["others", "commuters"])
def eight_weeks(request: pytest.FixtureRequest) -> tuple[bool, NDArray[np.float64]]:
    """Whether they commute; and of every session of 1,000 vehicles: arrival, departure (h) and km."""
    own = drawn(1000, 56, commuters=request.param)
    rows = [(s.arrival_ms / H, s.departure_ms / H, s.needed_kwh / 0.2) for each in own for s in each]
    table = np.array(rows)
    return request.param == 1.0, table[(table[:, 0] >= 4) & (table[:, 1] < 55 * 24)]


def of_days(hours: NDArray[np.float64], kind: int, begins_h: float) -> NDArray[np.float64]:
    """Hours of the day, on days of one kind that begin at an hour."""
    day = np.floor((hours - begins_h) / 24).astype(int)
    kinds = np.array([survey.day_kind(each % 7) for each in range(60)])[day]
    return np.sort((hours - 24 * day)[kinds == kind])


@pytest.mark.parametrize("kind", [survey.WEEKDAY, survey.SATURDAY, survey.SUNDAY])
def test_departures_and_returns_have_the_surveys_distributions(
    eight_weeks: tuple[bool, NDArray[np.float64]], kind: int
) -> None:
    commutes, table = eight_weeks
    to_work = commutes and kind == survey.WEEKDAY
    out = survey.cumulated(survey.TO_WORK if to_work else survey.OUT[kind])
    home = survey.cumulated(survey.HOME_FROM_WORK if to_work else survey.HOME[kind])
    # Of two outings, which cars with four or five trips have, the earlier departure and the later return.
    two = sum(survey.TRIPS[kind][3:]) / sum(survey.TRIPS[kind][1:])
    leaves = out if to_work else (1 - two) * out + two * (1 - (1 - out) ** 2)
    comes = (1 - two) * home + two * home**2
    departures = of_days(table[:, 1], kind, survey.DAY_STARTS_H)
    arrivals = of_days(table[:, 0], kind, survey.DAY_STARTS_H)
    at = np.searchsorted(departures, survey.OUT_EDGES_H) / len(departures)
    assert np.abs(at - leaves).max() < 0.015  # 3 standard errors of 10,000 or more
    # Some come later than the survey says, because they have driven far since they left.
    at = np.searchsorted(arrivals, survey.HOME_EDGES_H) / len(arrivals)
    assert (at - comes).min() > -0.025
    assert (at - comes).max() < 0.015


def test_cars_are_driven_as_often_and_as_far_as_the_survey_says() -> None:
    own = drawn(2000, 84)
    n_days = 2000 * 84
    sessions = [s for each in own for s in each if 0 <= s.arrival_ms < 84 * 24 * H]
    driven = 5 / 7 * (1 - survey.TRIPS[survey.WEEKDAY][0]) + 2 / 7 * (1 - survey.TRIPS[survey.SATURDAY][0])
    assert len(sessions) / n_days == pytest.approx(driven, abs=0.005)
    # The mean of a class whose logarithms are uniform, in closed form.
    low, high = survey.DISTANCE_EDGES_KM[:-1], survey.DISTANCE_EDGES_KM[1:]
    trip_km = np.sum(survey.DISTANCES * (high - low) / np.log(high / low)) / sum(survey.DISTANCES)
    trips = 5 / 7 * np.dot(survey.N_TRIPS, survey.TRIPS[survey.WEEKDAY]) + 2 / 7 * np.dot(
        survey.N_TRIPS, survey.TRIPS[survey.SUNDAY]
    )
    km = sum(s.needed_kwh for s in sessions) / 0.2 / n_days
    assert km == pytest.approx(trips * trip_km, rel=0.02)
    assert 25 < km < 27
    # MiD 2017 counts two thirds of all drives as shorter than 10 km.
    assert survey.cumulated(survey.DISTANCES)[4] == pytest.approx(2 / 3, abs=0.04)


def at_once(own: list[list[Session]], charger_kw: float) -> int:
    """How many vehicles charge at the same time at most, each at once when it has come."""
    changes = []
    for each in own:
        for s in each:
            if s.arrival_ms >= 0:
                lasts_ms = s.needed_kwh / 0.9 / charger_kw * H
                changes += [(s.arrival_ms, 1), (min(s.arrival_ms + lasts_ms, s.departure_ms), -1)]
    return int(np.cumsum([change for _, change in sorted(changes)]).max())


def test_as_many_charge_at_a_time_as_in_the_field() -> None:
    most = [at_once(drawn(58, 480, seed, distance_scaling=1.5), 11.0) for seed in (1, 2, 3)]
    assert all(12 <= each <= 15 for each in most), most
    assert 0.19 < np.mean(most) / 58 < 0.26  # 13 of 58 were measured: 0.22


@pytest.mark.slow
def test_how_many_charge_at_a_time_over_twenty_seeds() -> None:
    """The numbers of docs/devices.md."""
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    seeds = range(1, 21)
    of_58 = [at_once(drawn(58, 480, seed, distance_scaling=1.5), 11.0) for seed in seeds]
    assert f"{min(of_58)} to {max(of_58)} charge at a time at most in 16 months" in said
    years = [drawn(100, 365, seed) for seed in seeds]
    slow, usual, fast = ([at_once(each, kw) for each in years] for kw in (3.7, 11.0, 22.0))
    assert f"Of 100 vehicles without scaling {min(usual)} to {max(usual)} do in a year" in said
    assert f"at 3.7 kW {min(slow)} to {max(slow)}, at 22 kW {min(fast)} to {max(fast)} (" in said


def test_what_the_page_says_of_the_survey() -> None:
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    weekday, saturday = survey.TRIPS[survey.WEEKDAY], survey.TRIPS[survey.SATURDAY]
    assert survey.TRIPS[survey.SUNDAY] == saturday
    driven = [100 * (1 - shares[0]) for shares in (weekday, saturday)]
    assert f"{driven[0]:.0f} % of the cars are driven on a weekday, {driven[1]:.0f} % on a Saturday" in said
    two = [shares[1] / (1 - shares[0]) for shares in (weekday, saturday)]
    assert two == pytest.approx([0.5, 0.5], abs=0.09)  # half of those that are have two trips
    below = np.interp(
        np.log([6.5, 10.0]), np.log(survey.DISTANCE_EDGES_KM), survey.cumulated(survey.DISTANCES)
    )
    assert below == pytest.approx([0.5, 0.7], abs=0.01)
    low, high = survey.DISTANCE_EDGES_KM[:-1], survey.DISTANCE_EDGES_KM[1:]
    trip_km = np.sum(survey.DISTANCES * (high - low) / np.log(high / low)) / sum(survey.DISTANCES)
    trips = 5 / 7 * np.dot(survey.N_TRIPS, weekday) + 2 / 7 * np.dot(survey.N_TRIPS, saturday)
    year_km = 365 * trips * trip_km
    assert f"is driven {year_km / 365:.0f} km a day" in said
    assert f"which is {round(year_km, -2):,.0f} km a year" in said
    assert f"makes {round(1.5 * year_km, -2):,.0f} km of them" in said
    assert f"{100 * survey.TO_WORK[1]:.0f} % of them between 6 and 9 h" in said
    outings = sum(weekday[3:]) / sum(weekday[1:])
    by_18 = np.interp(18.0, survey.HOME_EDGES_H, survey.cumulated(survey.HOME_FROM_WORK))
    last_by_18 = (1 - outings) * by_18 + outings * by_18**2
    assert last_by_18 == pytest.approx(0.5, abs=0.05)


def test_simultaneity_falls_with_number_and_power() -> None:
    few, many = (at_once(drawn(n, 120), 11.0) / n for n in (10, 500))
    slow, fast = (at_once(drawn(100, 120), kw) / 100 for kw in (3.7, 22.0))
    assert few > 2 * many
    assert slow > 1.5 * fast
    assert 0.1 < at_once(drawn(100, 365), 11.0) / 100 < 0.2


def test_local_time_moves_with_the_clocks() -> None:
    """In July people come home two hours earlier by UTC than by their clocks, in January one."""
    shift = []
    for month in (1, 7):
        start = datetime(2016, month, 4, tzinfo=UTC)
        berlin, utc = (
            DrawnSessions(timezone=zone).sessions(site(50, 7, start=start), np.full(50, 60.0))
            for zone in ("Europe/Berlin", "UTC")
        )
        first, second = ({s.needed_kwh: s.arrival_ms for each in own for s in each} for own in (berlin, utc))
        shift.append({(second[key] - first[key]) / H for key in first.keys() & second.keys()})
    assert shift == [{1.0}, {2.0}]
