"""The worked example of docs/tariffs.md, with the charges of the scenario that it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.engine.load import load_scenario
from cosim.trading.tariffs.tariff_prices import Charging

PAGE = Path(__file__).resolve().parents[2] / "docs/tariffs.md"


def test_the_worked_example() -> None:
    rows = [line.strip("| \n").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    said = {row[0]: [float(cell) for cell in row[1:]] for row in rows if len(row) == 3 and row[0] in (
        "price", "flat", "by_electrical_distance", "electricity_tax", "vat", "all")}  # fmt: skip
    market = load_scenario("trading_village_tariffs").scenario.energy_value
    assert market is not None
    assert market.tariffs is not None
    flat, distance, _ = market.tariffs.grid_fees
    charging = Charging((flat, distance), market.tariffs.taxes)
    fees = [np.array([rate]) for rate in (0.08, 0.0)], [np.array([rate]) for rate in (0.03, 0.05 * 0.25)]
    assert (flat.eur_per_kwh, flat.peers_eur_per_kwh) == (0.08, 0.03)  # type: ignore[attr-defined]
    assert distance.eur_per_kwh_ohm == 0.05  # type: ignore[attr-defined]
    for column, (source, price) in enumerate((("grid", 0.1), ("peers", 0.12))):
        rates = charging.rates(source, np.array([price]), fees[column])[:, 0]  # type: ignore[arg-type]
        found = dict(zip(charging.names, rates, strict=True)) | {"price": price, "all": price + rates.sum()}
        for name, value in found.items():
            assert said[name][column] == pytest.approx(value, abs=1e-12), (source, name)
    dearest = charging.highest_price(np.array([said["all"][0]]), fees[1])[0]
    assert f"{dearest:.6f} EUR." in PAGE.read_text(encoding="utf-8")
