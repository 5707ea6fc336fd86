"""Whatever stands wherever in a scenario: the problem is told there, in plain words, with a remedy."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from cosim.config.pydantic_errors import translate
from cosim.config.schema_walk import keys_of, models_at, sections_with
from cosim.config.yaml_reader import Document
from cosim.engine.scenario import Scenario
from cosim.grid.schema import NetworkConfig

RICH: dict[str, Any] = {
    "name": "rich",
    "time": {"start": "2016-01-01", "step_s": 900, "duration_h": 24},
    "groups": [
        {
            "name": "g",
            "households": 2,
            "cost": {
                "kind": "separable",
                "linear": {"uniform": [5, 6]},
                "target": {"normal": {"mean": 1, "std": 1}, "low": 0},
                "own_quadratic": [1, {"choice": [1, 2]}],
                "alpha": 0.5,
            },
            "load": {"kind": "csv", "file": "p.csv", "columns": ["a"], "power_factor": 0.9},
            "pv": {"kind": "simbench", "kwp": {"each": [1, 2]}},
            "battery": {"capacity_kwh": 5, "soc_initial": {"uniform": [0.2, 0.4]}},
            "membership": {"joins_h": 0, "leaves_h": 3},
        },
        {
            "name": "h",
            "households": 2,
            "cost": {"kind": "section6_community_1", "a": {"uniform_int": [1, 3]}},
            "load": {"kind": "constant", "p_kw": 1},
        },
    ],
    "communities": [
        {
            "name": "c",
            "groups": ["g", "h"],
            "resources": [
                {
                    "name": "x",
                    "capacity": {"kind": "stepped", "steps": [{"from_h": 0, "value": 1}]},
                    "unit_kwh": 0.1,
                },
                {"name": "y", "capacity": {"kind": "hourly", "by_hour": [1] * 24}},
            ],
            "agent": {
                "averages": {"kind": "exponential", "time_constant_steps": 5},
                "initial_average": [0.1, 0.2],
                "phase": {"kind": "given", "phase_ms": 5},
                "initial_decision": 0,
            },
            "platform": {
                "gain": [0.1, {"margin": 0.2, "delay_steps": 1}],
                "initial_signal": ["gradient", 1],
                "grid_aware": [{"resource": "x"}],
                "mitigations": [
                    {"kind": "smith", "delay_steps": 2, "slope": [1, 2]},
                    {"kind": "trimmed", "trimmed_share": 0.1},
                    {"kind": "resending", "times": 2, "interval_ms": 500},
                ],
            },
        }
    ],
    "comms": {
        "default": {
            "latency": {"kind": "trace", "file": "t.csv"},
            "loss": {"kind": "bernoulli", "loss_probability": 0.1},
            "outages": [{"start_h": 1, "duration_h": 1}],
        },
        "overrides": [{"direction": "uplink", "latency": {"kind": "gamma", "mean_ms": 5, "shape": 2}}],
    },
    "grid": {
        "network": "cigre_lv",
        "placement": {"kind": "list", "buses": [1, "a", 3, 4]},
        "limits": {"vm_min_pu": 0.9},
    },
    "record": {"decisions": False},
}
NETWORK: dict[str, Any] = {
    "name": "n",
    "title": "t",
    "origin": "o",
    "licence": "l",
    "places": 3,
    "households": [1, "b"],
    "source": {
        "kind": "pandapower",
        "function": "create_cigre_network_lv",
        "arguments": {"a": 1, "b": "c", "d": True},
    },
    "limits": {"vm_min_pu": 0.9},
}
JUNK: tuple[Any, ...] = (
    None,
    True,
    "many",
    "5 kWh",
    "5 %",
    "7",
    "",
    -1,
    0,
    1.5,
    1e9,
    10**40,
    float("nan"),
    float("inf"),
    [],
    [1],
    [1, 2, 3],
    ["x"],
    [[]],
    {},
    {"a": 1},
    {"uniform": [1]},
    {"uniform": ["1 kW", 2]},
    {"normal": 3},
    {"uniform": [1, 2], "low": 3},
    {"kind": "x"},
    {"kind": "constant", "latency_s": 3},
    {"kind": 7},
    "../x",
    "a\0b",
)
JARGON = (
    "Input",
    "input",
    "pydantic",
    "tuple",
    "Tuple",
    "dict",
    "valid integer",
    "instance",
    "None",
    "Value error",
    "validat",
    "function-",
    "literal",
    "discriminator",
    "True",
    "False",
    "union",
    "schema",
    "float",
)


def places(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


def exchanged(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("model", "good", "every"),
    [
        (Scenario, RICH, 4),
        pytest.param(Scenario, RICH, 1, marks=pytest.mark.slow),
        (NetworkConfig, NETWORK, 1),
    ],
)
def test_anything_anywhere_is_told_in_plain_words(model: type, good: dict[str, Any], every: int) -> None:
    model.model_validate(good)  # type: ignore[attr-defined]
    told = 0
    for path in list(places(good))[::every]:
        for value in JUNK:
            data = exchanged(good, path, value)
            try:
                model.model_validate(data)  # type: ignore[attr-defined]
            except ValidationError as error:
                problems = translate(error, Document(data, "f.yaml"), model)
                assert problems
                for problem in problems:
                    told += 1
                    spoken = f"{problem.message} {problem.remedy}"
                    assert not [word for word in JARGON if word in spoken], f"{path} = {value!r}: {problem}"
                    assert problem.remedy, f"{path} = {value!r}: {problem}"
                    assert_at(problem.path, path, f"{path} = {value!r}: {problem}")
    assert told > 100


def assert_at(told: str, path: tuple[str | int, ...], why: str) -> None:
    """The place told is the one that was changed, or lies below or above it."""
    wrong = ".".join(str(part) for part in path)
    assert told == wrong or told.startswith(f"{wrong}.") or wrong.startswith(f"{told}.") or told == "", why


@pytest.mark.parametrize("path", sorted({p[:-1] for p in places(RICH) if isinstance(p[-1], str)}, key=str))
def test_an_unknown_key_anywhere_is_told_with_the_keys_of_that_place(path: tuple[str | int, ...]) -> None:
    data = exchanged(RICH, (*path, "zzz_qqq"), 1)
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(data)
    problems = translate(caught.value, Document(data, "f.yaml"), Scenario)
    where = ".".join(str(part) for part in (*path, "zzz_qqq"))
    (problem,) = [problem for problem in problems if problem.path == where]
    assert problem.message == "unknown key 'zzz_qqq'"
    here = RICH
    for key in path:
        here = here[key]  # type: ignore[index]
    listed = problem.remedy.removeprefix("Keys here: ").removesuffix(".").split(", ")
    assert set(here) <= set(listed), problem.remedy


def test_a_slip_goes_to_a_key_of_the_place_before_one_from_elsewhere() -> None:
    """`capacity` of a resource is spelt like the slip too, but a battery has `capacity_kwh`."""
    data = exchanged(RICH, ("groups", 0, "battery"), {"capacty": 5})
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(data)
    (problem,) = translate(caught.value, Document(data, "f.yaml"), Scenario)
    assert problem.remedy == "Did you mean 'capacity_kwh'?"


def test_walking_the_models() -> None:
    (uniform,) = models_at(Scenario, ("groups", 0, "cost", "separable", "target", "uniform"))
    assert keys_of([uniform]) == ["uniform"]
    (latency,) = models_at(Scenario, ("comms", "overrides", 1, "latency", "gamma"))
    assert keys_of([latency]) == ["kind", "offset_ms", "mean_ms", "shape"]
    assert models_at(Scenario, ("seed",)) == []
    assert len(models_at(Scenario, ("groups", 0, "load"))) == 4
    assert sections_with(Scenario, "capacity_kwh") == ["battery"]
