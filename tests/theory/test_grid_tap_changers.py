"""Tap changers from interval to interval, against pandapower's DiscreteTapControl on the same series."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pytest
from pandapower.control import DiscreteTapControl, run_control

import cosim
from cosim.grid.feeder import feeder_from_net
from cosim.grid.flow_result import FlowResult
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import TapChangerConfig
from cosim.grid.tap_changers import tap_changers
from cosim.grid.tap_stepping import TapStepping
from tests.theory.grid_judge import NETWORK

N = 20
BAND = {"vm_min_pu": 0.985, "vm_max_pu": 1.015}


def feeder(side: str = "hv", generator: bool = False) -> pp.pandapowerNet:
    """A transformer with steps of 1.5 %, and three homes along a cable."""
    net = pp.create_empty_network()
    top, low = pp.create_bus(net, 20.0), pp.create_bus(net, 0.4, name="busbar")
    pp.create_ext_grid(net, top, vm_pu=1.02)
    pp.create_transformer(net, top, low, "0.25 MVA 20/0.4 kV", name="T1", tap_changer_type="Ratio")
    taps = {
        "tap_side": side,
        "tap_neutral": 0,
        "tap_min": -6,
        "tap_max": 6,
        "tap_step_percent": 1.5,
        "tap_pos": 0,
    }
    for column, value in taps.items():
        net.trafo[column] = value
    last = low
    for _ in range(3):
        bus = pp.create_bus(net, 0.4)
        pp.create_line(net, last, bus, 0.1, "NAYY 4x150 SE")
        pp.create_load(net, bus, 0.01, 0.003)
        last = bus
    if generator:
        pp.create_gen(net, last, p_mw=0.001, vm_pu=1.0)
    return net


def series() -> np.ndarray:
    """Load of the homes, MW, shape (N, 3): a wave from feeding in to a heavy load, with noise."""
    wave = 0.1 * np.sin(np.arange(N) / 3)
    return wave[:, None] + np.random.default_rng(2).normal(0.0, 0.006, (N, 3))


def stepped(net: pp.pandapowerNet, parts: int = 1, **config: Any) -> FlowResult:
    """cosim's series, handed over in one or more calls."""
    made = feeder_from_net(net, NETWORK)
    changers = tap_changers(made, [TapChangerConfig.model_validate(BAND | config)], 10)
    solver = TapStepping(PowerFlow(made), changers)
    p_mw = np.zeros((N, made.n_bus))
    p_mw[:, made.bus_positions(net.load.bus.tolist())] = series()
    whole = FlowResult.empty(N, made)
    object.__setattr__(whole, "tap_positions", np.zeros((N, 1), dtype=np.int64))
    for rows in np.array_split(np.arange(N), parts):
        whole.put(rows, solver.solve(p_mw[rows], 0.3 * p_mw[rows]))
    return whole


def by_pandapower(net: pp.pandapowerNet) -> tuple[np.ndarray, np.ndarray]:
    """Positions and voltages by pandapower's controller, whose taps stay from one time to the next."""
    net = copy.deepcopy(net)
    DiscreteTapControl(net, 0, BAND["vm_min_pu"], BAND["vm_max_pu"])
    positions, voltages = [], []
    for row in series():
        net.load["p_mw"], net.load["q_mvar"] = row, 0.3 * row
        run_control(net, max_iter=50, tolerance_mva=1e-11, numba=False)
        positions.append(int(net.trafo.tap_pos.iloc[0]))
        voltages.append(net.res_bus.vm_pu.to_numpy())
    return np.array(positions), np.array(voltages)


@pytest.mark.fast_cases("hv")
@pytest.mark.parametrize("side", ["hv", "lv"])
def test_positions_and_voltages_equal_pandapowers(side: str) -> None:
    net = feeder(side)
    result, (positions, voltages) = stepped(net), by_pandapower(net)
    assert result.converged.all()
    assert set(result.route) == {"zbus"}
    assert result.tap_positions[:, 0].tolist() == positions.tolist()
    assert np.abs(result.vm_pu - voltages).max() < 1e-9
    assert len(set(positions.tolist())) > 3


@pytest.mark.slow
def test_beside_a_generator_runpp_steps_the_same() -> None:
    net = feeder(generator=True)
    net.load["p_mw"] *= 3
    result, (positions, voltages) = stepped(net), by_pandapower(net)
    assert set(result.route) == {"runpp"}
    assert result.tap_positions[:, 0].tolist() == positions.tolist()
    assert np.abs(result.vm_pu - voltages).max() < 1e-9


@pytest.mark.slow
def test_parted_into_calls_it_is_the_same_to_the_bit() -> None:
    for delay in (0, 20):
        whole, parted = stepped(feeder(), delay_min=delay), stepped(feeder(), parts=N, delay_min=delay)
        for name in ("vm_pu", "tap_positions", "losses_mw", "line_loading_percent"):
            assert getattr(whole, name).tobytes() == getattr(parted, name).tobytes(), name


@pytest.mark.slow
def test_with_a_delay_a_step_follows_for_the_next_interval() -> None:
    result = stepped(feeder(), delay_min=20)
    position, vm = result.tap_positions[:, 0], result.vm_pu[:, 1]
    outside = (vm < BAND["vm_min_pu"]) | (vm > BAND["vm_max_pu"])
    waited, expected = 0, []
    for row in range(N - 1):
        waited = waited + 1 if outside[row] else 0
        step = (1 if vm[row] > 1 else -1) if waited >= 2 else 0
        waited = 0 if step else waited
        expected.append(step)
    assert np.diff(position).tolist() == expected
    assert any(expected)
    assert stepped(feeder()).tap_positions[:, 0].tolist() != position.tolist()


def test_at_the_end_of_its_range_it_stays() -> None:
    result = stepped(feeder(), positions=[-1, 1])
    assert set(result.tap_positions[:, 0].tolist()) == {-1, 0, 1}
    assert result.vm_pu[:, 1].max() > BAND["vm_max_pu"]
    assert result.converged.all()


def scenario(**grid: Any) -> dict[str, Any]:
    return {
        "name": "s",
        "time": {"duration_h": 3, "step_s": 3600},
        "grid": {"network": feeder(), "verify_power_flow": 3} | grid,
        "report": {"figures": False},
    }


def test_a_run_writes_positions_and_its_network_comes_back() -> None:
    run = cosim.run(scenario(tap_changers=[BAND | {"trafo": "T1", "bus": "busbar"}]))
    table = run.tables.tap_positions
    assert table.columns.tolist() == ["time", "trafo", "position"]
    assert run.summary["tap_operations"] == abs(table.position.iloc[0]) > 0
    assert run.summary["verified_voltage_difference_max_pu"] < 1e-9
    assert run.network(at=1).trafo.tap_pos.iloc[0] == table.position.iloc[1]


@pytest.mark.parametrize(
    ("changer", "said"),
    [
        (BAND | {"vm_max_pu": 0.99}, "would hunt"),
        (BAND | {"trafo": "T2"}, "no such transformer"),
        (BAND | {"bus": 0}, "high-voltage side"),
        (BAND | {"step_percent": 2.0}, "does not say what range"),
    ],
)
def test_refused(changer: dict[str, Any], said: str) -> None:
    problems = [each for each in cosim.check(scenario(tap_changers=[changer])) if each.severity == "error"]
    assert [said in each.message for each in problems] == [True], problems
    assert problems[0].path.startswith("grid.tap_changers.0")


def test_a_transformer_without_a_tap_changer_needs_one_in_the_scenario() -> None:
    net = feeder()
    net.trafo[["tap_side", "tap_changer_type"]] = None
    net.trafo[["tap_neutral", "tap_pos", "tap_min", "tap_max", "tap_step_percent"]] = np.nan
    (problem,) = [p for p in cosim.check(scenario(network=net, tap_changers=[BAND])) if p.severity == "error"]
    assert "no tap changer that could be moved" in problem.message
    given = BAND | {"positions": [-6, 6], "step_percent": 1.5}
    run = cosim.run(scenario(network=net, tap_changers=[given]))
    with_data = cosim.run(scenario(tap_changers=[BAND]))
    assert run.tables.tap_positions.equals(with_data.tables.tap_positions)
    assert run.tables.bus_voltage.equals(with_data.tables.bus_voltage)
