"""A configuration back as YAML, fully resolved; other plain data too."""

from __future__ import annotations

import io
import json
import math
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.emitter import Emitter

from cosim.config.yaml_reader import parse_yaml
from cosim.core.errors import InputError


def to_yaml(model: BaseModel) -> str:
    """Every value of a model, defaults too, as YAML that reads back to the same model."""
    return block_yaml(model.model_dump(mode="json"))


class _Emitter(Emitter):
    """Quotes also what ruamel.yaml writes plain but does not read back."""

    def analyze_scalar(self, scalar: Any) -> Any:
        """How a text may be written."""
        analysis = super().analyze_scalar(scalar)
        if scalar[:1] in ("?", ":"):  # its reader takes either for a mapping's, wherever it stands
            analysis.allow_flow_plain = analysis.allow_block_plain = False
        if "\x85" in scalar:  # a line's end to its reader; in double quotes it is escaped
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis


def block_yaml(data: Any) -> str:
    """Plain data as YAML that reads back to the same."""
    writer = YAML(typ="safe", pure=True)
    writer.Emitter = _Emitter
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
