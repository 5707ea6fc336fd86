"""A vehicle that follows a plan: its balance closes, limits hold, and no plan makes it less full."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.planned_use import PlannedPower
from cosim.devices.ev_sessions import Session
from cosim.devices.planned_vehicle import PlannedVehicle
from cosim.devices.vehicle_charging import Charger
from tests.examples import examples

_SLOT_MS = 900_000
_N_SLOTS = 4 * 36


def charger(charges_when_due: bool = True, efficiency: float = 0.9) -> Charger:
    return Charger(11.0, 60.0, efficiency, charges_when_due)


def live(vehicle: PlannedVehicle, limits: dict[int, float] | None = None) -> list[float]:
    """A day and a half, slot by slot; what it took in each. Every balance closes."""
    taken, t = [], 0
    for slot in range(_N_SLOTS):
        if limits and slot in limits:
            vehicle.limit(limits[slot])
        stored, took, end = vehicle.stored_kwh, 0.0, (slot + 1) * _SLOT_MS
        n_steps = 0
        while t < end:
            until = min(end, vehicle.until_ms)
            assert until > t
            most_kwh = min(11.0, vehicle.limit_kw) * to_hours(until - t)
            step_kwh = vehicle.step(until, to_hours(until - t), 0.0)
            assert -1e-12 <= step_kwh <= most_kwh + 1e-9
            took += step_kwh
            t, n_steps = until, n_steps + 1
        assert n_steps < 20
        metered, given_kwh, now_stored, lost, used, *_ = vehicle.close()
        assert metered == took
        assert abs(metered - given_kwh - (now_stored - stored + lost + used)) < 1e-12
        taken.append(took)
    return taken


@settings(max_examples=examples(25), deadline=None, derandomize=True)
@given(
    arrival_ms=st.integers(-2 * MS_PER_HOUR, 20 * MS_PER_HOUR),
    lasts_ms=st.integers(3 * MS_PER_HOUR, 15 * MS_PER_HOUR),
    needed_kwh=st.floats(0.0, 60.0),
    powers=st.lists(st.sampled_from([0.0, 0.1, 2.5, 10.999999, 11.0, 20.0]), max_size=30),
    due=st.booleans(),
    limits=st.dictionaries(st.integers(0, _N_SLOTS), st.sampled_from([0.0, 4.2, math.inf]), max_size=3),
)
def test_any_plan(
    arrival_ms: int,
    lasts_ms: int,
    needed_kwh: float,
    powers: list[float],
    due: bool,
    limits: dict[int, float],
) -> None:
    """Any hourly powers, also ones that it has no use for."""
    session = Session(arrival_ms, arrival_ms + lasts_ms, needed_kwh)
    vehicle = PlannedVehicle(charger(due), [session], "energy_value")
    plan = [PlannedPower((hour + 1) * MS_PER_HOUR, kw) for hour, kw in enumerate(powers)]
    vehicle.tell_of_needs(lambda: vehicle.follow(plan))
    vehicle.follow(plan)
    live(vehicle, limits)
    (ended,) = vehicle.ended
    assert ended.charged_kwh + ended.missing_kwh == pytest.approx(ended.needed_kwh, abs=1e-9)
    if due and not limits:
        most_kwh = 11.0 * 0.9 * to_hours(session.departure_ms - max(arrival_ms, 0))
        assert ended.missing_kwh == pytest.approx(max(ended.needed_kwh - most_kwh, 0.0), abs=1e-5)


def test_a_plan_is_followed_to_the_watt_hour() -> None:
    """From half past one to four: 2 kW, nothing, then what is left; a need is told of at arrival alone."""
    half_past, four = MS_PER_HOUR * 3 // 2, 4 * MS_PER_HOUR
    vehicle, needs = PlannedVehicle(charger(), [Session(half_past, four, 9.0)], "energy_value"), []

    def tell() -> None:
        need = vehicle.need()
        needs.append(need)
        assert need is not None
        assert need == (half_past, four, pytest.approx(10.0), 11.0)
        vehicle.follow([PlannedPower(2 * MS_PER_HOUR, 2.0), PlannedPower(3 * MS_PER_HOUR, 0.0),
                        PlannedPower(four, 9.0)])  # fmt: skip

    vehicle.tell_of_needs(tell)
    taken = live(vehicle)
    hourly = [sum(taken[4 * hour : 4 * hour + 4]) for hour in range(5)]
    assert hourly == pytest.approx([0.0, 1.0, 0.0, 9.0, 0.0], abs=1e-9)
    assert vehicle.ended[0].missing_kwh == 0.0
    assert len(needs) == 1


@pytest.mark.parametrize(("due", "missing_kwh"), [(True, 0.0), (False, 18.0)])
def test_without_a_plan_only_who_charges_when_due_is_full(due: bool, missing_kwh: float) -> None:
    vehicle = PlannedVehicle(charger(due), [Session(0, 10 * MS_PER_HOUR, 18.0)], "energy_value")
    taken = live(vehicle)
    assert vehicle.ended[0].missing_kwh == pytest.approx(missing_kwh, abs=1e-6)
    assert not any(taken[: 4 * 8])  # 20 kWh at 11 kW take the last 1.8 h


def test_a_limit_has_the_rest_planned_anew() -> None:
    vehicle, needs = PlannedVehicle(charger(), [Session(0, 10 * MS_PER_HOUR, 18.0)], "energy_value"), []
    vehicle.tell_of_needs(lambda: needs.append(vehicle.need()))
    vehicle.limit(math.inf)  # there was none
    assert not needs
    vehicle.limit(4.2)
    vehicle.limit(4.2)
    assert [need.most_kw for need in needs] == [4.2]
