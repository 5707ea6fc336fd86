"""Units in the headers of columns: ``home [kW]``, ``home (kWh)``, ``home_kw``, ``Energie in kWh``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit that a column's values can have."""

    symbol: str
    """As it is written."""
    factor: float
    """What a value is multiplied by: to kW (kW/kWp), to kWh for energy, to EUR/kWh for a price."""
    is_energy: bool = False
    """Whether it is energy in each slot."""
    per_kwp: bool = False
    """Whether it is per installed kWp."""


_PREFIXES = {"": 1e-3, "k": 1.0, "M": 1e3, "G": 1e6}
_RELATIVE = {"kW/kWp": 1.0, "W/Wp": 1.0, "W/kWp": 1e-3, "MW/MWp": 1.0}
_YIELD = {"kWh/kWp": 1.0, "Wh/Wp": 1.0, "Wh/kWp": 1e-3, "MWh/MWp": 1.0}
POWER: dict[str, Unit] = {
    unit.symbol: unit
    for unit in (
        *(Unit(f"{prefix}W", factor) for prefix, factor in _PREFIXES.items()),
        *(Unit(f"{prefix}Wh", factor, is_energy=True) for prefix, factor in _PREFIXES.items()),
        *(Unit(symbol, factor, per_kwp=True) for symbol, factor in _RELATIVE.items()),
        *(Unit(symbol, factor, is_energy=True, per_kwp=True) for symbol, factor in _YIELD.items()),
    )
}
"""Units of power, and of energy in each slot, by symbol."""
ENERGY: dict[str, Unit] = {f"{prefix}Wh": Unit(f"{prefix}Wh", factor) for prefix, factor in _PREFIXES.items()}
"""Units of energy, by symbol; factor to kWh."""
TEMPERATURE: dict[str, Unit] = {symbol: Unit(symbol, 1.0) for symbol in ("°C", "C", "degC")}
"""Units of temperatures, by symbol."""
PRICE: dict[str, Unit] = {
    symbol: Unit(symbol, factor)
    for symbol, factor in {
        "EUR/kWh": 1.0,
        "€/kWh": 1.0,
        "EUR/MWh": 1e-3,
        "€/MWh": 1e-3,
        "ct/kWh": 1e-2,
        "Cent/kWh": 1e-2,
    }.items()
}
"""Units of prices, by symbol."""
TIME: dict[str, Unit] = {"ms": Unit("ms", 1.0), "s": Unit("s", 1e3), "us": Unit("us", 1e-3)}
"""Units of latencies, by symbol; factor to ms."""
_USUAL = ("kW", "W", "MW", "kWh", "Wh", "kW/kWp", "EUR/kWh", "EUR/MWh", "ct/kWh", "ms", "s", "°C")
OTHER = ("°C", "C", "K", "m/s", "W/m2", "W/m²", "Wh/m2", "kWh/m2", "%", "°", "V", "A", "Hz", "kvar", "var")
OTHER_PRICES = ("GBP/MWh", "USD/MWh", "CHF/MWh")
"""Units that are known and are none of those above: their columns are left out and named."""

_JOINT = re.compile(r"^(.+?)(?:\s+in\s+|\s*[,;:/-]\s+|[\s_])([^\s_]+)$")


def find_unit(symbol: str, known: Mapping[str, Unit]) -> Unit | None:
    """The unit that `symbol` means; None where it is unknown, or could mean two (``mW``: milli or mega?)."""
    symbol = symbol.strip()
    if symbol in known:
        return known[symbol]
    if re.match(r"m[Ww]", symbol) and symbol != symbol.lower():
        return None
    return next((unit for name, unit in known.items() if name.lower() == symbol.lower()), None)


def usual(known: Mapping[str, Unit]) -> str:
    """Those of the known units that are usual, for a message."""
    return ", ".join(symbol for symbol in _USUAL if symbol in known)


def split_header(header: str, known: Mapping[str, Unit]) -> tuple[str, str]:
    """Name and unit of a header; the unit is empty where there is none.

    What stands in square brackets is a unit in any case, what stands in round ones, or behind a space, an
    underscore or ``in``, where it is a known one.
    """
    bracket = re.match(r"^(.*)\[([^\[\]]*)\](.*)$", header)
    if bracket:
        name = f"{bracket[1].strip()} {bracket[3].strip()}".strip()
        return name or bracket[2].strip(), bracket[2].strip()
    for start, end in ((each.start(), each.end()) for each in re.finditer(r"\([^()]*\)", header)):
        inside = header[start + 1 : end - 1].strip()
        if find_unit(inside, known) or inside in OTHER:
            name = f"{header[:start].strip()} {header[end:].strip()}".strip()
            return name or inside, inside
    if find_unit(header, known):
        return header, header
    joint = _JOINT.match(header)
    if joint and (unit := find_unit(joint[2], known)) and (len(unit.symbol) > 1 or joint[2] == "W"):
        return joint[1].strip(), unit.symbol
    house = re.match(r"^(.+)_w$", header)  # names as this project itself writes them
    return (house[1], "W") if house and "W" in known else (header, "")
