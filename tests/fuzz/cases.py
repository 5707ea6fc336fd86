"""Cases of the fuzzer: good inputs, and from each a seeded chain of damage to it."""

from __future__ import annotations

import copy
import io
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fragments import add_part
from mutations import damage_bytes, damage_csv, damage_text, damage_tree
from ruamel.yaml import YAML

from cosim.config.library import names
from cosim.config.schema_walk import all_keys
from cosim.engine.load import read_scenario
from cosim.engine.scenario import Scenario

Kind = Literal["scenario", "network", "csv"]
HOUSEHOLDS = 4
"""Households of a group at most, so that a run is short."""
NETWORK, PLACES, BUSES = "kerber_landnetz_kabel_1", 8, ("loadbus_1_1", "loadbus_1_2")
"""A small feeder, the households that it has room for, and two of its buses, for ties."""
KEYS = tuple(sorted(all_keys(Scenario)))
COLUMNS = ("p_mw", "vn_kv", "in_service", "std_type", "index")
SCENARIO = "scenario.yaml"


@dataclass(frozen=True)
class Case:
    """Files of a folder with `scenario.yaml` among them, and where they come from.

    Attributes
    ----------
    files : dict
        Name to bytes.
    origin : str
        What was damaged, for the report.
    """

    files: dict[str, bytes]
    origin: str


def make_case(kind: Kind, seed: int, number: int) -> Case:
    """The case `number` of a kind; a function of its arguments alone."""
    rng = random.Random(f"{seed}:{kind}:{number}")
    return {"scenario": _scenario_case, "network": _network_case, "csv": _csv_case}[kind](rng)


def _scenario_case(rng: random.Random) -> Case:
    name = rng.choice(scenario_names())
    if rng.random() < 0.12:
        text = as_yaml(small_scenario(name))
        for _ in range(rng.choice((1, 1, 2, 4))):
            text = damage_text(text, rng)
        raw = (
            damage_bytes(text.encode("utf-8", "replace"), rng)
            if rng.random() < 0.3
            else text.encode("utf-8", "replace")
        )
        return Case({SCENARIO: raw}, f"text of {name}")
    tree = small_scenario(name)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        add_part(tree, rng)
        tree = copy.deepcopy(tree)
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 6))):
        tree = damage_tree(tree, rng, KEYS)
    return Case({SCENARIO: encoded(as_yaml(tree))}, f"tree of {name}")


def _network_case(rng: random.Random) -> Case:
    name = rng.choice(tuple(network_texts()))
    text = network_texts()[name]
    if rng.random() < 0.15:
        raw = damage_bytes(text.encode(), rng)
    else:
        tree = unfolded(json.loads(text))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            tables = tree.get("_object") if isinstance(tree, dict) else None
            if isinstance(tables, dict) and tables and rng.random() < 0.85:
                table = rng.choice(sorted(tables))
                tables[table] = damage_tree(tables[table], rng, COLUMNS)
            else:
                tree = damage_tree(tree, rng)
        raw = encoded(json.dumps(folded(tree)))
    wrapper = {
        "name": "mine",
        "title": "t",
        "origin": "o",
        "licence": "l",
        "source": {"kind": "json", "file": "net.json"},
    }
    scenario = {
        "name": "s", "time": {"steps": 3, "step_s": 3600},
        "groups": [{"name": "g", "households": 2, "load": {"kind": rng.choice(("constant", "feeder"))}}],
        "grid": {"network": rng.choice(("mine.yaml", "net.json")), "verify_power_flow": 1},
    }  # fmt: skip
    load = scenario["groups"][0]["load"]  # type: ignore[index]
    if load["kind"] == "constant":
        load["p_kw"] = 1
    files = {SCENARIO: as_yaml(scenario).encode(), "mine.yaml": as_yaml(wrapper).encode(), "net.json": raw}
    return Case(files, f"network {name}")


def _csv_case(rng: random.Random) -> Case:
    name = rng.choice(sorted(_CSV))
    text, part = _CSV[name]
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = damage_csv(text, rng)
    raw = encoded(text)
    if rng.random() < 0.2:
        raw = damage_bytes(raw, rng)
    scenario: dict[str, Any] = {
        "name": "s", "time": {"start": "2016-07-04", "duration_h": 24, "step_s": 3600},
        "groups": [{"name": "g", "households": 2}],
    }  # fmt: skip
    part(scenario)
    return Case({SCENARIO: as_yaml(scenario).encode(), "data.csv": raw}, f"CSV of {name}")


def as_yaml(tree: Any) -> str:
    """A tree as YAML."""
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    try:
        writer.dump(tree, stream)
    except Exception:
        return json.dumps(tree, default=str)  # JSON is YAML, and writes what the other refuses
    return stream.getvalue()


def encoded(text: str) -> bytes:
    """As UTF-8; half a surrogate pair becomes bytes that are none."""
    return text.encode("utf-8", "surrogatepass")


@cache
def scenario_names() -> tuple[str, ...]:
    """The built-in scenarios that are damaged."""
    return tuple(name for name in names("scenarios") if not name.startswith("robustness"))


@cache
def _small_scenario(name: str) -> dict[str, Any]:
    tree = copy.deepcopy(read_scenario(name).document.data)
    sizes = {}
    most = min(HOUSEHOLDS, max(1, PLACES // len(tree["groups"])))
    for group in tree["groups"]:
        sizes[group["name"]] = group["households"]
        group["households"] = min(most, group["households"])
    for community in tree.get("communities", ()):
        before = sum(sizes[g] for g in community["groups"])
        after = sum(min(most, sizes[g]) for g in community["groups"])
        for resource in community["resources"]:
            resource["capacity"] = _scaled(resource["capacity"], after / before)
    if "grid" in tree:
        tree["grid"]["network"] = NETWORK
        for n, end in enumerate(end for tie in tree.get("ties", ()) for end in (tie["seller"], tie["buyer"])):
            end["bus"] = BUSES[n % 2]
        for group in tree["groups"]:
            group["load"] = {"kind": "constant", "p_kw": 0.5}
            if "pv" in group:  # on a feeder without generators
                group["pv"] = {"kind": "simbench", "kwp": {"uniform": [3, 7]}}
    shorten_time(tree)
    tree["report"] = {"figures": False}
    return tree  # type: ignore[no-any-return]


def small_scenario(name: str) -> dict[str, Any]:
    """A built-in scenario with few households and a short time, on a small feeder."""
    return copy.deepcopy(_small_scenario(name))


def shorten_time(tree: dict[str, Any]) -> None:
    """Let a run take four steps, or two days where a market needs days."""
    time = tree.setdefault("time", {})
    for key in ("steps", "duration_h", "warm_up_h"):
        time.pop(key, None)
    if tree.get("energy_value") is not None:
        time["duration_h"] = 48
    elif tree.get("grid") is not None or any(group.get("battery") for group in tree["groups"]):
        time["duration_h"] = 4
    else:
        time["steps"] = 4


def _scaled(capacity: Any, factor: float) -> Any:
    match capacity:
        case dict():
            return {
                key: _scaled(value, factor) if key in ("by_hour", "steps", "value") else value
                for key, value in capacity.items()
            }
        case list():
            return [_scaled(each, factor) for each in capacity]
        case _:
            return max(0.5, math.floor(capacity * factor * 10) / 10)


@cache
def network_texts() -> dict[str, str]:
    """Small networks as pandapower writes them."""
    import pandapower
    import pandapower.networks

    made: dict[str, Callable[[], Any]] = {
        "four_bus": pandapower.networks.simple_four_bus_system,
        "four_load": pandapower.networks.four_loads_with_branches_out,
        "kerber": pandapower.networks.create_kerber_landnetz_freileitung_1,
        "example": pandapower.networks.example_simple,
    }
    return {name: pandapower.to_json(make(), None) for name, make in made.items()}


def unfolded(tree: Any) -> Any:
    """A network's JSON with the tables, which are texts of JSON in it, as trees."""
    if isinstance(tree, dict):
        below = {key: unfolded(value) for key, value in tree.items()}
        if below.get("_class") == "DataFrame" and isinstance(below.get("_object"), str):
            below["_object"] = json.loads(below["_object"])
        return below
    return [unfolded(each) for each in tree] if isinstance(tree, list) else tree


def folded(tree: Any) -> Any:
    """The inverse of `unfolded`."""
    if isinstance(tree, dict):
        below = {key: folded(value) for key, value in tree.items()}
        if below.get("_class") == "DataFrame" and isinstance(below.get("_object"), dict):
            below["_object"] = json.dumps(below["_object"])
        return below
    return [folded(each) for each in tree] if isinstance(tree, list) else tree


def _hours(header: str, columns: int, value: str = "0.{hour:02d}5") -> str:
    rows = [header]
    for hour in range(24):
        cells = [value.format(hour=hour)] * columns
        rows.append(",".join([f"2016-07-04T{hour:02d}:00:00Z", *cells]))
    return "\n".join(rows) + "\n"


def _load(scenario: dict[str, Any]) -> None:
    scenario["groups"][0]["load"] = {"kind": "csv", "file": "data.csv"}


def _pv(scenario: dict[str, Any]) -> None:
    scenario["groups"][0]["pv"] = {"kind": "csv", "file": "data.csv", "kwp": 5}


def _price(scenario: dict[str, Any]) -> None:
    scenario["energy_value"] = {"prices": {"grid": {"file": "data.csv"}}, "rules": {"rule": "self_supply"}}
    scenario["groups"][0]["load"] = {"kind": "constant", "p_kw": 0.3}


def _latency(scenario: dict[str, Any]) -> None:
    scenario.update(_community())
    scenario["comms"] = {"default": {"latency": {"kind": "trace", "file": "data.csv"}}}


def _churn(scenario: dict[str, Any]) -> None:
    scenario.update(_community())
    scenario["faults"] = [{"kind": "churn", "file": "data.csv"}]


def _community() -> dict[str, Any]:
    cost = {"kind": "separable", "linear": 6, "target": 1}
    return {
        "time": {"steps": 24, "step_s": 3600},
        "groups": [{"name": "g", "households": 2, "cost": cost}],
        "communities": [{"name": "c", "groups": ["g"], "resources": [{"name": "r", "capacity": 1}]}],
    }


_CSV: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "load": (_hours("time,home_1 [kW],home_2 [kW]", 2), _load),
    "pv": (_hours("time,PV [kW/kWp]", 1, "0.0{hour:02d}"), _pv),
    "price": (_hours("time,price [EUR/kWh]", 1), _price),
    "latency": ("latency_ms\n" + "".join(f"{10 + 7 * i}\n" for i in range(20)), _latency),
    "churn": ("household,leaves_h,joins_h\nh001,2,5\nh002,7.5,\n", _churn),
}
