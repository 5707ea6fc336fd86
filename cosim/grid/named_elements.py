"""What a feeder's elements are called, and what their limits are, as sentences about them need it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from cosim.core.shown import number_text
from cosim.core.text import visible
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits, band_use
from cosim.grid.verdict import WORDS_BY_KEY


class Element(NamedTuple):
    """A bus, line or transformer of the feeder."""

    name: str
    """As the network calls it; may be empty."""
    limits: Mapping[str, float]
    """By key of the kind of limit: pu for voltages, percent for loadings."""
    rating_kva: float | None = None
    """What a transformer's loading is a share of; None of others, and where a run did not write it."""


Elements = Mapping[tuple[str, int], Element]
"""By table (``bus``, ``line``, ``trafo``, ``trafo3w``) and index."""


def elements_of(feeder: Feeder, limits: FeederLimits) -> Elements:
    """The elements of a feeder under its limits."""
    found: dict[tuple[str, int], Element] = {}
    rows = zip(feeder.bus.index, feeder.bus.name, limits.vm_min_pu, limits.vm_max_pu, strict=True)
    for index, name, low, high in rows:
        found["bus", int(index)] = Element(name, {"voltage_low": float(low), "voltage_high": float(high)})
    for kind in ("line", "trafo", "trafo3w"):
        own, most = getattr(feeder, kind), getattr(limits, f"{kind}_loading_max_percent")
        kva = feeder.facts.rating_kva[kind]
        for index, *row in zip(own.index, own.name, most, kva, strict=True):
            found[kind, int(index)] = branch(kind, *row)
    return found


def branch(kind: str, name: str, percent: float, kva: float | None) -> Element:
    """A line or transformer, with its limit and rating."""
    has_rating = kind != "line" and kva is not None and math.isfinite(kva)
    return Element(name, {f"{kind}_overload": float(percent)}, kva if has_rating else None)


def element_name(table: str, index: int, elements: Elements) -> str:
    """What the network calls an element, on one line; empty where it has no name."""
    element = elements.get((table, index))
    return visible(element.name, one_line=True) if element else ""


def limit_text(key: str, element: Element) -> str:
    """A limit of an element, and what it is a share of: ``1.1000 pu``, ``100 % of 400 kVA``."""
    of = "" if element.rating_kva is None else f" of {number_text(element.rating_kva)} kVA"
    return f"{WORDS_BY_KEY[key].value.format(element.limits[key])}{of}"


def used_value(key: str, use: float, limit: float) -> float:
    """The voltage, pu, or the loading, %, at which so much of a limit is used."""
    return limit / use if key == "voltage_low" else limit * use


def used_text(key: str, use: float, element: Element) -> str:
    """The same in words; of a loading beside a rated power by what it is: ``1.0450 pu``, ``141.8 % by
    current``."""
    return value_text(key, used_value(key, use, element.limits[key]), element)


def value_text(key: str, value: float, element: Element) -> str:
    """A voltage or a loading in the same words."""
    # At another voltage than the nominal one, the same power is another current.
    by = "" if element.rating_kva is None else " by current"
    return f"{WORDS_BY_KEY[key].value.format(value)}{by}"


def limit_use(key: str, value: float, element: Element) -> float:
    """How far an element uses a limit, by one rule for all, which a map shows: 1 is just reached.

    A loading as a share of its limit; a voltage by how far it is on its way from the middle of its band to
    the limit, for a feeder without any load is there, and not at 0 pu.

    Parameters
    ----------
    key : str
        The kind of limit, which the element has.
    value : float
        The voltage, pu, or the loading, %.
    element : Element
        Which.
    """
    limits = element.limits
    if {"voltage_low", "voltage_high"} <= limits.keys() and limits["voltage_low"] < limits["voltage_high"]:
        return float(band_use(key, value, limits["voltage_low"], limits["voltage_high"]))
    if key == "voltage_low":
        return limits[key] / value if value else math.inf
    return value / limits[key]
