"""storms.md says what the runs gave that stand beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("storms", DOCS / "storms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of(script: ModuleType, number: str, case: str) -> np.ndarray:
    """A number by seed."""
    return np.asarray(script.read(script.RAW)[case][:, list(script.NUMBERS).index(number)])


def is_said(script: ModuleType, values: np.ndarray, mean: float, half: float, by: float = 1) -> bool:
    """Whether a mean and half an interval are those of the page, as it rounds them."""
    return abs(values.mean() - mean) <= by / 2 and abs(script.half_width(values) - half) <= by / 2


def test_the_table_is_that_of_twenty_seeds(script: ModuleType) -> None:
    rows = script.seed_rows.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert len(seeds) >= 20
    assert len(rows) == len(seeds) * len(script.CASES)
    assert script.table(script.read(script.RAW)) in (DOCS / "storms.md").read_text(encoding="utf-8")


def test_what_the_page_says(script: ModuleType) -> None:
    def change(number: str, case: str, other: str) -> np.ndarray:
        return of(script, number, case) - of(script, number, other)

    unserved, dark = "firm_unserved_kwh", "intervals_skipped"
    assert not of(script, unserved, "calm").any()
    assert is_said(script, of(script, "firm_curtailed_kwh", "calm"), 140, 25)
    assert not of(script, unserved, "messages lost").any()
    assert is_said(script, change("firm_curtailed_kwh", "messages lost", "calm"), 20, 13)
    assert is_said(script, change("firm_fuel_l", "messages lost", "calm"), 8, 5)
    assert is_said(script, -change("firm_margin_eur", "messages lost", "calm"), 13, 7)
    assert is_said(script, of(script, unserved, "generator fails"), 2.9, 3.3, 0.1)
    assert np.count_nonzero(of(script, unserved, "generator fails")) == 8
    assert (of(script, "firm_fuel_l", "little sun") > 195).all(), (
        "less than the generator's least power is left"
    )
    assert is_said(script, of(script, dark, "little sun"), 35, 5)
    assert is_said(script, of(script, unserved, "little sun"), 239, 27)
    assert is_said(script, of(script, unserved, "little sun, 400 l"), 2.5, 1.6, 0.1)
    assert is_said(script, change(unserved, "all three", "little sun"), 9, 7)
    assert is_said(script, -change(dark, "all three", "little sun"), 6, 3)
    assert is_said(script, change(unserved, "all three, 400 l", "little sun, 400 l"), 153, 8)
    assert is_said(script, change(dark, "all three, 400 l", "little sun, 400 l"), 22, 1)
    assert is_said(script, of(script, "firm_margin_eur", "little sun"), -124, 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["calm", "all three, 400 l"])
def test_the_runs_are_of_this_program(script: ModuleType, case: str) -> None:
    assert np.allclose(script.numbers_of(case, 1), script.read(script.RAW)[case][0], rtol=1e-6)
