"""Costs that change in time: how soon a community comes to the new optimum, against theory and scipy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, minimize

from cosim.core.errors import InputError, Problem
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight, run_scenario
from cosim.regulation.costs import COSTS
from cosim.results.store import read_table
from tests.theory.test_regulation_any_cost import Exponential, Wavy

N, CAPACITY = 10, 4.0
CHANGE = 240
"""The step at which the two groups exchange their costs, at 4 h."""

SCENARIO = """
name: turning
seed: 3
time: {start: 2019-01-01T22:00:00Z, step_s: 60, steps: 420}
report: {figures: false}
groups:
  - name: keen
    households: 10
    cost: KEEN
  - name: slow
    households: 10
    cost: SLOW
communities:
  - name: street
    groups: [keen, slow]
    resources: [{name: energy, capacity: 4}]
    agent:
      policy: proportional
      decision: divisible
      initial_decision: 0
      initial_average: 0.2
      averages: {kind: exponential, time_constant_steps: 20}
"""


def square(weight: float) -> str:
    return f"{{kind: separable, linear: 0, own_quadratic: {weight}, target: 0}}"


def stepped(*weights: float) -> str:
    steps = ", ".join(f"{{from_h: {4 * i}, cost: {square(each)}}}" for i, each in enumerate(weights))
    return f"{{kind: stepped, steps: [{steps}]}}"


def hourly(early: float, late: float) -> str:
    """The run begins at 22:00, and 4 h later it is 02:00."""
    numbers = [late if 2 <= hour < 22 else early for hour in range(24)]
    return f"{{kind: hourly, cost: {square(7)}, by_hour: {{own_quadratic: {numbers}}}}}"


def load(folder: Path, keen: str, slow: str, *settings: str) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "turning.yaml").write_text(SCENARIO.replace("KEEN", keen).replace("SLOW", slow))
    return load_scenario(str(folder / "turning.yaml"), list(settings))


def run(folder: Path, keen: str, slow: str, *settings: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    outcome = run_scenario(load(folder, keen, slow, *settings), folder / "run")
    assert outcome.status == "done", outcome.cause
    return read_table(folder / "run", "regulation"), read_table(folder / "run", "decisions")


def optimum(weights: np.ndarray, total: float) -> tuple[np.ndarray, float]:
    """Of Σ q x², by scipy."""
    found = minimize(
        lambda x: float(np.sum(weights * x**2)), np.full(len(weights), total / len(weights)),
        jac=lambda x: 2 * weights * x, hess=lambda x: np.diag(2 * weights), bounds=[(0, 1)] * len(weights),
        constraints=LinearConstraint(np.ones((1, len(weights))), total, total),
        method="trust-constr", options={"gtol": 1e-12, "xtol": 1e-14},
    )  # fmt: skip
    return found.x, float(found.fun)


def left_after(averages: str, steps: np.ndarray) -> np.ndarray:
    """Share of a household's error that is left so many decisions after what it does has jumped."""
    forgets: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "exponential": lambda j: np.exp(-j / 20),
        "window": lambda j: np.maximum(1 - j / 30, 0),
        "cumulative": lambda j: (CHANGE + 1) / (CHANGE + 1 + j),
    }
    return forgets[averages](steps)


@pytest.mark.parametrize(
    ("kind", "averages"),
    [
        ("exponential", "{kind: exponential, time_constant_steps: 20}"),
        ("window", "{kind: window, window_steps: 30}"),
        ("cumulative", "cumulative"),
    ],
    ids=["exponential", "window", "cumulative"],
)
@pytest.mark.fast_cases("exponential")
def test_the_new_optimum_is_reached_as_fast_as_averages_forget(
    tmp_path: Path, kind: str, averages: str
) -> None:
    """σ = Ω x̄ / 2q x̄ = Ω / 2q jumps with q, and Ω stays where both groups exchange their q."""
    ticks, decisions = run(
        tmp_path, stepped(1, 3), stepped(3, 1), f"communities.street.agent.averages={averages}"
    )
    before, after = np.repeat([1.0, 3.0], N), np.repeat([3.0, 1.0], N)
    old, new = optimum(before, CAPACITY)[0], optimum(after, CAPACITY)[0]
    x = decisions.pivot(index="step", columns="prosumer", values="delivered").to_numpy()
    assert x[CHANGE - 5] == pytest.approx(old, abs=2e-3)
    assert x[CHANGE + 5] == pytest.approx(new, abs=2e-3)
    average = decisions.pivot(index="step", columns="prosumer", values="average").to_numpy()
    at = average[CHANGE]  # the one that decisions are made from when costs change
    later = np.arange(1, 120)
    expected = new + (at - new) * left_after(kind, later)[:, None]
    assert average[CHANGE + later] == pytest.approx(expected, abs=3e-3)
    # The yardstick is for the costs in force at the tick.
    for tick in (CHANGE - 1, CHANGE + 1, CHANGE + 60):
        row, own = ticks.iloc[tick], average[tick]
        weights, best = (before, old) if tick < CHANGE else (after, new)
        assert row["distance"] == pytest.approx(np.linalg.norm(own - best), abs=1e-6)
        gap = np.sum(weights * own**2) - optimum(weights, own.sum())[1]
        assert row["optimum_gap"] == pytest.approx(gap, abs=1e-6)
        assert row["gradient_spread"] == pytest.approx(np.ptp(2 * weights * own), abs=1e-9)


@pytest.mark.slow
def test_decisions_take_the_gradient_in_force(tmp_path: Path) -> None:
    """To the step, and in both of the ways to say it; households wake at times of their own."""
    phases = "communities.street.agent.phase={kind: uniform}"
    ticks, decisions = run(tmp_path / "stepped", stepped(1, 3), stepped(3, 1), phases)
    keen = decisions["prosumer"].astype(str).str[1:].astype(int) <= N
    late = pd.to_datetime(decisions["time"]) >= pd.Timestamp("2019-01-02T02:00:00Z")
    weight = np.where(keen.to_numpy() ^ late.to_numpy(), 1.0, 3.0)
    assert decisions["gradient"].to_numpy() == pytest.approx(2 * weight * decisions["average"], abs=1e-12)
    others = run(tmp_path / "hourly", hourly(1, 3), hourly(3, 1), phases)
    pd.testing.assert_frame_equal(ticks, others[0])
    pd.testing.assert_frame_equal(decisions, others[1])


@pytest.mark.slow
def test_costs_that_stay_the_same_leave_the_same_bytes(tmp_path: Path) -> None:
    """Also where numbers are drawn, which is once for a household."""
    drawn = "{kind: separable, linear: 0, own_quadratic: {uniform: [1, 3]}, target: 0}"
    twice = f"{{kind: stepped, steps: [{{from_h: 0, cost: {drawn}}}, {{from_h: 1, cost: {drawn}}}]}}"
    settings = ("time.steps=120",)
    run(tmp_path / "one", drawn, square(3), *settings)
    run(tmp_path / "two", twice, hourly(3, 3), *settings)
    for name in ("regulation", "decisions", "prosumers"):
        one, two = (tmp_path / each / "run" / "tables" / f"{name}.parquet" for each in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


@pytest.mark.slow
def test_what_is_drawn_stays_the_households_own(tmp_path: Path) -> None:
    """A change of another number leaves it."""
    form = "{{kind: separable, linear: {}, own_quadratic: {{uniform: [1, 3]}}, target: 0}}"
    steps = f"{{from_h: 0, cost: {form.format(0)}}}, {{from_h: 1, cost: {form.format(2)}}}"
    _, decisions = run(tmp_path, f"{{kind: stepped, steps: [{steps}]}}", square(3), "time.steps=120")
    own = read_table(tmp_path / "run", "prosumers")["cost_own_quadratic_energy"].to_numpy()[:N]
    at = decisions[(decisions["step"] == 100)].iloc[:N]
    expected = 2.0 + 2 * own * at["average"].to_numpy()
    assert at["gradient"].to_numpy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_the_gain_is_for_the_steepest_loop_and_warnings_say_when(tmp_path: Path) -> None:
    falls = "{kind: separable, linear: -1, own_quadratic: 1, target: 0}"
    steps = f"{{kind: stepped, steps: [{{from_h: 0, cost: {square(1)}}}, {{from_h: 3, cost: {falls}}}]}}"
    said = [problem.message for problem in preflight(load(tmp_path, steps, square(3)))]
    assert any(
        "Assumption 1 of paper A fails on (0, 1] from 3 h on for 10 households" in each for each in said
    )
    halved = f"{{kind: hourly, cost: {square(7)}, by_hour: {{own_quadratic: {[1] * 22 + [2, 1]}}}}}"
    before, after = (
        run_scenario(load(folder, halved, square(3), f"time.steps={steps}"), folder / "run").summary
        for folder, steps in ((tmp_path / "before", 60), (tmp_path / "after", 61))
    )
    key = "street_energy_loop_gain_units_per_signal"
    # G = Σ 1/2q: q is 2 from 22:00, when the run begins, and 1 from 23:00; the steeper counts, if it comes.
    assert before[key] == pytest.approx(10 / 4 + 10 / 6, rel=1e-4)
    assert after[key] == pytest.approx(10 / 2 + 10 / 6, rel=1e-4)
    gains = [each["street_energy_gain_signal_per_unit"] for each in (before, after)]
    assert gains[0] / gains[1] == pytest.approx((1 / 2 + 1 / 6) / (1 / 4 + 1 / 6), rel=1e-4)


def errors_of(folder: Path, cost: str) -> list[Problem]:
    try:
        return [
            problem for problem in preflight(load(folder, cost, square(3))) if problem.severity == "error"
        ]
    except InputError as error:
        return list(error.problems)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("{kind: stepped, steps: [{from_h: 1, cost: SQUARE}]}", "there is no cost at the start"),
        (
            "{kind: stepped, steps: [{from_h: 0, cost: SQUARE}, {from_h: 0, cost: SQUARE}]}",
            "from_h must increase from one step to the next",
        ),
        ("{kind: stepped, steps: [{from_h: 0, cost: {kind: stepped, steps: []}}]}", "not one of the choices"),
        ("{kind: hourly, cost: SQUARE, by_hour: {}}", "no number changes"),
        (
            "{kind: hourly, cost: SQUARE, by_hour: {linear: [1, 2]}}",
            "2 numbers are given, and one is needed for each hour of the day",
        ),
        (
            f"{{kind: hourly, cost: SQUARE, by_hour: {{own_quadratic: {[1] * 5 + [-1] + [1] * 18}}}}}",
            "own_quadratic from 05:00 on is -1",
        ),
        (
            f"{{kind: hourly, cost: SQUARE, by_hour: {{price: {[1] * 24}}}}}",
            "the cost 'separable' has no key 'price'",
        ),
        (
            f"{{kind: stepped, steps: [{{from_h: 0, cost: SQUARE}}, {{from_h: 1, cost: {square(-2)}}}]}}",
            "steps.1.cost",
        ),
        (
            "{kind: stepped, steps: [{from_h: 0, cost: SQUARE}, {from_h: 1, cost: section6_community_1}]}",
            "needs a community of 2 resources",
        ),
    ],
)
def test_bad_input_is_refused_with_its_line(tmp_path: Path, cost: str, said: str) -> None:
    problems = errors_of(tmp_path, cost.replace("SQUARE", square(1)))
    assert len(problems) == 1, problems
    (problem,) = problems
    assert said in str(problem), str(problem)
    assert (problem.file.endswith("turning.yaml"), problem.line) == (True, 9)
    assert problem.remedy


def test_a_cost_that_begins_when_the_run_is_over_is_named(tmp_path: Path) -> None:
    begins = stepped(1, 3, 2)  # at 0, 4 and 8 h; a run of 420 steps ends at 7 h
    for duration, named in (("time.steps=420", [2]), ("time.steps=480", [2]), ("time.steps=481", [])):
        problems = [
            each
            for each in preflight(load(tmp_path, begins, square(3), duration))
            if "the run ends" in each.message
        ]
        assert [each.path for each in problems] == [f"groups.0.cost.steps.{step}.from_h" for step in named]
        assert all((each.severity, each.value, each.line) == ("warning", "8", 9) for each in problems)


def test_arrays_refuse_and_auto_takes_processes(tmp_path: Path) -> None:
    asked = load(tmp_path, stepped(1, 3), square(3), "engine.route=arrays")
    assert any("costs change in time" in problem.message for problem in preflight(asked))


@pytest.fixture
def of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COSTS, "_classes", dict(COSTS._classes))
    COSTS.register("exponential")(Exponential)
    COSTS.register("wavy")(Wavy)


@pytest.mark.usefixtures("of_ones_own")
def test_a_later_cost_that_is_not_convex_is_refused(tmp_path: Path) -> None:
    steps = f"{{from_h: 0, cost: {square(1)}}}, {{from_h: 1, cost: exponential}}, {{from_h: 2, cost: wavy}}"
    (problem,) = errors_of(tmp_path, f"{{kind: stepped, steps: [{steps}]}}")
    assert "is not convex" in problem.message
    assert (problem.path, problem.line) == ("groups.0.cost.steps.2.cost", 9)


@pytest.mark.slow
@pytest.mark.usefixtures("of_ones_own")
def test_costs_of_ones_own_come_and_go_and_who_joins_later_has_those_in_force(tmp_path: Path) -> None:
    once = f"{{from_h: 0, cost: {square(1)}}}, {{from_h: 1, cost: {{kind: exponential, price: 2}}}}"
    cost = f"{{kind: stepped, steps: [{once}, {{from_h: 2, cost: {square(2)}}}]}}"
    joins = "groups.keen.membership.joins_h={each: [0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1.5]}"
    _, decisions = run(tmp_path, cost, square(3), joins, "time.steps=150")
    own = decisions[decisions["prosumer"].astype(str).str[1:].astype(int) <= N]
    x, gradient = own["average"].to_numpy(), own["gradient"].to_numpy()
    hour = own["time"].dt.hour.to_numpy()  # it begins at 22:00
    assert gradient[hour == 22] == pytest.approx(2 * x[hour == 22])
    middle = hour == 23
    assert gradient[middle] == pytest.approx(2 + np.exp(2 * x[middle]) + 2 * x[middle], rel=1e-12)
    assert gradient[hour == 0] == pytest.approx(4 * x[hour == 0])
    first = decisions[decisions["prosumer"].astype(str).str.endswith("10")].iloc[0]
    assert first["time"] == pd.Timestamp("2019-01-01T23:30:00Z")
