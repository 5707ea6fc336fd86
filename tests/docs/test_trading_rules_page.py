"""docs/trading_rules.md says what the runs gave that docs/trading_rules.csv holds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "trading_rules.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("trading_rules", DOCS / "trading_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(script: ModuleType, number: str, other: str) -> tuple[float, float]:
    """Mean of trading less another rule, seed by seed, and half the width of its 95 % interval."""
    results = script.read(script.RAW)
    column = list(script.NUMBERS).index(number)
    less = (results["trading"] - results[other])[:, column]
    return float(less.mean()), script.half_width(less)


def test_the_tables_are_those_of_the_runs(script: ModuleType) -> None:
    assert script.tables(script.read(script.RAW)) in PAGE


def test_every_rule_has_run_with_every_seed(script: ModuleType) -> None:
    rows = script.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert len(seeds) >= 5
    assert sorted((int(row["seed"]), row["rule"]) for row in rows) == sorted(
        (seed, rule) for seed in seeds for rule in script.RULES
    )


def test_the_interval_is_students(script: ModuleType) -> None:
    """Half of the 95 % interval of 1, 2, 3 is t(0.975, 2) / sqrt(3) = 4.302653 / 1.732051."""
    assert script.half_width(np.array([1.0, 2.0, 3.0])) == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert script.cell(np.array([1.0, 2.0, 3.0]), 1, True) == "2.0 ± 2.5"
    assert script.cell(np.array([11.0, 12.0, 13.0]), 1, True) == "**12.0 ± 2.5**"
    assert script.cell(np.zeros(3), 1, True) == "0"


def test_one_seed_has_no_interval_and_nothing_of_it_stands_out(script: ModuleType) -> None:
    assert np.isnan(script.half_width(np.array([5.0])))
    assert script.cell(np.array([5.0]), 1, True) == "5.0"
    one = {rule: values[:1] for rule, values in script.read(script.RAW).items()}
    text = script.tables(one)
    assert "±" not in text
    assert "**0" not in text
    assert text.count("one seed") == 2


@pytest.mark.parametrize(
    ("number", "other", "sign", "decimals"),
    [
        ("net_import_peak_kw", "no_trading", 1, 0),
        ("net_import_peak_kw", "self_supply", 1, 0),
        ("net_import_peak_kw", "no_coordination", 1, 0),
        ("voltage_min_pu", "no_trading", -1, 4),
        ("voltage_min_pu", "self_supply", -1, 4),
        ("trafo_loading_max_percent", "no_trading", 1, 1),
        ("net_export_peak_kw", "no_trading", 1, 1),
        ("energy_value_eur", "no_trading", -1, 0),
        ("energy_value_eur", "no_coordination", -1, 0),
        ("self_consumption_fraction", "self_supply", -1, 3),
        ("energy_lost_in_feeder_kwh", "no_trading", 0, 1),
        ("energy_lost_in_feeder_kwh", "self_supply", 0, 1),
    ],
)
def test_what_the_page_says_of_trading(
    script: ModuleType, number: str, other: str, sign: int, decimals: int
) -> None:
    """Worse or better by more than its interval, or small (0: below one in a hundred), and in the text."""
    mean, half = difference(script, number, other)
    if sign:
        assert sign * mean > half
    else:
        column = list(script.NUMBERS).index(number)
        assert abs(mean) < 0.01 * script.read(script.RAW)[other][:, column].mean()
    said = f"{mean:.{decimals}f} ± {half:.{decimals}f}"
    assert said in PAGE.split("## Where trading makes things worse")[1]


def test_a_run_interrupted_goes_on_where_it_stopped(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def numbers_of(rule: str, seed: int) -> list[float]:
        asked.append((rule, seed))
        if len(asked) == 11:
            raise RuntimeError("stopped")
        return [float(seed)] * len(script.NUMBERS)

    monkeypatch.setattr(script, "numbers_of", numbers_of)
    with pytest.raises(RuntimeError):
        script.run_all(2, tmp_path / "rows.csv")
    script.run_all(2, tmp_path / "rows.csv")
    n = len(script.RULES)
    assert len(asked) == 2 * n + 1
    results = script.read(tmp_path / "rows.csv")
    assert all(values.tolist() == [[1.0] * 14, [2.0] * 14] for values in results.values())


def test_payments_between_households_and_grid_are_no_gain(script: ModuleType) -> None:
    """What is paid is in neither: value less the energy from outside. The page calls no transfer a gain."""
    columns = list(script.NUMBERS)
    results = script.read(script.RAW)
    for rule in script.RULES:
        value = results[rule][:, columns.index("energy_value_eur")]
        outside = results[rule][:, columns.index("net_import_at_grid_price_eur")]
        assert script.together(results[rule]) == pytest.approx(value - outside, abs=1e-6, nan_ok=True)
        assert np.isfinite(outside).any()
    less = script.together(results["trading"]) - script.together(results["no_trading"])
    less = less[np.isfinite(less)]
    assert (less < 0).all()
    assert PAGE.count(f"| {script.TOGETHER}") == 2
    assert f"({script.cell(less, 0, False)} EUR beside `no_trading`" in PAGE
