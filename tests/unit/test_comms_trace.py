"""Measured latencies out of CSV text."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.comms.trace import parse_trace
from cosim.errors import InputError


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
        ([], "no column"),
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
        parse_trace(["latency_ms", "1"], "latency", "a.csv")
