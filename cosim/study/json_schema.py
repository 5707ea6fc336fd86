"""The JSON schemas of scenario, sweep and study files, for editors that complete and check keys."""

from __future__ import annotations

from typing import Any

from cosim.engine.scenario import Scenario
from cosim.study.impact.schema import ImpactConfig
from cosim.study.sweep.schema import SweepConfig

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FORM_KEYS = ("model", "kind")


def scenario_schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12, of what a scenario file may hold.

    It has `base` and `override`, which are gone once a file is loaded. What a file with a base may leave out,
    it does not ask for.
    """
    schema = Scenario.model_json_schema()
    schema = {"$schema": _DRAFT, **schema, "title": "cosim scenario"}
    schema["properties"]["base"] = {
        "type": "string",
        "title": "Base",
        "description": (
            "A scenario to build on: a built-in name, or a file in this folder. The keys given here "
            "override it one by one."
        ),
    }
    schema["properties"]["override"] = {
        "type": "object",
        "title": "Override",
        "description": "Dotted paths and values that override everything else in the file and its base, such "
        "as `communities.market.agent.policy: additive`. Items of a list are named by number from 0, or by "
        "name.",
    }
    schema["anyOf"] = [{"required": ["base"]}, {"required": schema.pop("required")}]
    for definition in schema["$defs"].values():
        for key in _FORM_KEYS:
            if "const" in definition.get("properties", {}).get(key, {}):
                definition["required"] = sorted({*definition.get("required", ()), key})
    # A file may change part of the grid, or of a market, that its base names.
    options = [option for key in schema["properties"].values() for option in key.get("anyOf", ())]
    optional = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    for partly in (*optional, "PricesConfig"):
        schema["$defs"][partly].pop("required", None)
    return schema


def sweep_schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12, of what a sweep file may hold."""
    return {"$schema": _DRAFT, **SweepConfig.model_json_schema(), "title": "cosim sweep"}


def study_schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12, of what the file of an impact study may hold."""
    return {"$schema": _DRAFT, **ImpactConfig.model_json_schema(), "title": "cosim impact study"}
