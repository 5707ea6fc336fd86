"""bidding.md says what the runs gave that stand beside it, over at least 20 seeds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
POSTED, AUCTION = "posted_offers", "double_auction_uniform"
SELLERS, BUYERS = ("few_sellers_eur", "other_sellers_eur"), ("few_buyers_eur", "other_buyers_eur")
PRICE, TRADED, IMPORT, EXPORT = "price_eur_per_kwh", "traded_kwh", "import_peak_kw", "export_peak_kw"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bidding", DOCS / "bidding.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "bidding.md").read_text(encoding="utf-8")


def change(script: ModuleType, case: tuple[str, str, str], *numbers: str) -> tuple[float, float]:
    """Mean of what a case differs by from everybody at random, summed, and half its 95 % interval."""
    runs = script.read(script.RAW)
    columns = [list(script.NUMBERS).index(name) for name in numbers]
    found = script.differences(runs, case)[:, columns].sum(axis=1)
    return float(found.mean()), float(script.half_width(found))


@pytest.mark.parametrize("market", [POSTED, AUCTION])
def test_the_tables_are_those_of_twenty_seeds(script: ModuleType, page: str, market: str) -> None:
    rows = script.seed_rows.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert seeds == set(range(1, 21))
    assert len(rows) == len(seeds) * len(script.cases())
    runs = script.read(script.RAW)
    for numbers in (script.MONEY, script.OTHERS):
        assert script.table(runs, market, numbers) in page


SAID = [
    # Posted offers
    ((POSTED, "fixed", "few"), SELLERS[:1], -1, "{:.1f} ± {:.1f} EUR a week less"),
    ((POSTED, "fixed", "few"), SELLERS[1:], 1, "the other eight {:.1f} ± {:.1f} EUR more"),
    ((POSTED, "fixed", "all"), SELLERS[:1], -1, "the first two then pay {:.1f} ± {:.1f} EUR less"),
    ((POSTED, "fixed", "all"), SELLERS[1:], 1, "the others {:.1f} ± {:.1f} EUR more"),
    ((POSTED, "fixed", "all"), (TRADED,), -1, "{:.0f} ± {:.0f} kWh less is traded"),
    ((POSTED, "zip", "few"), (PRICE,), -1, "by {:.3f} ± {:.3f} EUR/kWh where three use it"),
    ((POSTED, "zip", "all"), (PRICE,), -1, "by {:.3f} ± {:.3f} where all do"),
    ((POSTED, "zip", "few"), SELLERS[:1], 0, ""),
    ((POSTED, "zip", "few"), SELLERS[1:], 1, "the eight sellers beside them pay {:.1f} ± {:.1f} EUR more"),
    ((POSTED, "zip", "all"), SELLERS, 1, "all ten sellers pay {:.1f} ± {:.1f} EUR more"),
    ((POSTED, "zip", "all"), BUYERS, -1, "the six buyers {:.1f} ± {:.1f} EUR less"),
    ((POSTED, "roth_erev", "all"), (PRICE,), 1, "{:.3f} ± {:.3f} EUR/kWh dearer"),
    ((POSTED, "roth_erev", "all"), BUYERS, 1, "buyers pay {:.1f} ± {:.1f} EUR more"),
    ((POSTED, "roth_erev", "all"), SELLERS, 0, ""),
    ((POSTED, "exp3", "all"), ("bills_eur",), 1, "all bills by {:.1f} ± {:.1f} EUR"),
    # Double auction
    ((AUCTION, "zip", "few"), SELLERS[:1], -1, "the two sellers pay {:.1f} ± {:.1f} EUR less"),
    ((AUCTION, "zip", "few"), SELLERS[1:], 0, ""),
    ((AUCTION, "zip", "few"), BUYERS, 0, ""),
    ((AUCTION, "zip", "all"), ("bills_eur",), -1, "{:.1f} ± {:.1f} EUR less together"),
    ((AUCTION, "zip", "all"), (TRADED,), 1, "{:.0f} ± {:.0f} kWh more is traded"),
    ((AUCTION, "zip", "all"), (PRICE,), 0, ""),
    ((AUCTION, "fixed", "all"), (PRICE,), 1, "by {:.3f} ± {:.3f} EUR/kWh, and"),
    ((AUCTION, "roth_erev", "all"), BUYERS, -1, "buyers pay {:.1f} ± {:.1f} EUR less together"),
    ((AUCTION, "exp3", "all"), ("bills_eur",), 0, ""),
    # The feeder
    ((POSTED, "zip", "all"), (EXPORT,), -1, "by {:.1f} ± {:.1f} kW under posted offers"),
    ((AUCTION, "zip", "all"), (EXPORT,), -1, "by {:.1f} ± {:.1f} kW in the auction"),
    ((AUCTION, "fixed", "all"), (TRADED,), 1, "{:.0f} ± {:.0f} kWh more passes between homes"),
    ((POSTED, "roth_erev", "all"), (IMPORT,), -1, "by {:.1f} ± {:.1f} kW, of 18"),
    ((POSTED, "fixed", "all"), (IMPORT,), 1, "raises it by {:.1f} ± {:.1f} kW"),
    ((POSTED, "exp3", "all"), SELLERS[:1], -1, ""),
    ((POSTED, "exp3", "all"), ("other_sellers_eur",), 1, ""),
    ((POSTED, "exp3", "all"), BUYERS, 1, ""),
    *(
        ((market, strategy, "all"), (EXPORT,), 0, "")
        for market in (POSTED, AUCTION)
        for strategy in ("fixed", "roth_erev", "exp3")
    ),
]
"""Case, numbers that are summed, the sign of the change (0: none can be told), and how the page says it."""


@pytest.mark.parametrize("said", SAID, ids=lambda said: "-".join((*said[0], *said[1])))
def test_what_the_page_says(
    script: ModuleType, page: str, said: tuple[tuple[str, str, str], tuple[str, ...], int, str]
) -> None:
    case, numbers, sign, words = said
    mean, half = change(script, case, *numbers)
    if not sign:
        assert abs(mean) < half
        return
    assert sign * mean > half
    assert words.format(abs(mean), half).lower() in page.lower()


@pytest.mark.slow
@pytest.mark.parametrize("case", [(POSTED, "zip", "few"), (AUCTION, "exp3", "all")])
def test_the_runs_are_of_this_program(script: ModuleType, case: tuple[str, str, str]) -> None:
    assert np.allclose(script.numbers_of(case, 1), script.read(script.RAW)[case][0], rtol=1e-6)
