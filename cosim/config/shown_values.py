"""Configured values as a reader of `cosim explain` wants them."""

from __future__ import annotations

import json

from cosim.config.units import unit_of


def plain_value(value: object) -> str:
    """A value as in YAML."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def measured_value(key: str, value: object) -> str:
    """The value of a key with its unit."""
    unit = "" if value is None else unit_of(key).symbol
    return f"{plain_value(value)}{' ' if unit else ''}{unit}"
