"""A grid fee, a tax and a strategy from a plugin: they act in a run, and bills close with them."""

from __future__ import annotations

import subprocess
import sys
from math import fsum
from pathlib import Path

import pytest

from cosim.results.store import read_table
from tests.trading_homes import SUN

PLUGIN = '''
"""A grid fee of the evening, a tax on everything, and sellers who ask the middle."""

import numpy as np

from cosim import plugins


@plugins.grid_fee("evening")
class Evening(plugins.GridFee):
    """So much from 17:00 to 21:00 UTC."""

    eur_per_kwh: float
    """[EUR/kWh]."""

    def _by_hour(self, n):
        hour = np.arange(n) * 24 // n
        return np.where((hour >= 17) & (hour < 21), self.eur_per_kwh, 0.0)

    def from_grid(self, ground, buyer):
        return self._by_hour(ground.n_hours)

    def from_peers(self, ground, buyer, sellers, hours):
        return self._by_hour(ground.n_hours)[hours]


@plugins.tax("solidarity")
class Solidarity(plugins.Tax):
    """A share of everything before it."""

    share: float = 0.05
    """The share."""

    def rate(self, source):
        return plugins.TaxRate(0.0, self.share, self.share)


@plugins.selling("middle")
class Middle(plugins.SellingStrategy):
    """The middle between feeding in and the grid."""

    def asks(self, feed_in, grid, uniforms, memory):
        return np.where(feed_in < grid, (feed_in + grid) / 2, np.nan), None
'''
SCENARIO = """
name: hamlet
time: {start: 2016-06-13T00:00:00Z, duration_h: 48}
report: {figures: false}
groups:
  - {name: solar, households: 2, load: {kind: constant, p_kw: 0.4}, pv: {kind: csv, file: sun.csv, kwp: 4}}
  - {name: other, households: 2, load: {kind: constant, p_kw: 0.5}}
energy_value:
  prices: {grid: 0.2}
  household: {appliances: {kind: none}, bidding: middle}
  tariffs:
    grid_fees: [{kind: evening, eur_per_kwh: 0.1}]
    taxes: [solidarity]
"""


@pytest.mark.slow
def test_what_plugins_bring_to_the_market_acts(tmp_path: Path) -> None:
    (tmp_path / "own_market.py").write_text(PLUGIN)
    (tmp_path / "sun.csv").write_text(SUN)
    (tmp_path / "hamlet.yaml").write_text(SCENARIO)
    program = "from cosim.cli.entry import main; main()"
    arguments = ["run", "hamlet.yaml", "--plugin", "own_market.py", "--out", "run"]
    # In a process of its own: what it registers stays there.
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    offers, charges, bills = (read_table(tmp_path / "run", name) for name in ("offers", "charges", "bills"))
    assert len(offers)
    assert {round(price, 12) for price in offers[~offers["hour"].between(17, 20)]["price"]} == {
        # All included a kWh from the grid costs 0.21; a neighbour could pay 0.2, taxed alike.
        round((0.02 + 0.2) / 2, 12)
    }
    paid = charges.groupby("charge")["on_grid_eur"].sum()
    meters = bills[bills["prosumer"].isin(["h003", "h004"])]
    assert paid["evening"] > 0
    energy = bills[bills["prosumer"].str.startswith("h")]["from_grid_eur"].sum()
    assert paid["solidarity"] == pytest.approx(0.05 * (energy + paid["evening"]))
    assert (meters["grid_fees_eur"] > 0).all()
    assert abs(fsum(bills["total_eur"])) < 1e-9
