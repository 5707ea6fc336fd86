"""Axes of studies in words: a column's name without its unit, and the unit beside it."""

from __future__ import annotations

from cosim.config.units import split_key


def axis_label(column: str) -> str:
    """An axis as figures and pages name it: ``mean latency [s]``."""
    name, unit = split_key(column)
    return f"{_plain(name)} [{unit.symbol}]" if name and unit.symbol else _plain(column)


def at_value(column: str, value: object) -> str:
    """One of its values: ``mean latency 1800 s``."""
    name, unit = split_key(column)
    return f"{_plain(name)} {value} {unit.symbol}" if name and unit.symbol else f"{_plain(column)} {value}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
