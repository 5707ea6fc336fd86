"""docs/mitigations.md: its sentences are those of its tables, and rows of these are what their runs give."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cosim.regulation.predictor_stability import predictor_stability_limit

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "mitigations.md").read_text(encoding="utf-8")
SAID = PAGE[PAGE.index("What follows from it") :]
ROWS = ["none, margin 0.4", "scale", "three times again", "clipped"]
"""One of each table."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mitigations_page", DOCS / "mitigations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DOCS), *sys.path])
        spec.loader.exec_module(module)
    return module


def row(name: str) -> list[str]:
    """What the page's row with this name holds: error, bias, settling, messages, age."""
    (found,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, flags=re.M)
    return [cell.strip() for cell in found.split("|")]


def error(name: str) -> float:
    """Its error."""
    return float(row(name)[0].split(" ±")[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_each_table_is_what_its_runs_give(name: str, script: ModuleType) -> None:
    (settings,) = (cases[name] for cases in script.TABLES.values() if name in cases)
    assert script.row(name, settings, range(1, 21)) in PAGE


MODELS = {
    "no predictor": lambda d: predictor_stability_limit(d, d, 0.0),
    "right model": lambda d: predictor_stability_limit(d, d),
    "d̂ half a step too short": lambda d: predictor_stability_limit(d, d - 0.5),
    "d̂ half a step too long": lambda d: predictor_stability_limit(d, d + 0.5),
    "d̂ one step too short": lambda d: predictor_stability_limit(d, d - 1),
    "d̂ one step too long": lambda d: predictor_stability_limit(d, d + 1),
    "Ĝ a quarter too small": lambda d: predictor_stability_limit(d, d, 0.75),
    "Ĝ a quarter too large": lambda d: predictor_stability_limit(d, d, 1.25),
}
"""Rows of the page, and the limit of each for a delay."""


@pytest.mark.parametrize("model", MODELS)
def test_the_limits_of_predictors_are_those_of_the_page(model: str) -> None:
    assert row(model) == [f"{MODELS[model](delay):.2f}" for delay in range(1, 6)]


def test_margins_that_the_page_compares() -> None:
    with_it, without = 0.2 * predictor_stability_limit(4, 4), 0.4 * predictor_stability_limit(4, 4, 0.0)
    assert f"0.2 with it is τG = {with_it:.1f}, 0.4 without it is {without:.2f}" in SAID
    assert f"the limit that this model has ({predictor_stability_limit(4, 8):.2f})" in SAID


def test_what_a_measured_delay_is_worth_is_that_of_the_table() -> None:
    alone, measured = error("none, margin 0.8"), error("measured delay, margin 0.8")
    assert f"an RMSE of {alone:.1f}, and of {measured:.1f} with the measured delay" in SAID


def test_how_fast_repeats_settle_is_that_of_the_table() -> None:
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
    words += ["twelve", "thirteen", "fourteen"]
    once, thrice = (int(row(name)[2]) for name in ("sent once", "three times again"))
    assert f"bring the settling from {words[once]} steps to {words[thrice]}," in SAID
    predicted = [int(row(f"predictor, delay measured, margin {each}")[2]) for each in ("0.2", "0.4")]
    plain = [int(row(f"{each}, margin 0.4")[2]) for each in ("none", "measured delay")]
    told = f"in {words[min(predicted)]} or {words[max(predicted)]} steps instead of"
    assert f"{told} {words[min(plain)]} to {words[max(plain)]}," in SAID


def test_what_trimming_costs_is_that_of_the_table() -> None:
    tenth, fifth = (error(f"trimmed, a {each} at either end") - error("sum") for each in ("tenth", "fifth"))
    assert row("clipped") == row("sum")
    assert f"{tenth:.2f} units of RMSE for a tenth at either end, {fifth:.1f} for a fifth" in SAID
