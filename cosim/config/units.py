"""Units as the names of keys carry them, and how a value in another unit of the same kind is converted."""

from __future__ import annotations

import re
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit that a key's name can end with."""

    symbol: str
    """As it is written: ``kW``."""
    kind: str = ""
    """What it measures; units of one kind convert into each other, an empty kind into nothing."""
    factor: float = 1.0
    """How many of its kind's first unit one of it is."""


_BY_ENDING = {
    "ms": Unit("ms", "time"),
    "s": Unit("s", "time", 1_000),
    "min": Unit("min", "time", 60_000),
    "h": Unit("h", "time", 3_600_000),
    "days": Unit("days", "time", 86_400_000),
    "w": Unit("W", "power", 1e-3),
    "kw": Unit("kW", "power"),
    "mw": Unit("MW", "power", 1e3),
    "wh": Unit("Wh", "energy", 1e-3),
    "kwh": Unit("kWh", "energy"),
    "mwh": Unit("MWh", "energy", 1e3),
    "kwp": Unit("kWp"),
    "pu": Unit("pu"),
    "ppm": Unit("ppm"),
    "probability": Unit("", "share", 1),
    "share": Unit("", "share", 1),
    "fraction": Unit("", "share", 1),
    "percent": Unit("%", "share", 0.01),
    "bytes": Unit("bytes"),
    "messages": Unit("messages"),
    "kbit_per_s": Unit("kbit/s"),
    "eur_per_kwh": Unit("EUR/kWh"),
    "kwh_per_km": Unit("kWh/km"),
    "per_day": Unit("1/day"),
    "per_hour": Unit("1/h"),
    "steps": Unit("steps"),
    "kvar": Unit("kvar"),
    "kva": Unit("kVA"),
}
_BY_SYMBOL = {unit.symbol.lower(): unit for unit in _BY_ENDING.values() if unit.symbol}
_NO_UNIT = Unit("")
_BY_KEY = {
    "soc_min": _NO_UNIT,
    "capacity": Unit("units per step"),
    "by_hour": Unit("units per step"),
    "value": Unit("units per step"),
    "target": Unit("units per step"),
}
"""Keys whose end does not say their unit."""


def split_key(key: str) -> tuple[str, Unit]:
    """A key's name without its unit, and the unit; an empty one where the name carries none.

    Examples
    --------
    >>> split_key("latency_ms")
    ('latency', Unit(symbol='ms', kind='time', factor=1.0))
    """
    if key in _BY_KEY:
        return key, _BY_KEY[key]
    for ending in sorted(_BY_ENDING, key=len, reverse=True):
        if key == ending:
            return "", _BY_ENDING[ending]
        if key.endswith(f"_{ending}"):
            return key.removesuffix(f"_{ending}"), _BY_ENDING[ending]
    return key, _NO_UNIT


def unit_of(path: str) -> Unit:
    """The unit of the value at a dotted path: of its own key, or of the key that its distribution belongs to.

    In ``battery.capacity_kwh.uniform.0`` it is that of ``capacity_kwh``.
    """
    keys = [key for key in path.split(".") if not key.isdigit()]
    while keys and keys[-1] in (
        "uniform",
        "uniform_int",
        "normal",
        "mean",
        "std",
        "low",
        "high",
        "choice",
        "each",
    ):
        keys.pop()
    if "prices" in keys and keys[-1] in ("grid", "price", "by_hour"):
        return Unit("EUR/kWh")
    return split_key(keys[-1])[1] if keys else _NO_UNIT


def quantity(text: str) -> tuple[float, str] | None:
    """The number and the unit that a text like ``5 kWh`` states; None where it states none."""
    match = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([%a-zA-Zµ/²]+)\s*", text)
    return (float(match[1]), match[2]) if match else None


def named(symbol: str) -> Unit | None:
    """The unit that is written `symbol`, capital letters or not; None where it is not known."""
    return _BY_SYMBOL.get(symbol.lower())


def convert(number: float, given: Unit, wanted: Unit) -> float | None:
    """`number` in the wanted unit, rounded to 12 digits; None where the units are of different kinds."""
    if not given.kind or given.kind != wanted.kind:
        return None
    return float(f"{number * given.factor / wanted.factor:.12g}")
