"""What docs/faults.md says over twenty seeds of the crash of all with the state kept."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import cosim
from cosim.study.robustness.estimates import estimate

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "faults.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_page", DOCS / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _recovery_steps(script: ModuleType, policy: str, seed: int) -> float:
    fault = f"{script.HARD_FAULTS['all crash, kept']}, from_h: 40, duration_h: 24"
    settings = [f"faults=[{{{fault}}}]", *script.answer_settings(policy, "exponential"), "time.steps=700"]
    return float(script.Outcome(settings, seed).recovery_steps)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.slow
def test_proportional_does_not_come_back_and_additive_does(script: ModuleType, seed: int) -> None:
    assert np.isinf(_recovery_steps(script, "proportional", seed))
    assert _recovery_steps(script, "additive", seed) < 50


@pytest.mark.slow
def test_the_page_says_so_of_twenty_seeds(script: ModuleType) -> None:
    proportional = [_recovery_steps(script, "proportional", seed) for seed in range(1, 21)]
    assert np.isinf(proportional).all()
    assert "never came back, in 20 of 20 (" in PAGE
    steps = np.sort([_recovery_steps(script, "additive", seed) for seed in range(1, 21)])
    assert np.isfinite(steps).all()
    # The 6th from below and from above: the median lies between with a probability of 96 %.
    assert f"a median of {np.median(steps):.0f} steps ({steps[5]:.0f} to {steps[14]:.0f})" in PAGE
    assert f"in {(steps > 200).sum()} of 20 (" in PAGE


@pytest.mark.slow
def test_without_limits_the_time_grows_with_the_fault_and_with_them_it_does_not(script: ModuleType) -> None:
    """Seeds 1 to 3, which the page's table holds among its twenty."""
    for seed in (1, 2, 3):
        free, limited = (
            [script.wound_up(limits, hours, seed) for hours in script.WINDUP_HOURS]
            for limits in script.WINDUP_LIMITS
        )
        assert free[0] < free[1] < free[2] <= 57
        assert max(limited) <= 7


@pytest.mark.slow
@pytest.mark.parametrize("name", ["liar", "all crash, lost", "90 % take nothing"])
def test_a_row_of_two_seeds_is_what_its_runs_give(
    script: ModuleType, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = (script.FAULTS | script.HARD_FAULTS)[name]
    hours, steps = (12, 400) if name in script.FAULTS else (24, 700)
    script.kinds_by_policy({name: fault}, f"from_h: 40, duration_h: {hours}", steps, 2)
    assert capsys.readouterr().out.splitlines()[-1] in PAGE


@pytest.mark.slow
def test_who_is_left_after_the_crash_of_all(script: ModuleType) -> None:
    """Seed 1 of the page, policy `proportional` with averages that forget."""
    fault = f"{script.HARD_FAULTS['all crash, kept']}, from_h: 40, duration_h: 24"
    settings = [f"faults=[{{{fault}}}]", *script.answer_settings("proportional", "exponential")]
    run = cosim.run("faulty_community", [*settings, "time.steps=700", "report.figures=false"], seed=1)
    ticks = run.tables.regulation.query("resource == 'consumption'").set_index("step")
    (left,) = set(ticks["aggregate"].iloc[-100:])
    before, after = ticks["signal"].loc[160], ticks["signal"].iloc[-1]
    said = f"{left:.0f} of {ticks['capacity'].iloc[-1]:.0f} units are left"
    assert said in PAGE
    assert f"Ω goes from {before:.0f} to {after:.0f}" in PAGE


@pytest.mark.slow
def test_cumulative_averages_hardly_notice_half_a_day(script: ModuleType) -> None:
    fault = f"faults=[{{{script.FAULTS['household_crash, kept']}, from_h: 40, duration_h: 12}}]"

    def gaps(averages: str, seed: int) -> tuple[float, float]:
        """The mean cost gap over 60 steps before the fault, and the largest from then on."""
        settings = [fault, *script.answer_settings("additive", averages), "report.figures=false"]
        ticks = cosim.run("faulty_community", settings, seed=seed).tables.regulation
        gap = ticks.query("resource == 'consumption'").set_index("step")["optimum_gap"]
        return gap.loc[100:159].mean(), gap.loc[160:].max()

    forget, keep = (
        np.array([gaps(averages, seed) for seed in range(1, 21)])
        for averages in ("exponential", "cumulative")
    )
    before, worst = np.median(forget, axis=0)
    assert f"the cost gap rises from {before:.1f} to {worst:.0f} at its worst (medians)" in PAGE
    assert keep[:, 1].max() < 3


TRADES = ["traded_delivered_kwh", "bills_households_eur", "welfare_eur"]
"""Numbers of the last table."""


@pytest.fixture(scope="module")
def trades() -> dict[str, pd.DataFrame]:
    """By case, the numbers by seed."""
    rows = pd.read_csv(DOCS / "trade_faults.csv", keep_default_na=False)
    return {str(case): own.set_index("seed")[TRADES] for case, own in rows.groupby("fault")}


def test_what_faults_do_to_trades_is_that_of_twenty_seeds(trades: dict[str, pd.DataFrame]) -> None:
    none = trades["none"]
    for case, own in trades.items():
        assert sorted(own.index) == list(range(1, 21))
        cells = []
        for number in TRADES:
            values = own[number] if case == "none" else own[number] - none[number]
            found = estimate(values.to_numpy())
            sign = "" if case == "none" else "+"
            text = f"{found.mean:{sign}.0f} ± {found.high - found.mean:.0f}".replace("-", "−")
            cells.append(text if values.abs().max() > 1e-9 else "0")
        assert f"| {case} | {' | '.join(cells)} |" in PAGE
    level = none["traded_delivered_kwh"].mean()
    down, cut_off = (
        100 * (1 - trades[case]["traded_delivered_kwh"].mean() / level)
        for case in ("sellers down", "sellers cut off")
    )
    assert f"{down:.0f} % of the energy with 30 % of the sellers ({cut_off:.0f} % where they are cut" in PAGE


@pytest.mark.slow
def test_the_trades_are_of_this_program(trades: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml\n(name: trade_faults\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "trade_faults.yaml"
    file.write_text(shown.replace("seeds: 5\n", "seeds: 1\n"), encoding="utf-8")
    points = cosim.sweep(str(file), out=tmp_path / "swept", workers=2).points.set_index("fault")
    assert set(points.index) == set(trades)
    for case, own in trades.items():
        assert points.loc[case, TRADES].to_numpy(float) == pytest.approx(own.loc[1].to_numpy(), rel=1e-6)


def test_recoveries_that_a_late_window_delays_are_counted_apart(script: ModuleType) -> None:
    assert script.spread([9.0, 10.0, 11.0]) == "10 (9 to 11)"
    assert script.spread([9.0, 10.0, 10.0, 11.0, 378.0]) == "10 (9 to 11; 1 of 5 later)"
