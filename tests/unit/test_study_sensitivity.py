"""Partial rank correlations of a sample: against scipy, on made-up points, and in what is written of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import qmc, rankdata, spearmanr

from cosim.core.errors import InputError
from cosim.report.page.robustness_report import write_robustness
from cosim.report.robustness_findings import completeness, findings
from cosim.study.robustness.analysis import analyse
from cosim.study.robustness.sensitivity import partial_rank_correlation

RMSE = "market_x_tracking_rmse_units"
AXES = ("latency", "loss", "nothing")


def test_without_others_it_is_spearmans() -> None:
    one, other = np.random.default_rng(3).normal(size=(2, 40))
    value, low, high = partial_rank_correlation(one, other, [])
    assert value == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
    assert low < value < high


def test_with_one_other_it_is_the_formula_of_three_correlations() -> None:
    one, other, third = np.random.default_rng(4).normal(size=(3, 60))
    one, other = one + third, other - 2 * third
    r = spearmanr(np.column_stack([one, other, third])).statistic
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    value, _, _ = partial_rank_correlation(one, other, [rankdata(third)])
    assert value == pytest.approx(expected, abs=1e-12)
    assert abs(value) < 0.3 < abs(r[0, 1]), "what the third explains was not taken out"


@pytest.mark.parametrize(
    "correlation", [0.5, *(pytest.param(each, marks=pytest.mark.slow) for each in (0.0, 0.8))]
)
def test_intervals_cover_the_correlation_nineteen_times_in_twenty(correlation: float) -> None:
    generator = np.random.default_rng(5)
    # Pearson, "On further methods of determining correlation" (1907): Spearman's of two normal variables.
    truth = 6 / math.pi * math.asin(correlation / 2)
    covered = 0
    for _ in range(2000):
        third, one, noise = generator.normal(size=(3, 40))
        other = correlation * one + math.sqrt(1 - correlation**2) * noise
        _, low, high = partial_rank_correlation(one, other, [rankdata(third)])
        covered += low <= truth <= high
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_what_cannot_be_known_is_nan() -> None:
    line = np.arange(8.0)
    assert all(map(math.isnan, partial_rank_correlation(line, np.ones(8), [])))
    assert all(map(math.isnan, partial_rank_correlation(line, line**2, [rankdata(line)])))
    value, low, high = partial_rank_correlation(line[:3], line[:3], [])
    assert (value, math.isnan(low), math.isnan(high)) == (1.0, True, True)


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """Sixty-four places, two seeds: the error rises with latency, falls with loss; a policy adds to it."""
    unit = qmc.LatinHypercube(3, rng=np.random.default_rng(7)).random(64)
    rows = []
    for place, (latency, loss, nothing) in enumerate(unit):
        policy = ("additive", "proportional")[place % 2]
        error = 4 + 3 * latency**2 - loss + 2 * (policy == "proportional")
        for seed in (1, 2):
            rows.append(
                {
                    "point": len(rows), "latency": latency, "loss": loss, "nothing": nothing,
                    "policy": policy, "seed": seed, "status": "done", "cause": "", RMSE: error + 0.01 * seed,
                }
            )  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "points.parquet")
    (tmp_path / "sweep.json").write_text(json.dumps({"status": "done", "points": len(rows)}))
    axes = [{"name": name, "path": name, "between": [0, 1]} for name in AXES]
    axes[0] |= {"between": [0.001, 1], "scale": "log"}
    policies = {"name": "policy", "cases": {"additive": {"seed": 1}, "proportional": {"seed": 2}}}
    config = {
        "name": "sampled", "base": "section6", "axes": [*axes, policies], "seeds": 2,
        "sample": {"method": "latin_hypercube", "points": 64},
    }  # fmt: skip
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_a_sample_says_which_axis_matters(sampled: Path) -> None:
    analysis = analyse(sampled, [])
    found = {each.axis.name: each for each in analysis.sensitivities}
    assert found["latency"].correlation > 0.95
    assert -0.95 < found["loss"].correlation < -0.7
    assert not found["nothing"].is_beyond_chance
    assert {each.n for each in analysis.sensitivities} == {64}
    assert analysis.points.axes[0].scale == "log"
    assert completeness(analysis.points) == ["128 of 128 points succeeded (2 seeds at each place)."]
    said = {each.of: (each.finding, each.value) for each in findings(analysis)}
    assert said["latency"][0] == "rises with it"
    assert said["latency"][1].startswith("rank correlation +0.9")
    assert said["loss"][0] == "falls with it"
    assert said["nothing"][0] == "inconclusive"
    assert said["policy = additive"][0] == "mean over its places"
    assert said["policy = additive"][1].startswith("4.5")


@pytest.mark.slow
def test_figures_and_tables_of_a_sample(sampled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    files = {path.name for path in write_robustness(analyse(sampled, []), out)}
    assert files == {
        "robustness.md",
        "report.html",
        f"{RMSE}.png",
        "findings.csv",
        "cells.csv",
        "sensitivity.csv",
    }
    table = pd.read_csv(out / "sensitivity.csv")
    assert list(table["axis"]) == list(AXES)
    assert len(pd.read_csv(out / "cells.csv")) == 64
    assert "Sampled: latency (" in (out / "robustness.md").read_text()


def test_a_baseline_of_a_sample_is_refused(sampled: Path) -> None:
    with pytest.raises(InputError, match="no two cases were run at the same place"):
        analyse(sampled, [], "additive")


def test_a_number_that_no_point_has_is_said(sampled: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(sampled / "points.parquet")
    table.assign(other=np.nan).to_parquet(sampled / "points.parquet")
    analysis = analyse(sampled, ["other"])
    assert ("other", "all places", "no point gave a value", "") in findings(analysis)
    out = tmp_path / "out"
    out.mkdir()
    assert (out / "robustness.md") in write_robustness(analysis, out)
