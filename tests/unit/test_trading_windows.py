"""Staggered windows: households take turns in buying of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.core.errors import InputError
from cosim.results.store import read_table
from tests.trading_homes import run_homes

SCENARIO = """
name: hamlet
seed: 5
time: {start: 2016-06-13T00:00:00Z, duration_h: 72}
report: {figures: false}
groups:
  - {name: solar, households: 3, load: {kind: constant, p_kw: 0.3}, pv: {kind: csv, file: sun.csv, kwp: 5}}
  - {name: other, households: 6, load: {kind: constant, p_kw: 0.5}}
energy_value:
  prices: {grid: 0.3}
  household: {appliances: {kind: none}}
"""
WINDOWS = "energy_value.rules.windows"


def trades(folder: Path, *settings: str) -> dict[tuple[int, str], set[int]]:
    """In which hours each household bought of others, by day and household."""
    rows = read_table(run_homes(SCENARIO, folder, *settings)[1], "trades").query(
        "buyer != seller and agreed_kwh > 0"
    )
    found: dict[tuple[int, str], set[int]] = {}
    for day, buyer, hour in zip(rows["day"], rows["buyer"], rows["hour"], strict=True):
        found.setdefault((day, buyer), set()).add(hour)
    return found


@pytest.mark.parametrize(
    "settings", [[], pytest.param(["energy_value.rules.rounds={every_h: 1}"], marks=pytest.mark.slow)]
)
def test_who_buys_in_an_hour_does_not_in_the_next(settings: list[str], tmp_path: Path) -> None:
    found = trades(tmp_path, f"{WINDOWS}={{turns: 3}}", *settings)
    turns = {key: {hour % 3 for hour in hours} for key, hours in found.items()}
    assert len(turns) > 10
    assert all(len(each) == 1 for each in turns.values()), "one turn a day"
    assert set.union(*turns.values()) == {0, 1, 2}, "some have each"
    homes = {buyer for _, buyer in turns}
    assert any(turns.get((1, home)) != turns.get((2, home)) for home in homes), "drawn anew each day"


@pytest.mark.parametrize("other", ["clearing=pay_as_bid", "offers_to=broker"])
def test_there_is_nothing_to_stagger_where_somebody_keeps_the_book(other: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="windows belong to offers between households"):
        trades(tmp_path, f"{WINDOWS}={{turns: 2}}", f"energy_value.rules.{other}")
