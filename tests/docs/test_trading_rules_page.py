"""docs/trading_rules.md says what the runs gave that docs/trading_rules.csv holds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

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
    rows = script.seed_rows.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert seeds == set(range(1, 21))
    assert sorted((int(row["seed"]), row["rule"]) for row in rows) == sorted(
        (seed, rule) for seed in seeds for rule in script.RULES
    )


def test_the_interval_is_students(script: ModuleType) -> None:
    """Half of the 95 % interval of 1 to 5 is t(0.975, 4) / sqrt(2) = 2.776445 / 1.414214."""
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert script.half_width(values) == pytest.approx(2.776445 / np.sqrt(2), rel=1e-6)
    assert script.cell(values - 2, 1, True) == "1.0 ± 2.0"
    assert script.cell(values + 9, 1, True) == "**12.0 ± 2.0**"
    assert script.cell(np.zeros(5), 1, True) == "0"


def test_one_seed_has_no_interval_and_nothing_of_it_stands_out(script: ModuleType) -> None:
    assert np.isnan(script.half_width(np.array([5.0])))
    assert script.cell(np.array([5.0]), 1, True) == "5.0"
    one = {rule: values[:1] for rule, values in script.read(script.RAW).items()}
    text = script.tables(one)
    assert "±" not in text
    assert "**0" not in text
    assert text.count("one seed") == 2


class Said(NamedTuple):
    """A difference as the page gives it, trading less another rule.

    `sign`: it lies on this side of 0 by more than its interval; with 0, within two in a hundred of the level.
    """

    number: str
    other: str
    sign: int
    decimals: int
    as_size: bool = False

    def text(self, script: ModuleType) -> str:
        mean, half = difference(script, self.number, self.other)
        if self.sign:
            assert self.sign * mean > half
        else:
            assert abs(mean) + half < 0.02 * level(script, self.number, self.other)
        return f"{abs(mean) if self.as_size else mean:.{self.decimals}f} ± {half:.{self.decimals}f}"


def level(script: ModuleType, number: str, rule: str) -> float:
    """Mean over the seeds under a rule."""
    return float(script.read(script.RAW)[rule][:, list(script.NUMBERS).index(number)].mean())


IMPORT, LOWEST, BILLS = "net_import_peak_kw", "voltage_min_pu", "bills_households_eur"
VALUE, LOSSES = "energy_value_eur", "energy_lost_in_feeder_kwh"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "{} kW above the same households without trading, {} kW above `self_supply`, and still {} kW"
            " above `no_coordination`",
            [Said(IMPORT, other, 1, 0) for other in ("no_trading", "self_supply", "no_coordination")],
        ),
        (
            "holds appliances back from this: {} kW more than `trading`",
            [Said(IMPORT, "cost_only", -1, 0, True)],
        ),
        (
            "{} pu against `no_trading`, {} pu against `self_supply`",
            [Said(LOWEST, other, -1, 4) for other in ("no_trading", "self_supply")],
        ),
        ("rises by {} points against `no_trading`", [Said("trafo_loading_max_percent", "no_trading", 1, 1)]),
        ("(export peak {} kW)", [Said("net_export_peak_kw", "no_trading", 1, 1)]),
        (
            "{} EUR against `no_trading`, {} EUR against `no_coordination`",
            [Said(VALUE, other, -1, 0) for other in ("no_trading", "no_coordination")],
        ),
        ("({} against `self_supply`)", [Said("self_consumption_fraction", "self_supply", -1, 3)]),
        (
            "({} kWh of 238 against `no_trading`, {} against `self_supply`)",
            [Said(LOSSES, other, 0, 1) for other in ("no_trading", "self_supply")],
        ),
        (
            "lose {} and {} kWh more than `trading`",
            [Said(LOSSES, other, -1, 1, True) for other in ("net_metering", "no_coordination")],
        ),
        (
            "fall by {} EUR a week for all 99 against `no_trading`, and by {} EUR against `self_supply`",
            [Said(BILLS, other, -1, 0, True) for other in ("no_trading", "self_supply")],
        ),
        (
            "bills rise by {} EUR, and the import peak by {} kW",
            [Said(BILLS, "iep_zero", -1, 0, True), Said(IMPORT, "iep_zero", -1, 0, True)],
        ),
    ],
)
def test_what_the_page_says_of_trading(script: ModuleType, sentence: str, said: list[Said]) -> None:
    text = " ".join(PAGE.split("## Where trading makes things worse")[1].split())
    assert sentence.format(*(each.text(script) for each in said)) in text


def test_levels_that_the_page_gives(script: ModuleType) -> None:
    text = " ".join(PAGE.split())
    assert f"At {level(script, LOWEST, 'trading'):.4f} pu on average" in text
    assert f"of {level(script, 'traded_delivered_kwh', 'trading'):.0f} kWh the grid earns no margin" in text
    assert f"{level(script, LOSSES, 'trading'):.0f}" == "238"


def test_what_hardly_differs_between_rules(script: ModuleType) -> None:
    for other in script.RULES[1:]:
        mean, half = difference(script, "voltage_max_pu", other)
        assert abs(mean) + half < 0.001
    for other in ("no_trading", "self_supply", "feed_in_tariff"):
        mean, half = difference(script, "line_loading_max_percent", other)
        assert abs(mean) + half < 1


@pytest.mark.slow
def test_the_table_of_the_rush_is_that_of_its_runs() -> None:
    spec = importlib.util.spec_from_file_location("trading_rush", DOCS / "trading_rush.py")
    assert spec is not None
    assert spec.loader is not None
    rush = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rush)
    assert rush.table({rule: rush.hours(rule) for rule in rush.RULES}).splitlines()[2:] == [
        line
        for line in PAGE.splitlines()
        if line.startswith(("| appliances from", "| highest")) and "[kW" in line
    ]


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
        script.run_missing(2, tmp_path / "rows.csv")
    script.run_missing(2, tmp_path / "rows.csv")
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
    assert f"({script.cell(less, 0, False)} EUR against `no_trading`" in PAGE
