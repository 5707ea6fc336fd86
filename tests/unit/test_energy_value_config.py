"""Configuration of the energy-value market: Tables I and III as printed, and what is refused how."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cosim.config.choice import Choice
from cosim.trading.schemas.appliances import (
    TABLE_I,
    ApplianceConfig,
    GeneratedAppliances,
    ListedAppliances,
    preferences_of,
)
from cosim.trading.schemas.energy_value import EnergyValueConfig, RigidityConfig
from cosim.trading.schemas.tariffs import PricesConfig
from cosim.trading.strategies import SELLING, SellingStrategy


def _appliance(**more: Any) -> ApplianceConfig:
    return ApplianceConfig.model_validate({"name": "washer", "power_kw": 1, "duration_h": 2, **more})


def _market(**more: Any) -> EnergyValueConfig:
    return EnergyValueConfig.model_validate({"prices": {"grid": 0.2}, **more})


def test_table_1_and_table_3_as_printed() -> None:
    assert [(a.power_kw, a.duration_h) for a in TABLE_I] == [
        (3.0, 6), (2.0, 2), (1.0, 1), (3.0, 3), (1.0, 3), (2.0, 1), (0.5, 20), (0.4, 4), (2.0, 24),
    ]  # fmt: skip
    # Row t = 19 and t = 20 of Table III; hours here are one less.
    table = [preferences_of(a.preferences) for a in TABLE_I]
    assert [row[18] for row in table] == [2, 2, 3, 1, 2, 1, 1, 3, 1]
    assert [row[19] for row in table] == [2, 3, 2, 1, 3, 1, 1, 3, 1]
    # How often each column of Table III shows a 1, a 2 and a 3.
    assert [tuple(row.count(level) for level in (1, 2, 3)) for row in table] == [
        (18, 6, 0), (21, 2, 1), (21, 2, 1), (14, 10, 0), (20, 2, 2),
        (17, 2, 5), (20, 1, 3), (18, 0, 6), (24, 0, 0),
    ]  # fmt: skip


def test_defaults_are_the_papers() -> None:
    market = _market()
    assert market.prices.feed_in.share == 0.1  # type: ignore[union-attr]
    assert market.household.contracted_power_kw == 10.35
    assert market.household.bidding.kind == "random"


def test_every_key_is_described() -> None:
    schema = EnergyValueConfig.model_json_schema()
    for name, model in schema["$defs"].items():
        for key, entry in model.get("properties", {}).items():
            assert entry.get("description"), f"{name}.{key}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preferences": [1] * 23 + [3.5]}, "at most 3"),
        ({"preferences": [0.5] + [1] * 23}, "at least 1"),
        (
            {"preferences": [1] * 23},
            "23 numbers are given, and one is needed for each hour of the day; give 24",
        ),
        ({"preferences": "midnight"}, "space_heaters"),
        ({"duration_h": 9, "earliest_start_h": 8, "latest_end_h": 16}, "do not fit into a window of 8 h"),
        ({"runs_per_day": 13}, "26 h of running do not fit"),
        ({"earliest_start_h": 20, "latest_end_h": 6}, "windows do not cross midnight"),
        ({"power_kw": 0}, "more than 0"),
        ({"duration_h": 1.3}, "is not a whole number of quarter hours"),
        ({"power_w": 100}, "Extra inputs"),
    ],
)
def test_bad_appliances(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _appliance(**change)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        _appliance(power_kw=-1, preferences=[0] * 2 + [1] * 21 + [4], runs_per_day=0)
    assert len(caught.value.errors()) == 5


def test_two_appliances_of_one_name() -> None:
    with pytest.raises(ValidationError, match="two appliances are called washer"):
        ListedAppliances(kind="list", appliances=(_appliance(), _appliance()))


@pytest.mark.parametrize(
    ("rigidity", "words"),
    [
        ({"rigidity": 0}, "keep it within 1 to rigidity_max = 5"),
        ({"rigidity": 6}, "keep it within 1 to rigidity_max = 5"),
        ({"rigidity": 2.5}, "whole number"),
        ({"rigidity": {"uniform": [1, 5]}}, "whole number"),
        ({"rigidity": {"uniform_int": [1, 9]}}, "reaches from 1 to 9"),
        ({"rigidity_max": 2}, "at least 3"),
        ({"gamma_b": -0.1}, "at least 0"),
    ],
)
def test_bad_rigidity(rigidity: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RigidityConfig.model_validate(rigidity)


@pytest.mark.parametrize("rigidity", [1, 5, {"uniform_int": [1, 5]}, {"choice": [1, 3]}, {"each": [2, 4]}])
def test_good_rigidity(rigidity: Any) -> None:
    RigidityConfig.model_validate({"rigidity": rigidity})


@pytest.mark.parametrize(
    ("bidding", "words"),
    [
        ({"kind": "fixed", "kappa": 1.0}, "less than 1"),
        ({"kind": "fixed", "kappa": 0}, "more than 0"),
        ({"kind": "random", "low": 0.8, "high": 0.5}, "low 0.8 is not below high 0.5"),
        ({"kind": "roth_erev", "recency": 1}, "less than 1"),
        ({"kind": "greedy"}, "'roth_erev', 'exp3', 'random', 'fixed'"),
    ],
)
def test_bad_bids(bidding: dict[str, Any], words: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[SellingStrategy, Choice(SELLING)])
    with pytest.raises(ValidationError, match=words):
        adapter.validate_python(bidding)


@pytest.mark.parametrize(
    "grid", [0.2, -0.05, {"by_hour": [-0.1] * 24}, {"file": "prices.csv", "column": "de"}]
)
def test_forms_of_a_price(grid: Any) -> None:
    PricesConfig.model_validate({"grid": grid})


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({"grid": {"by_hour": [0.1] * 23}}, "give 24"),
        ({"grid": {"hourly": [1]}}, "a price is a number"),
        ({"grid": float("nan")}, "finite number"),
        ({"grid": {"file": "../prices.csv"}}, "the path points outside"),
        ({"grid": 0.2, "feed_in": {"share": 1.0}}, "less than 1"),
        ({"grid": 0.2, "feed_in": 0.05}, "its own {price"),
    ],
)
def test_bad_prices(prices: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PricesConfig.model_validate(prices)


def test_generated_population_refuses_shares_above_one() -> None:
    with pytest.raises(ValidationError, match="at most 1"):
        GeneratedAppliances(kind="generated", ownership={"oven": 1.2})
