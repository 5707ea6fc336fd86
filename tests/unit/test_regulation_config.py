"""Configuration of the community: defaults, round trips, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cosim.config.values import UniformInt
from cosim.regulation.agent_schema import AgentConfig
from cosim.regulation.group_schema import RegulatedConfig
from cosim.regulation.platform_schema import GainMargin, PlatformConfig
from cosim.regulation.schema import CommunityConfig, ResourceConfig, gains, initial_signals

RESOURCES = [{"name": "consumption", "capacity": 90}, {"name": "production", "capacity": 80}]


def _community(**more: Any) -> CommunityConfig:
    return CommunityConfig.model_validate({"name": "street", "resources": RESOURCES, "groups": ["a"], **more})


def test_the_papers_parameters_are_the_defaults_of_section_6() -> None:
    first: Any = RegulatedConfig.model_validate({"cost": "section6_community_1"}).cost
    second: Any = RegulatedConfig.model_validate({"cost": "section6_community_2"}).cost
    assert (first.delta, first.target, first.a) == (11.75, 1.74, UniformInt(uniform_int=(1, 10)))
    assert (second.gamma, second.target, second.b) == (11.65, 1.725, UniformInt(uniform_int=(1, 15)))


def test_a_community_needs_names_capacities_and_groups_only() -> None:
    community = _community()
    assert gains(community) == (GainMargin(margin=0.2),) * 2
    assert initial_signals(community) == ("gradient", "gradient")


def test_gain_and_initial_signal_by_resource() -> None:
    community = _community(platform={"gain": [1e-3, {"margin": 0.3}], "initial_signal": [0.06, "gradient"]})
    assert gains(community) == (1e-3, GainMargin(margin=0.3))
    assert initial_signals(community) == (0.06, "gradient")


@pytest.mark.parametrize(
    "model",
    [
        _community(platform={"gain": [1e-3, {"margin": 0.3, "delay_steps": 1.5}], "initial_signal": 0.06}),
        _community(platform={"grid_aware": [{"resource": "production"}]}),
        _community(
            platform={
                "gain": {"margin": 0.3},
                "mitigations": [
                    "measured_gain",
                    {"kind": "trimmed", "trimmed_share": 0.2},
                    {"kind": "resending", "times": 2, "interval_ms": 500},
                ],
            }
        ),
        _community(platform={"mitigations": [{"kind": "smith", "delay_steps": 2.5, "slope": [3, 4]}]}),
        AgentConfig.model_validate(
            {
                "averages": {"kind": "exponential", "time_constant_steps": 30},
                "phase": {"kind": "given", "phase_ms": {"each": [0, 10]}},
                "initial_average": [0.5, {"uniform": [0, 1]}],
            }
        ),
        ResourceConfig.model_validate(
            {"name": "x", "capacity": {"kind": "hourly", "by_hour": list(range(24))}}
        ),
        ResourceConfig.model_validate(
            {
                "name": "x",
                "capacity": {
                    "kind": "stepped",
                    "steps": [{"from_h": 0, "value": 3}, {"from_h": 2, "value": 0}],
                },
            }
        ),
    ],
)
def test_a_dump_reads_back_as_the_same(model: Any) -> None:
    assert type(model).model_validate(model.model_dump()) == model
    assert type(model).model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    ("model", "raw", "message"),
    [
        (PlatformConfig, {"gain": -1}, "more than 0"),
        (PlatformConfig, {"gain": {"margn": 0.3}}, "Extra inputs"),
        (PlatformConfig, {"gain": []}, "at least 1"),
        (PlatformConfig, {"initial_signal": "gradint"}, "'gradient'"),
        (PlatformConfig, {"initial_signal": True}, "'gradient'"),
        (PlatformConfig, {"missing": "guess"}, "hold_last"),
        (
            PlatformConfig,
            {"grid_aware": [{"resource": "x", "vm_min_pu": 1.1}]},
            "vm_min_pu must be below vm_max_pu",
        ),
        (PlatformConfig, {"gain": {"margin": 0.3, "delay_steps": "guessed"}}, "'estimated'"),
        (PlatformConfig, {"gain": {"margin": 0.3, "delay_steps": -1}}, "at least 0"),
        (PlatformConfig, {"mitigations": ["median"]}, "'trimmed'"),
        (PlatformConfig, {"mitigations": [{"kind": "trimmed", "trimmed_share": 0.5}]}, "less than 0.5"),
        (PlatformConfig, {"mitigations": [{"kind": "smith", "slope": 0}]}, "more than 0"),
        (
            PlatformConfig,
            {"mitigations": [{"kind": "resending", "times": 0, "interval_ms": 5}]},
            "at least 1",
        ),
        (PlatformConfig, {"measurement": "meter", "mitigations": ["clipped"]}, "works on reports"),
        (
            PlatformConfig,
            {"measurement": "meter", "gain": [1, {"margin": 0.3}], "mitigations": ["measured_gain"]},
            "works on reports",
        ),
        (PlatformConfig, {"measurement": "meter", "mitigations": ["smith"]}, "works on reports"),
        (
            PlatformConfig,
            {"mitigations": ["smith", "clipped", "measured_gain"]},
            "'smith' and 'measured_gain' are all against delay; keep one",
        ),
        (
            PlatformConfig,
            {"gain": [1, 2], "mitigations": ["measured_gain"]},
            "no gain that is given as a margin",
        ),
        (AgentConfig, {"policy": "addtive"}, "additive"),
        (AgentConfig, {"initial_average": 1.5}, "at most 1"),
        (AgentConfig, {"phase": {"kind": "given", "phase_ms": -5}}, "at least 0"),
        (ResourceConfig, {"name": "x", "capacity": -1}, "at least 0"),
        (ResourceConfig, {"name": "x", "capacity": {"kind": "hourly", "by_hour": [1] * 23}}, "give 24"),
        (
            ResourceConfig,
            {"name": "x", "capacity": {"kind": "stepped", "steps": [{"from_h": 1, "value": 3}]}},
            "from_h: 0",
        ),
        (
            ResourceConfig,
            {
                "name": "x",
                "capacity": {
                    "kind": "stepped",
                    "steps": [{"from_h": 0, "value": 3}, {"from_h": 0, "value": 4}],
                },
            },
            "must increase",
        ),
        (CommunityConfig, {"name": "c", "resources": [], "groups": ["a"]}, "at least 1"),
        (CommunityConfig, {"name": "c", "resources": RESOURCES * 2, "groups": ["a"]}, "more than once"),
        (CommunityConfig, {"name": "c", "resources": RESOURCES, "groups": ["a", "a"]}, "more than once"),
        (
            CommunityConfig,
            {"name": "c", "resources": RESOURCES, "groups": ["a"], "platform": {"gain": [1, 2, 3]}},
            "3 values for 2 resources",
        ),
        (
            CommunityConfig,
            {
                "name": "c",
                "resources": RESOURCES,
                "groups": ["a"],
                "platform": {"mitigations": ["clipped", {"kind": "smith", "slope": [1, 2, 3]}]},
            },
            "mitigations.1.slope lists 3 values for 2 resources",
        ),
        (
            CommunityConfig,
            {
                "name": "c",
                "resources": RESOURCES,
                "groups": ["a"],
                "platform": {"grid_aware": [{"resource": "sale"}]},
            },
            "not a resource of this community",
        ),
    ],
)
def test_what_is_refused(model: Any, raw: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(raw)
