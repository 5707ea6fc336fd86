"""market_clearing.md and trading_audiences.md say what the runs gave that stand beside them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("market_forms", DOCS / "market_forms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(script: ModuleType, study: str, number: str, name: str) -> tuple[float, float]:
    """Mean of a variant less the first, seed by seed, and half the width of its 95 % interval."""
    runs = script.read(script.raw_of(study))
    column = list(script.NUMBERS).index(number)
    less = (runs[name] - next(iter(runs.values())))[:, column]
    return float(less.mean()), script.half_width(less)


@pytest.mark.parametrize("study", ["market_clearing", "trading_audiences"])
def test_the_table_is_that_of_twenty_seeds(script: ModuleType, study: str) -> None:
    rows = script.seed_rows.rows_of(script.raw_of(study))
    seeds = {int(row["seed"]) for row in rows}
    assert len(seeds) >= 20
    assert len(rows) == len(seeds) * len(script.STUDIES[study])
    assert {row["variant"] for row in rows} == set(script.STUDIES[study])
    assert script.table(script.read(script.raw_of(study))) in (DOCS / f"{study}.md").read_text(
        encoding="utf-8"
    )


def test_further_rounds_at_least_halve_what_stays_unserved(script: ModuleType) -> None:
    runs = script.read(script.raw_of("market_clearing"))
    column = list(script.NUMBERS).index("wanted_unserved_share")
    before, after = runs["posted_offers"][:, column], runs["in rounds"][:, column]
    halved = after - before / 2
    assert halved.mean() + script.half_width(halved) < 0
    assert (before.mean(), after.mean()) == (pytest.approx(0.17, abs=0.005), pytest.approx(0.064, abs=0.005))
    for number, sign in (
        ("traded_delivered_kwh", 1),
        ("bills_households_eur", -1),
        ("net_import_peak_kw", -1),
    ):
        mean, half = difference(script, "market_clearing", number, "in rounds")
        assert sign * mean > half, number


def test_what_the_page_says_of_staggered_windows(script: ModuleType) -> None:
    def is_said(turns: int, number: str, mean: float, half: float) -> bool:
        found = difference(script, "market_clearing", number, f"in turns of {turns}")
        return abs(found[0] - mean) <= 0.5 and abs(found[1] - half) <= 0.5

    assert is_said(2, "net_import_peak_kw", -32, 10)
    assert is_said(2, "traded_delivered_kwh", -148, 10)
    assert is_said(2, "bills_households_eur", 16, 3)
    assert is_said(4, "bills_households_eur", 30, 4)
    runs, numbers = script.read(script.raw_of("market_clearing")), list(script.NUMBERS)
    messages = {name: values[:, numbers.index("trading_messages")].mean() for name, values in runs.items()}
    assert messages["in turns of 2"] < messages["posted_offers"] / 2
    unserved = {name: values[:, numbers.index("wanted_unserved_share")] for name, values in runs.items()}
    assert unserved["in turns of 2"].mean() < 0.06


def test_what_the_page_says_of_operators(script: ModuleType) -> None:
    for name in ("double_auction_uniform", "mid_market_rate"):
        mean, half = difference(script, "market_clearing", "self_sufficiency_fraction", name)
        assert abs(mean) < half, "no difference can be told"
        mean, half = difference(script, "market_clearing", "energy_value_eur", name)
        assert mean > half
    runs = script.read(script.raw_of("market_clearing"))
    column = list(script.NUMBERS).index("trading_messages")
    assert runs["pay_as_bid"][:, column].mean() < runs["posted_offers"][:, column].mean() / 100
    for one, other in (("double_auction_uniform", "pay_as_bid"), ("mid_market_rate", "bill_sharing")):
        bills = list(script.NUMBERS).index("bills_households_eur")
        assert np.allclose(runs[one][:, bills], runs[other][:, bills], atol=1e-6)


def test_what_the_page_says_of_neighbourhoods(script: ModuleType) -> None:
    def of(name: str, number: str) -> tuple[float, float]:
        return difference(script, "trading_audiences", number, name)

    for name in ("5 nearest", "10 nearest", "same_branch"):
        mean, half = of(name, "traded_delivered_kwh")
        assert mean < -half
    mean, half = of("10 nearest", "bills_households_eur")
    assert abs(mean) < half
    for name in ("5 nearest", "same_branch"):
        mean, half = of(name, "bills_households_eur")
        assert mean > half
    runs = script.read(script.raw_of("trading_audiences"))
    messages = list(script.NUMBERS).index("trading_messages")
    share = {name: float((values / runs["everybody"])[:, messages].mean()) for name, values in runs.items()}
    assert 0.2 < share["10 nearest"] < 0.28
    assert 0.1 < share["5 nearest"] < 0.15
    assert share["broker"] < 1 / 25
    assert runs["broker"][:, list(script.NUMBERS).index("wanted_unserved_share")].mean() < 0.005


def text(study: str) -> str:
    return " ".join((DOCS / f"{study}.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("study", "sentence", "said"),
    [
        ("market_clearing", "They trade {} kWh more", [("traded_delivered_kwh", "in rounds", 0)]),
        ("market_clearing", "more, bills fall by {} EUR", [("bills_households_eur", "in rounds", 0)]),
        ("market_clearing", "import peak falls by {} of 69 kW", [("net_import_peak_kw", "in rounds", 0)]),
        ("market_clearing", "the same ({})", [("self_sufficiency_fraction", "pay_as_bid", 3)]),
        ("market_clearing", "(energy value +{} EUR)", [("energy_value_eur", "pay_as_bid", 0)]),
        (
            "trading_audiences",
            "**10 nearest** {} of 191 kWh less are traded, and with the **5 nearest** {}.",
            [("traded_delivered_kwh", f"{n} nearest", 0) for n in (10, 5)],
        ),
        (
            "trading_audiences",
            "Bills rise by {} and {} EUR",
            [("bills_households_eur", f"{n} nearest", 1) for n in (10, 5)],
        ),
        ("trading_audiences", "costs most, {} EUR", [("bills_households_eur", "same_branch", 1)]),
    ],
)
def test_a_sentence_is_what_the_runs_give(
    script: ModuleType, study: str, sentence: str, said: list[tuple[str, str, int]]
) -> None:
    found = []
    for number, variant, decimals in said:
        mean, half = difference(script, study, number, variant)
        shown = mean if number == "self_sufficiency_fraction" else abs(mean)
        found.append(f"{shown:.{decimals}f} ± {half:.{decimals}f}")
    assert sentence.format(*found) in text(study)


def test_levels_that_the_pages_give(script: ModuleType) -> None:
    for study, number, words in (
        ("market_clearing", "net_import_peak_kw", "of {:.0f} kW. Messages"),
        ("trading_audiences", "traded_delivered_kwh", "of {:.0f} kWh less are traded"),
    ):
        first = next(iter(script.read(script.raw_of(study)).values()))
        assert words.format(first[:, list(script.NUMBERS).index(number)].mean()) in text(study)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "variant"),
    [("market_clearing", "in rounds"), ("market_clearing", "pay_as_bid"), ("trading_audiences", "broker")],
)
def test_the_runs_are_of_this_program(script: ModuleType, study: str, variant: str) -> None:
    kept = script.read(script.raw_of(study))[variant][0]
    again = script.numbers_of(script.STUDIES[study][variant], 1)
    assert np.allclose(again, kept, rtol=1e-6, equal_nan=True)
