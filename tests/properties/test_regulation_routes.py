"""A community stepped as arrays leaves the bytes that its agents leave, one by one, in every table.

``COSIM_ROUTE_EXAMPLES=2000 pytest -m slow -k of_many`` compares that many mixtures.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from cosim.config.library import names
from cosim.core import compiled
from cosim.core.delivery import DeviceLoop
from cosim.core.errors import InputError
from cosim.core.numbers import Summary
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario, load_scenario, scenario_of_data
from cosim.engine.simulation import Simulation
from cosim.households import subsystem as households
from cosim.households.together import Together
from cosim.regulation import stretches
from cosim.regulation.stretch_loops import stretch_with
from cosim.regulation.stretches import Stretches
from cosim.regulation.subsystem import Regulation
from cosim.results.store import RunStore

HOME = "time;load [kW];sun [kW/kWp];outside [°C]\n" + "\n".join(
    f"2016-07-{4 + k // 96:02d}T{k % 96 // 4:02d}:{15 * (k % 4):02d}:00Z;{(7 * k % 11) / 5};"
    f"{max(0, 40 - abs(k % 96 - 48)) / 45:.3f};{(13 * k % 29) - 6}"
    for k in range(32, 240)
)
STAYS = "vehicle,arrival,departure,energy [kWh]\n" + "".join(
    f"v{v},2016-07-04T{6 + 4 * k:02d}:{13 * v:02d}:{7 * v:02d}Z,2016-07-04T{9 + 4 * k:02d}:{11 * v:02d}:00Z,"
    f"{(5 * v + 3 * k) % 8}\n"
    for v in range(4)
    for k in range(3)
)
MARGIN = {"margin": 0.3}
TRACE = "latency_ms\n" + "\n".join(str(3 + 17 * k % 900) for k in range(40)) + "\n"


def _maybe(draw: Any, values: Any, default: Any = None) -> Any:
    return draw(values) if draw(st.booleans()) else default


@st.composite
def _values(draw: Any, low: float, high: float) -> Any:
    """A number, or one for each household."""
    one = st.floats(low, high).map(lambda number: round(number, 3))
    a, b = sorted((draw(one), draw(one)))
    return {"uniform": [a, b]} if a < b and draw(st.booleans()) else a


@st.composite
def _costs(draw: Any, m: int) -> dict[str, Any]:
    kinds = ["separable"] + ["section6_community_1", "section6_community_2"] * (m == 2)
    kind = draw(st.sampled_from(kinds + ["consumption_only"] * (m == 1)))
    if kind == "separable":
        return {
            "kind": kind,
            "linear": draw(_values(3, 9)),
            "coupling_quadratic": draw(_values(0, 1)),
            "coupling_quartic": draw(_values(0, 0.3)),
            "own_quadratic": draw(_values(0.1, 2)),
            "target": draw(_values(0, 1.5)),
        }
    if kind == "consumption_only":
        return {"kind": kind, "linear": draw(_values(3, 9)), "target": draw(_values(0, 1))}
    return {"kind": kind}


@st.composite
def _latencies(draw: Any, step_ms: int) -> dict[str, Any]:
    scale = draw(st.sampled_from([0, 1, step_ms // 50, step_ms // 2, step_ms, 3 * step_ms]))
    kind = draw(
        st.sampled_from(["constant", "uniform", "normal", "lognormal", "exponential", "gamma", "trace"])
    )
    return {
        "constant": {"kind": kind, "latency_ms": scale},
        "uniform": {"kind": kind, "low_ms": scale // 3, "high_ms": scale},
        "normal": {"kind": kind, "mean_ms": scale, "std_ms": scale / 2},
        "lognormal": {"kind": kind, "median_ms": scale + 1, "sigma": draw(st.sampled_from([0.5, 2.0]))},
        "exponential": {"kind": kind, "mean_ms": scale, "offset_ms": draw(st.sampled_from([0, 5]))},
        "gamma": {"kind": kind, "mean_ms": scale, "shape": 0.7},
        "trace": {"kind": kind, "file": "trace.csv"},
    }[kind]


_LOSSES = st.one_of(
    st.just({"kind": "none"}),
    st.floats(0, 1).map(lambda p: {"kind": "bernoulli", "loss_probability": round(p, 2)}),
    st.tuples(st.floats(0, 1), st.floats(0.01, 1), st.floats(0, 0.5)).map(
        lambda p: {
            "kind": "gilbert_elliott",
            "probability_good_to_bad": round(p[0], 2),
            "probability_bad_to_good": round(p[1], 2),
            "loss_probability_good": round(p[2], 2),
        }
    ),
)


@st.composite
def _link(draw: Any, step_ms: int) -> dict[str, Any]:
    link: dict[str, Any] = {}
    if draw(st.booleans()):
        link["latency"] = draw(_latencies(step_ms))
    if draw(st.booleans()):
        link["loss"] = draw(_LOSSES)
    extra = draw(st.sampled_from(["", "duplication", "order", "outage", "lifetime", "all"]))
    if extra in ("duplication", "all"):
        link["duplication_probability"] = draw(st.sampled_from([0.2, 1.0]))
    if extra in ("order", "all"):
        link["ordering"] = "in_order"
    if extra in ("outage", "all"):
        hours = step_ms / 3_600_000
        link["outages"] = [
            {"start_h": hours * start, "duration_h": hours * draw(st.sampled_from([0.5, 1, 3]))}
            for start in draw(st.lists(st.integers(0, 8), min_size=1, max_size=2))
        ]
    if extra in ("lifetime", "all"):
        link["lifetime_ms"] = max(1, int(step_ms * draw(st.sampled_from([0.01, 0.5, 2]))))
    return link


@st.composite
def _units(draw: Any, m: int, step_ms: int) -> list[dict[str, Any]]:
    """What a unit of each resource is: of a device, or of nothing in particular."""
    hours = step_ms / 3_600_000
    energies = st.sampled_from([0.2, 0.7, 2.0]).map(lambda power_kw: power_kw * hours)
    kinds = draw(st.sampled_from([[""], ["own_load", "anything", "anything", ""], *OWN_UNITS, ALL_KINDS]))
    units = [{"serves": draw(st.sampled_from(kinds))} for _ in range(m)]
    return [
        {**unit, "unit_kwh": draw(energies)} if unit["serves"] in BATTERY else unit if unit["serves"] else {}
        for unit in units
    ]


BATTERY = ("own_load", "anything")
OWN_UNITS = [["ev_charging"], ["heat_pump"]]
ALL_KINDS = [*BATTERY, "ev_charging", "heat_pump", ""]


@st.composite
def _battery(draw: Any) -> dict[str, Any]:
    battery = {
        "capacity_kwh": draw(_values(0.5, 8)),
        "charge_kw": draw(_values(0.1, 4)),
        "discharge_kw": draw(_values(0.2, 4)),
        "soc_initial": draw(_values(0.1, 1)),
        "self_discharge_per_day": draw(st.sampled_from([0, 0.02, 0.9])),
    }
    if draw(st.booleans()):
        battery |= {"charge_from": "surplus_and_grid", "grid_charge_kw": 0.5, "grid_charge_soc": 0.6}
    return battery


@st.composite
def _vehicle(draw: Any) -> dict[str, Any]:
    sessions = [{"kind": "csv", "file": "stays.csv"}, {"kind": "drawn", "distance_scaling": 2}]
    return {
        "charger_kw": draw(_values(1, 22)),
        "charge_efficiency": draw(st.sampled_from([0.9, 1.0])),
        "sessions": draw(st.sampled_from(sessions)),
        "when_due": draw(st.sampled_from(["charge", "wait"])),
    }


@st.composite
def _heat_pump(draw: Any) -> dict[str, Any]:
    profile = {
        "kind": "profile",
        "load": {"kind": "csv", "file": "home.csv", "columns": ["load"], "scaling": draw(_values(0, 2))},
        "ahead_kwh": draw(_values(0, 3)),
        "behind_kwh": draw(_values(0, 1)),
    }
    building = {
        "kind": "building",
        "temperature": {"kind": "csv", "file": "home.csv"},
        "r_k_per_kw": draw(_values(3, 9)),
        "c_kwh_per_k": draw(_values(0.5, 10)),
        "band_k": draw(st.sampled_from([0, 0.5, 2])),
    }
    return {
        "power_kw": draw(_values(0.5, 4)),
        "heat": draw(st.sampled_from([profile, building])),
        "when_due": draw(st.sampled_from(["run", "wait"])),
    }


@st.composite
def _home(draw: Any, units: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands behind a group's meters: what is asked of it, and now and then something beside."""
    asked = {unit.get("serves", "") for unit in units}
    wanted = {
        "battery": (_battery(), asked & set(BATTERY)),
        "ev": (_vehicle(), asked & {"ev_charging"}),
        "heat_pump": (_heat_pump(), asked & {"heat_pump"}),
    }
    home: dict[str, Any] = {
        "load": {"kind": "csv", "file": "home.csv", "columns": ["load"], "scaling": draw(_values(0, 2))},
        "pv": {"kind": "csv", "file": "home.csv", "columns": ["sun"], "kwp": draw(_values(0.5, 6))},
    }
    for kind, (device, is_asked) in wanted.items():
        if is_asked or draw(st.sampled_from([True, False, False, False])):
            home[kind] = {**draw(device), "share": draw(st.sampled_from([1.0, 1.0, 0.5]))}
    return home


@st.composite
def _communities(
    draw: Any, name: str, groups: list[str], units: list[dict[str, Any]], step_ms: int
) -> dict[str, Any]:
    phase = draw(
        st.sampled_from(
            [
                {"kind": "zero"},
                {"kind": "uniform"},
                {"kind": "given", "phase_ms": {"uniform_int": [0, 2]}},
                {"kind": "given", "phase_ms": step_ms - 1},
            ]
        )
    )
    policy = draw(st.sampled_from(["additive", "proportional", "inverse_average"]))
    platform: dict[str, Any] = {
        "initial_signal": draw(st.sampled_from([6.0, 0.5])),
        "gain": draw(st.sampled_from([0.02, 0.2])),
        "report": draw(st.sampled_from(["at_step_end", "at_decision"])),
        "measurement": draw(st.sampled_from(["reports", "reports", "meter"])),
        "missing": draw(st.sampled_from(["hold_last", "zero", "scale"])),
        "signal_limits": _maybe(draw, st.just([-2.0, 9.0])),
    }
    if platform["measurement"] == "reports":
        mitigation = draw(
            st.sampled_from(["", "", "measured_gain", {"kind": "smith", "slope": 0.3}, "clipped"])
        )
        if mitigation == "measured_gain":
            platform["gain"] = MARGIN
        platform["mitigations"] = [mitigation] if mitigation else []
    if draw(st.booleans()):
        times = draw(st.integers(1, 2))
        interval_ms = max(1, step_ms // (times + 2))
        resending = {"kind": "resending", "times": times, "interval_ms": interval_ms}
        platform["mitigations"] = [*platform.get("mitigations", ()), resending]
    agent: dict[str, Any] = {
        "policy": {"kind": policy, "kappa": draw(_values(0.05, 0.5))} if policy == "additive" else policy,
        "averages": draw(
            st.sampled_from(["cumulative", {"kind": "exponential", "time_constant_steps": 4.0}])
        ),
        "phase": phase,
        "jitter_ms": draw(st.sampled_from([0, 0, 3, step_ms // 2, step_ms - 1])),
        "drift_ppm": draw(st.sampled_from([0, 0, {"uniform": [-900, 900]}, {"uniform": [-9e4, 1e5]}])),
        "initial_decision": 0 if any(units) else draw(st.sampled_from([0, 1])),
        "initial_average": _maybe(draw, _values(0, 1)),
        "in_silence": _maybe(draw, st.just({"after_s": 1.5 * step_ms / 1000, "request": 1})),
    }
    return {
        "name": name,
        "groups": groups,
        "resources": [
            {
                "name": "xyz"[r],
                "capacity": draw(
                    st.sampled_from([0.7, {"kind": "stepped", "steps": [{"from_h": 0, "value": 1}]}])
                ),
                **unit,
            }
            for r, unit in enumerate(units)
        ],
        "agent": agent,
        "platform": platform,
    }


_STEPS = st.integers(1, 12).map(lambda steps: {"steps": steps})
_DAYTIME = st.integers(1, 8).map(lambda hours: {"start": "2016-07-04T08:00:00Z", "duration_h": hours})


@st.composite
def _scenarios(draw: Any) -> dict[str, Any]:
    """A mixture of what communities as arrays can do, with devices or without."""
    has_homes = draw(st.booleans())
    step_ms = draw(st.sampled_from([900_000, 3_600_000] if has_homes else [7, 1000, 3_600_000]))
    n_communities = draw(st.integers(1, 2))
    groups: list[dict[str, Any]] = []
    communities = []
    for number in range(n_communities):
        m, own = draw(st.integers(1, 3)), []
        units = draw(_units(m, step_ms)) if has_homes else [{}] * m
        made = draw(_communities(["first", "second"][number], own, units, step_ms))
        for _ in range(draw(st.integers(1, 2))):
            own.append("abcd"[len(groups)])
            group = {"name": own[-1], "households": draw(st.integers(1, 6)), "cost": draw(_costs(m))}
            if made["agent"]["policy"] != "inverse_average" and draw(st.booleans()):
                group["policy"] = draw(st.sampled_from(["additive", "proportional"]))
            if has_homes:
                group |= draw(_home(units))
            groups.append(group)
        communities.append(made)
    if draw(st.booleans()):
        groups.insert(0, {"name": "others", "households": 2})
    overrides = []
    for _ in range(draw(st.integers(0, 3))):
        where = draw(
            st.sampled_from(
                [
                    {"direction": "uplink"},
                    {"direction": "downlink"},
                    {"group": "a"},
                    {"household": "h002"},
                    {},
                ]
            )
        )
        link = draw(_link(step_ms))
        if link and sum(group["households"] for group in groups) > 1:
            overrides.append({**where, **link})
    return {
        "name": "drawn",
        "seed": draw(st.integers(0, 999)),
        "time": {"step_s": step_ms / 1000, **(draw(_DAYTIME) if has_homes else draw(_STEPS))},
        "groups": groups,
        "communities": communities,
        "comms": {"default": draw(_link(step_ms)), "overrides": overrides},
        "record": {"decisions": draw(st.sampled_from([True, True, False, {"share": 0.4}]))},
        "report": {"figures": False},
    }


_PLAIN_LINK = st.fixed_dictionaries(
    {}, optional={"loss": st.sampled_from([{"kind": "bernoulli", "loss_probability": 0.3}, {"kind": "none"}])}
)


@st.composite
def _plain_scenarios(draw: Any) -> dict[str, Any]:
    """A mixture of what goes on for many ticks at once; at times a save comes between two of them."""
    scenario = draw(_scenarios())
    step_ms = draw(st.sampled_from([7, 3_000_000, 3_600_000]))
    scenario["time"] = {"step_s": step_ms / 1000, "steps": draw(st.integers(1, 100))}
    scenario["record"] = {"decisions": False}
    for group in scenario["groups"]:
        for device in ("battery", "load", "pv", "ev", "heat_pump"):
            group.pop(device, None)
    phases = st.sampled_from([0, step_ms - 1, {"uniform_int": [1, step_ms - 1]}, {"uniform_int": [0, 2]}])
    for community in scenario["communities"]:
        for resource in community["resources"]:
            resource.pop("unit_kwh", None), resource.pop("serves", None)
        agent = community["agent"] | {"phase": {"kind": "given", "phase_ms": draw(phases)}}
        community["agent"] = agent | {"jitter_ms": 0, "drift_ppm": 0, "in_silence": None}
        platform = community["platform"] | {"measurement": "reports", "mitigations": []}
        community["platform"] = platform | {"gain": 0.05}
    latency = _latencies(step_ms)
    wheres = [{"direction": "uplink"}, {"direction": "downlink"}, {"group": scenario["groups"][0]["name"]}]
    scenario["comms"] = {
        "default": {"latency": draw(latency), **draw(_PLAIN_LINK)},
        "overrides": [
            {**wheres[place], "latency": draw(latency), **draw(_PLAIN_LINK)}
            for place in draw(st.lists(st.integers(0, 2), max_size=2))
        ],
    }
    return scenario


@st.composite
def _scenarios_at_home(draw: Any) -> dict[str, Any]:
    """Likewise at home: batteries that all are asked, or that nobody asks, over more than a day."""
    scenario = draw(_plain_scenarios())
    step_ms = draw(st.sampled_from([600_000, 900_000, 1_800_000, 3_600_000, 7_200_000]))
    hours = st.integers(1, 20).map(lambda hours: 2 * hours)
    scenario["time"] = {"step_s": step_ms / 1000, **draw(_DAYTIME), "duration_h": draw(hours)}
    for community in scenario["communities"]:
        m, is_asked = len(community["resources"]), draw(st.sampled_from([True, True, False]))
        for resource in community["resources"] if is_asked else ():
            resource |= {"serves": draw(st.sampled_from(BATTERY)), "unit_kwh": step_ms / 3_600_000 / 2}
        phases = st.sampled_from([0, step_ms - 1, {"uniform_int": [1, step_ms - 1]}])
        community["agent"] |= {"phase": {"kind": "given", "phase_ms": draw(phases)}}
        if is_asked:
            community["agent"] |= {"initial_decision": 0}
        for group in scenario["groups"]:
            if group["name"] in community["groups"]:
                group |= draw(_home([{"serves": "anything"}] * m)) if is_asked else draw(_home([]))
                group["battery"] = draw(_battery())
                group.pop("ev", None), group.pop("heat_pump", None)
    return scenario


def _tables(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "tables").glob("*.parquet"))}


def _differing(loaded: dict[str, LoadedScenario], folder: Path) -> list[str]:
    """The tables, or the summary, that are not the same by both routes."""
    numbers = [_run(scenario, folder / route) for route, scenario in loaded.items()]
    one, other = (_tables(folder / route) for route in loaded)
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]] + ["summary"] * (numbers[0] != numbers[1])


def _run(scenario: LoadedScenario, folder: Path) -> Summary:
    """A run without what only whole ones need, which would take most of the time; its summary."""
    store = RunStore(folder)
    simulation = Simulation(build(scenario), store, lambda now_ms, events: None)
    simulation.run()
    simulation.close()
    store.finish_tables()
    numbers = Summary()
    simulation.add_summary(numbers)
    return numbers


def _compare(scenario: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trace.csv").write_text(TRACE)
        (folder / "home.csv").write_text(HOME)
        (folder / "stays.csv").write_text(STAYS)
        loaded = {
            route: scenario_of_data({**scenario, "engine": {"route": route}}, folder).varied()
            for route in ("processes", "arrays")
        }
        if any(each["platform"]["gain"] == MARGIN for each in scenario["communities"]):
            try:
                build(loaded["processes"])
            except InputError:  # a loop without an answer to its signal has no such gain
                reject()
        assert _differing(loaded, folder) == []


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """That bytes have reached the disk is not the subject, and takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


EXAMPLES = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", ["ev", "heat_pump"])
def test_devices_leave_the_same_bytes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of vehicles with sessions of a file and drawn ones; of heat pumps before profiles and in buildings."""
    heat = {"kind": "building", "temperature": {"kind": "csv", "file": "home.csv"}, "c_kwh_per_k": 1}
    load = {"kind": "csv", "file": "home.csv", "columns": ["load"]}
    devices: dict[str, list[dict[str, Any]]] = {
        "ev": [{"sessions": {"kind": "csv", "file": "stays.csv"}}, {"when_due": "wait"}],
        "heat_pump": [
            {"power_kw": 3, "heat": heat},
            {"power_kw": {"uniform": [0.5, 2]}, "heat": {"kind": "profile", "load": load, "behind_kwh": 0.2}},
        ],
    }
    cost = {"kind": "consumption_only", "linear": 6, "target": 0.2}
    asked: list[str] = []
    look = Together.__init__

    def spy(self: Together, *given: Any) -> None:
        look(self, *given)
        asked.extend(self.in_arrays)

    monkeypatch.setattr(Together, "__init__", spy)
    _compare(
        {
            "name": "drawn",
            "time": {"step_s": 600, "start": "2016-07-04T08:00:00Z", "duration_h": 8},
            "groups": [
                {
                    "name": "ab"[n],
                    "households": 4,
                    "cost": cost,
                    kind: one,
                }
                for n, one in enumerate(devices[kind])
            ],
            "communities": [
                {
                    "name": "both",
                    "groups": ["a", "b"],
                    "resources": [
                        {"name": "x", "serves": {"ev": "ev_charging"}.get(kind, kind), "capacity": 3}
                    ],
                    "agent": {
                        "initial_decision": 0,
                        "initial_average": 0.2,
                        "jitter_ms": 9999,
                        "policy": {"kind": "additive", "kappa": 0.3},
                    },
                    "platform": {"gain": 0.1, "initial_signal": 6.1},
                }
            ],
            "report": {"figures": False},
        }
    )
    assert asked == [kind]


@settings(EXAMPLES, max_examples=2)
@given(_scenarios())
def test_both_routes_leave_the_same_bytes(scenario: dict[str, Any]) -> None:
    _compare(scenario)


@pytest.mark.slow
@settings(EXAMPLES, max_examples=int(os.environ.get("COSIM_ROUTE_EXAMPLES", "150")), derandomize=False)
@given(_scenarios())
def test_both_routes_leave_the_same_bytes_of_many(scenario: dict[str, Any]) -> None:
    _compare(scenario)


@pytest.mark.parametrize("n_examples", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_many_ticks_at_once_leave_the_same_bytes(n_examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "WORTH_COMPILING", -1)
    make, made = Stretches.make, []
    monkeypatch.setattr(Stretches, "make", lambda *given: made.append(make(*given)) or made[-1])

    @settings(EXAMPLES, max_examples=n_examples)
    @given(_plain_scenarios())
    def compare(scenario: dict[str, Any]) -> None:
        _compare(scenario)

    compare()
    assert max(made) > 1


def _uncompiled(devices: DeviceLoop) -> Any:
    """The loop as it stands in Python, which saves the time of compiling it."""
    return inspect.unwrap(stretch_with(devices))


@pytest.mark.parametrize("n_examples", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_many_ticks_of_batteries_leave_the_same_bytes(
    n_examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "WORTH_COMPILING", -1)
    monkeypatch.setattr(compiled, "PATIENCE", 0 if n_examples == 100 else compiled.PATIENCE)
    monkeypatch.setattr(households, "_MOST_SLOTS", 300)  # so that profiles come in many blocks
    if n_examples == 4:
        monkeypatch.setattr(stretches, "stretch_with", _uncompiled)
        monkeypatch.setattr(stretches, "is_kept", lambda loop: True)
    keep, kept = Together.keep_flows, []
    monkeypatch.setattr(
        Together,
        "keep_flows",
        lambda self, now_ms, flows: kept.append(len(flows)) or keep(self, now_ms, flows),
    )

    @settings(EXAMPLES, max_examples=n_examples)
    @given(_scenarios_at_home())
    def compare(scenario: dict[str, Any]) -> None:
        _compare(scenario)

    compare()
    assert max(kept) > 1


IN_ARRAYS = {
    "car_sharing", "charging_village", "ev_street", "evening_export", "lossy_community", "regulation_loop",
    "small_street", "storage_village", "storage_year", "firm_village", "island_village", "tied_villages",
    "section6", "section6_additive", "section6_proportional",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(IN_ARRAYS))
@pytest.mark.fast_cases("lossy_community")
def test_built_in_scenarios_leave_the_same_bytes(tmp_path: Path, name: str) -> None:
    cut = ["time.steps=60"] if load_scenario(name).scenario.time.steps else ["time.duration_h=48"]
    loaded = {
        route: load_scenario(
            name, [*cut, "time.warm_up_h=0", "report.figures=false", f"engine.route={route}"]
        )
        for route in ("processes", "arrays")
    }
    assert _differing(loaded, tmp_path) == []


@pytest.mark.slow
def test_which_built_in_scenarios_are_arrays() -> None:
    found = set()
    for name in names("scenarios"):
        loaded = load_scenario(name)
        if not loaded.scenario.communities:
            continue
        with contextlib.suppress(InputError):  # every reason is in the test below
            build(load_scenario(name, ["engine.route=arrays"]))
            found.add(name)
    assert found == IN_ARRAYS


def test_arrays_that_cannot_be_are_refused_with_every_reason() -> None:
    faults = "faults=[{kind: non_complier, count: 1, from_h: 0}]"
    link = "comms.default={delivery: at_least_once, bandwidth_kbit_per_s: 1}"
    with pytest.raises(InputError) as caught:
        build(load_scenario("section6", ["engine.route=arrays", faults, link]))
    said = [problem.message.partition("as arrays: ")[2] for problem in caught.value.problems]
    assert said == ["there are faults", "links with a bandwidth have a queue", "delivery is at_least_once"]
    few = build(load_scenario("section6", ["time.steps=60"])).of(Regulation)
    assert list(few.explain())[-2].endswith(
        "5,940 decisions take less time than loading the loops for arrays"
    )
    assert list(build(load_scenario("section6")).of(Regulation).explain())[-2].startswith("arrays: ")
    by_processes = build(load_scenario("section6", [faults])).of(Regulation)
    assert "# route of community market" in (lines := list(by_processes.explain()))
    assert lines[-2:] == [
        "processes, one household at a time: there are faults",
        "memory of its households: about 0.941 MB, 9.5 kB each",
    ]


def test_households_that_do_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PAGE_SIZE": 1024, "SC_PHYS_PAGES": 800}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(InputError, match=r"take about 1 MB, and this machine has 1 MB"):
        build(load_scenario("section6", ["engine.route=processes"]))
    assert build(load_scenario("section6", ["engine.route=arrays", "time.steps=10"]))


def test_a_sample_of_the_decisions_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    def decisions(name: str, *more: str) -> pd.DataFrame:
        _run(load_scenario("section6", ["time.steps=3", *more]), tmp_path / name)
        return pd.read_parquet(tmp_path / name / "tables" / "decisions.parquet")

    whole, some = decisions("whole"), decisions("some", "record.decisions.share=0.2")
    wider = decisions("wider", "record.decisions.share=0.2", "groups.community_2.households=400")
    names = set(some["prosumer"])
    pd.testing.assert_frame_equal(some, whole[whole["prosumer"].isin(names)].reset_index(drop=True))
    assert names == {name for name in set(wider["prosumer"]) if int(name[1:]) <= 99}
    assert 8 < len(names) < 32
