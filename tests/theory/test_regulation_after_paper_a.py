"""What followed paper A against its theory: AIMD's ratio, divisible units, windows, private reports."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from scipy.stats import laplace as laplace_of_scipy

from cosim.api.checking import check
from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.regulation.averages import WindowAverage, window_mean
from cosim.regulation.decisions.aimd import AdditiveIncreaseMultiplicativeDecrease
from cosim.regulation.decisions.interface import Known
from cosim.regulation.report_privacy import LaplaceReports, laplace
from cosim.results.store import read_table

COMMUNITY = """
name: shared
seed: 3
time: {start: 2019-01-01T00:00:00Z, step_s: 60, steps: STEPS}
report: {figures: false}
groups:
  - {name: keen, households: 10, cost: {kind: separable, linear: 0, own_quadratic: 1, target: 0}}
  - {name: slow, households: 10, cost: {kind: separable, linear: 0, own_quadratic: 3, target: 0}}
communities:
  - name: street
    groups: [keen, slow]
    resources: [{name: capacity, capacity: 4}]
    agent: {initial_decision: 0, initial_average: 0.2}
"""
AIMD = (
    "communities.street.platform.control=capacity_event",
    "communities.street.agent.decision={kind: aimd, increase: 0.01, decrease: 0.5, scale: 0.05}",
)


def run(folder: Path, steps: int, *settings: str) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shared.yaml").write_text(COMMUNITY.replace("STEPS", str(steps)))
    outcome = run_scenario(load_scenario(str(folder / "shared.yaml"), list(settings)), folder / "run")
    assert outcome.status == "done", outcome.cause
    return outcome.summary, read_table(folder / "run", "decisions"), read_table(folder / "run", "regulation")


def by_household(decisions: pd.DataFrame, column: str) -> np.ndarray:
    """Shape (n_steps, n_households)."""
    return decisions.pivot(index="step", columns="prosumer", values=column).to_numpy()


@pytest.mark.slow
def test_aimd_shares_in_inverse_proportion_to_the_probability_of_giving_way(tmp_path: Path) -> None:
    """λ = Γ ∇g / x̄ = 2 Γ q is constant with g = q x², so averages go as 1/q: the optimum, 3 to 1."""
    _, decisions, ticks = run(tmp_path, 4000, *AIMD)
    assert set(ticks["signal"]) == {0.0, 1.0}, "one bit"
    events = ticks["signal"].to_numpy()[1:]
    measured = ticks["measured"].to_numpy()[:-1]
    assert np.array_equal(events, (measured > 4).astype(float))
    x = by_household(decisions, "delivered")
    assert x.min() >= 0
    assert x.max() <= 1
    # What is taken in the steps that an event answers; the decision of step k+1 knows the signal of tick k.
    answered = np.flatnonzero(ticks["signal"].to_numpy()[1000:] == 1) + 1000
    at_events = x[answered - 1].mean(axis=0)
    assert at_events[:10].mean() / at_events[10:].mean() == pytest.approx(3.0, rel=0.05)
    probability = by_household(decisions, "probability")[1000:]
    assert np.allclose(probability[:, :10], 0.1)
    assert np.allclose(probability[:, 10:], 0.3)
    # It saws about the capacity, in each cycle by what gives way: Σ λ (1 − β) x, about 0.3 of 4.
    assert abs(x[1000:].sum(axis=1).mean() - 4) < 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, None),
        ({"communities.street.agent.decision.scale": 0.17}, "10 of 20 give way at every capacity event: "),
        ({"groups.keen.cost.target": 1}, "10 of 20 give way at none, for their costs do not rise there: "),
    ],
)
def test_households_whose_costs_have_no_say_are_named(settings: dict[str, float], words: str | None) -> None:
    """λ = 2 Γ q is 0.34 and 1.02 with Γ = 0.17; the share of all is 0.2, below a target of 1."""
    found = [each for each in check("aimd_street", settings) if each.path == "communities.0.agent.decision"]
    assert [words in each.message for each in found] == ([] if words is None else [True])


def test_aimd_step_by_step() -> None:
    rule = AdditiveIncreaseMultiplicativeDecrease(increase=0.25, decrease=0.5, scale=0.1)

    def x(signal: float, before: float, draw: float) -> tuple[float, float]:
        return rule.choose(Known(signal, 0.0, 0.5, 2.0, before, draw))

    assert x(0.0, 0.5, 0.0) == (0.75, pytest.approx(0.4))
    assert x(1.0, 0.5, 0.39) == (0.5, pytest.approx(0.4))
    assert x(1.0, 0.5, 0.41) == (0.75, pytest.approx(0.4))
    assert x(0.0, 0.9, 0.0)[0] == 1.0


def test_divisible_units_reach_the_optimum_without_the_variance_of_draws(tmp_path: Path) -> None:
    settings = ["communities.street.agent.averages={kind: exponential, time_constant_steps: 20}"]
    divisible = "communities.street.agent.decision=divisible"
    _, decisions, ticks = run(tmp_path / "parts", 500, *settings, divisible)
    x = by_household(decisions, "delivered")[-200:]
    # q x equal for all: 0.3 and 0.1 of 10 households each make 4.
    assert np.allclose(x[:, :10], 0.3, atol=1e-3)
    assert np.allclose(x[:, 10:], 0.1, atol=1e-3)
    assert np.abs(ticks["aggregate"].to_numpy()[-200:] - 4).max() < 1e-3
    _, drawn, drawn_ticks = run(tmp_path / "whole", 500, *settings)
    assert set(drawn["delivered"]) == {0.0, 1.0}
    spread = drawn_ticks["aggregate"].to_numpy()[-300:].std()
    # Bernoulli: Σ σ(1 − σ) = 10 (0.3 · 0.7 + 0.1 · 0.9), and what the loop adds.
    assert spread > 0.8 * math.sqrt(10 * (0.3 * 0.7 + 0.1 * 0.9))


def test_a_window_forgets_what_is_older(tmp_path: Path) -> None:
    window = "communities.street.agent.averages={kind: window, window_steps: 30}"
    _, decisions, _ = run(tmp_path / "window", 200, window)
    x, average = by_household(decisions, "delivered"), by_household(decisions, "average")
    for step in (60, 120, 199):
        assert np.allclose(average[step], x[step - 30 : step].mean(axis=0), rtol=0, atol=1e-12)
    longer = "communities.street.agent.averages={kind: window, window_steps: 10000}"
    _, one, _ = run(tmp_path / "long", 200, longer)
    _, other, _ = run(tmp_path / "cumulative", 200)
    assert np.allclose(one["average"], other["average"], rtol=0, atol=1e-12), "a window that never fills"
    assert (one["delivered"] == other["delivered"]).all()
    assert window_mean([(0.0, 1.0), (1.0, 1.0)]) == [0.5, 1.0]
    assert WindowAverage(window_steps=3).window == 3


def test_noise_is_laplaces_and_hides_a_unit_within_its_budget() -> None:
    uniforms = Streams(5).field("noise").row(0, 20_000)
    noise = np.array([laplace(float(u), 2.0) for u in uniforms])
    assert kstest(noise, laplace_of_scipy(scale=2.0).cdf).pvalue > 0.01
    assert noise.std() == pytest.approx(LaplaceReports(epsilon=0.5).noise_std(1), rel=0.03)
    assert math.isfinite(laplace(0.0, 1.0))
    # Whatever is reported, no two households differ in its likelihood by more than e^ε.
    epsilon = 0.7
    for m in (1, 2):
        density = laplace_of_scipy(scale=LaplaceReports(epsilon=epsilon).scale(m)).pdf
        reports = np.linspace(-5, 6, 200)
        one, other = density(reports - 1.0) ** m, density(reports) ** m
        assert np.max(one / other) == pytest.approx(math.exp(epsilon))


@pytest.mark.slow
def test_private_reports_blur_the_sum_by_what_theory_says(tmp_path: Path) -> None:
    epsilon, n, steps = 2.0, 20, 2500
    settings = ["communities.street.platform.gain=0.0005", "communities.street.platform.initial_signal=0.6"]
    settings += [f"communities.street.agent.reports={{kind: laplace, epsilon: {epsilon}}}"]
    _, decisions, ticks = run(tmp_path / "noisy", steps, *settings)
    taken = by_household(decisions, "delivered").sum(axis=1)
    blur = ticks["measured"].to_numpy()[2:] - taken[1 : len(ticks) - 1]
    assert abs(blur.mean()) < 4 * math.sqrt(n * 2) / epsilon / math.sqrt(len(blur))
    # Variance 2 b² n, b = 1/ε; the sum's kurtosis is 3 + 3/n, so its relative error is known.
    error = math.sqrt((2 + 3 / n) / len(blur))
    assert blur.var() == pytest.approx(2 * n / epsilon**2, rel=4 * error)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("communities.street.agent.decision={kind: aimd, scale: 0.1}", "do not go together"),
        ("communities.street.platform.control=capacity_event", "do not go together"),
        ("communities.street.agent.reports={kind: laplace}", "epsilon"),
        ("communities.street.agent.averages={kind: window, window_steps: 0}", "from 1 to 10,000"),
    ],
)
def test_what_does_not_go_together_is_refused(setting: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(COMMUNITY.replace("STEPS", "10"))
    with pytest.raises(InputError, match=words):
        load_scenario(str(tmp_path / "shared.yaml"), [setting])


def test_parts_of_a_unit_are_of_no_device() -> None:
    with pytest.raises(InputError, match="takes parts of a unit, and devices deliver"):
        load_scenario("storage_village", ["communities.village.agent.decision=divisible"])
