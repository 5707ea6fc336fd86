"""architectures.md says what the runs gave that stand beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
FIRM, ISLAND, TIED, PEERS = "firm_village", "island_village", "tied_villages", "peers_village"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architectures", DOCS / "architectures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of(script: ModuleType, number: str, name: str, loss: float = 0.0) -> np.ndarray:
    """A number by seed."""
    return np.asarray(script.read(script.RAW)[name, loss][:, list(script.NUMBERS).index(number)])


def interval(script: ModuleType, values: np.ndarray) -> tuple[float, float]:
    half = script.half_width(values)
    return float(values.mean()) - half, float(values.mean()) + half


def test_the_tables_are_those_of_twenty_seeds(script: ModuleType) -> None:
    rows = script.seed_rows.rows_of(script.RAW)
    seeds = {int(row["seed"]) for row in rows}
    assert len(seeds) >= 20
    assert len(rows) == len(seeds) * len(script.SCENARIOS) * len(script.LOSSES)
    page = (DOCS / "architectures.md").read_text(encoding="utf-8")
    for is_change in (False, True):
        assert script.table(script.read(script.RAW), is_change) in page


def outside(script: ModuleType, name: str, loss: float = 0.0) -> np.ndarray:
    """What the energy of all costs from outside, by seed."""
    return of(script, "grid_eur", name, loss) + of(script, "fuel_eur", name, loss)


def is_said(script: ModuleType, values: np.ndarray, mean: float, half: float, by: float) -> bool:
    """Whether a mean and half an interval are those of the page, as it rounds them."""
    return abs(values.mean() - mean) <= by / 2 and abs(script.half_width(values) - half) <= by / 2


def test_what_the_page_says_without_loss(script: ModuleType) -> None:
    def differ(number: str, one: str, other: str) -> np.ndarray:
        return of(script, number, one) - of(script, number, other)

    for name in script.SCENARIOS:
        for loss in script.LOSSES:
            assert not of(script, "outside", name, loss).any()
    for name, mean, half in ((PEERS, 45, 7), (FIRM, 63, 8), (ISLAND, 112, 17), (TIED, 115, 6)):
        assert is_said(script, outside(script, name), mean, half, 1)
    for one, other in ((FIRM, PEERS), (ISLAND, FIRM)):
        assert interval(script, outside(script, one) - outside(script, other))[0] > 0
    low, high = interval(script, outside(script, TIED) - outside(script, ISLAND))
    assert low < 0 < high, "no difference can be told"
    assert differ("self_sufficiency", PEERS, FIRM).mean() == pytest.approx(0.19, abs=0.005)
    assert is_said(script, differ("bills_eur", FIRM, PEERS), 99, 3, 1)
    assert is_said(script, differ("bills_eur", FIRM, TIED), 0.4, 1.7, 0.1)
    assert is_said(script, differ("bills_eur", ISLAND, FIRM), 16, 3, 1)
    assert is_said(script, of(script, "bills_eur", FIRM) - outside(script, FIRM), 71, 2, 1)
    assert is_said(script, of(script, "curtailed_kwh", ISLAND), 141, 25, 1)
    assert not of(script, "unserved_kwh", ISLAND).any()
    ratio = of(script, "messages", PEERS) / of(script, "messages", FIRM)
    assert ratio.mean() == pytest.approx(4.9, abs=0.05)


def test_what_the_page_says_of_loss(script: ModuleType) -> None:
    def change(number: str, name: str) -> np.ndarray:
        return of(script, number, name, 0.3) - of(script, number, name)

    assert is_said(script, outside(script, FIRM, 0.3) - outside(script, FIRM), 2.0, 1.3, 0.1)
    assert is_said(script, outside(script, ISLAND, 0.3) - outside(script, ISLAND), 3.8, 3.7, 0.1)
    assert is_said(script, of(script, "unserved_kwh", ISLAND, 0.3), 0.14, 0.21, 0.01)
    assert is_said(script, -change("exchanged_kwh", TIED), 33, 10, 1)
    assert is_said(script, change("self_sufficiency", TIED), 0.031, 0.006, 0.001)
    assert is_said(script, -change("bills_eur", TIED), 9, 2, 1)
    assert is_said(script, -change("exchanged_kwh", PEERS), 17, 2, 1)
    assert interval(script, np.abs(change("bills_eur", PEERS)))[1] < 1
    ratio = of(script, "messages", PEERS, 0.3) / of(script, "messages", PEERS)
    assert ratio.mean() == pytest.approx(1.27, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [FIRM, ISLAND, TIED, PEERS])
def test_the_runs_are_of_this_program(script: ModuleType, scenario: str) -> None:
    assert np.allclose(
        script.numbers_of(scenario, 0.0, 1), script.read(script.RAW)[scenario, 0.0][0], rtol=1e-6
    )
