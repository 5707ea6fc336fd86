"""What the figure of a cleared market adds up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.report.figures.clearing_figure import _by_hour
from cosim.report.figures.figure_files import draw_figures

ROWS = {
    "day": np.array([0, 0, 1, 1]),
    "hour": np.array([7, 7, 0, 3]),
    "bid_kwh": np.array([1.0, 2.0, 0.5, 3.0]),
    "offered_kwh": np.array([4.0, 1.0, 0.0, 2.0]),
    "agreed_kwh": np.array([1.0, 1.0, 0.0, 2.0]),
    "lowest_price": np.array([0.1, 0.2, np.nan, 0.3]),
    "mean_price": np.array([0.15, 0.25, np.nan, 0.3]),
    "highest_price": np.array([0.2, 0.3, np.nan, 0.3]),
}


class Run:
    """A run with one table, in two batches."""

    def batches(self, table: str, columns: list[str]) -> Iterator[dict[str, np.ndarray]]:
        for part in (slice(0, 1), slice(1, 4)):
            yield {name: ROWS[name][part] for name in columns}


def test_quarter_hours_add_up_to_hours() -> None:
    energy, prices = _by_hour(Run(), 48)  # type: ignore[arg-type]
    assert energy[:, 7].tolist() == [3.0, 5.0, 2.0]
    assert energy[:, 24].tolist() == [0.5, 0.0, 0.0]
    assert energy[:, 27].tolist() == [3.0, 2.0, 2.0]
    assert energy.sum() == sum(ROWS[name].sum() for name in ("bid_kwh", "offered_kwh", "agreed_kwh"))
    assert np.allclose(prices[:, 7], [0.1, 0.2, 0.3])
    assert np.allclose(prices[:, 27], 0.3)
    assert np.isnan(np.delete(prices, [7, 27], axis=1)).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trading_village_auction", "trading_village_broker", "trading_village"])
def test_it_is_drawn_where_somebody_clears(name: str, tmp_path: Path) -> None:
    small = [
        "time.duration_h=48",
        "groups.solar.households=3",
        "groups.other.households=2",
        "report.figures=false",
    ]
    outcome = run_scenario(load_scenario(name, small), tmp_path / "run")
    assert outcome.status == "done"
    drawn = {file.stem for file in draw_figures(tmp_path / "run")}
    assert ("trading_clearing" in drawn) == (name != "trading_village")
