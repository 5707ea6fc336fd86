"""Forecasts and price series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from cosim.core.errors import InputError
from cosim.trading.schemas.forecasts import ErrorForecast, PerfectForecast, PersistenceForecast
from cosim.trading.schemas.tariffs import PricesConfig
from cosim.trading.valuation.forecast import day_ahead, relative_errors
from cosim.trading.valuation.prices import hourly_prices

START = datetime(2016, 6, 6, tzinfo=UTC)
ACTUAL = np.arange(72, dtype=float)


def test_perfect_and_persistence() -> None:
    nothing = np.zeros(24)
    assert day_ahead(PerfectForecast(), ACTUAL, 1, nothing).tolist() == ACTUAL[24:48].tolist()
    yesterday = PersistenceForecast(kind="persistence")
    assert day_ahead(yesterday, ACTUAL, 2, nothing).tolist() == ACTUAL[24:48].tolist()
    assert day_ahead(yesterday, ACTUAL, 0, nothing).tolist() == ACTUAL[:24].tolist()
    earlier = PersistenceForecast(kind="persistence", days=2)
    assert day_ahead(earlier, ACTUAL, 2, nothing).tolist() == ACTUAL[:24].tolist()


def test_a_forecast_does_not_hand_out_the_truth_itself() -> None:
    expected = day_ahead(PerfectForecast(), ACTUAL, 0, np.zeros(24))
    expected[:] = -1
    assert ACTUAL[0] == 0


def test_the_error_has_the_stated_mean_spread_and_correlation() -> None:
    model = ErrorForecast(kind="error", bias=0.05, std=0.2, correlation=0.7)
    uniforms = np.random.default_rng(1).random((4000, 24))
    errors = np.array([relative_errors(model, row) for row in uniforms])
    assert errors.mean() == pytest.approx(0.05, abs=0.006)
    # Stationary: each hour alike.
    assert errors.std(axis=0) == pytest.approx(np.full(24, 0.2), rel=0.06)
    lagged = [np.corrcoef(errors[:, hour], errors[:, hour + 1])[0, 1] for hour in range(23)]
    assert lagged == pytest.approx([0.7] * 23, abs=0.04)


def test_a_forecast_with_error_is_never_negative_and_keeps_zeros() -> None:
    wild = ErrorForecast(kind="error", std=3.0, correlation=0.0)
    actual = np.array([0.0, 1.0] * 12)
    for seed in range(20):
        found = day_ahead(wild, actual, 0, np.random.default_rng(seed).random(24))
        assert np.all(found >= 0)
        assert np.all(found[::2] == 0)
    assert np.isfinite(day_ahead(wild, actual, 0, np.zeros(24))).all()


def _prices(config: dict[str, object], n_hours: int = 48, start: datetime = START, folder: Path = Path()):  # type: ignore[no-untyped-def]
    return hourly_prices(PricesConfig.model_validate(config), start, n_hours, folder)


def test_constant_and_hourly_prices() -> None:
    found = _prices({"grid": -0.2})
    assert found.grid.tolist() == [-0.2] * 48
    assert found.feed_in == pytest.approx([-0.02] * 48)
    table = [hour / 100 for hour in range(24)]
    late = _prices({"grid": {"by_hour": table}, "feed_in": {"price": 0.05}}, 4, START + timedelta(hours=22))
    assert late.grid.tolist() == [0.22, 0.23, 0.0, 0.01]
    assert late.feed_in.tolist() == [0.05] * 4


def _csv(folder: Path, rows: list[str]) -> Path:
    (folder / "p.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_prices_from_a_file(tmp_path: Path) -> None:
    rows = [f"2016-06-05T{hour:02d}:00:00Z,{hour},{hour * 10}" for hour in range(24)]
    rows += [f"2016-06-06T{hour:02d}:00:00Z,{-hour},{hour * 100}" for hour in range(24)]
    folder = _csv(tmp_path, ["time,de [EUR/MWh],fr [EUR/kWh]", *rows])
    assert _prices({"grid": {"file": "p.csv"}}, 3, folder=folder).grid == pytest.approx([0, -0.001, -0.002])
    named = _prices({"grid": {"file": "p.csv", "column": "fr"}}, 3, folder=folder)
    assert named.grid.tolist() == [0, 100, 200]
    two_hours_east = datetime(2016, 6, 6, 2, tzinfo=timezone(timedelta(hours=2)))
    assert _prices({"grid": {"file": "p.csv"}}, 2, two_hours_east, folder).grid == pytest.approx([0, -0.001])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["time,p [EUR/kWh]"], "no row of data"),
        (["time,p", "2016-06-06T00:00:00Z,1"], "no unit in the header"),
        (["time,p [ct]", "2016-06-06T00:00:00Z,1"], r"unknown unit \[ct\]"),
        (
            ["time,p [EUR/kWh]", "2016-06-06T00:00:00Z,1"],
            "has prices for 2016-06-06 00:00 to 2016-06-06 01:00",
        ),
        (["time,p [EUR/kWh]", "yesterday,1"], "no time stamp"),
        (
            ["time,p [EUR/kWh]", "2016-06-06T00:00:00Z,1", "2016-06-06T02:00:00Z,1"],
            "p.csv:2: a price every 120 min",
        ),
        (["time,p [EUR/kWh]", "2016-06-06T00:00:00Z,nan", "2016-06-06T01:00:00Z,"], "a value is missing"),
    ],
)
def test_bad_price_files(tmp_path: Path, rows: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        _prices({"grid": {"file": "p.csv"}}, 2, folder=_csv(tmp_path, rows))


def test_every_problem_of_both_series_is_named(tmp_path: Path) -> None:
    folder = _csv(tmp_path, ["time,p [EUR/kWh]", "2016-06-06T00:00:00Z,nan", "2016-06-06T01:00:00Z,"])
    with pytest.raises(InputError) as caught:
        _prices({"grid": {"file": "p.csv"}, "feed_in": {"price": {"file": "none.csv"}}}, 2, folder=folder)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 0]
