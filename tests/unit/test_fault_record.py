"""What is said of faults that are on at one time."""

from __future__ import annotations

import math

import numpy as np

from cosim.core.clock import MS_PER_HOUR
from cosim.engine.scenario import Scenario
from cosim.faults.kinds import FaultEvent
from cosim.faults.record import FaultRecord, Row

N = 400
RESOURCE = {"name": "x", "capacity": 1, "unit_kwh": 0.25}


def recorded(error: np.ndarray, **times_h: tuple[int, int]) -> FaultRecord:
    """Faults with these names and times, and a resource with this error, by the hour; a unit is 0.25 kWh."""
    cost = {"kind": "consumption_only", "linear": 1.0, "target": 0.5}
    scenario = Scenario.model_validate(
        {
            "name": "recorded",
            "time": {"step_s": 3600, "steps": N},
            "groups": [{"name": "homes", "households": 2, "cost": cost}],
            "communities": [{"name": "v", "groups": ["homes"], "resources": [RESOURCE]}],
            "faults": [
                {"kind": "household_crash", "name": name, "from_h": start, "duration_h": end - start}
                for name, (start, end) in times_h.items()
            ],
        }
    )
    events = [
        FaultEvent(fault.name or "", fault, "h001", (0,), start * MS_PER_HOUR, end * MS_PER_HOUR)
        for fault, (start, end) in zip(scenario.faults, times_h.values(), strict=True)
    ]
    record = FaultRecord(scenario.communities, events, scenario.axis)
    step = np.arange(1, N + 1)
    record.take("v", "x", {"step": step, "aggregate": error, "target": np.zeros(N), "optimum_gap": 0 * step})
    return record


def rows(error: np.ndarray, **times_h: tuple[int, int]) -> dict[str, Row]:
    """The effect of each fault."""
    return {row.fault: row for row in recorded(error, **times_h).rows(N * MS_PER_HOUR)}


def test_one_within_another() -> None:
    """The outer one alone makes an error of 9; what the inner one leaves behind cannot be told from it."""
    error = 2.0 * np.where(np.arange(N) % 2, 1.0, -1.0)
    error[150:300] = 9.0
    found = rows(error, outer=(150, 300), inner=(170, 180))
    outer, inner = found["outer"].effect, found["inner"].effect
    assert (outer.rmse_before, outer.worst_deviation, outer.recovery_ms) == (2.0, 9.0, 0.0)
    assert (inner.rmse_before, inner.worst_deviation) == (2.0, 9.0)
    assert math.isnan(inner.recovery_ms)
    assert inner.excess == 10 * (9 - 2)


def test_two_with_the_same_times_are_told_the_same() -> None:
    error = 2.0 * np.where(np.arange(N) % 2, 1.0, -1.0)
    error[150:200] = 9.0
    found = rows(error, one=(150, 200), other=(150, 200))
    assert found["one"].effect == found["other"].effect
    assert found["one"].effect.recovery_ms == 0.0


def test_a_fault_that_begins_as_another_ends() -> None:
    """Whether the first was over by itself is not known; the second's level is that before both."""
    error = 2.0 * np.where(np.arange(N) % 2, 1.0, -1.0)
    error[150:200] = 9.0
    found = rows(error, first=(150, 180), second=(180, 200))
    assert math.isnan(found["first"].effect.recovery_ms)
    assert found["second"].effect.rmse_before == 2.0
    assert found["second"].effect.recovery_ms == 0.0


def test_what_lasts_to_the_end_is_part_of_the_level() -> None:
    """From its start on: the error is ±2, then ±4 from hour 60, and ±9 in the fault that is measured."""
    error = 2.0 * np.where(np.arange(N) % 2, 1.0, -1.0)
    error[60:] *= 2
    error[150:200] = 9.0
    for end in (N, N + 50):
        found = rows(error, lasts=(60, end), now=(150, 200))
        assert found["lasts"].effect.rmse_before == 2.0
        assert math.isnan(found["lasts"].effect.recovery_ms)
        assert (found["now"].effect.rmse_before, found["now"].effect.recovery_ms) == (4.0, 0.0)
    # One that begins while the other is on is not: whose error remains cannot be told.
    found = rows(error, lasts=(160, N), now=(150, 200))
    assert math.isnan(found["now"].effect.recovery_ms)


def test_energy_is_what_the_error_is_above_its_level() -> None:
    error = 2.0 * np.where(np.arange(N) % 2, 1.0, -1.0)
    error[150:200] = 9.0
    found = recorded(error, one=(150, 200)).summary(N * MS_PER_HOUR)
    assert found["fault_one_v_x_excess_energy_kwh"] == 50 * (9 - 2) * 0.25
    assert found["fault_one_v_x_excess_cost"] == 0
