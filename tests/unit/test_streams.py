"""One number of a field, looked up alone, is the one that its row has there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cosim.core import streams
from cosim.core.streams import Streams


@pytest.mark.parametrize("counter", [0, 1, 7, 2**40])
@pytest.mark.parametrize("purpose", ["fault/a/gap", "fault/a/length"])
def test_a_number_alone_is_that_of_its_row(counter: int, purpose: str) -> None:
    field = Streams(3).field(purpose)
    row = field.row(counter, 1001)
    assert [field.number(counter, entity) for entity in range(1001)] == row.tolist()
    assert field.number(counter, 10**9) != field.number(counter + 1, 10**9)


def test_a_reader_gives_the_rows_of_its_field_in_any_order() -> None:
    for n in (1, 4, 99):
        field = Streams(7).field("x")
        reader, row = field.reader(n), np.empty(n)
        for counter in (0, 0, 1, 5, 4, 10**12, 3, 4):
            reader.read(counter, row)
            assert np.array_equal(row, field.row(counter, n))


@pytest.mark.parametrize("is_compiled", [True, False])
def test_many_rows_are_those_of_their_field_compiled_or_read(
    is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = SimpleNamespace(is_over=is_compiled, spend=lambda n_numbers: None)
    monkeypatch.setattr(streams, "_patience", patience)
    field = Streams(7).field("x")
    for n in (1, 2, 3, 4, 5, 99, 5000):
        for first in (0, 3, 10**12):
            assert np.array_equal(field.many(first, 3, n), field.block(first, 3, n))
