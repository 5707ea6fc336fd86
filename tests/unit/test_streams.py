"""One number of a field, looked up alone, is the one that its row has there."""

from __future__ import annotations

import pytest

from cosim.core.streams import Streams


@pytest.mark.parametrize("counter", [0, 1, 7, 2**40])
@pytest.mark.parametrize("purpose", ["fault/a/gap", "fault/a/length"])
def test_a_number_alone_is_that_of_its_row(counter: int, purpose: str) -> None:
    field = Streams(3).field(purpose)
    row = field.row(counter, 1001)
    assert [field.number(counter, entity) for entity in range(1001)] == row.tolist()
    assert field.number(counter, 10**9) != field.number(counter + 1, 10**9)
