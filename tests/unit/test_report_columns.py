"""Columns of a run's tables as numpy has them are what Arrow makes of them, and need no pandas."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cosim.core.tables import Coded
from cosim.report.run_data import _decoded

TIME = pa.timestamp("ms", tz="UTC")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5, float("nan"), -0.0, 2.0]),
        pa.array([1.5, None, 2.0]),
        pa.array([3, -4, 2**62]),
        pa.array([3, None]),
        pa.array([True, False, True, True, False, False, True, True, True, False]),
        pa.array([True, None]),
    ],
)
def test_numbers_and_flags(column: Any) -> None:
    for first in (0, 1):
        expected = column[first:].to_numpy(zero_copy_only=False)
        found = _decoded(column[first:])
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_times_are_whole_milliseconds() -> None:
    times = pa.array([0, 1_467_590_400_000], TIME)
    for each in (times, times.cast(pa.timestamp("us", tz="UTC"))):
        found = _decoded(each)
        assert found.dtype == np.int64
        assert found.tolist() == [0, 1_467_590_400_000]


def test_texts_are_numbers_into_a_list() -> None:
    for texts, codes in ((["a", "b", "a"], [0, 1, 0]), (["a", None], [0, -1])):
        found = _decoded(pa.array(texts).dictionary_encode())
        assert isinstance(found, Coded)
        assert found.codes.tolist() == codes


def test_a_page_needs_no_pandas() -> None:
    program = """
import sys, tempfile
from pathlib import Path
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.report.page.run_page import write_report
folder = Path(tempfile.mkdtemp()) / "run"
settings = ["time.steps=4", "time.warm_up_h=0"]
assert run_scenario(load_scenario("section6", settings), folder, after=write_report).report == "done"
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
