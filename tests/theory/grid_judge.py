"""Plain `runpp` on an unchanged net as the judge of what cosim makes of the same net."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import numpy as np
import pandapower as pp

from cosim.grid.background import Background
from cosim.grid.feeder import Feeder, feeder_from_net
from cosim.grid.flow_result import FlowResult
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig, NetworkConfig

NETWORK = NetworkConfig.model_validate(
    {"name": "n", "title": "t", "source": {"kind": "json", "file": "n.json"}, "origin": "o", "licence": "l"}
)
START = datetime(2020, 1, 1, tzinfo=UTC)
TABLES = ("line", "trafo", "trafo3w", "impedance", "tcsc", "dcline", "line_dc")


def background(feeder: Feeder, scaling: float = 1.0) -> Background:
    """All of a feeder's own elements with their nominal powers."""
    grid = GridConfig.model_validate({"network": "n", "background": "nominal", "background_scaling": scaling})
    return Background(feeder, feeder.elements, grid, START, 24)


def solved(net: pp.pandapowerNet) -> tuple[PowerFlow, FlowResult]:
    """What cosim makes of a net with its own powers."""
    flow = PowerFlow(feeder_from_net(net, NETWORK))
    powers = background(flow.feeder)
    return flow, flow.solve(*powers.power(0, 1), powers.dependent(0, 1))


def judged(net: pp.pandapowerNet) -> pp.pandapowerNet:
    """A copy of a net, solved by pandapower as tightly as it can."""
    net = copy.deepcopy(net)
    pp.runpp(net, tolerance_mva=1e-11, max_iteration=50, numba=False)
    return net


def assert_equals(result: FlowResult, net: pp.pandapowerNet, losses: bool = True) -> None:
    """Fail unless an interval's results are those of a solved net."""
    assert result.status.tolist() == ["converged"], result.cause[0]
    for found, expected, tolerance in (
        (result.vm_pu[0], net.res_bus.vm_pu, 1e-9),
        (result.line_loading_percent[0], net.res_line.loading_percent, 1e-6),
        (result.trafo_loading_percent[0], net.res_trafo.loading_percent, 1e-6),
        (result.trafo3w_loading_percent[0], net.res_trafo3w.loading_percent, 1e-6),
    ):
        np.testing.assert_allclose(found, expected.to_numpy(float), rtol=0, atol=tolerance)
    slack = net.gen.slack.astype(bool) & net.gen.in_service.astype(bool)
    for quantity, found in (("p_mw", result.p_slack_mw[0]), ("q_mvar", result.q_slack_mvar[0])):
        expected = net.res_ext_grid[quantity].sum() + net.res_gen[quantity][slack].sum()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    if losses:
        lost = sum(net[f"res_{kind}"].pl_mw.sum() for kind in TABLES if len(net[kind]))
        np.testing.assert_allclose(result.losses_mw[0], lost, rtol=0, atol=1e-8)
