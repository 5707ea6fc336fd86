"""Measured latencies out of CSV text."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.comms.latency import TraceLatency
from cosim.comms.trace import read_trace
from cosim.core.errors import InputError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parse_trace(text: list[str], column: str, file: str, **how: Any) -> NDArray[np.float64]:
    Path(file).write_text("\n".join(text), encoding="utf-8")
    return read_trace(Path(), TraceLatency.model_validate({"file": file, "column": column, **how}))


def test_reads_the_column_that_is_named() -> None:
    text = ["time, latency_ms ,rtt", "0,12.5,30", "", "1, 7 ,31"]
    np.testing.assert_array_equal(parse_trace(text, "latency_ms", "a.csv"), [12.5, 7.0])
    np.testing.assert_array_equal(parse_trace(text, "rtt", "a.csv"), [30.0, 31.0])


def test_every_bad_line_is_reported_with_its_number() -> None:
    text = ["latency_ms", "5", "nan", "-1", "fast", "6", "inf", "''"]
    with pytest.raises(InputError) as caught:
        parse_trace(text, "latency_ms", "a.csv")
    assert [(each.file, each.line, each.value) for each in caught.value.problems] == [
        ("a.csv", 3, "nan"),
        ("a.csv", 4, "-1"),
        ("a.csv", 5, "fast"),
        ("a.csv", 7, "inf"),
        ("a.csv", 8, "''"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ([], "is empty"),
        (["latency_ms"], "no latency"),
        (["latency"], "no column 'latency_ms'"),
        (["time,latency_ms", "0"], "finite number"),
    ],
)
def test_traces_that_hold_nothing_are_refused(text: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_trace(text, "latency_ms", "a.csv")


def test_misspelt_column_suggests_the_right_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'latency_ms'"):
        parse_trace(["latency_ms", "1"], "latancy_ms", "a.csv")


@pytest.mark.parametrize(
    ("header", "value"),
    [("latency [ms]", "1e300"), ("latency [s]", "3.7e9"), ("latency [us]", "4e15"), ("latency [s]", "1e308")],
)
def test_a_latency_beyond_any_run_is_refused_with_its_line(header: str, value: str) -> None:
    with pytest.raises(InputError, match="a latency this large is not plausible") as caught:
        parse_trace([header, "0", value], "latency", "a.csv")
    assert [(each.line, each.value) for each in caught.value.problems] == [(3, value)]
    largest = {"latency [ms]": "3.6e12", "latency [s]": "3.6e9", "latency [us]": "3.6e15"}[header]
    assert parse_trace([header, largest], "latency", "a.csv")[0] == pytest.approx(3.6e12)


@pytest.mark.parametrize("row", ["Total,35", "mean,17.5", "Summe: ,35"])
def test_a_row_of_totals_is_no_latency(row: str) -> None:
    text = ["nr,latency_ms", "1,5", "2,30", row]
    with pytest.raises(InputError, match="row of totals") as caught:
        parse_trace(text, "latency_ms", "a.csv")
    assert caught.value.problems[0].line == 4
    labelled = ["kind,latency_ms", "mean,5", "mean,30"]
    assert parse_trace(labelled, "latency_ms", "a.csv").tolist() == [5.0, 30.0]


def test_a_compressed_trace() -> None:
    Path("a.csv.gz").write_bytes(gzip.compress(b"latency_ms\n5\n7\n"))
    config = TraceLatency.model_validate({"file": "a.csv.gz", "compression": "gzip"})
    assert read_trace(Path(), config).tolist() == [5.0, 7.0]
