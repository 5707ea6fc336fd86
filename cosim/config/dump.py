"""A scenario back as YAML, fully resolved."""

from __future__ import annotations

import io

from ruamel.yaml import YAML

from cosim.config.scenario import Scenario


def to_yaml(scenario: Scenario) -> str:
    """Every value of a scenario, defaults too, as YAML that reads back to the same scenario."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 110
    stream = io.StringIO()
    writer.dump(scenario.model_dump(mode="json"), stream)
    return stream.getvalue()
