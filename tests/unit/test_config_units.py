"""Units in the names of keys."""

from __future__ import annotations

import pytest

from cosim.config.units import convert, named, quantity, split_key, unit_of


@pytest.mark.parametrize(
    ("key", "stem", "symbol"),
    [
        ("latency_ms", "latency", "ms"),
        ("step_s", "step", "s"),
        ("capacity_kwh", "capacity", "kWh"),
        ("kwp", "", "kWp"),
        ("bandwidth_kbit_per_s", "bandwidth", "kbit/s"),
        ("self_discharge_per_day", "self_discharge", "1/day"),
        ("interval_min", "interval", "min"),
        ("soc_min", "soc_min", ""),
        ("capacity", "capacity", "units per step"),
        ("steps", "", "steps"),
        ("loss_probability", "loss", ""),
        ("name", "name", ""),
        ("alarms", "alarms", ""),
    ],
)
def test_split(key: str, stem: str, symbol: str) -> None:
    found, unit = split_key(key)
    assert (found, unit.symbol) == (stem, symbol)


@pytest.mark.parametrize(
    ("path", "symbol"),
    [
        ("groups.0.battery.capacity_kwh.uniform.0", "kWh"),
        ("groups.0.battery.capacity_kwh.normal.mean", "kWh"),
        ("groups.0.pv.kwp", "kWp"),
        ("time.steps", "steps"),
        ("uniform", ""),
        ("", ""),
    ],
)
def test_a_distribution_has_the_unit_of_its_key(path: str, symbol: str) -> None:
    assert unit_of(path).symbol == symbol


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 kWh", (5, "kWh")),
        ("-1.5e3kW", (-1500, "kW")),
        ("5%", (5, "%")),
        ("5", None),
        ("kW", None),
        ("5 to 6", None),
    ],
)
def test_quantities(text: str, expected: tuple[float, str] | None) -> None:
    assert quantity(text) == expected


@pytest.mark.parametrize(
    ("number", "given", "wanted", "expected"),
    [
        (500, "W", "kW", 0.5),
        (0.2, "s", "ms", 200),
        (1, "h", "min", 60),
        (5, "%", "%", 5),
        (5, "kWh", "kW", None),
        (1, "pu", "pu", None),
    ],
)
def test_conversion(number: float, given: str, wanted: str, expected: float | None) -> None:
    first, second = named(given), named(wanted)
    assert first is not None
    assert second is not None
    assert convert(number, first, second) == expected


def test_unknown_units_are_not_guessed() -> None:
    assert named("furlong") is None
