r"""What stands for a missing report, under heavy independent loss: bias and variance against their closed
forms.

N households are coins with the probabilities σ_i, and each report is lost with the probability p. Of the
error e = measured − Σx in one step

- ``hold_last``: a held report is an older toss of the same coin, so E e = 0 and Var e = 2 p Σ σ(1−σ); the
measured sum
  itself has the variance Σ σ(1−σ), as if nothing were lost, but every loss makes it older.
- ``zero``: e = −Σ lost x, so E e = −p Σσ and Var e = Σ pσ(1 − pσ). - ``scale``: N/n times the sum over the n
that were heard. Given n and the x this is the mean of a sample without replacement
  (Cochran, Sampling Techniques, 1977, theorems 2.1 and 2.2): E e = 0 and Var e = N² (1/n − 1/N) S² with the
  variance S² of the x (divisor N − 1). E S² = mean σ(1−σ) + variance of the σ_i.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.regulation.heard_reports import Report, initial_reports, measure, open_window, receive
from cosim.results.store import read_table

N = 40
SIGMA = np.linspace(0.3, 0.9, N)
VARIANCE = float((SIGMA * (1 - SIGMA)).sum())
STEPS = 3000
CAPACITY = 24.0


def _measured(missing: Any, loss: float) -> tuple[Any, Any]:
    """Measured and true sums of each step, once everyone has been heard."""
    random = np.random.default_rng(11)
    reports = initial_reports([0] * N, (1,))
    measured, truth = [], []
    for step in range(STEPS):
        x = (random.random(N) < SIGMA).astype(int)
        for household in np.flatnonzero(random.random(N) >= loss).tolist():
            receive(reports, household, step, Report((int(x[household]),), 0))
        measured.append(measure(reports, range(N), 1, missing)[0])
        truth.append(x.sum())
        open_window(reports, step + 1)
    return np.array(measured[100:]), np.array(truth[100:])


def _scale_variance(loss: float) -> float:
    """N² S² E[1/n − 1/N | n ≥ 1], n binomial."""
    weights = np.array([math.comb(N, n) * (1 - loss) ** n * loss ** (N - n) for n in range(1, N + 1)])
    counts = np.arange(1, N + 1)
    spread = VARIANCE / N + float(np.var(SIGMA, ddof=1))
    return float(N**2 * spread * (weights @ (1 / counts - 1 / N)) / weights.sum())


THEORY = {
    "hold_last": (lambda p: 0.0, lambda p: 2 * p * VARIANCE),
    "zero": (lambda p: -p * SIGMA.sum(), lambda p: float((p * SIGMA * (1 - p * SIGMA)).sum())),
    "scale": (lambda p: 0.0, _scale_variance),
}


@pytest.mark.parametrize("missing", THEORY)
@pytest.mark.parametrize("loss", [0.3, 0.6, 0.9])
def test_bias_and_variance(missing: str, loss: float) -> None:
    bias, variance = (each(loss) for each in THEORY[missing])
    measured, truth = _measured(missing, loss)
    error = (measured - truth)[~np.isnan(measured)]
    # Held reports make errors alike for about 1/(1−p) steps, so as many steps count as one.
    alike = (1 + loss) / (1 - loss) if missing == "hold_last" else 1.0
    assert error.mean() == pytest.approx(bias, abs=4 * math.sqrt(variance * alike / len(error)))
    assert error.var() == pytest.approx(variance, rel=4 * math.sqrt(2 * alike / len(error)) + 0.03)


def test_holding_keeps_the_variance_and_makes_steps_alike() -> None:
    """Two neighbours share a report that was lost in the second: the autocorrelation is p."""
    loss = 0.6
    measured, _ = _measured("hold_last", loss)
    assert measured.var() == pytest.approx(VARIANCE, rel=0.25)
    deviation = measured - measured.mean()
    assert (deviation[1:] @ deviation[:-1]) / (deviation @ deviation) == pytest.approx(loss, abs=0.08)


def _run(tmp_path: Path, missing: str, steps: int, **changes: Any) -> Any:
    """The regulation table of sixty households; `changes` are sections of the scenario."""
    data = {
        "name": "missing",
        "time": {"step_s": 60, "steps": steps},
        "groups": [
            {
                "name": "homes",
                "households": 60,
                "cost": {"kind": "consumption_only", "linear": 5.0, "quadratic": 1.0, "target": 0.5},
            }
        ],
        "communities": [
            {
                "name": "market",
                "groups": ["homes"],
                "resources": [{"name": "x", "capacity": CAPACITY}],
                "agent": {
                    "policy": {"kind": "additive", "kappa": 0.1},
                    "averages": {"kind": "exponential", "time_constant_steps": 30},
                    "initial_average": 0.4,
                },
                "platform": {"missing": missing, "gain": {"margin": 0.3}},
            }
        ],
        "record": {"decisions": False},
        **changes,
    }
    loaded = LoadedScenario(Scenario.model_validate(data), tmp_path, "m.yaml", Document(data, "m.yaml"))
    run_scenario(loaded, tmp_path / missing)
    return read_table(tmp_path / missing, "regulation")


@pytest.mark.parametrize(("missing", "factor"), [("hold_last", 1.0), ("scale", 1.0), ("zero", 1 / 0.6)])
@pytest.mark.fast_cases("scale-1.0")
def test_in_the_loop_the_aggregate_settles_where_the_measure_is_right_on_average(
    tmp_path: Path, missing: str, factor: float
) -> None:
    """Two fifths of the reports are lost: a platform that counts them as nothing lets C / (1 − p) be
    taken."""
    loss = {"kind": "bernoulli", "loss_probability": 0.4}
    table = _run(tmp_path, missing, 900, comms={"overrides": [{"direction": "uplink", "loss": loss}]})
    aggregate = table["aggregate"].to_numpy()[200:]
    # An integrator leaves nothing of the noise at frequency 0: the mean deviates by less than a coin's.
    assert aggregate.mean() == pytest.approx(factor * CAPACITY, abs=0.6)


@pytest.mark.parametrize("latency_ms", [0, 200, 150_000])
def test_without_loss_nothing_is_missing_from_the_first_tick_on(tmp_path: Path, latency_ms: int) -> None:
    """What is not due yet is not missing, neither at the start nor when households join: the three agree."""
    comms = {"default": {"latency": {"kind": "constant", "latency_ms": latency_ms}}}
    cost = {"kind": "consumption_only", "linear": 5.0, "quadratic": 1.0, "target": 0.5}
    groups = [
        {"name": "homes", "households": 60, "cost": cost},
        {"name": "late", "households": 9, "cost": cost, "membership": {"joins_h": 0.1}},
    ]
    community = {
        "name": "market",
        "groups": ["homes", "late"],
        "resources": [{"name": "x", "capacity": CAPACITY}],
        "agent": {
            "policy": {"kind": "additive", "kappa": 0.1},
            "initial_average": 0.4,
            "phase": {"kind": "uniform"},
        },
    }
    measured = {}
    for missing in THEORY:
        communities = [{**community, "platform": {"missing": missing, "gain": {"margin": 0.3}}}]
        table = _run(tmp_path, missing, 16, groups=groups, communities=communities, comms=comms)
        measured[missing] = table["measured"].tolist()
    assert measured["zero"] == measured["scale"] == measured["hold_last"]
    assert measured["zero"][0] == 60.0, "x(0) of Algorithm 2, as everyone knows it"
