"""Inverters that follow the voltage, against pandapower's DERController, a plain loop, and OpenDSS."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest
from pandapower.control import DERController
from pandapower.control.controller.DERController import QModelCosphiPCurve, QModelQVCurve

from cosim.core.inverters import UNITY, Characteristic, Inverter
from cosim.devices.named_characteristics import COS_PHI_OF_P, P_OF_V, Q_OF_V
from tests.theory.inverter_judge import by_controllers, by_plain_loop, feeder, solve, with_generators

RATING = 8.0
SUNNY = np.linspace(2.0, 7.8, 57)
Q_NEAR = Characteristic((0.98, 1.0, 1.01, 1.04), (-0.4, 0.0, 0.0, 0.44))
P_NEAR = Characteristic((1.01, 1.05), (1.0, 0.2))


def check(one: Inverter, has_generator: bool = False) -> None:
    """cosim's solution is the judge's, in voltages, active and reactive powers."""
    each = [one] * len(SUNNY)
    result, p_kw, q_kvar = solve(each, SUNNY[None], has_generator)
    judge = by_plain_loop(feeder(has_generator), each, SUNNY, one.base_kva)
    assert result.status.tolist() == ["converged"], result.cause[0]
    assert result.residual_mva[0] < 1e-8
    assert np.nanmax(np.abs(result.vm_pu[0] - judge.res_bus.vm_pu.to_numpy())) < 1e-9
    np.testing.assert_allclose(p_kw[0] / 1000, judge.res_sgen.p_mw, rtol=0, atol=1e-9)
    np.testing.assert_allclose(-q_kvar[0] / 1000, judge.res_sgen.q_mvar, rtol=0, atol=1e-9)


CASES = {
    "q_of_v": Inverter(RATING, q_of_v=Q_NEAR),
    "p_of_v": Inverter(RATING, p_of_v=P_NEAR),
    "both": Inverter(RATING, q_of_v=Q_NEAR, p_of_v=P_NEAR),
    "both within a rating, reactive first": Inverter(6.0, 6.0, q_of_v=Q_NEAR, p_of_v=P_NEAR),
    "both within a rating, active first": Inverter(6.0, 6.0, active_first=True, q_of_v=Q_NEAR, p_of_v=P_NEAR),
    "cos_phi_of_p": Inverter(RATING, power_factor=COS_PHI_OF_P["vde_ar_n_4105"]),
    "p_of_v with a power factor": Inverter(
        6.0, 6.0, power_factor=COS_PHI_OF_P["vde_ar_n_4105"], p_of_v=P_NEAR
    ),
    "over-excited": Inverter(RATING, power_factor=Characteristic((1.0,), (0.95,)), over_excited=True),
}


@pytest.mark.fast_cases("both within a rating, reactive first")
@pytest.mark.parametrize("name", CASES)
def test_equals_a_plain_loop_over_runpp(name: str) -> None:
    check(CASES[name])


@pytest.mark.slow
def test_equals_a_plain_loop_beside_a_generator_where_runpp_solves() -> None:
    check(CASES["both"], has_generator=True)
    result, _, _ = solve([CASES["both"]] * 57, SUNNY[None], has_generator=True)
    assert result.route.tolist() == ["runpp"]


def test_runpp_solves_the_same_where_it_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast way's fall-back reaches the same numbers."""
    each = [CASES["both within a rating, reactive first"]] * 57
    fast, p_kw, q_kvar = solve(each, SUNNY[None])
    monkeypatch.setattr("cosim.grid.power_flow.RESIDUAL_TOLERANCE_MVA", -1.0)
    slow, p_again, q_again = solve(each, SUNNY[None])
    assert (fast.route[0], slow.route[0]) == ("zbus", "runpp")
    np.testing.assert_allclose(slow.vm_pu, fast.vm_pu, rtol=0, atol=1e-10)
    np.testing.assert_allclose((p_again, q_again), (p_kw, q_kvar), rtol=0, atol=1e-6)


def test_q_of_v_equals_pandapowers_controller() -> None:
    net, one = feeder(), Inverter(RATING, q_of_v=Q_NEAR)
    result, p_kw, q_kvar = solve([one] * 57, SUNNY[None])
    judge = with_generators(net, SUNNY, RATING)
    fed_in = [-share for share in Q_NEAR.y]
    model = QModelQVCurve({"vm_points_pu": Q_NEAR.x, "q_points_pu": fed_in})
    DERController(
        judge, judge.sgen.index, q_model=model, damping_coef=1.3, max_p_error=1e-10, max_q_error=1e-10
    )
    by_controllers(judge)
    assert np.nanmax(np.abs(result.vm_pu[0] - judge.res_bus.vm_pu.to_numpy())) < 1e-8
    np.testing.assert_allclose(-q_kvar[0] / 1000, judge.res_sgen.q_mvar, rtol=0, atol=1e-8)
    np.testing.assert_allclose(p_kw[0], SUNNY, rtol=1e-12)
    assert np.ptp(q_kvar) > 0.5  # the characteristic is used along its slope


@pytest.mark.slow
def test_cos_phi_of_p_equals_pandapowers_controller() -> None:
    net, one = feeder(), CASES["cos_phi_of_p"]
    result, _, q_kvar = solve([one] * 57, SUNNY[None])
    judge = with_generators(net, SUNNY, RATING)
    points = COS_PHI_OF_P["vde_ar_n_4105"]
    model = QModelCosphiPCurve({"p_points_pu": points.x, "cosphi_points": [1.0, -points.y[1]]})
    DERController(
        judge, judge.sgen.index, q_model=model, damping_coef=1.0, max_p_error=1e-10, max_q_error=1e-10
    )
    by_controllers(judge)
    assert np.nanmax(np.abs(result.vm_pu[0] - judge.res_bus.vm_pu.to_numpy())) < 1e-8
    np.testing.assert_allclose(-q_kvar[0] / 1000, judge.res_sgen.q_mvar, rtol=0, atol=1e-8)


def test_an_interval_is_the_same_bits_in_any_block_and_beside_other_inverters() -> None:
    each = [list(CASES.values())[k % 6] for k in range(57)]
    available_kw = np.outer(np.linspace(0.0, 1.2, 7), SUNNY)
    whole, p_kw, q_kvar = solve(each, available_kw)
    assert whole.converged.all()
    for row in range(len(available_kw)):
        alone, p_alone, q_alone = solve(each, available_kw[row : row + 1])
        assert alone.vm_pu.tobytes() == whole.vm_pu[row : row + 1].tobytes()
        assert p_alone.tobytes() == p_kw[row : row + 1].tobytes()
        assert q_alone.tobytes() == q_kvar[row : row + 1].tobytes()


def steep(width_pu: float) -> Inverter:
    """Full reactive power within a narrow band: plain repetition flips between its two ends."""
    return Inverter(RATING, q_of_v=Characteristic((1.015, 1.015 + width_pu), (-0.44, 0.44)))


@pytest.mark.fast_cases("0.02")
@pytest.mark.parametrize("width_pu", [0.02, 0.001])
def test_an_oscillating_characteristic_is_damped(width_pu: float) -> None:
    each, available_kw = [steep(width_pu)] * 57, np.linspace(0.1, 1.0, 8)[:, None] * SUNNY
    result, _, q_kvar = solve(each, available_kw)
    assert result.converged.all(), result.cause
    assert (result.residual_mva < 1e-8).all()
    assert oscillates(each[0], available_kw[-1])
    assert np.abs(q_kvar).max() > 1.0


def oscillates(one: Inverter, available_kw: np.ndarray) -> bool:
    """Whether set-points and voltages, taken in turn and in full, still move after many turns."""
    net = with_generators(feeder(), available_kw, RATING)
    last = np.zeros(len(available_kw))
    for _ in range(12):
        pp.runpp(net, numba=False)
        vm_pu = net.res_bus.vm_pu.loc[net.sgen.bus].to_numpy()
        last, now = -1000 * net.sgen.q_mvar.to_numpy(), RATING * np.interp(vm_pu, *one.q_of_v)
        net.sgen["q_mvar"] = -now / 1000
    return bool(np.abs(now - last).max() > 0.1)


def test_what_does_not_settle_is_said_and_never_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.grid.zbus_controlled.MIXED_STEPS", 5)
    monkeypatch.setattr("cosim.grid.zbus_controlled.DAMPED", ((0.1, 5),))
    result, p_kw, q_kvar = solve([steep(0.001)] * 57, SUNNY[None])
    assert result.status.tolist() == ["diverged"]
    assert "the inverters' characteristics and the voltages did not settle" in result.cause[0]
    assert np.isnan(result.vm_pu).all()
    assert np.isnan(p_kw).all()
    assert np.isnan(q_kvar).all()


def test_at_its_rating_an_inverter_keeps_its_power_factor() -> None:
    """cos φ = 0.9 at 6 kVA leaves 5.4 kW, whatever the sun does."""
    one = Inverter(6.0, 6.0, power_factor=Characteristic((1.0,), (0.9,)))
    _, p_kw, q_kvar = solve([one] * 57, np.full((1, 57), 7.0))
    np.testing.assert_allclose(p_kw, 5.4, rtol=1e-12)
    np.testing.assert_allclose(q_kvar, 6.0 * math.sqrt(1 - 0.81), rtol=1e-12)
    _, p_kw, q_kvar = solve([replace(one, active_first=True)] * 57, np.full((1, 57), 5.8))
    np.testing.assert_allclose(p_kw, 5.8, rtol=1e-12)
    np.testing.assert_allclose(q_kvar, math.sqrt(36.0 - 5.8**2), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "per_active"), [("vde_ar_n_4105_small", 0.328684), ("vde_ar_n_4105", 0.484322)]
)
def test_power_factors_of_plants_are_those_of_pandapower(name: str, per_active: float) -> None:
    """Numbers of `PQArea4105` in pandapower 3.5.6, shares of the active power; ours are of the apparent."""
    drawn = Q_OF_V[name].y[-1]
    assert drawn / math.sqrt(1 - drawn**2) == pytest.approx(per_active, abs=1e-6)
    assert COS_PHI_OF_P[name].y[-1] == pytest.approx(math.cos(math.atan(per_active)), abs=1e-6)


def test_corners_are_those_of_a_manufacturers_grid_profile() -> None:
    """Hoymiles' `DE_VDE4105_2018`, version 2.0.2 (github.com/tbnobody/OpenDTU, issue 900): sections 80
    (volt-var: on, V1, Q1, V2, V3, V4, Q4; tenths) and b0 (power factor: on, start in tenths of a percent,
    value at full power in hundredths), of a plant below 4.6 kVA."""
    volt_var = [int(word, 16) / 10 for word in ["085b", "012c", "08b7", "0941", "099d", "012c"]]
    start, at_full = (int(word, 16) for word in ["01f4", "005f"])
    for name in ("vde_ar_n_4105", "vde_ar_n_4105_small"):
        assert [round(230 * v, 1) for v in Q_OF_V[name].x] == [volt_var[k] for k in (0, 2, 3, 4)]
        assert COS_PHI_OF_P[name].x == (start / 1000, 1.0)
    assert Q_OF_V["vde_ar_n_4105_small"].y[-1] == pytest.approx(volt_var[5] / 100, abs=0.0125)
    assert COS_PHI_OF_P["vde_ar_n_4105_small"].y == (1.0, at_full / 100)


@pytest.mark.parametrize(
    ("characteristic", "points"),
    [
        (Q_OF_V["ieee_1547_a"], {0.9: -0.25, 1.0: 0.0, 1.1: 0.25, 1.2: 0.25}),
        (Q_OF_V["ieee_1547_b"], {0.9: -0.44, 0.92: -0.44, 0.98: 0.0, 1.02: 0.0, 1.05: 0.22, 1.08: 0.44}),
        (Q_OF_V["vde_ar_n_4105"], {0.93: -0.435890, 0.97: 0.0, 1.03: 0.0, 1.05: 0.217945, 1.08: 0.435890}),
        (Q_OF_V["vde_ar_n_4105_small"], {1.07: 0.312250}),
        (P_OF_V["ieee_1547"], {1.0: 1.0, 1.06: 1.0, 1.08: 0.6, 1.1: 0.2, 1.3: 0.2}),
        (COS_PHI_OF_P["vde_ar_n_4105"], {0.2: 1.0, 0.5: 1.0, 0.75: 0.95, 1.0: 0.9}),
        (UNITY, {0.0: 1.0, 1.0: 1.0}),
    ],
)
def test_standards_points(characteristic: Characteristic, points: dict[float, float]) -> None:
    for x, y in points.items():
        assert characteristic.at(np.array(x)) == pytest.approx(y, abs=1e-6)
