"""What `check` doubts about a regulation loop: where its policy rests, answers that come too late."""

from __future__ import annotations

import pytest

from cosim.core.errors import Problem
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight


def _found(scenario: str, *settings: str, path: str) -> list[Problem]:
    problems = preflight(load_scenario(scenario, [*settings, "time.steps=20"]))
    return [problem for problem in problems if problem.path == path]


def _capacities(consumption: float, production: float) -> list[str]:
    return [
        f"communities.market.resources.{name}.capacity={capacity}"
        for name, capacity in (("consumption", consumption), ("production", production))
    ]


@pytest.mark.parametrize("capacities", [(80, 70), (70, 60), (40, 30), (10, 10)])
def test_who_is_locked_out_at_the_operating_point_is_named(capacities: tuple[float, float]) -> None:
    """Capacities far below T, at which (22) used to be refused with a loop gain of −6.658e+18."""
    (warning,) = _found("section6", *_capacities(*capacities), path="communities.0.agent.policy")
    assert warning.severity == "warning"
    assert "holds the mean capacities only without" in warning.message
    assert "(h05" in warning.message  # Community 2 begins with h051
    assert not _found("section6", *_capacities(*capacities), path="communities.0.platform.gain")


@pytest.mark.parametrize("scenario", ["section6", "section6_proportional", "section6_additive"])
def test_at_the_paper_s_capacities_nobody_is(scenario: str) -> None:
    assert not _found(scenario, path="communities.0.agent.policy")


@pytest.mark.parametrize("policy", ["proportional", "inverse_average"])
def test_capacities_that_a_policy_cannot_hold_are_doubted(policy: str) -> None:
    """Too few have a positive gradient at a low production to make up the consumption."""
    (warning,) = _found(
        "section6",
        f"communities.market.agent.policy={policy}",
        "communities.market.platform.gain=0.001",
        "groups.community_1.cost.delta=-30",
        *_capacities(90, 5),
        path="communities.0.agent.policy",
    )
    assert f"'{policy}' does not hold the mean capacities without" in warning.message
    assert "of 90, production" in warning.message


@pytest.mark.parametrize(("capacities", "resource"), [((99, 80), "consumption"), ((90, 0), "production")])
def test_a_resource_that_nobody_decides_about_has_no_margin(
    capacities: tuple[float, float], resource: str
) -> None:
    (error,) = _found("section6_additive", *_capacities(*capacities), path="communities.0.platform.gain")
    assert error.severity == "error"
    assert f"'{resource}': the aggregate does not answer the signal" in error.message


@pytest.mark.parametrize("latency_s", [30 * 86_400, 100 * 86_400, 1e9])
def test_answers_that_come_after_the_run_are_pointed_out(latency_s: float) -> None:
    latency = f"comms.default.latency={{kind: constant, latency_ms: {latency_s * 1000}}}"
    (warning,) = _found("section6_additive", latency, path="comms")
    assert warning.severity == "warning"
    assert "the answers of 99 households (h001, h002, h003, h004, h005 and 94 more)" in warning.message
    assert not _found("section6_additive", path="comms")
