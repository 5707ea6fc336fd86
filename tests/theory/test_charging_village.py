"""What the README says of `charging_village`, and a tutorial of `small_street`: alone, most seeds break."""

from __future__ import annotations

import pytest

from cosim.core.numbers import Summary
from cosim.engine.load import load_scenario
from cosim.engine.run import summarise

ALONE, REGULATED = ["communities=[]"], list[str]()


def numbers(settings: list[str], seed: int, scenario: str = "charging_village") -> Summary:
    return summarise(load_scenario(scenario, settings, seed))


def energy_kwh(summary: Summary) -> tuple[float, float]:
    """What was charged in sessions that ended, and what was missing."""
    charged, missing = summary["ev_charged_kwh"], summary["ev_missing_kwh"]
    assert charged is not None
    assert missing is not None
    return charged, missing


def test_the_first_seed_breaks_alone_and_holds_regulated() -> None:
    day = ["time.duration_h=20"]
    alone, regulated = numbers([*ALONE, *day], 1), numbers([*REGULATED, *day], 1)
    assert alone["trafo_overload_intervals"] == 1
    assert alone["trafo_loading_max_percent"] == pytest.approx(112.9, abs=0.05)
    assert regulated["intervals_outside_limits"] == 0
    assert energy_kwh(regulated) == pytest.approx(energy_kwh(alone))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "left_alone", "regulated"), [("charging_village", 15, 0), ("small_street", 13, 1)]
)
def test_of_twenty_seeds(scenario: str, left_alone: int, regulated: int) -> None:
    broken = {"alone": 0, "regulated": 0}
    for seed in range(1, 21):
        runs = {
            "alone": numbers(ALONE, seed, scenario),
            "regulated": numbers(REGULATED, seed, scenario),
        }
        for name, summary in runs.items():
            broken[name] += bool(summary["intervals_outside_limits"])
        assert energy_kwh(runs["regulated"]) == pytest.approx(energy_kwh(runs["alone"]))
    assert broken == {"alone": left_alone, "regulated": regulated}
