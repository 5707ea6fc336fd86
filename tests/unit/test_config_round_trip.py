"""A scenario written out and read again is the same scenario."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.config.base import SMALLEST
from cosim.config.dump import block_yaml, to_yaml
from cosim.config.library import names
from cosim.config.yaml_reader import parse_yaml
from cosim.engine.load import load_scenario
from cosim.engine.scenario import Scenario
from tests.examples import examples


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of a range without those that are refused as too near to 0."""
    return st.floats(low, high).map(lambda number: 0.0 if abs(number) < SMALLEST else number)


positive = st.floats(1e-9, 1e9)
finite = floats(-1e8, 1e8)
ordered = st.tuples(finite, finite).map(sorted)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
# Windows has devices of some names, which are refused.
names_ = st.from_regex(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)$)[A-Za-z][A-Za-z0-9_\-]{0,8}", fullmatch=True)

value = st.one_of(
    finite,
    ordered.map(lambda ends: {"uniform": ends}),
    st.lists(finite, min_size=1, max_size=4).map(lambda numbers: {"choice": numbers}),
    st.tuples(finite, st.floats(1e-9, 1e8)).map(lambda m: {"normal": {"mean": m[0], "std": m[1]}}),
)
cost = st.one_of(
    st.fixed_dictionaries({"kind": st.just("separable"), "linear": value, "target": floats(0, 9)}),
    st.fixed_dictionaries({"kind": st.just("section6_community_1")}, optional={"delta": value}),
)
load = st.one_of(
    st.fixed_dictionaries({"kind": st.just("constant"), "p_kw": floats(0, 1e6)}),
    st.fixed_dictionaries({"kind": st.just("simbench"), "profile": words, "peak_kw": floats(0, 9)}),
)
group = st.fixed_dictionaries(
    {"name": names_, "households": st.integers(1, 10**5)}, optional={"cost": cost, "load": load}
)
capacity = st.one_of(
    floats(0, 1e6),
    st.lists(floats(0, 1e6), min_size=24, max_size=24).map(lambda c: {"kind": "hourly", "by_hour": c}),
)
resources = st.lists(
    st.fixed_dictionaries({"name": names_, "capacity": capacity, "unit_kwh": floats(0, 9)}),
    min_size=1,
    max_size=2,
    unique_by=lambda resource: resource["name"],
)
community = st.fixed_dictionaries(
    {"name": names_, "resources": resources, "groups": st.lists(names_, min_size=1, max_size=2, unique=True)},
    optional={"platform": st.fixed_dictionaries({"gain": st.one_of(positive, st.just({"margin": 0.3}))})},
)
latency = st.one_of(
    st.fixed_dictionaries({"kind": st.just("constant"), "latency_ms": floats(0, 1e6)}),
    st.fixed_dictionaries({"kind": st.just("lognormal"), "median_ms": positive, "sigma": floats(0, 3)}),
)
scenarios = st.fixed_dictionaries(
    {
        "name": names_,
        "title": words,
        "seed": st.integers(0, 2**63 - 1),
        "time": st.fixed_dictionaries(
            {"steps": st.integers(1, 1000), "step_s": st.integers(1, 10**7).map(lambda n: n / 1000)}
        ),
        "groups": st.lists(group, min_size=1, max_size=3),
        "communities": st.lists(community, max_size=2),
    },
    optional={"comms": st.fixed_dictionaries({"default": st.fixed_dictionaries({"latency": latency})})},
)


def read_back(scenario: Scenario) -> Scenario:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "scenario.yaml").write_text(to_yaml(scenario), encoding="utf-8")
        return load_scenario("scenario.yaml", folder=Path(folder)).scenario


@settings(max_examples=examples(25), deadline=None)
@given(data=scenarios)
def test_written_and_read_again_it_is_the_same(data: dict[str, Any]) -> None:
    scenario = Scenario.model_validate(data)
    assert read_back(scenario) == scenario


@pytest.mark.parametrize("name", names("scenarios"))
@pytest.mark.fast_cases(
    "tied_villages", "section6", "island_village", "village_combined", "faulty_community", "charging_village"
)
def test_built_in_scenarios(name: str) -> None:
    scenario = load_scenario(name).scenario
    assert read_back(scenario) == scenario
    assert to_yaml(read_back(scenario)) == to_yaml(scenario)


@pytest.mark.parametrize(
    "title", ["no", "1e3", "2016-01-01", "a: b", "# x", "'", '"', "ä €", " x ", "null", "1_0", "é\u2028"]
)
def test_texts_that_look_like_something_else(title: str) -> None:
    data = {"name": "yes", "title": title, "time": {"steps": 1}, "groups": [{"name": "on", "households": 1}]}
    assert read_back(Scenario.model_validate(data)).title == title


@pytest.mark.slow
def test_every_short_text_of_yaml_signs_comes_back_as_key_and_as_value_in_a_flow_and_in_a_block() -> None:
    signs = "?:-,[]{}#&*!|>'\"%@` ~=<a0\\.\t\n\x85\u2028\ufeff"
    texts = ["".join(text) for n in (1, 2) for text in itertools.product(signs, repeat=n)]
    data = {
        "flow mapping": {f"k{number}": text for number, text in enumerate(texts)},
        "flow list": texts,
        "keys": dict.fromkeys(texts, 0),
        "block": {"nested": [], **dict.fromkeys(texts, 0)},
        "blocks": [{"nested": {}, "text": text} for text in texts],
    }
    assert parse_yaml(block_yaml(data), "").data == data
