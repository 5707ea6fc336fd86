"""Every number, list and text of a scenario, a sweep and a network file has bounds, which messages name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from cosim.config.base import MAX_HOURS, MAX_MS, SMALLEST, Finite, NonNegative, Positive, Range
from cosim.config.values import KilowattsValue, MillisecondsValue, PositiveKilowattHoursValue
from cosim.core.errors import InputError
from cosim.engine.check import check_configuration
from cosim.engine.load import load_scenario
from cosim.engine.scenario import Scenario
from cosim.grid.schema import NetworkConfig
from cosim.study.sweep.schema import SweepConfig

LARGEST_EXACT = 2**63 - 1


def leaves(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below `schema` that a value is held against, with where it stands."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs"):
        for name, below in schema.get(key, {}).items():
            yield from leaves(below, f"{path}.{name}")
    for key in ("anyOf", "oneOf", "prefixItems"):
        for below in schema.get(key, []):
            yield from leaves(below, path)
    for key in ("items", "additionalProperties"):
        yield from leaves(schema.get(key), f"{path}[]")


def has_bounds(schema: dict[str, Any]) -> bool:
    match schema.get("type"):
        case "number" | "integer":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
            high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
            return "enum" in schema or -LARGEST_EXACT <= low <= high <= LARGEST_EXACT
        case "string":
            return bool({"const", "enum", "maxLength", "format"} & set(schema))
        case "array":
            return "maxItems" in schema
        case "object":
            return schema.get("additionalProperties", False) is False or "maxProperties" in schema
        case _:
            return True


def unbounded(model: type[BaseModel]) -> list[str]:
    return [
        path for path, schema in leaves(model.model_json_schema(), model.__name__) if not has_bounds(schema)
    ]


@pytest.mark.parametrize("model", [Scenario, NetworkConfig, SweepConfig])
def test_everything_has_a_lower_and_an_upper_bound(model: type[BaseModel]) -> None:
    assert unbounded(model) == []


def test_the_walk_sees_what_has_none() -> None:
    class Loose(BaseModel):
        number: float
        whole: int | None
        text: str
        items: list[bool]
        table: dict[str, bool]
        half: tuple[Any, ...]

    assert {path.split(".")[1] for path in unbounded(Loose)} == set(Loose.model_fields)


@pytest.mark.parametrize(
    ("kind", "good", "bad", "message"),
    [
        (Positive, [SMALLEST, 1, 1e9], [0, -1, 1.1e9], "must be"),
        (NonNegative, [0, 1e9], [-1e-6, 1e10], "must be"),
        (Finite, [-1e9, 0, 1e9], [1e300, -1e300], "must be"),
        (Finite, [0.0, -0.0], [1e-300, -5e-324], "nearer to 0 than 1e-12"),
        (Finite, [1], [math.nan, math.inf], "finite"),
        (Finite, [1], [10**400, "1", True], "valid number"),
        (
            MillisecondsValue,
            [0, MAX_MS, {"uniform": [0, MAX_MS]}],
            [MAX_MS + 1, {"choice": [0, 1e300]}],
            "must be",
        ),
        (
            KilowattsValue,
            [{"normal": {"mean": 1, "std": 0.1}}],
            [{"normal": {"mean": 1, "std": 1}}],
            "at least 0",
        ),
        (
            KilowattsValue,
            [{"normal": {"mean": 1, "std": 1}, "low": 0}],
            [{"each": [1, 2e6]}],
            "at most 1,000,000",
        ),
    ],
)
def test_ends_count_and_nothing_beyond(kind: Any, good: list[Any], bad: list[Any], message: str) -> None:
    adapter = TypeAdapter(kind)
    for value in good:
        adapter.validate_python(value)
    for value in bad:
        with pytest.raises(ValidationError, match=message):
            adapter.validate_python(value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("comms.default.latency.latency_ms", 1e300, "must be at most 3,600,000,000,000 ms"),
        ("comms.default.latency.latency_ms", -1, "Write a number from 0 to 3,600,000,000,000 ms."),
        ("time.duration_h", 1e9, "must be at most 1,000,000 h"),
        ("groups.0.households", 10**9, "must be at most 1,000,000"),
        ("energy_value.prices.grid", 1e7, "must be at most 1,000,000 EUR/kWh"),
        ("energy_value.rules.request_retries", 10**9, "must be at most 1,000"),
        (
            "groups.0.load",
            "{kind: simbench, profile: H0-A, peak_kw: {uniform: [1, 1e8]}}",
            "must be at most 1,000,000 kW, and this reaches from 1 to 1e+08",
        ),
        ("seed", 2**63, "must be at most 9,223,372,036,854,775,807"),
        ("seed", 10**400, "must be at most 9,223,372,036,854,775,807"),
        ("title", "x" * 2000, "longer than 1000 characters"),
        ("comms.default.loss", "{kind: bernoulli, loss_probability: 3}", "if 3 % is meant, write 0.03"),
    ],
)
def test_messages_name_the_bound_with_its_unit(path: str, value: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("village_combined", [f"{path}={value}"])
    assert told in re.sub(r"\s+", " ", str(caught.value))


def test_ranges_read_as_sentences() -> None:
    assert str(Range(0, MAX_HOURS)) == "from 0 to 1,000,000"
    assert str(Range(0, 1, above_low=True)) == "above 0 and at most 1"
    assert str(Range(0, 0.5, above_low=True, below_high=True)) == "above 0 and below 0.5"
    assert str(Range(-1, 1, below_high=True)) == "at least -1 and below 1"


def test_whole_milliseconds_stay_exact() -> None:
    assert 2_000 * MAX_MS < 2**53


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["groups.0.households=600000", "groups.1.households=600000"], "1,200,000 households are more than"),
        (
            ["time.steps=null", "time.duration_h=1000000", "time.step_s=1"],
            "more than 100,000,000 market steps",
        ),
        (["time.steps=100000000", "time.step_s=3600"], "after the year 9999"),
        (["time.steps=9000", "time.step_s=360000", "time.start=9990-01-01"], "after the year 9999"),
    ],
)
def test_sums_and_products_are_bounded_too(overrides: list[str], told: str) -> None:
    try:
        problems = tuple(check_configuration(load_scenario("section6", overrides)))
    except InputError as error:
        problems = error.problems
    assert told in "\n".join(map(str, problems))


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ("load: {kind: constant, p_kw: {each: [1, 2]}}", "load.p_kw"),
        (
            "load: {kind: constant, p_kw: 1}\n    battery: {capacity_kwh: {each: [1, 2, 3, 4]}}",
            "battery.capacity_kwh",
        ),
        ("cost: {kind: separable, linear: {each: [1]}, own_quadratic: 1, target: 0.5}", "cost.linear"),
        ("pv: {kind: simbench, kwp: {each: [1, 2]}}", "pv.kwp"),
    ],
)
def test_a_list_for_other_households_is_refused_in_its_place(tmp_path: Path, part: str, path: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        f"name: t\ntime: {{duration_h: 2}}\ngroups:\n  - name: h\n    households: 3\n    {part}\n"
    )
    problems = [each for each in check_configuration(load_scenario(str(file))) if each.severity == "error"]
    assert [each.path for each in problems] == [f"groups.0.{path}.each"]
    assert problems[0].line >= 6
    assert "for 3 households" in problems[0].message


@pytest.mark.parametrize("kind", [Positive, NonNegative, Finite, KilowattsValue, PositiveKilowattHoursValue])
def test_a_number_too_near_to_0_is_refused_without_telling_to_write_0(kind: Any) -> None:
    with pytest.raises(ValidationError, match="nearer to 0") as caught:
        TypeAdapter(kind).validate_python(1e-300)
    assert "write 0" not in str(caught.value)
