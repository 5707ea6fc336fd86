"""Links' configuration: what is refused, and which override wins."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cosim.comms.latency import NormalLatency, UniformLatency
from cosim.comms.schema import CommsConfig, LinkConfig, resolve, unmatched_overrides


def comms(default: dict[str, object], *overrides: dict[str, object]) -> CommsConfig:
    return CommsConfig.model_validate({"default": default, "overrides": overrides})


def test_default_link_is_perfect() -> None:
    link = CommsConfig().default
    assert link.latency.kind == "constant"
    assert link.latency.latency_ms == 0  # type: ignore[union-attr]
    assert (link.loss.kind, link.delivery, link.ordering) == ("none", "at_most_once", "free")
    assert (link.bandwidth_kbit_per_s, link.lifetime_ms, link.outages) == (None, None, ())


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"latency": {"kind": "uniform", "low_ms": 9, "high_ms": 5}}, "low_ms = 9 is above high_ms = 5"),
        ({"latency": {"kind": "constant", "latency_ms": -1}}, "latency_ms"),
        ({"latency": {"kind": "constant", "latency_ms": "inf"}}, "latency_ms"),
        ({"latency": {"kind": "trace", "file": "../secret.csv"}}, "the path points outside"),
        ({"latency": {"kind": "trace", "file": "a.csv", "offset_ms": 3}}, "offset_ms"),
        ({"latency": {"kind": "pareto"}}, "pareto"),
        ({"latency": {"kind": "normal", "mean_ms": 5}}, "std_ms"),
        ({"loss": {"kind": "bernoulli", "loss_probability": 1.2}}, "loss_probability"),
        ({"duplication_probability": -0.1}, "duplication_probability"),
        ({"bandwidth_kbit_per_s": 0}, "bandwidth_kbit_per_s"),
        ({"queue_messages": -1}, "queue_messages"),
        ({"outages": [{"start_h": 1, "duration_h": 0}]}, "duration_h"),
        ({"delivery": "twice"}, "delivery"),
        ({"timeout_ms": 0}, "timeout_ms"),
        ({"latency_ms": 5}, "latency_ms"),
    ],
)
def test_bad_links_are_refused_by_name(given: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LinkConfig.model_validate(given)
    assert where in str(caught.value)


def test_models_are_frozen_and_described() -> None:
    with pytest.raises(ValidationError):
        LinkConfig().retries = 5  # type: ignore[misc]
    schema = CommsConfig.model_json_schema()
    for name, model in schema["$defs"].items():
        for key, value in model["properties"].items():
            assert value.get("description"), f"{name}.{key} has no description"


def test_household_beats_group_beats_direction_wherever_they_stand() -> None:
    config = comms(
        {"retries": 1},
        {"household": "h1", "retries": 5},
        {"group": "north", "retries": 4},
        {"direction": "uplink", "retries": 3},
        {"retries": 2},
    )
    assert resolve(config, "uplink", "north", "h1").retries == 5
    assert resolve(config, "uplink", "north", "h2").retries == 4
    assert resolve(config, "uplink", "south", "h3").retries == 3
    assert resolve(config, "downlink", "south", "h3").retries == 2
    assert resolve(config, "meter", None, None).retries == 2


def test_narrower_selection_wins_within_a_household() -> None:
    config = comms(
        {},
        {"household": "h1", "direction": "uplink", "retries": 7},
        {"household": "h1", "retries": 6},
    )
    assert resolve(config, "uplink", "north", "h1").retries == 7
    assert resolve(config, "downlink", "north", "h1").retries == 6


def test_later_override_wins_among_equals() -> None:
    config = comms({}, {"direction": "peer", "retries": 8}, {"direction": "peer", "retries": 9})
    assert resolve(config, "peer", None, "h1").retries == 9


def test_only_given_keys_are_merged_and_blocks_are_replaced_whole() -> None:
    config = comms(
        {"latency": {"kind": "uniform", "low_ms": 5, "high_ms": 9, "offset_ms": 2}, "message_bytes": 99},
        {"direction": "uplink", "latency": {"kind": "normal", "mean_ms": 30, "std_ms": 4}},
        {"direction": "uplink", "retries": 0, "message_bytes": None},
    )
    link = resolve(config, "uplink", None, "h1")
    assert link.latency == NormalLatency(mean_ms=30, std_ms=4)
    assert link.latency.offset_ms == 0
    assert (link.message_bytes, link.retries) == (99, 0)
    assert resolve(config, "downlink", None, "h1").latency == UniformLatency(low_ms=5, high_ms=9, offset_ms=2)


def test_empty_outages_remove_the_default_ones() -> None:
    config = comms(
        {"outages": [{"start_h": 1, "duration_h": 2}]},
        {"household": "h1", "outages": []},
    )
    assert resolve(config, "uplink", None, "h1").outages == ()
    assert len(resolve(config, "uplink", None, "h2").outages) == 1


def test_fully_written_out_configuration_reads_back_to_the_same_links() -> None:
    config = comms(
        {"bandwidth_kbit_per_s": 10, "lifetime_ms": 50},
        {"direction": "uplink", "loss": {"kind": "bernoulli", "loss_probability": 0.1}},
    )
    again = CommsConfig.model_validate(config.model_dump(mode="json"))
    for direction in ("uplink", "downlink"):
        assert resolve(again, direction, "g", "h") == resolve(config, direction, "g", "h")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"direction": "uplink"}, "changes nothing"),
        ({"direction": "meter", "household": "h1", "retries": 1}, "belongs to no household"),
    ],
)
def test_overrides_that_can_do_nothing_are_refused(override: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        comms({}, override)


def test_overrides_for_names_that_do_not_exist_are_all_reported() -> None:
    config = comms(
        {},
        {"household": "h01", "retries": 1},
        {"household": "hh02", "retries": 1},
        {"group": "nord", "retries": 1},
    )
    problems = unmatched_overrides(config, ["north", "north"], ["h01", "h02"])
    assert [problem.path for problem in problems] == [
        "comms.overrides.1.household",
        "comms.overrides.2.group",
    ]
    assert "h02" in problems[0].remedy
    assert "north" in problems[1].remedy
