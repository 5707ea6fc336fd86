"""Loads that follow the voltage: as `runpp` solves them, or as the algebra says where it would mix them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from cosim.grid.background import Background
from cosim.grid.coupling import Block, Coupling
from cosim.grid.feeder import Feeder, feeder_from_net
from cosim.grid.power_flow import PowerFlow
from cosim.grid.reference import RunppSolver
from cosim.grid.schema import GridConfig
from cosim.grid.verify import WholeNetwork, compare
from cosim.grid.voltage_dependence import SHARES, stack
from tests.theory.grid_judge import NETWORK, START, assert_equals, background, judged, solved

SHARE_ROWS = {
    "impedance": (100.0, 0.0, 100.0, 0.0),
    "current": (0.0, 100.0, 0.0, 100.0),
    "mixed": (30.0, 45.0, 60.0, 10.0),
    "reactive alone": (0.0, 0.0, 50.0, 50.0),
    "half": (0.0, 50.0, 0.0, 0.0),
}
MORE = {name: () if name == "mixed" else pytest.mark.slow for name in SHARE_ROWS}
"""Marks of what one row of shares shows with every test, and the others with the slow ones."""


def kerber(shares: tuple[float, ...] = (), rows: slice = slice(None)) -> pp.pandapowerNet:
    """A feeder with a heavy load at each house, one a bus."""
    net = nw.create_kerber_landnetz_freileitung_1()
    net.load["p_mw"], net.load["q_mvar"] = 0.006, 0.002
    if shares:
        net.load.loc[net.load.index[rows], list(SHARES)] = shares
    return net


ALL, SOME = slice(None), slice(3, 7)
EACH_SHARE = [pytest.param(row, ALL, id=f"all-{name}") for name, row in SHARE_ROWS.items()] + [
    pytest.param(row, SOME, id=f"some-{name}", marks=MORE[name]) for name, row in SHARE_ROWS.items()
]


@cache
def constant_voltages() -> np.ndarray:
    """What the feeder's voltages are where no load follows them."""
    return solved(kerber())[1].vm_pu


@pytest.mark.parametrize(("shares", "rows"), EACH_SHARE)
@pytest.mark.fast_cases("all-impedance", "some-mixed")
def test_equals_runpp_where_each_load_has_its_bus(shares: tuple[float, ...], rows: slice) -> None:
    net = kerber(shares, rows)
    flow, result = solved(net)
    assert result.route.tolist() == ["zbus"]
    assert not flow.feeder.warnings
    assert_equals(result, judged(net))
    assert np.nanmax(np.abs(result.vm_pu - constant_voltages())) > 1e-5  # the shares matter


@pytest.mark.parametrize(
    "shares", [pytest.param(row, id=name, marks=MORE[name]) for name, row in SHARE_ROWS.items()]
)
def test_runpp_solves_the_same_where_it_has_to(shares: tuple[float, ...]) -> None:
    """Beside a generator that holds its voltage; and as the fixed point's fall-back, to the same numbers."""
    net = kerber(shares)
    fast = solved(net)[1]
    feeder = feeder_from_net(net, NETWORK)
    powers = background(feeder)
    p_mw, q_mvar = powers.power(0, 1)
    again = RunppSolver(feeder).solve(p_mw[0], q_mvar[0], powers.dependent(0, 1))
    np.testing.assert_allclose(again.vm_pu, fast.vm_pu, rtol=0, atol=1e-10)
    np.testing.assert_allclose(again.losses_mw, fast.losses_mw, rtol=0, atol=1e-10)
    pp.create_gen(net, int(net.load.bus.iloc[5]), p_mw=0.01, vm_pu=1.0)
    net.load = net.load.drop(index=net.load.index[5])  # runpp would apply the shares to the generator too
    slow = solved(net)[1]
    assert slow.route.tolist() == ["runpp"]
    assert_equals(slow, judged(net))


def test_a_solver_serves_runs_with_other_loads_in_between() -> None:
    feeder = feeder_from_net(kerber(SHARE_ROWS["mixed"], slice(2, 5)), NETWORK)
    powers = background(feeder)
    p_mw, q_mvar = powers.power(0, 1)
    dependent = powers.dependent(0, 1)
    assert dependent is not None
    solver = RunppSolver(feeder)
    first = solver.solve(p_mw[0], q_mvar[0], dependent).vm_pu
    constant = solver.solve(p_mw[0], q_mvar[0]).vm_pu
    assert constant.tobytes() == RunppSolver(feeder).solve(p_mw[0], q_mvar[0]).vm_pu.tobytes()
    assert solver.solve(p_mw[0], q_mvar[0], dependent).vm_pu.tobytes() == first.tobytes()
    assert np.nanmax(np.abs(first - constant)) > 1e-5


def neighbours() -> pp.pandapowerNet:
    """Loads that follow the voltage beside constant ones, a generator, and across a closed switch."""
    net = kerber()
    buses = net.load.bus.tolist()
    pp.create_load(net, buses[2], 0.004, 0.001, const_z_p_percent=80, const_z_q_percent=80)
    pp.create_load(net, buses[4], 0.004, 0.001, const_i_p_percent=100)
    pp.create_sgen(net, buses[4], 0.009)
    net.load.loc[net.load.index[8], "const_z_p_percent"] = 50.0
    far = pp.create_bus(net, 0.4)
    pp.create_switch(net, buses[8], far, "b")
    pp.create_load(net, far, 0.003)
    return net


def test_each_load_follows_its_own_shares_beside_others() -> None:
    """The solved voltages, and the powers that the shares give at them, are a solution of `runpp`."""
    net = neighbours()
    flow, result = solved(net)
    said = {problem.path: problem.message[-13:] for problem in flow.feeder.warnings}
    assert said == {"load.13": "each of the 2", "load.14": "each of the 3", "load.8": "each of the 2"}
    at = dict(zip(flow.feeder.bus.index.tolist(), result.vm_pu[0].tolist(), strict=True))
    for index, row in net.load.iterrows():
        vm = at[int(row["bus"])]
        for power, z, i in (
            ("p_mw", "const_z_p_percent", "const_i_p_percent"),
            ("q_mvar", "const_z_q_percent", "const_i_q_percent"),
        ):
            z_share, i_share = row[z] / 100, row[i] / 100
            net.load.loc[index, power] *= 1 - z_share - i_share + i_share * vm + z_share * vm * vm
    net.load[list(SHARES)] = 0.0
    assert_equals(result, judged(net))


def test_what_follows_the_voltage_is_the_same_bits_in_any_block() -> None:
    flow = PowerFlow(feeder_from_net(neighbours(), NETWORK))
    powers = [background(flow.feeder, scaling) for scaling in (0.1, 1.0, 0.6, 1.3, 0.0)]
    p_mw, q_mvar = (np.concatenate(part) for part in zip(*(b.power(0, 1) for b in powers), strict=True))
    block = [b.dependent(0, 1) for b in powers]
    whole = flow.solve(p_mw, q_mvar, stack(block))
    assert whole.converged.all()
    for row, one in enumerate(block):
        alone = flow.solve(p_mw[row : row + 1], q_mvar[row : row + 1], one)
        for name in ("vm_pu", "losses_mw", "p_slack_mw", "residual_mva"):
            assert getattr(alone, name).tobytes() == getattr(whole, name)[row : row + 1].tobytes()


def blocks(feeder: Feeder, made: Background, n: int) -> list[Block]:
    """Solved blocks of a background alone."""
    kept: list[Block] = []
    coupling = Coupling(PowerFlow(feeder), kept.append, 3)
    for interval in range(n):
        p_mw, q_mvar = made.power(interval, 1)
        coupling.add(interval * 3_600_000, p_mw[0], q_mvar[0], made.dependent(interval, 1))
    coupling.flush()
    return kept


def test_injections_are_what_was_drawn_at_the_solved_voltage() -> None:
    net = kerber(SHARE_ROWS["mixed"])
    feeder = feeder_from_net(net, NETWORK)
    solved_net = judged(net)
    (block,) = blocks(feeder, background(feeder), 1)
    drawn = dict(zip(feeder.bus.index.tolist(), block.p_mw[0].tolist(), strict=True))
    for index, bus in net.load.bus.items():
        assert drawn[int(bus)] == pytest.approx(solved_net.res_load.p_mw[index], abs=1e-11)
    total = block.p_mw.sum() + block.flow.losses_mw[0]
    assert block.flow.p_slack_mw[0] == pytest.approx(total, abs=1e-9)
    net.load["p_mw"] *= 1000.0
    feeder = feeder_from_net(net, NETWORK)
    (lost,) = blocks(feeder, background(feeder), 1)
    assert lost.flow.status.tolist() == ["diverged"]
    at_loads = feeder.bus_positions(net.load.bus.tolist())
    assert np.isnan(lost.p_mw[0, at_loads]).all()
    assert lost.nominal_p_mw[0, at_loads[0]] == pytest.approx(6.0)


def test_scaling_and_profiles_act_on_what_follows_the_voltage() -> None:
    net = kerber(SHARE_ROWS["mixed"])
    made = feeder_from_net(net, NETWORK)
    half = background(made, 0.5)
    flow = PowerFlow(made)
    result = flow.solve(*half.power(0, 1), half.dependent(0, 1))
    net.load["scaling"] = 0.5
    assert_equals(result, judged(net))


def test_old_files_give_both_powers_one_share() -> None:
    net = kerber()
    net.load = net.load.drop(columns=list(SHARES))
    net.load["const_z_percent"], net.load["const_i_percent"] = 40.0, 30.0
    net.format_version, net.version = "2.14.0", "2.14.0"
    pp.convert_format(net)
    assert net.load.const_z_q_percent.eq(40.0).all()
    assert_equals(solved(net)[1], judged(net))


def test_verification_agrees_beside_households_and_finds_a_lost_share() -> None:
    """A household of constant power stands at each bus, where pandapower would give it the loads' shares."""
    net = neighbours()
    feeder = feeder_from_net(net, NETWORK)
    grid = GridConfig.model_validate({"network": "n", "background": "nominal"})
    taken = [load for load in feeder.loads if load.index in (0, 1)]
    rest = [element for element in feeder.elements if element not in taken]
    made = Background(feeder, rest, grid, START, 24)
    flow = PowerFlow(feeder)
    p_mw, q_mvar = made.power(0, 1)
    p_mw[0, feeder.bus_positions([load.bus for load in feeder.loads])] += 0.001
    result = flow.solve(p_mw, q_mvar, made.dependent(0, 1))
    judge = WholeNetwork(feeder, taken)

    def acting(row: int) -> list[tuple[object, float, float]]:
        return [(e, float(p[0]), float(q[0])) for e, p, q in made.element_powers(row, 1)]

    agreement = compare(judge, feeder, [0], acting, p_mw, q_mvar, result)  # type: ignore[arg-type]
    assert agreement.vm_pu.value < 1e-9
    assert agreement.loading_percent.value < 1e-6
    assert agreement.p_slack_mw.value < 1e-9
    without = flow.solve(p_mw, q_mvar)
    agreement = compare(judge, feeder, [0], acting, p_mw, q_mvar, without)  # type: ignore[arg-type]
    assert agreement.vm_pu.value > 1e-6
