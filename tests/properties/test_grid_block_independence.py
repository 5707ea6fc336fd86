"""An interval's results are the same bits whatever is solved with it; what does not converge says so."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pandapower.networks as nw
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.grid.feeder import feeder_from_net
from cosim.grid.flow_result import FlowResult
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import NetworkConfig
from tests.examples import examples

N = 23
BUILDERS = {
    "kerber": nw.create_kerber_landnetz_kabel_2,
    "cigre": nw.create_cigre_network_lv,
    "ieee": nw.ieee_european_lv_asymmetric,
}


@cache
def case(name: str) -> tuple[PowerFlow, np.ndarray, np.ndarray, FlowResult]:
    """A solver, injections of very different size, and their results as one block."""
    network = NetworkConfig.model_validate(
        {"name": "case", "title": "t", "source": {"kind": "json", "file": "x"}, "origin": "o", "licence": "l"}
    )
    flow = PowerFlow(feeder_from_net(BUILDERS[name](), network))
    rng = np.random.default_rng(3)
    n_bus = flow.feeder.n_bus
    scale = np.geomspace(1e-7, 1.0, N)[:, None] / n_bus
    p_mw, q_mvar = scale * rng.normal(0.2, 1, (N, n_bus)), scale * rng.normal(0, 0.3, (N, n_bus))
    p_mw[4] = q_mvar[4] = 0.0
    p_mw[7, 2] = np.nan
    if name == "kerber":
        p_mw[9] *= 1e5  # far beyond what the feeder can carry
    return flow, p_mw, q_mvar, flow.solve(p_mw, q_mvar)


def same_bits(first: FlowResult, second: FlowResult) -> None:
    """Fail unless both are the same to the bit."""
    for field in fields(FlowResult):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if one.dtype == object:
            assert one.tolist() == two.tolist()
        else:
            assert one.tobytes() == two.tobytes(), field.name


@settings(max_examples=examples(12), deadline=None)
@given(st.sampled_from(sorted(BUILDERS)), st.lists(st.integers(0, N - 1), min_size=1, max_size=2 * N))
def test_any_selection_in_any_order_gives_the_same_bits(name: str, rows: list[int]) -> None:
    flow, p_mw, q_mvar, whole = case(name)
    expected = FlowResult.empty(len(rows), flow.feeder)
    for position, row in enumerate(rows):
        for field in fields(FlowResult):
            getattr(expected, field.name)[position] = getattr(whole, field.name)[row]
    same_bits(flow.solve(p_mw[rows], q_mvar[rows]), expected)


@settings(max_examples=examples(5), deadline=None)
@given(st.sampled_from(sorted(BUILDERS)), st.integers(1, N))
def test_internal_blocks_do_not_show(name: str, block: int) -> None:
    flow, p_mw, q_mvar, whole = case(name)
    before = flow._block
    try:
        flow._block = block
        same_bits(flow.solve(p_mw, q_mvar), whole)
    finally:
        flow._block = before


def test_one_by_one_gives_the_same_bits_and_honest_statuses() -> None:
    for name in BUILDERS:
        flow, p_mw, q_mvar, whole = case(name)
        for row in range(N):
            alone = flow.solve(p_mw[row : row + 1], q_mvar[row : row + 1])
            assert alone.vm_pu.tobytes() == whole.vm_pu[row : row + 1].tobytes()
            assert alone.losses_mw.tobytes() == whole.losses_mw[row : row + 1].tobytes()
        status = whole.status.tolist()
        assert status[7] == "skipped"
        lost = [7, 9] if name == "kerber" else [7]
        assert status.count("converged") == N - len(lost)
        assert np.isnan(whole.vm_pu[lost]).all()
        assert np.isnan(whole.line_loading_percent[lost]).all()
        if name == "kerber":
            assert status[9] == "diverged"
            assert "runpp" in whole.cause[9]
        assert not any(whole.cause[whole.converged])
