"""Communities whose groups follow different policies, with numbers of their own: rest, gain, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

from cosim.config.parameters import drawn
from cosim.config.values import Uniform
from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.design import Design, design
from cosim.regulation.operating_point import operating_point
from cosim.regulation.optimum import solve_optimum
from cosim.regulation.policies import POLICIES, Policy
from cosim.regulation.policies.additive import Additive
from cosim.regulation.policies.interface import FloatOrArray
from cosim.regulation.policies.inverse_average import InverseAverage
from cosim.regulation.policies.proportional import Proportional
from cosim.regulation.responses import Responses

N = 20


class Sharp(Policy):
    """A policy whose response is no line in the signal: σ = ½ (1 + tanh(Ω − ∇g))."""

    fixed_point: ClassVar[str] = "∇g = Ω − artanh(2x̄ − 1)"
    signal_unit: ClassVar[str] = "cost/unit"

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return 0.5 * (1.0 + np.tanh(signal - gradient)) + 0.0 * average

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return 2.0 * average * (1.0 - average)


@pytest.fixture(autouse=True)
def no_trace_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(POLICIES, "_classes", dict(POLICIES._classes))


def _costs(n: int = N, linear: float = 11.0) -> CostParameters:
    rng = np.random.default_rng(1)
    half, zero = np.full(n, 0.5), np.zeros(n)
    return CostParameters(
        rng.uniform(linear, linear + 1, n), np.full(n, 1.4), rng.uniform(0.1, 1.0, n), zero,
        (half, half), (rng.uniform(1, 3, n), rng.uniform(1, 3, n)), (zero, zero),
    )  # fmt: skip


def _aggregate(responses: Responses, point: Any, costs: CostParameters, shift: float) -> Any:
    """Σ σ with the averages held and the signal shifted."""
    x = point.averages.T
    slopes = np.array(costs.gradients(list(x)))
    return np.clip(responses.response(point.signals[:, None] + shift, x, slopes), 0, 1).sum(axis=1)


@pytest.mark.parametrize(
    "policies",
    [
        (Additive(), Proportional()),
        (Additive(kappa=0.05), Additive(kappa=2.0)),
        pytest.param((Proportional(), Sharp()), marks=pytest.mark.slow),
        (Additive(), Sharp()),
        (Sharp(), Sharp()),
    ],
)
def test_mixed_policies_rest_where_each_repeats_itself(policies: tuple[Policy, Policy]) -> None:
    costs, capacities = _costs(), np.array([14.0, 12.0])
    responses = Responses.of_groups(policies, [8, 12])
    point = operating_point(responses, costs, capacities)
    assert point.residual < 1e-8
    for at, policy in ((slice(0, 8), policies[0]), (slice(8, N), policies[1])):
        x, slopes = point.averages.T[:, at], np.array(costs.gradients(list(point.averages.T)))[:, at]
        assert np.clip(policy.response(point.signals[:, None], x, slopes), 0, 1) == pytest.approx(x, abs=1e-8)
    difference = _aggregate(responses, point, costs, 1e-6) - _aggregate(responses, point, costs, -1e-6)
    assert point.loop_gains == pytest.approx(difference / 2e-6, rel=1e-4)


def test_policies_that_ask_for_the_optimum_find_it_together() -> None:
    costs, capacities = _costs(), np.array([14.0, 12.0])
    point = operating_point(Responses.of_groups([Additive(), Proportional()], [8, 12]), costs, capacities)
    assert point.averages == pytest.approx(solve_optimum(costs, capacities).x, abs=1e-9)


def test_who_is_locked_out_follows_the_policy_that_multiplies() -> None:
    """Units that pay for themselves: the optimum has who multiplies at 1, with gradients below 0."""
    costs, capacities = _costs(), np.array([3.0, 2.0])
    costs.linear[8:] -= 14.0
    assert solve_optimum(costs, capacities).x[:8].sum() < 1e-9
    point = operating_point(Responses.of_groups([Additive(), Proportional()], [8, 12]), costs, capacities)
    assert point.is_fixed
    assert not point.locked_out[:8].any()
    assert point.locked_out[8:].all()
    assert point.averages[:8].sum(axis=0) == pytest.approx(capacities)


@pytest.mark.slow
def test_a_sum_that_falls_with_the_signal_holds_nothing() -> None:
    """Where all gradients are below 0, who multiplies takes more as the signal falls below 0."""
    responses = Responses.of_groups([Additive(), Proportional()], [2, 3])
    assert not operating_point(responses, _costs(5, linear=-3.0), np.array([0.75, 0.5])).is_fixed


def test_equal_policies_are_one() -> None:
    responses = Responses.of_groups([Additive(), Proportional(), Additive()], [2, 1, 2])
    assert [policy.kind for policy in responses.policies] == ["additive", "proportional"]
    assert [places.tolist() for places in responses.places] == [[0, 1, 3, 4], [2]]
    assert responses.kind_of_each() == ["additive"] * 2 + ["proportional"] + ["additive"] * 2
    assert responses.called == "'additive' and 'proportional'"
    assert responses.of_each()[4] is responses.of_each()[0]


def test_numbers_of_each_household() -> None:
    kappa = np.array([0.1, 0.2, 0.3])
    policy = drawn(Additive(kappa=Uniform(uniform=(0.1, 1.0))), lambda key, _: {"kappa": kappa}[key])
    responses = Responses.of_groups([policy, Proportional()], [3, 2])
    assert [getattr(each, "kappa", None) for each in responses.of_each()] == [0.1, 0.2, 0.3, None, None]
    assert responses.columns()["policy_kappa"] == pytest.approx([0.1, 0.2, 0.3, np.nan, np.nan], nan_ok=True)
    x, slope = np.full((1, 5), 0.5), np.full((1, 5), 10.0)
    assert responses.response(11.0, x, slope)[0] == pytest.approx([0.6, 0.7, 0.8, 0.55, 0.55])


SCENARIO: dict[str, Any] = {
    "name": "s",
    "time": {"steps": 20},
    "groups": [
        {"name": "a", "households": 3, "cost": {"kind": "consumption_only", "linear": 5, "target": 0.5}},
        {"name": "b", "households": 4, "cost": {"kind": "consumption_only", "linear": 5, "target": 0.5}},
    ],
    "communities": [{"name": "c", "groups": ["a", "b"], "resources": [{"name": "r", "capacity": 4}]}],
}


def _loaded(tmp_path: Path, *settings: str) -> Any:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SCENARIO))
    return load_scenario("s.yaml", settings, folder=tmp_path)


def _design(tmp_path: Path, *settings: str) -> Design:
    loaded = _loaded(tmp_path, *settings)
    scenario, community = loaded.scenario, loaded.scenario.communities[0]
    return design(0, community, scenario.groups, scenario.comms, loaded.context, lambda _: np.zeros(1))


def test_a_group_has_its_own_policy_and_each_household_its_numbers(tmp_path: Path) -> None:
    made = _design(
        tmp_path,
        "communities.c.agent.policy={kind: additive, kappa: {uniform: [0.1, 0.5]}}",
        "groups.b.policy=proportional",
    )
    assert made.responses.kind_of_each() == ["additive"] * 3 + ["proportional"] * 4
    expected = 0.1 + 0.4 * Streams(1).field("household/policy.kappa").row(0, 7)[:3]
    assert made.responses.columns()["policy_kappa"][:3].tolist() == expected.tolist()
    # Of `additive` Σ κ; of `proportional` Σ x̄ / ∇g.
    x, slope = made.at_mean.averages[3:, 0], made.at_mean.signals[0]
    assert made.loop_gains[0] == pytest.approx(expected.sum() + x.sum() / slope, rel=1e-6)


def test_signals_of_two_units_are_refused(tmp_path: Path) -> None:
    (problem,) = preflight(_loaded(tmp_path, "groups.b.policy=inverse_average"))
    assert problem.path == "groups.1.policy"
    assert problem.message == (
        "the community has one signal, and 'inverse_average' takes it in unit³/cost, 'additive' in cost/unit"
    )


def test_all_groups_may_have_another_unit_than_the_community_says(tmp_path: Path) -> None:
    made = _design(tmp_path, "groups.a.policy=inverse_average", "groups.b.policy=inverse_average")
    assert made.responses.policies == (InverseAverage(),)
    assert made.responses.signal_unit == "unit³/cost"


def test_a_policy_without_a_community_is_doubted(tmp_path: Path) -> None:
    found = preflight(_loaded(tmp_path, "communities.c.groups=[a]", "groups.b.policy=additive",
                              "communities.c.resources.r.capacity=2"))  # fmt: skip
    (problem,) = [each for each in found if each.path == "groups.1.policy"]
    assert problem.severity == "warning"
    assert "belongs to no community" in problem.message


def test_each_of_a_group_has_its_length(tmp_path: Path) -> None:
    found = preflight(_loaded(tmp_path, "groups.b.policy={kind: additive, kappa: {each: [1, 2]}}"))
    assert [problem.path for problem in found if problem.severity == "error"] == [
        "groups.1.policy.kappa.each"
    ]
