"""What a run's last warnings say of the feeder: results that are not plausible, differences from `runpp`."""

from __future__ import annotations

import pytest

from cosim.core.numbers import Summary
from cosim.grid.agreement import Disagreement, doubts


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        ({"voltage_max_pu": 2500.0, "voltage_max_bus": 7}, "a voltage of 2500 pu at bus 7 is not plausible"),
        ({"voltage_min_pu": 0.02, "voltage_min_bus": 3}, "a voltage of 0.02 pu at bus 3"),
        ({"line_loading_max_percent": 1e6, "line_loading_max_line": 4}, "a loading of 1,000,000 % of line 4"),
        ({"trafo_loading_max_percent": 1500.0, "trafo_loading_max_trafo": 0}, "1,500 % of trafo 0"),
        ({"trafo3w_loading_max_percent": 2e3, "trafo3w_loading_max_trafo3w": 1}, "2,000 % of trafo3w 1"),
    ],
)
def test_results_that_cannot_be_meant_are_named(summary: Summary, says: str) -> None:
    (problem,) = doubts(summary)
    assert problem.severity == "warning"
    assert says in problem.message
    assert "unit" in problem.remedy


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"voltage_min_pu": None, "voltage_max_pu": None, "line_loading_max_percent": None},
        {"voltage_min_pu": 0.8, "voltage_max_pu": 1.2, "line_loading_max_percent": 300.0},
        Disagreement().result(),
    ],
)
def test_a_badly_loaded_feeder_is_believed(summary: Summary) -> None:
    assert doubts(summary) == []


def test_differences_from_runpp_name_the_element() -> None:
    found = Disagreement()
    found.add(3, (2e-10, "bus 1"), (1e-8, "line 2"), 1e-10, 0)
    assert doubts(found.result()) == []
    found.add(2, (1e-7, "bus 5"), (1e-8, "line 3"), 1e-10, 0)
    (problem,) = doubts(found.result())
    assert "voltages by up to 1e-07 pu (largest at bus 5)" in problem.message
    assert "loadings" not in problem.message
    found.add(1, (0.0, "bus 1"), (float("inf"), "trafo3w 6"), 0.002, 1)
    (problem,) = doubts(found.result())
    for part in (
        "loadings where only one has a value, in points (largest at trafo3w 6)",
        "the power from the external grid by up to 2 kW",
        "whether it converges, in 1 interval",
    ):
        assert part in problem.message
