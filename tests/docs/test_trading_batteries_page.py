"""trading_batteries.md says what the runs gave that stand beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("trading_batteries", DOCS / "trading_batteries.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_that_of_twenty_seeds(script: ModuleType) -> None:
    rows = script.seed_rows.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert len(seeds) >= 20
    assert len(rows) == len(seeds) * len(script.CASES)
    page = (DOCS / "trading_batteries.md").read_text(encoding="utf-8")
    assert script.table(script.read(script.RAW)) in page


def test_what_the_page_says(script: ModuleType) -> None:
    runs, numbers = script.read(script.RAW), list(script.NUMBERS)

    def is_said(case: str, other: str, number: str, mean: float, half: float, by: float = 1) -> bool:
        values = (runs[case] - runs[other])[:, numbers.index(number)]
        return abs(values.mean() - mean) <= by / 2 and abs(script.half_width(values) - half) <= by / 2

    none, home, sells, buys = "no battery", "for its home", "stores and sells", "and buys"
    bills, value, welfare = "bills_households_eur", "energy_value_eur", "welfare_eur"
    export = "net_export_peak_kw"
    for case in (home, sells, buys):
        share = runs[case][:, numbers.index(bills)].mean() / runs[none][:, numbers.index(bills)].mean()
        assert 0.375 < 1 - share < 0.465
    assert is_said(sells, home, bills, 5.0, 1.5, 0.1)
    assert is_said(buys, home, bills, 1.2, 1.5, 0.1)
    assert is_said(sells, home, value, 20, 1)
    assert is_said(sells, home, welfare, 15, 2)
    assert is_said(buys, home, welfare, 17, 2)
    assert is_said(sells, home, "net_import_at_grid_price_eur", -28, 2)
    assert is_said(sells, home, export, 17, 3)
    assert is_said(sells, none, export, 4, 3)
    assert is_said(home, none, export, -13, 1)
    assert is_said(sells, none, "net_import_peak_kw", -20, 4)
    for case in (home, sells, buys):
        change = (runs[case] - runs[none])[:, numbers.index("net_import_peak_kw")]
        assert change.mean() + script.half_width(change) < 0
        traded = (runs[case] - runs[none])[:, numbers.index("traded_delivered_kwh")]
        assert abs(traded.mean()) <= script.half_width(traded) + 1e-9
        assert script.half_width(traded) < 9
    assert is_said(buys, sells, welfare, 2.3, 1.2, 0.1)
    assert is_said("and buys, auction", "no battery, auction", bills, -33, 2)
    assert is_said("and buys, auction", "no battery, auction", export, 11, 3)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["for its home", "and buys", "and buys, auction"])
def test_the_runs_are_of_this_program(script: ModuleType, case: str) -> None:
    assert np.allclose(script.numbers_of(case, 1), script.read(script.RAW)[case][0], rtol=1e-6)
