"""Voltages, loadings, slack and losses equal `runpp` on a net made afresh, with loads and with reverse flow.

The nets here are built without the feeder's code: from pandapower's functions, from SimBench's extraction,
and by hand with everything that is awkward in one net.
"""

from __future__ import annotations

import copy
import random
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from cosim.grid.feeder import feeder_from_net
from cosim.grid.power_flow import PowerFlow
from cosim.grid.reference import RunppSolver
from cosim.grid.schema import NetworkConfig
from cosim.grid.simbench_data import read_grid
from cosim.grid.verify import WholeNetwork, compare
from tests.theory.grid_judge import background

NETWORK = NetworkConfig.model_validate(
    {
        "name": "case",
        "title": "case",
        "source": {"kind": "json", "file": "case.json"},
        "origin": "test",
        "licence": "test",
    }
)


def awkward_net() -> pp.pandapowerNet:
    """Meshed; transformers with taps, fused buses, an open line end, a dead end, a shunt, parallel lines."""
    net = pp.create_empty_network(sn_mva=0.7)
    mv = pp.create_bus(net, 20.0, index=100)
    lv = [pp.create_bus(net, 0.4, index=k) for k in (7, 3, 50, 21, 22, 23, 24, 25, 26)]
    pp.create_ext_grid(net, mv, vm_pu=1.02, va_degree=11.0)
    for k in range(3):
        pp.create_transformer(net, mv, lv[0], "0.25 MVA 20/0.4 kV", tap_pos=k - 1, parallel=1 + k % 2)
    net.trafo.loc[2, "in_service"] = False
    kind = "NAYY 4x150 SE"
    for first, second, length in (
        (0, 1, 0.2),
        (1, 2, 0.15),
        (2, 0, 0.3),
        (2, 3, 0.05),
        (3, 4, 0.1),
        (5, 6, 0.1),
    ):
        pp.create_line(net, lv[first], lv[second], length, kind)
    pp.create_line(net, lv[1], lv[4], 0.2, kind, parallel=2, df=0.8)
    tie = pp.create_line(net, lv[3], lv[6], 0.2, kind)  # open at one end: charged, and a bus of its own
    pp.create_switch(net, lv[6], tie, "l", closed=False)
    dead = pp.create_line(net, lv[2], lv[7], 0.2, kind)
    pp.create_switch(net, lv[2], dead, "l", closed=False)
    pp.create_switch(net, lv[7], dead, "l", closed=False)
    out = pp.create_line(net, lv[0], lv[4], 0.2, kind)
    net.line.loc[out, "in_service"] = False
    pp.create_switch(net, lv[4], lv[5], "b", closed=True)  # two buses, one node
    pp.create_switch(net, lv[0], lv[8], "b", closed=True, z_ohm=0.01)
    net.bus.loc[lv[7], "in_service"] = True
    pp.create_shunt(net, lv[3], q_mvar=-0.02, p_mw=0.001)
    pp.create_impedance(net, lv[1], lv[3], 0.02, 0.01, 0.5)
    pp.create_load(net, lv[4], 0.01, 0.002)
    return net


def kerber() -> pp.pandapowerNet:
    """Kerber's village."""
    return copy.deepcopy(_dorfnetz())


@cache
def _dorfnetz() -> pp.pandapowerNet:
    """Made once, which takes half a second."""
    return nw.create_kerber_dorfnetz()


NETS = {
    "simbench": lambda: read_grid("1-LV-rural3--0-sw"),
    "kerber": kerber,
    "cigre": nw.create_cigre_network_lv,
    "awkward": awkward_net,
}


def injections(
    buses: np.ndarray, supplied: np.ndarray, n: int, peak_mw: float
) -> tuple[np.ndarray, np.ndarray]:
    """Loads and generation in turn, the first interval without any."""
    rng = np.random.default_rng(len(buses))
    mean = np.linspace(-peak_mw, peak_mw, n)[:, None]
    p_mw = (mean + rng.normal(0, peak_mw, (n, len(buses)))) * supplied
    q_mvar = rng.normal(0, peak_mw / 3, (n, len(buses))) * supplied
    p_mw[0] = q_mvar[0] = 0.0
    return p_mw, q_mvar


@pytest.mark.parametrize("name", NETS)
@pytest.mark.fast_cases("cigre", "awkward")
def test_equals_runpp_on_a_fresh_net(name: str) -> None:
    source = NETS[name]()
    feeder = feeder_from_net(source, NETWORK)
    buses = source.bus.index.to_numpy()
    p_mw, q_mvar = injections(buses, feeder.bus.supplied, 7, 0.0025)
    result = PowerFlow(feeder).solve(p_mw, q_mvar)
    assert set(result.route) == {"zbus"}
    assert result.p_slack_mw[1] < 0 < result.p_slack_mw[-1]  # exports, then imports
    for row in range(len(p_mw)):
        net = copy.deepcopy(source)
        for table in ("load", "sgen", "storage"):
            net[table] = net[table].iloc[:0]
        pp.create_loads(net, buses, p_mw[row], q_mvar[row])
        pp.runpp(net, tolerance_mva=1e-11, numba=False)
        np.testing.assert_allclose(result.vm_pu[row], net.res_bus.vm_pu, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            result.line_loading_percent[row], net.res_line.loading_percent, rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(
            result.trafo_loading_percent[row], net.res_trafo.loading_percent, rtol=0, atol=1e-6
        )
        losses = net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum() + net.res_impedance.pl_mw.sum()
        if name != "awkward":  # its switch has an impedance, whose losses pandapower lists in no table
            assert result.losses_mw[row] == pytest.approx(losses, abs=1e-10)
        assert result.p_slack_mw[row] == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-9)
        assert result.q_slack_mvar[row] == pytest.approx(net.res_ext_grid.q_mvar.sum(), abs=1e-9)


def test_awkward_net_knows_what_is_dead() -> None:
    feeder = feeder_from_net(awkward_net(), NETWORK)
    assert feeder.bus.index[~feeder.bus.supplied].tolist() == [25]
    flow = PowerFlow(feeder)
    p_mw = np.zeros((3, feeder.n_bus))
    p_mw[1, feeder.bus_positions([25])] = 0.001
    p_mw[2, feeder.bus_positions([26])] = np.nan
    result = flow.solve(p_mw, np.zeros_like(p_mw))
    assert result.status.tolist() == ["converged", "skipped", "skipped"]
    assert "bus 25" in result.cause[1]
    assert "bus 26" in result.cause[2]
    assert np.isnan(result.vm_pu[1:]).all()
    assert np.isnan(result.p_slack_mw[1:]).all()


def test_energy_balance_closes() -> None:
    feeder = feeder_from_net(kerber(), NETWORK)
    p_mw, q_mvar = injections(feeder.bus.index, feeder.bus.supplied, 20, 0.001)
    result = PowerFlow(feeder).solve(p_mw, q_mvar)
    np.testing.assert_allclose(result.p_slack_mw, p_mw.sum(axis=1) + result.losses_mw, rtol=0, atol=1e-10)
    assert (result.losses_mw > 0).all()


def test_fallback_gives_the_same_as_the_fixed_point(monkeypatch: pytest.MonkeyPatch) -> None:
    feeder = feeder_from_net(nw.create_cigre_network_lv(), NETWORK)
    p_mw, q_mvar = injections(feeder.bus.index, feeder.bus.supplied, 3, 0.003)
    flow = PowerFlow(feeder)
    straight = flow.solve(p_mw, q_mvar)
    monkeypatch.setattr("cosim.grid.zbus.MAX_ITERATIONS", 2)
    around = flow.solve(p_mw, q_mvar)
    assert around.route.tolist() == ["zbus", "runpp", "runpp"]  # without load there is nothing to iterate
    assert around.converged.all()
    np.testing.assert_allclose(around.vm_pu, straight.vm_pu, rtol=0, atol=1e-9)
    np.testing.assert_allclose(around.losses_mw, straight.losses_mw, rtol=0, atol=1e-9)


def test_verification_finds_a_falsified_result() -> None:
    feeder = feeder_from_net(kerber(), NETWORK)
    p_mw, q_mvar = injections(feeder.bus.index, feeder.bus.supplied, 6, 0.002)
    result = PowerFlow(feeder).solve(p_mw, q_mvar)
    judge = WholeNetwork(feeder, feeder.elements)
    fair = compare(judge, feeder, [1, 4], lambda _: [], p_mw, q_mvar, result)
    assert fair.intervals == (1, 4)
    assert fair.vm_pu.value < 1e-9
    assert fair.loading_percent.value < 1e-6
    assert fair.p_slack_mw.value < 1e-9
    assert fair.losses_mw.value < 1e-9
    assert not fair.status_differs
    result.vm_pu[:, 5] += 1e-5
    worst = compare(judge, feeder, [1, 4], lambda _: [], p_mw, q_mvar, result).vm_pu
    assert worst.value == pytest.approx(1e-5, rel=1e-3)
    assert worst.element == f"bus {feeder.bus.index[5]}"


def test_verification_finds_what_was_left_out_of_the_source() -> None:
    """Each on the way to the solver, not in the source: the judge is the whole network."""
    net = kerber()
    pp.create_load(net, int(net.ext_grid.bus.iloc[0]), 0.02)  # moves no voltage, but the slack
    pp.create_storage(net, int(net.load.bus.iloc[9]), 0.003, max_e_mwh=0.01)
    pp.create_sgen(net, int(net.load.bus.iloc[20]), 0.004, scaling=0.5)
    feeder = feeder_from_net(net, NETWORK)
    whole = background(feeder)
    flow = PowerFlow(feeder)
    judge = WholeNetwork(feeder, [])
    powers = [(e, float(p[0]), float(q[0])) for e, p, q in whole.element_powers(0, 1)]
    p_mw, q_mvar = whole.power(0, 1)
    fair = compare(judge, feeder, [0], lambda _: powers, p_mw, q_mvar, flow.solve(p_mw, q_mvar))
    assert fair.vm_pu.value < 1e-9
    assert fair.p_slack_mw.value < 1e-9
    for kind in ("load", "storage", "sgen"):
        lost = next(each for each in reversed(powers) if each[0].kind == kind)
        less = p_mw.copy()
        less[0, feeder.bus_positions([lost[0].bus])] -= lost[1]
        rest = [each for each in powers if each is not lost]
        found = compare(judge, feeder, [0], lambda _, rest=rest: rest, less, q_mvar, flow.solve(less, q_mvar))
        assert found.p_slack_mw.value == pytest.approx(abs(lost[1]), rel=0.1)
        assert (found.vm_pu.value > 1e-6) == (kind != "load")


def test_feeder_leaves_its_source_alone_and_the_net_without_power() -> None:
    source = kerber()
    feeder = feeder_from_net(source, NETWORK)
    assert len(source.load) == 57 == len(feeder.loads)
    assert len(feeder.net.load) == 0
    for table in ("bus", "line", "trafo", "ext_grid", "switch"):
        assert feeder.net[table].equals(source[table])
    nothing = np.zeros(feeder.n_bus)
    before = copy.deepcopy(feeder.net.bus)
    assert RunppSolver(feeder).solve(nothing, nothing).converged.all()
    assert feeder.net.bus.equals(before)
    assert len(feeder.net.load) == 0


@pytest.mark.slow
def test_source_folder_is_not_needed_for_functions(tmp_path: Path) -> None:
    from cosim.grid.network_functions import read_source

    draws = []
    for seed in (1, 2):
        random.seed(seed)
        source = {"kind": "pandapower", "function": "create_kerber_vorstadtnetz_kabel_1"}
        network = NETWORK.model_copy(update={"source": _source(source)})
        net = read_source(network, tmp_path).net
        draws.append((net.line.std_type.tolist(), random.random()))
    assert draws[0][0] == draws[1][0]  # the feeder does not depend on Python's generator ...
    assert draws[0][1] != draws[1][1]  # ... nor does building it disturb that


def test_another_thread_that_draws_does_not_change_a_network(tmp_path: Path) -> None:
    """As those of a Dask worker do."""
    from cosim.grid.network_functions import read_source

    source = {"kind": "pandapower", "function": "create_kerber_landnetz_kabel_1"}
    network = NETWORK.model_copy(update={"source": _source(source)})
    alone = read_source(network, tmp_path).net.line.std_type.tolist()
    ended = threading.Event()

    def draw() -> None:
        while not ended.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        assert read_source(network, tmp_path).net.line.std_type.tolist() == alone
    finally:
        ended.set()
        thread.join()


def _source(value: dict[str, str]) -> object:
    """A network's source from plain values."""
    return NetworkConfig.model_validate(NETWORK.model_dump() | {"source": value}).source
