"""An `each` that lists another number of values than there are households is refused where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import preflight

SCENARIO = """name: s
time: {{step_s: 3600, steps: 48}}
groups:
  - {{name: homes, households: 2, load: {{kind: constant, p_kw: 1}}, cost: {{kind: section6_community_1}}}}
  - {{name: farm, households: 1{trading}}}
"""
MARKET = """energy_value:
  prices: {{grid: 0.3}}
  household:
    appliances: {{kind: none}}
    {}
"""
COMMUNITY = """communities:
  - name: c
    groups: [homes]
    resources: [{{name: r, capacity: 1}}]
    agent: {}
"""
AGENT = "communities.0.agent"
HOUSEHOLD = "energy_value.household"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        (MARKET.format("contracted_power_kw: {each: [5]}"), f"{HOUSEHOLD}.contracted_power_kw"),
        (MARKET.format("values: {rigidity: {each: [1, 2, 3]}}"), f"{HOUSEHOLD}.values.rigidity"),
        (MARKET.format("values: {gamma_b: {each: [1]}}"), f"{HOUSEHOLD}.values.gamma_b"),
        (COMMUNITY.format("{drift_ppm: {each: [1]}}"), f"{AGENT}.drift_ppm"),
        (COMMUNITY.format("{initial_average: [{each: [1]}]}"), f"{AGENT}.initial_average.0"),
        (
            COMMUNITY.format("{phase: {kind: given, phase_ms: {each: [1, 2, 3]}}}"),
            f"{AGENT}.phase.phase_ms",
        ),
    ],
)
def test_it_is_refused_in_its_line(tmp_path: Path, more: str, path: str) -> None:
    trading = ", trading: {appliances: {kind: none}}" if "energy_value" in more else ""
    (tmp_path / "s.yaml").write_text(SCENARIO.format(trading=trading) + more)
    found = preflight(load_scenario("s.yaml", folder=tmp_path))
    (problem,) = [each for each in found if each.severity == "error"]
    assert "for 2 households of group 'homes'" in problem.message
    assert (problem.path, problem.line) == (f"{path}.each", 10)
