"""Columns put together from buffers are what Arrow makes of the same data itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.tables import Coded, Column
from cosim.results.arrow_arrays import arrow_array, arrow_type, plain

TEXTS = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5))
NUMBERS = st.lists(st.floats() | st.integers(-(2**53), 2**53))
INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1))


def column(kind: Any) -> Column:
    return Column("any", kind, "", "any")


def made(make: Callable[[Any, Any], Any], data: Any, kind: Any) -> Any:
    """The values, NaN included, and their type; or that they are refused."""
    try:
        array = make(data, kind)
    except (pa.ArrowException, OverflowError, TypeError):
        return "refused"
    array.validate(full=True)
    return array.type, array.null_count, repr(array.to_pylist())


def assert_same(kind: Any, data: Any) -> None:
    found = made(lambda data, column: arrow_array(column, data), data, column(kind))
    assert found == made(pa.array, data, arrow_type(column(kind)))


@settings(max_examples=20, deadline=None)
@given(NUMBERS, INTEGERS, st.lists(st.booleans()), TEXTS)
def test_lists_and_arrays(
    numbers: list[float], integers: list[int], flags: list[bool], texts: list[str]
) -> None:
    assert_same("number", numbers)
    assert_same("number", np.array(numbers, np.float64))
    assert_same("number", np.array(integers, np.int64))
    assert_same("integer", integers)
    assert_same("integer", np.array(integers, np.int64))
    assert_same("flag", flags)
    assert_same("flag", np.array(flags, np.bool_))
    assert_same("text", texts)
    assert_same("time", np.array([each % 10**12 for each in integers], dtype="datetime64[ms]"))


def test_gaps_are_kept_and_what_does_not_fit_is_refused() -> None:
    assert_same("number", [1.0, None, float("nan")])
    assert_same("integer", [1, None])
    assert_same("text", ["a", None])
    assert_same("flag", [True, None])
    assert_same("time", np.array(["2016-07-04", "NaT"], dtype="datetime64[ms]"))
    assert_same("integer", [1.5])
    assert_same("integer", [2**63])
    assert_same("flag", ["yes"])
    assert_same("number", ["1"])
    assert_same("number", np.array([2**53 + 1]))
    assert_same("integer", np.arange(6)[::2])
    assert_same("integer", np.arange(3, dtype=np.int8))
    assert made(lambda data, column: arrow_array(column, data), [2**63], column("integer")) == "refused"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2)), st.integers(0, 3))
def test_texts_by_number(codes: list[int], first: int) -> None:
    texts = ("", "ä", "third")
    found = arrow_array(column("text"), Coded(np.array(codes, np.int64), texts))[first:]
    written = plain(found)
    for each in (found, written):
        each.validate(full=True)
        assert each.to_pylist() == [texts[code] for code in codes][first:]
    assert written.type == pa.string()
    assert plain(written) is written


def test_texts_by_number_with_gaps() -> None:
    found = plain(pa.array(["a", None, "b"]).dictionary_encode())
    assert found.to_pylist() == ["a", None, "b"]
    assert found.type == pa.string()
