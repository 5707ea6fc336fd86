"""Profiles from CSV files: what is read, and what is refused with the line where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import POWER
from cosim.csv_files.series import CsvSeries, read_series
from cosim.devices.profiles import reactive_power, resample_mean

HEADER = "time,a [kW],b [W]\n"
ROWS = [
    f"2016-07-04T00:{minute:02d}:00Z,{value},{value}000\n"
    for minute, value in ((0, 1), (15, 2), (30, 3), (45, 4))
]


def _read(folder: Path, text: str, wanted: tuple[str, ...] = ()) -> CsvSeries:
    (folder / "profile.csv").write_text(text, encoding="utf-8")
    return read_series(folder / "profile.csv", "profile.csv", CsvSeriesFormat(), POWER, wanted=wanted)


def _problems(folder: Path, text: str, wanted: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        _read(folder, text, wanted)
    return caught.value.problems


def test_units_are_those_of_the_header(tmp_path: Path) -> None:
    profiles = _read(tmp_path, HEADER + "".join(ROWS))
    assert profiles.columns == ("a", "b")
    assert np.array_equal(profiles.values, [[1, 1], [2, 2], [3, 3], [4, 4]])
    assert profiles.start == datetime(2016, 7, 4, tzinfo=UTC)
    assert profiles.end == datetime(2016, 7, 4, 1, tzinfo=UTC)
    assert profiles.slot_ms == 900_000


def test_wanted_columns_come_in_the_wanted_order(tmp_path: Path) -> None:
    profiles = _read(
        tmp_path, "time,a [kW],b [MW]\n2016-07-04T00:00Z,1,2\n2016-07-04T01:00Z,3,4\n", ("b", "a")
    )
    assert profiles.columns == ("b", "a")
    assert np.array_equal(profiles.values, [[2000, 1], [4000, 3]])


def test_another_offset_is_brought_to_utc(tmp_path: Path) -> None:
    text = "time,a [kW]\n2016-07-04T02:00:00+02:00,1\n2016-07-04T03:00:00+02:00,2\n"
    assert _read(tmp_path, text).start == datetime(2016, 7, 4, tzinfo=UTC)


def test_a_gap_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = [*ROWS, "2016-07-04T01:30:00Z,5,5000\n", "2016-07-04T01:45:00Z,5,5000\n"]
    (problem,) = _problems(tmp_path, HEADER + "".join(rows))
    assert "a gap: 45 min" in problem.message
    assert (problem.file, problem.line) == ("profile.csv", 6)


def test_stamps_that_repeat_are_refused(tmp_path: Path) -> None:
    problems = _problems(tmp_path, HEADER + "".join([*ROWS[:3], ROWS[2], ROWS[3]]))
    assert "do not increase evenly" in problems[0].message
    assert problems[0].line == 5


@pytest.mark.parametrize("value", ["NaN", "", "inf", "one"])
def test_no_number_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    rows = [*ROWS[:2], f"2016-07-04T00:30:00Z,{value},1\n", ROWS[3]]
    (problem,) = _problems(tmp_path, HEADER + "".join(rows))
    assert (problem.line, problem.path) == (4, "a")
    assert "NaN" in problem.message or "not a finite number" in problem.message


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    text = "time,a [kilowatt],b\n2016-07-04T00:00Z,1,x\n2016-07-04T01:00Z,,1\n"
    problems = _problems(tmp_path, text, ("a", "b", "c"))
    assert len(problems) == 5
    assert any("unknown unit [kilowatt]" in problem.message for problem in problems)
    assert any("no unit" in problem.message for problem in problems)
    assert any("no column 'c'" in problem.message for problem in problems)


@pytest.mark.parametrize("text", ["", "time,a [kW]\n", "time\n2016-07-04T00:00Z\n2016-07-04T01:00Z\n"])
def test_nothing_to_read_is_said(tmp_path: Path, text: str) -> None:
    assert _problems(tmp_path, text)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_series(tmp_path / "none.csv", "none.csv", CsvSeriesFormat(), POWER)


@pytest.mark.parametrize(
    ("source_ms", "target_ms"), [(900, 3600), (600, 900), (3600, 900), (900, 600), (7, 7)]
)
def test_resampling_keeps_the_energy(source_ms: int, target_ms: int) -> None:
    values = np.random.default_rng(1).random((72, 3))
    resampled = resample_mean(values, source_ms, target_ms)
    assert len(resampled) == 72 * source_ms // target_ms
    assert np.allclose(resampled.sum(axis=0) * target_ms, values.sum(axis=0) * source_ms, rtol=1e-13)
    fine = np.repeat(values, source_ms, axis=0)  # millisecond by millisecond
    slots = [fine[k * target_ms : (k + 1) * target_ms].mean(axis=0) for k in range(len(resampled))]
    assert np.allclose(resampled, slots, rtol=1e-12)


def test_reactive_power_by_hand() -> None:
    assert reactive_power(4.0, 0.8) == pytest.approx(3.0)
    assert reactive_power(4.0, 1.0) == 0.0
