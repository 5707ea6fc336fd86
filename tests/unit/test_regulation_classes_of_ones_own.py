"""Classes from outside of the package: a policy, a capacity rule and a mitigation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml

from cosim.core.registry import Registry
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight, run_scenario
from cosim.regulation.capacities import CAPACITIES, Capacity
from cosim.regulation.heard_reports import Missing, Reports
from cosim.regulation.mitigations import MITIGATIONS, AgainstFalseReports
from cosim.regulation.policies import POLICIES, Policy
from cosim.regulation.policies.interface import FloatOrArray


class Cautious(Policy):
    """Half of the way of `additive`, and nothing in its first steps."""

    reach: float = 0.15
    """How much it answers [probability per unit of signal]."""

    fixed_point: ClassVar[str] = "∇g = Ω"
    signal_unit: ClassVar[str] = "cost/unit"
    rests_at_optimum: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return average + self.reach * (signal - gradient)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return self.reach + 0.0 * average


class Unsure(Cautious):
    """Which has no answer for one household."""

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return math.nan if isinstance(average, float) else average + 0.1 * (signal - gradient)


class Lost(Cautious):
    """Which has no answer at an average of 1."""

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        return average + np.sqrt(0.99 - average) * (signal - gradient)


class Broken(Cautious):
    """Which cannot be calculated."""

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        raise KeyError("nothing")


class Wave(Capacity):
    """A capacity that goes up and down over the day."""

    mean: float = 4.0
    """Its mean [units per step]."""

    def at(self, elapsed_ms: int, start: datetime) -> float:
        return self.mean + 2.0 * math.sin(elapsed_ms * math.tau / 86_400_000)

    def greatest(self) -> float:
        return self.mean + 2.0


class Doubled(AgainstFalseReports):
    """Believes that half of what is taken is not told."""

    def sums(
        self, reports: Reports, members: Sequence[int], means: Sequence[Sequence[float]], n_resources: int,
        missing: Missing,
    ) -> list[float]:  # fmt: skip
        return [2.0 * one for one in super().sums(reports, members, means, n_resources, missing)]


SCENARIO: dict[str, Any] = {
    "name": "s",
    "time": {"steps": 48},
    "groups": [
        {"name": "a", "households": 8, "cost": {"kind": "consumption_only", "linear": 5, "target": 0.5}}
    ],
    "communities": [{"name": "c", "groups": ["a"], "resources": [{"name": "r", "capacity": 4}]}],
    "report": {"figures": False},
}
COMMUNITY = "communities.c"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    mine: list[tuple[Registry[Any], str, type]] = [
        (POLICIES, "cautious", Cautious), (POLICIES, "unsure", Unsure), (POLICIES, "lost", Lost),
        (POLICIES, "broken", Broken), (CAPACITIES, "wave", Wave),
        (MITIGATIONS, "doubled", Doubled),
    ]  # fmt: skip
    for registry in (POLICIES, CAPACITIES, MITIGATIONS):
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    for registry, name, cls in mine:
        registry.register(name)(cls)


def _run(tmp_path: Path, *settings: str) -> tuple[Any, Path]:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SCENARIO))
    loaded = load_scenario("s.yaml", settings, folder=tmp_path)
    assert [problem for problem in preflight(loaded) if problem.severity == "error"] == []
    return run_scenario(loaded, tmp_path / "run"), tmp_path / "run"


def test_a_policy(tmp_path: Path) -> None:
    outcome, folder = _run(tmp_path, f"{COMMUNITY}.agent.policy={{kind: cautious, reach: 0.2}}")
    assert outcome.status == "done"
    prosumers = pd.read_parquet(folder / "tables" / "prosumers.parquet")
    assert set(prosumers.policy) == {"cautious"}
    assert set(prosumers.policy_reach) == {0.2}
    decisions = pd.read_parquet(folder / "tables" / "decisions.parquet")
    signal = pd.read_parquet(folder / "tables" / "regulation.parquet").set_index("step").signal
    wanted = decisions.average + 0.2 * (decisions.signal_step.map(signal) - decisions.gradient)
    assert decisions.probability.to_numpy() == pytest.approx(wanted.clip(0, 1).to_numpy())


def test_a_policy_that_gives_no_number_ends_the_run_by_its_name(tmp_path: Path) -> None:
    outcome, _ = _run(tmp_path, f"{COMMUNITY}.agent.policy=unsure")
    assert outcome.status == "failed"
    assert f"{__name__}.Unsure" in str(outcome)
    assert "is nan" in str(outcome)


@pytest.mark.parametrize(
    ("name", "said"),
    [("lost", "gives nan at an average of 1 "), ("broken", "fails with KeyError: 'nothing'")],
)
def test_a_policy_that_cannot_be_calculated_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SCENARIO))
    found = preflight(load_scenario("s.yaml", [f"{COMMUNITY}.agent.policy={name}"], folder=tmp_path))
    (problem,) = [problem for problem in found if problem.severity == "error"]
    assert problem.path == "communities.0.agent.policy"
    assert f"the policy '{name}' ({__name__}." in problem.message
    assert said in problem.message


def test_a_capacity_rule(tmp_path: Path) -> None:
    _, folder = _run(tmp_path, f"{COMMUNITY}.resources.r.capacity={{kind: wave, mean: 3}}")
    regulation = pd.read_parquet(folder / "tables" / "regulation.parquet")
    assert regulation.capacity.tolist() == pytest.approx(
        [3 + 2 * math.sin(k * math.tau / 24) for k in range(48)]
    )


def test_a_capacity_rule_that_asks_for_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SCENARIO))
    setting = f"{COMMUNITY}.resources.r.capacity={{kind: wave, mean: 7}}"
    found = preflight(load_scenario("s.yaml", [setting], folder=tmp_path))
    assert any("a capacity of 9 units for 8 households" in problem.message for problem in found)


def test_a_mitigation(tmp_path: Path) -> None:
    _, folder = _run(tmp_path, f"{COMMUNITY}.platform.mitigations=[doubled]")
    regulation = pd.read_parquet(folder / "tables" / "regulation.parquet")
    assert regulation["measured"].tolist() == (2 * regulation["aggregate"]).tolist()
