"""What is certain to have no schedule: never said of a day that has one, and said of the plain cases."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.feasibility import certain_shortage
from cosim.trading.scheduling.schedule import Infeasible, ScheduleProblem
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.valuation.appliance import Appliance

NIGHT = np.array([0.5] * 8 + [4.5] * 10 + [0.5] * 6)
"""Room for more than half a kilowatt under 5 kW in hours 0 to 7 and 18 to 23 only."""


@pytest.mark.parametrize(
    ("appliance", "words"),
    [
        (
            Appliance("kiln", 5.0, 1),
            "kiln (5 kW) has to run for 1 h from hour 0 to 24, but finds room for only 0 h",
        ),
        (
            Appliance("oven", 2.0, 1, earliest=9, latest=18),
            "oven (2 kW) has to run for 1 h from",
        ),
        (
            Appliance("heater", 2.0, 9),
            "finds room for only 0 h; the contracted power of 5 kW leaves 4.500 kW",
        ),
        (Appliance("pump", 2.0, 5, runs_per_day=3), "finds room for only 10 h"),
        (Appliance("car", 2.0, 15, contiguous=False), "finds room for only 14 h"),
    ],
)
def test_an_appliance_without_room_is_named(appliance: Appliance, words: str) -> None:
    assert words in certain_shortage([appliance], NIGHT, 5.0)


def test_what_fits_is_not_objected_to() -> None:
    pump = Appliance("pump", 2.0, 6, runs_per_day=2)
    for appliance in (Appliance("heater", 2.0, 8), pump, Appliance("iron", 4.5, 1)):
        assert certain_shortage([appliance], NIGHT, 5.0) == ""


def test_base_load_and_sums() -> None:
    assert "in hour 8 the load that is not scheduled is 4.500 kW" in certain_shortage([], NIGHT, 4.0)
    many = [Appliance(f"a{number}", 4.0, 5) for number in range(4)]
    assert "all appliances need 80.000 kWh" in certain_shortage(many, NIGHT, 5.0)


def test_never_said_of_a_day_that_has_a_schedule() -> None:
    rng = np.random.default_rng(7)
    said = 0
    for _ in range(300):
        appliances = tuple(
            Appliance(
                f"a{number}", float(rng.choice([0.5, 1, 2, 3])), int(rng.integers(1, 4)),
                bool(rng.integers(2)), 0, 8, int(rng.integers(1, 3)),
            )
            for number in range(int(rng.integers(1, 4)))
        )  # fmt: skip
        fixed = rng.uniform(0, 3, 8).round(1)
        supply = merit_order([], np.full(8, 0.3), 4.0)
        problem = ScheduleProblem(appliances, np.zeros((len(appliances), 8)), supply, fixed)
        if certain_shortage(appliances, fixed, 4.0):
            said += 1
            assert isinstance(solve_exact(problem), Infeasible)
    assert said > 50
