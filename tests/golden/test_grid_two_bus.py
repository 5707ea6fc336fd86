"""The two-bus case of `grid_two_bus/`: closed form, up to the limit of loadability and beyond."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from cosim.grid.feeder import feeder_from_net
from cosim.grid.power_flow import FlowResult, PowerFlow
from cosim.grid.schema import NetworkConfig

CASE = json.loads((Path(__file__).parent / "grid_two_bus" / "case.json").read_text())


@pytest.fixture(scope="module")
def result() -> FlowResult:
    net = pp.create_empty_network()
    first, second = pp.create_buses(net, 2, CASE["vn_kv"])
    pp.create_ext_grid(net, first, vm_pu=CASE["vm_source_pu"])
    pp.create_line_from_parameters(
        net,
        first,
        second,
        CASE["length_km"],
        CASE["r_ohm_per_km"],
        CASE["x_ohm_per_km"],
        0.0,
        CASE["max_i_ka"],
    )
    pp.create_load(net, second, 0.001)
    network = NetworkConfig.model_validate(
        {"name": "two", "title": "t", "source": {"kind": "json", "file": "x"}, "origin": "o", "licence": "l"}
    )
    powers = np.array([[[0.0, case["p_kw"]], [0.0, case["q_kvar"]]] for case in CASE["cases"]]) / 1000
    return PowerFlow(feeder_from_net(net, network)).solve(powers[:, 0], powers[:, 1])


@pytest.mark.parametrize(("row", "case"), list(enumerate(CASE["cases"])))
def test_closed_form(result: FlowResult, row: int, case: dict[str, Any]) -> None:
    expected = case["expected"]
    if expected is None:
        assert result.status[row] == "diverged"
        assert result.cause[row]
        assert np.isnan(result.vm_pu[row]).all()
        return
    near = case["near_limit"]
    assert result.status[row] == "converged"
    assert result.vm_pu[row, 0] == pytest.approx(CASE["vm_source_pu"], abs=1e-12)
    assert result.vm_pu[row, 1] == pytest.approx(expected["vm_pu"], abs=1e-6 if near else 1e-9)
    loading = pytest.approx(expected["loading_percent"], abs=1e-3 if near else 1e-6)
    assert result.line_loading_percent[row, 0] == loading
    losses = result.losses_mw[row] * 1000
    assert losses == pytest.approx(expected["losses_kw"], abs=1e-2 if near else 1e-6)


def test_the_last_stretch_before_the_limit_is_runpp_s(result: FlowResult) -> None:
    routes = {
        case["near_limit"]: result.route[row] for row, case in enumerate(CASE["cases"]) if case["expected"]
    }
    assert routes == {False: "zbus", True: "runpp"}
