"""Where policies come to rest on paper A's communities, against the mean recursion in small steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from cosim.core.errors import InputError
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.operating_point import OperatingPoint, operating_point
from cosim.regulation.policies import POLICIES as REGISTERED
from cosim.regulation.responses import Responses

KAPPA = 0.3
POLICIES = ["additive", "proportional", "inverse_average"]
N = 20
COMMUNITIES = {"community_1": N, "community_2": 0, "both": N // 2}
"""How many of N households have Community 1's cost; the others have Community 2's."""
GRID = [0.0, 1.0, 0.6 * N, N - 1.0, float(N)]


def _costs(n_first: int) -> CostParameters:
    """Section 6's costs, with a of 1 to 10 and b of 1 to 15 spread evenly."""
    first = np.arange(N) < n_first
    a, b = np.linspace(1, 10, N).round(), np.linspace(1, 15, N).round()
    half, zero = np.full(N, 0.5), np.zeros(N)
    return CostParameters(
        np.where(first, 11.75, 11.65),
        np.where(first, 1.74, 1.725),
        np.where(first, a / 4, a / 8),
        np.where(first, 0.0, 1.25 * b),
        (half, half),
        (half, half),
        (zero, zero),
    )


def _response(name: str, signal: float, x: Any, slope: Any) -> Any:
    """σ as printed: (20), (22), and the additive policy; clipped."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = {
            "additive": x + KAPPA * (signal - slope),
            "proportional": signal * x / slope,
            "inverse_average": signal * slope / x,
        }[name]
    return np.clip(np.nan_to_num(sigma, posinf=1.0, neginf=0.0), 0.0, 1.0)


def _signal(name: str, capacity: float, x: Any, slope: Any) -> float:
    """The Ω at which all responses add up to the capacity, by bracketing; the nearest where there is none."""

    def short(signal: float) -> float:
        return float(_response(name, signal, x, slope).sum()) - capacity

    low, high = (-1e4, 1e4) if name == "additive" else (0.0, 1e6)
    if short(low) >= 0 or short(high) <= 0:
        return low if short(low) >= 0 else high
    return float(brentq(short, low, high, xtol=1e-13, rtol=1e-14))


def _iterate(name: str, costs: CostParameters, capacities: Any, start: Any, share: float, rounds: int) -> Any:
    """x̄ ← x̄ + share·(σ − x̄) with Ω such that the sums hold: what the market does on average."""
    x = np.array(start)
    for _ in range(rounds):
        slopes = costs.gradients(list(x))
        wish = [
            _response(name, _signal(name, c, x[r], slopes[r]), x[r], slopes[r])
            for r, c in enumerate(capacities)
        ]
        x = x + share * (np.array(wish) - x)
    return x


def _responses(name: str, n: int) -> Responses:
    return Responses.of_groups([REGISTERED[name]()], [n])


def _point(name: str, costs: CostParameters, capacities: Any) -> OperatingPoint:
    return operating_point(_responses(name, costs.n_households), costs, np.array(capacities))


@pytest.mark.parametrize("community", COMMUNITIES)
@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.slow
def test_over_the_whole_range_of_capacities(name: str, community: str) -> None:
    """What is called fixed repeats itself under the printed response, and holds the sums; G is its slope."""
    costs = _costs(COMMUNITIES[community])
    n_fixed = 0
    for capacities in [(c, d) for c in GRID for d in GRID]:
        point = _point(name, costs, capacities)
        x, signals = point.averages.T, point.signals
        assert np.isfinite(x).all()
        assert x.min() >= 0
        assert x.max() <= 1
        assert np.isfinite(point.loop_gains).all()
        assert point.loop_gains.min() >= 0
        if not point.is_fixed:
            assert name != "additive"
            assert community != "community_1"
            # All that can be held is held: everybody is in or locked out, and too few are in.
            assert (x.sum(axis=1) <= np.array(capacities) + 1e-9).all()
            assert point.locked_out.any()
            continue
        n_fixed += 1
        slopes = np.array(costs.gradients(list(x)))
        repeated = np.array([_response(name, signals[r], x[r], slopes[r]) for r in range(2)])
        # (22) at exactly 0/0 has no value: there the gradient says that the response is 0.
        assert np.abs(repeated - x)[x > 0].max(initial=0.0) < 1e-5
        assert np.allclose(x.sum(axis=1), capacities, atol=1e-6)
        if name != "additive":
            assert (slopes[:, point.locked_out] <= 0).all()
            assert not x[:, point.locked_out].any()
        for r in range(2):
            inside = (x[r] > 1e-6) & (x[r] < 1 - 1e-6)
            h = 1e-6 * max(abs(signals[r]), 1e-9)
            up, down = (_response(name, signals[r] + s * h, x[r], slopes[r])[inside] for s in (1, -1))
            assert point.loop_gains[r] == pytest.approx((up - down).sum() / (2 * h), rel=1e-3, abs=1e-3)
    assert n_fixed >= (len(GRID) ** 2 if name == "additive" or community == "community_1" else 12)


@pytest.mark.parametrize("community", COMMUNITIES)
@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("capacities", [(0.91 * N, 0.81 * N), (0.81 * N, 0.71 * N), (N - 1, 1), (1, 1)])
@pytest.mark.fast_cases(
    "capacities0-additive-both", "capacities1-proportional-both", "capacities2-inverse_average-both"
)
def test_the_mean_recursion_in_small_steps_ends_there(
    name: str, community: str, capacities: tuple[float, float]
) -> None:
    """From equal averages; from a twentieth beside the point where the way there matters."""
    costs = _costs(COMMUNITIES[community])
    point = _point(name, costs, capacities)
    x = point.averages.T
    if not point.is_fixed:
        pytest.skip("a point that is not fixed; the test of the whole range looks at those")
    steep = name == "additive" and min(capacities) <= 1  # κ times a curvature of hundreds: small steps only
    start = np.repeat(np.array(capacities)[:, None] / N, N, axis=1)
    if point.locked_out.any() or min(capacities) <= 1:
        start = np.clip(x * (1 + 0.05 * np.where(np.arange(N) % 2, 1, -1)), 0, 1)
    reached = _iterate(name, costs, capacities, start, *((0.005, 500) if steep else (0.1, 150)))
    # `proportional` creeps where gradients are alike and averages small.
    left = 0.5 if steep or name == "proportional" else 0.1
    assert np.abs(reached - x).max() < max(1e-9, left * np.abs(start - x).max())


def test_the_case_that_used_to_be_refused() -> None:
    """C = (80, 70) of 99: (22) locks a few of Community 2 out, and the loop gain is that of the others."""
    rng = np.random.default_rng(1)
    a, b, first = rng.integers(1, 11, 99), rng.integers(1, 16, 99), np.arange(99) < 50
    half, zero = np.full(99, 0.5), np.zeros(99)
    costs = CostParameters(
        np.where(first, 11.75, 11.65), np.where(first, 1.74, 1.725), np.where(first, a / 4, a / 8),
        np.where(first, 0.0, 1.25 * b), (half, half), (half, half), (zero, zero),
    )  # fmt: skip
    capacities = np.array([80.0, 70.0])
    point = _point("inverse_average", costs, capacities)
    assert point.is_fixed
    assert 1 <= point.locked_out.sum() <= 10
    assert not point.locked_out[:50].any()
    assert b[point.locked_out].min() > np.median(b)
    # σ is in proportion to Ω, so that the gain of those who answer is their sum over Ω.
    inside = (point.averages > 0) & (point.averages < 1)
    sums = np.where(inside, point.averages, 0).sum(axis=0)
    assert point.loop_gains == pytest.approx(sums / point.signals, rel=1e-9)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("capacities", [(N + 1, 10), (10, -1), (1e9, 1e9)])
def test_capacities_out_of_range_are_refused(name: str, capacities: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="no decisions of 20 households"):
        _point(name, _costs(N // 2), capacities)


def test_units_of_signals_follow_from_the_fixed_points() -> None:
    """∇g [cost/unit] = Ω, and x̄² [unit²] = Ω ∇g."""
    units = {name: REGISTERED[name].signal_unit for name in POLICIES}
    assert units == {"additive": "cost/unit", "proportional": "cost/unit", "inverse_average": "unit³/cost"}
