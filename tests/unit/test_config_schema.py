"""The JSON schema: valid in its structure, described key by key, and of one mind with the loader."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cosim.config.library import names, shelf_folder
from cosim.config.units import split_key
from cosim.config.yaml_reader import read_yaml
from cosim.engine.load import load_scenario
from cosim.study.json_schema import scenario_schema

whole = functools.cache(scenario_schema)

# Keywords of draft 2020-12 that may occur, and `discriminator`, which is OpenAPI's and an annotation here.
KEYWORDS = {
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "type",
    "properties",
    "required",
    "const",
    "enum",
    "additionalProperties",
    "propertyNames",
    "maxProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "anyOf",
    "oneOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "pattern",
    "minLength",
    "maxLength",
    "format",
    "discriminator",
}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(schema, dict):
        return
    yield schema
    for key in ("properties", "$defs"):
        for below in schema.get(key, {}).values():
            yield from subschemas(below)
    for key in ("anyOf", "oneOf", "prefixItems"):
        for below in schema.get(key, []):
            yield from subschemas(below)
    for key in ("items", "additionalProperties"):
        yield from subschemas(schema.get(key))


def errors(value: Any, schema: Any, path: str = "") -> list[str]:
    """What is wrong with a value by the schema; knows the keywords that occur."""
    if schema is True or schema is False:
        return [] if schema else [path]
    if "$ref" in schema:
        schema = {**whole()["$defs"][schema["$ref"].removeprefix("#/$defs/")], **schema}
    found: list[str] = []
    kind = schema.get("type")
    if kind in ("number", "integer"):
        allowed = (int, float) if kind == "number" else (int,)
        if isinstance(value, bool) or not isinstance(value, allowed):
            return [path]
    elif kind is not None and not isinstance(value, TYPES[kind]):
        return [path]
    bounds = (
        ("minimum", lambda a, b: a >= b),
        ("maximum", lambda a, b: a <= b),
        ("exclusiveMinimum", lambda a, b: a > b),
        ("exclusiveMaximum", lambda a, b: a < b),
    )
    found += [path for key, holds in bounds if key in schema and not holds(value, schema[key])]
    if "const" in schema and value != schema["const"]:
        found.append(path)
    if "enum" in schema and value not in schema["enum"]:
        found.append(path)
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(path)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{path}.{key}" for key in schema.get("required", ()) if key not in value]
        for key, below in value.items():
            found += errors(below, known.get(key, schema.get("additionalProperties", True)), f"{path}.{key}")
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(path)
        for number, item in enumerate(value):
            found += errors(
                item, first[number] if number < len(first) else schema.get("items", True), f"{path}.{number}"
            )
    if "anyOf" in schema and all(errors(value, option, path) for option in schema["anyOf"]):
        found.append(path)
    if "oneOf" in schema and sum(not errors(value, option, path) for option in schema["oneOf"]) != 1:
        found.append(path)
    return found


def test_is_json_and_says_its_draft() -> None:
    assert json.loads(json.dumps(whole())) == whole()
    assert whole()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_structure() -> None:
    for schema in subschemas(whole()):
        assert set(schema) <= KEYWORDS, set(schema) - KEYWORDS
        assert schema.get("type", "object") in {*TYPES, "number", "integer"}
        assert set(schema.get("required", ())) <= set(schema.get("properties", schema.get("required", ())))
        if "$ref" in schema:
            assert schema["$ref"].removeprefix("#/$defs/") in whole()["$defs"]
        if "pattern" in schema:
            re.compile(schema["pattern"])


def properties() -> list[tuple[str, str, dict[str, Any]]]:
    owners = [("Scenario", whole()), *whole()["$defs"].items()]
    return [(owner, key, p) for owner, schema in owners for key, p in schema.get("properties", {}).items()]


def test_every_key_is_described() -> None:
    assert [f"{owner}.{key}" for owner, key, p in properties() if len(p.get("description", "")) < 8] == []
    assert [name for name, d in whole()["$defs"].items() if not d.get("description")] == []


def test_a_key_with_a_unit_says_it_in_its_description_too() -> None:
    words = {
        "ms": "ms",
        "s": ", s|second",
        "h": r"h\b|hours",
        "min": "min",
        "%": "%|percent",
        "pu": "per unit|pu",
        "kWp": "kWp",
        "bytes": "bytes",
        "ppm": "millionth",
        "1/day": "a day|per day",
        "steps": "step|in order|chronological",
    }
    missing = [
        f"{owner}.{key}"
        for owner, key, p in properties()
        if (unit := split_key(key)[1].symbol)
        and owner != "Normal"
        and not re.search(words.get(unit, re.escape(unit)), p["description"], re.IGNORECASE)
        and unit not in ("messages", "units per step")
    ]
    assert missing == []


@pytest.mark.parametrize("name", names("scenarios"))
def test_built_in_scenarios_are_valid(name: str) -> None:
    file = shelf_folder("scenarios") / f"{name}.yaml"
    assert errors(read_yaml(file).data, whole()) == []
    assert errors(load_scenario(name).scenario.model_dump(mode="json"), whole()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"sede": 1},
        {"seed": -1},
        {"seed": "one"},
        {"time": {"steps": 1.5}},
        {"groups": [{}]},
        {"comms": {"default": {"latency": {"latency_ms": 5}}}},
        {"comms": {"default": {"latency": {"kind": "x"}}}},
        {"comms": {"default": {"loss": {"kind": "bernoulli", "loss_probability": 1.2}}}},
        {"grid": {"netwrok": "x"}},
    ],
)
def test_slips_are_seen(change: dict[str, Any]) -> None:
    good = read_yaml(shelf_folder("scenarios") / "section6.yaml").data
    assert errors(good, whole()) == []
    assert errors({**good, **change}, whole()) != []


def test_bases_and_overrides_are_known() -> None:
    assert errors({"base": "section6", "name": "x", "override": {"time.steps": 3}}, whole()) == []
    assert errors({"base": "section6", "time": {"step_s": 60}, "grid": {"interval_min": 15}}, whole()) == []
    assert errors({"name": "x"}, whole()) != []
