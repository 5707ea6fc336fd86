"""Boiling down of long series: against plain numpy and pandas on the same rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.report.long_series import (
    bin_width_ms,
    blocks,
    gather,
    rolling_mean,
    row_quantiles,
    sums_over_elements,
)
from cosim.report.run_data import RunData, text_list

START_MS = 1_451_606_400_000  # 2016-01-01


def long_table(n_times: int, elements: list[str], seed: int = 5) -> pd.DataFrame:
    """Rows in the order of time, some values NaN."""
    values = np.random.default_rng(seed).normal(size=n_times * len(elements))
    values[::7] = np.nan
    time = START_MS + np.repeat(np.arange(n_times), len(elements)) * MS_PER_HOUR
    return pd.DataFrame({"time": time, "element": np.tile(elements, n_times), "value": values})


def write_parts(folder: Path, name: str, table: pd.DataFrame, cuts: list[int]) -> RunData:
    """A table as a killed run leaves it: in parts that end anywhere."""
    parts = folder / "tables" / ".parts" / name
    parts.mkdir(parents=True)
    arrow = pa.table(
        {
            "time": pa.array(table["time"].to_numpy(), pa.int64()).cast(pa.timestamp("ms", tz="UTC")),
            **{key: pa.array(table[key]) for key in table.columns if key != "time"},
        }
    )
    edges = [0, *cuts, len(table)]
    for number, (first, last) in enumerate(pairwise(edges)):
        pq.write_table(arrow.slice(first, last - first), parts / f"{number:06d}.parquet")
    return RunData(folder)


@pytest.mark.parametrize("cuts", [[], [1], [3, 3, 4], [12, 13, 29], [35]])
def test_blocks_put_every_row_into_its_place_wherever_the_parts_end(tmp_path: Path, cuts: list[int]) -> None:
    table = long_table(12, ["a", "b", "c"])
    run = write_parts(tmp_path, "things", table, cuts)
    made = list(blocks(run, "things", "element", "value", run.distinct("things", "element")))
    expected = table.pivot(index="time", columns="element", values="value")
    np.testing.assert_array_equal(np.concatenate([block.values for block in made]), expected.to_numpy())
    np.testing.assert_array_equal(np.concatenate([block.time_ms for block in made]), expected.index)


def test_blocks_do_not_split_a_day(tmp_path: Path) -> None:
    table = long_table(72, ["a", "b"])
    run = write_parts(tmp_path, "things", table, [10, 60, 61, 100])
    days = [
        set((block.time_ms // MS_PER_DAY).tolist())
        for block in blocks(run, "things", "element", "value", ["a", "b"], MS_PER_DAY)
    ]
    assert sum(len(one) for one in days) == len(set().union(*days)) == 3


def test_blocks_of_a_table_that_ends_within_an_interval(tmp_path: Path) -> None:
    table = long_table(4, ["a", "b", "c"]).iloc[:-2]
    run = write_parts(tmp_path, "things", table, [5])
    values = np.concatenate([b.values for b in blocks(run, "things", "element", "value", ["a", "b", "c"])])
    assert values.shape == (4, 3)
    assert np.isnan(values[3, 1:]).all()


@pytest.mark.parametrize("cuts", [[], [4, 5], [3]])
def test_sums_over_elements(tmp_path: Path, cuts: list[int]) -> None:
    table = long_table(9, ["a", "b"]).fillna(0.0)
    run = write_parts(tmp_path, "things", table, cuts)
    time_ms, sums = sums_over_elements(run, "things", ["value"])
    expected = table.groupby("time")["value"].sum()
    np.testing.assert_array_equal(time_ms, expected.index)
    np.testing.assert_allclose(sums["value"], expected, rtol=0, atol=1e-14)


def test_texts_are_the_same_whatever_dictionary_each_part_has(tmp_path: Path) -> None:
    table = long_table(5, ["b", "a", "c"]).iloc[2:]
    run = write_parts(tmp_path, "things", table, [1, 5])
    assert text_list(run.read("things", ["element"])["element"]) == table["element"].tolist()
    assert run.distinct("things", "element") == ["a", "b", "c"]


def test_row_quantiles_agree_with_numpy() -> None:
    values = np.random.default_rng(1).normal(size=(50, 13))
    values[values > 1.2] = np.nan
    levels = [0.0, 0.05, 0.5, 0.95, 1.0]
    expected = np.nanquantile(values, levels, axis=1).T
    np.testing.assert_allclose(row_quantiles(values, levels), expected, rtol=0, atol=1e-14)


def test_row_quantiles_of_nothing_are_nan() -> None:
    assert np.isnan(row_quantiles(np.full((2, 4), np.nan), [0.0, 0.5, 1.0])).all()
    assert np.isnan(row_quantiles(np.zeros((2, 0)), [0.5])).all()


def test_gather_takes_each_day_by_itself() -> None:
    time_ms = START_MS + np.arange(60) * MS_PER_HOUR
    values = np.arange(60.0)
    values[30] = np.nan
    values[48:] = np.nan
    bins = gather(time_ms, values, MS_PER_DAY)
    second = np.delete(values[24:48], 6)
    assert bins.time_ms.tolist() == [START_MS + MS_PER_DAY * n + MS_PER_DAY // 2 for n in range(3)]
    assert bins.mean[:2].tolist() == [11.5, second.mean()]
    assert (bins.low[1], bins.high[1]) == tuple(np.quantile(second, [0.05, 0.95]))
    assert np.isnan(bins.mean[2])
    assert np.isnan(bins.high[2])


@pytest.mark.parametrize(
    ("n", "step_ms", "width_ms"),
    [
        (1500, MS_PER_HOUR, 0),
        (1501, MS_PER_HOUR, MS_PER_DAY),
        (8760, MS_PER_HOUR, MS_PER_DAY),
        (100_000, MS_PER_DAY, 250 * MS_PER_DAY),
        (2000, 1000, 5000),
    ],
)
def test_width_of_bins(n: int, step_ms: int, width_ms: int) -> None:
    assert bin_width_ms(START_MS + np.arange(n) * step_ms) == width_ms


def test_rolling_mean_of_a_window_that_shrinks_at_the_ends() -> None:
    values = np.array([1.0, 2.0, 6.0, 3.0, 8.0])
    np.testing.assert_allclose(rolling_mean(values, 3), [1.5, 3.0, 11 / 3, 17 / 3, 5.5])
    np.testing.assert_allclose(rolling_mean(values, 1), values)
