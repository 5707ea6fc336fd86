"""`cosim explain`: everything that a run will have, with units, and where each value comes from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from cosim.config.library import names
from cosim.engine.load import load_scenario


def test_origins_of_values(cosim: Callable, write: Callable, folder: Path) -> None:
    write(name="base.yaml")
    override = "override:\n  groups.homes.load.p_kw: {uniform: [1, 2]}\n"
    top = f"name: top\nbase: base.yaml\ntime: {{duration_h: 2}}\n{override}"
    (folder / "top.yaml").write_text(top)
    ended = cosim("explain", "top.yaml", "--set", "groups.homes.households=2", "--seed", "5")
    assert ended.code == 0
    lines = ended.out.splitlines()
    for expected in (
        "name = top [given top.yaml:1]",
        "seed = 5 [given --seed]",
        "time.step_s = 3600.0 s [given base.yaml:3]",
        "time.steps = - [default]",
        "time.duration_h = 2.0 h [given top.yaml:3]",
        "groups.0.households = 2 [given --set groups.homes.households]",
        "groups.0.load.kind = constant [given base.yaml:9]",
        "groups.0.load.p_kw.uniform = [1.0, 2.0] kW [given top.yaml:5]",
        "groups.0.load.power_factor = 0.95 [default]",
        "groups.0.membership.joins_h = 0.0 h [default]",
        "communities.0.resources.1.capacity = 1.0 units per step [given base.yaml:15]",
        "communities.0.agent.jitter_ms = 0.0 ms [default]",
        "comms.default.timeout_ms = 5000 ms [default]",
        "report.figures = false [given base.yaml:16]",
    ):
        assert expected in lines


@pytest.mark.parametrize("name", sorted({*names("scenarios")} - {"storage_year", "section6_proportional"}))
@pytest.mark.fast_cases("faulty_community", "village_combined")
def test_every_value_and_household_of_the_built_in_scenarios(cosim: Callable, name: str) -> None:
    ended = cosim("explain", name)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    scenario = load_scenario(name).scenario
    start = lines.index("# households: name, group, community, bus, devices, then each parameter it has")
    homes = lines[start + 1 : start + 1 + scenario.n_households]
    assert [line.split()[0] for line in homes] == [f"h{n + 1:03d}" for n in range(scenario.n_households)]
    values = [line for line in lines[2:start]]
    assert all(line.endswith("]") and " = " in line for line in values)
    assert len(values) == len(leaves(scenario.model_dump(mode="json")))
    assert cosim("explain", name).out == ended.out


def test_devices_with_units(cosim: Callable) -> None:
    lines = cosim("explain", "storage_village").out.splitlines()
    (home,) = [line for line in lines if line.startswith("h001 ")]
    for key, unit in (("load_scale_kw", "kW"), ("pv_scale_kw", "kW"), ("battery_capacity_kwh", "kWh"),
                      ("battery_charge_kw", "kW"), ("phase_ms", "ms"), ("drift_ppm", "ppm")):  # fmt: skip
        (text,) = [text for text in home.split("  ") if text.startswith(f"{key}=")]
        number, shown = text.removeprefix(f"{key}=").split(" ")
        assert float(number) >= 0
        assert shown == unit
    assert "load_profile=H0-" in home
    assert "pv_profile=PV" in home
    assert any(line.startswith("bus ") for line in lines)
    assert any(line.startswith("downlink/h001") and "timeout_ms: 5000 ms" in line for line in lines)
    assert any(line.startswith("own_use: gain ") for line in lines)


def test_schema_is_json(cosim: Callable) -> None:
    ended = cosim("schema")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["title"] == "cosim scenario"


def test_networks_are_listed(cosim: Callable) -> None:
    lines = cosim("networks").out.splitlines()
    assert len(lines) == len(names("networks"))
    assert any(line.startswith("cigre_lv ") and " 15 places " in line for line in lines)


def leaves(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict) and value:
        return [leaf for key, below in value.items() for leaf in leaves(below, f"{path}.{key}")]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [leaf for n, item in enumerate(value) for leaf in leaves(item, f"{path}.{n}")]
    return [path]


def test_what_controls_inverters_taps_and_devices(cosim: Callable, folder: Path) -> None:
    (folder / "street.yaml").write_text(CONTROLLED)
    lines = cosim("explain", "street.yaml").out.splitlines()
    q_of_v = "-0.4359 at 0.93 pu, 0 at 0.97 pu, 0 at 1.03 pu, 0.4359 at 1.07 pu"
    for expected in (
        f"2 inverters of pv: Q(V) vde_ar_n_4105 ({q_of_v}), while it generates; P(V) (1 at 1.05 pu, 0 at 1.1 "
        "pu); at its rating reactive power comes first; solved together with the voltages",
        "h002  inverter of pv  rating=6 kVA  feeds_in_at_most=4 kW",
        "transformer 0 (trafo 1): dead band 0.98 to 1.02 pu at bus 1 (main_busbar); positions -2 to 3, "
        "starts at 0; a step up lowers the voltage by about 1.5 %; one step for the next interval once the "
        "voltage has been outside for 2 intervals (30 min)",
        "each flexible device draws at most 4.2 kW from when a line or transformer is loaded above 90 % of "
        "its limit or a bus is below 0.92 pu, until none is above 80 % and none below 0.94 pu, for 900 s at "
        "least",
        "once the newest order was sent 3600 s ago each device draws at most 1 kW, and a household feeds in "
        "without a limit",
        "obeyed by 1 household: h003",
    ):
        assert expected in lines, [line for line in lines if line[:9] == expected[:9]]


CONTROLLED = """
name: street
time: {start: 2016-06-05T00:00:00Z, duration_h: 4}
groups:
  - name: homes
    households: 2
    load: {kind: constant, p_kw: 1}
    pv:
      kind: simbench
      kwp: 8
      control:
        rating_kva: {each: [5, 6]}
        reactive: {kind: q_of_v, standard: vde_ar_n_4105}
        p_of_v: {points: [[1.05, 1], [1.1, 0]]}
        feed_in_limit: {at: connection_point, share: 0.5}
  - name: driver
    households: 1
    ev: {}
grid:
  network: kerber_landnetz_kabel_1
  interval_min: 15
  feedback: true
  tap_changers: [{vm_min_pu: 0.98, vm_max_pu: 1.02, delay_min: 20, positions: [-2, 3], step_percent: 1.5}]
dimming: {groups: [driver], from_loading_percent: 90, min_duration_s: 900,
          in_silence: {after_s: 3600, max_kw: 1}}
"""


def test_a_sweep_is_explained_by_its_axes_and_what_a_run_of_it_is(cosim: Callable) -> None:
    lines = cosim("explain", "sweep_example").out.splitlines()
    assert "points = 24: 12 combinations of the axes, 2 seeds each" in lines
    assert "seeds = 1, 2" in lines
    assert "loss_probability = 0.0, 0.2, 0.4 [comms.default.loss.loss_probability]" in lines
    assert "policy additive: communities.market.agent.policy = additive" in lines
    assert "time.steps = 50" in lines
    (command,) = [line.partition(": ")[2] for line in lines if line.startswith("every value of it: ")]
    values = cosim(*shlex.split(command)[1:]).out
    assert any(line.startswith("time.steps = 50 ") and "--set" in line for line in values.splitlines())


def test_an_impact_study_is_explained_by_its_modes_and_how_many_runs_it_takes(cosim: Callable) -> None:
    ended = cosim("explain", "impact_example", "--section", "study", "--section", "modes")
    lines = ended.out.splitlines()
    assert "penetration of 100 % = ev at 100 % of the households of the group homes" in lines
    assert "seeds = 1 to 3" in lines
    assert any(line.startswith("runs = at most 30, in 6 searches by halves") for line in lines)
    assert "at_once: communities = []" in lines
    assert "regulated: the base scenario as it is" in lines
    set_ = cosim("explain", "impact_example", "--set", "time.duration_h=12", "--section", "run").out
    assert "time = from 2016-01-11 12:00 UTC on, 12 h" in set_
    refused = cosim("explain", "impact_example", "--seed", "3")
    assert refused.code == 2
    assert "a study has seeds of its own" in refused.err


@pytest.mark.parametrize("name", [*names("sweeps"), *names("studies")])
@pytest.mark.fast_cases("robustness_faults", "impact_communication")
def test_every_built_in_study_is_explained(cosim: Callable, name: str) -> None:
    ended = cosim("explain", name)
    assert (ended.code, ended.err) == (0, "")
    assert "to run it alone: cosim run " in ended.out
