"""A scenario back as YAML, fully resolved; other plain data too."""

from __future__ import annotations

import io
import json
import math
from typing import Any

from ruamel.yaml import YAML

from cosim.config.scenario import Scenario
from cosim.config.yaml_reader import parse_yaml
from cosim.errors import InputError


def to_yaml(scenario: Scenario) -> str:
    """Every value of a scenario, defaults too, as YAML that reads back to the same scenario."""
    return block_yaml(scenario.model_dump(mode="json"))


def block_yaml(data: Any) -> str:
    """Plain data as YAML that reads back to the same."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 110
    stream = io.StringIO()
    writer.dump(data, stream)
    return stream.getvalue()


def flow_yaml(value: Any) -> str:
    """Plain data as YAML in one line, which reads back to the same; for ``--set`` and the like."""
    # JSON is YAML but for numbers that are not finite.
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return {"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}[text]
    if isinstance(value, str) and _reads_back(value):
        return value
    return text


def _reads_back(text: str) -> bool:
    """Whether a text is the same without quotes."""
    try:
        return bool(text.strip()) and parse_yaml(text, "").data == text
    except InputError:
        return False
