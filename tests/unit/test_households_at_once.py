"""What stands for loops that are not compiled yet does what they do, to the bit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cosim.comms import ledger_loops
from cosim.comms.link_arrays import NEVER_MS
from cosim.core import compiled
from cosim.core.delivery import PARTS
from cosim.regulation import household_loops, households_at_once

N, M, NOW_MS, STEP = 40, 2, 900_000, 7
LOOPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "hear": (household_loops.hear_all, households_at_once.hear),
    "take": (household_loops.take_all, households_at_once.take),
    "account": (household_loops.account_all, households_at_once.account),
    "settle": (inspect.unwrap(ledger_loops.settle), ledger_loops.settle_at_once),
    "copies": (inspect.unwrap(ledger_loops.settle), ledger_loops.settle_at_once),
}


def _instants(draw: np.random.Generator, *shape: int) -> Any:
    """Around now, or never."""
    instants = NOW_MS + draw.integers(-900_000, 900_000, shape)
    instants[draw.random(shape) < 0.2] = NOW_MS
    instants[draw.random(shape) < 0.2] = NEVER_MS
    return instants


def _late(draw: np.random.Generator, n_rows: int, n_late: int) -> Any:
    late = np.zeros((n_rows, n_late + N), np.int64)
    late[:2, :n_late] = draw.integers(0, N, n_late), draw.integers(0, 2 * STEP, n_late)
    late[2, :n_late] = np.minimum(_instants(draw, n_late), 2 * NOW_MS)
    late[3:, :n_late] = draw.integers(0, STEP, n_late)
    return late


def _given(name: str, seed: int) -> tuple[Any, ...]:
    """Arguments of a loop."""
    draw = np.random.default_rng(seed)
    who = np.sort(draw.choice(N, N // 2, replace=False))
    n_late = int(draw.integers(0, 2 * N)) * (seed % 3 > 0)
    if name == "hear":
        time_ms = np.where(draw.random(N) < 0.8, NOW_MS + draw.integers(-9, 9, N), -1)
        arrival_ms = _instants(draw, N if seed % 2 else 0)
        return STEP, arrival_ms, time_ms, draw.integers(0, 2 * STEP, N), _late(draw, 3, n_late), n_late
    if name == "take":
        return (
            NOW_MS, STEP, who, draw.random((M, N)), draw.integers(0, STEP, N), _instants(draw, len(who)),
            draw.random((M, N)), draw.integers(0, 2 * STEP, N), draw.integers(0, STEP, N),
            draw.random(N) < 0.5, _late(draw, 4, n_late), draw.random((M, n_late + N)), n_late,
        )  # fmt: skip
    if name == "account":
        parts = draw.integers(0, PARTS, (M, 2 * N)) / PARTS
        time_ms = draw.integers(0, 1 << 45, len(who))
        return 1 << 45, who, parts[:, : len(who)].copy(), time_ms, parts[:, N:].copy()
    n_rows = 3
    sent_ms = draw.integers(0, NOW_MS, (n_rows, len(who)))
    lifetime_ms = np.where(draw.random(N) < 0.5, draw.integers(0, NOW_MS, N), NEVER_MS)
    return (
        NOW_MS, who, sent_ms, np.maximum(sent_ms, _instants(draw, n_rows, len(who))), lifetime_ms,
        ledger_loops.SENT if name == "settle" else ledger_loops.DUPLICATED, np.zeros((5, N), np.int64),
        np.zeros(ledger_loops.NOT_DELIVERED, np.int64), np.zeros(sent_ms.shape, np.uint16),
        np.zeros((3, n_late + sent_ms.size), np.int64), n_late,
    )  # fmt: skip


def _left(name: str, function: Callable[..., Any], seed: int) -> list[Any]:
    """What is returned, and what the arguments are then, but for the room behind what is late."""
    given = _given(name, seed)
    returned = function(*given)
    n_rooms = {"account": 0, "take": 2}.get(name, 1)  # the last ones but for the number of what is late
    first = len(given) - 1 - n_rooms
    rooms = [each[:, :returned] for each in given[first:-1]] if n_rooms else given[first:]
    return [returned, *given[:first], *rooms]


@pytest.mark.parametrize("name", LOOPS)
def test_operations_on_whole_arrays_do_what_the_loops_do(name: str) -> None:
    for seed in range(24):
        by_loop, at_once = (_left(name, function, seed) for function in LOOPS[name])
        assert all(np.array_equal(one, other) for one, other in zip(by_loop, at_once, strict=True))


def test_a_loop_is_done_without_until_that_has_taken_as_long_as_compiling_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []
    loop = compiled.compiled(instead=lambda numbers: called.append("instead"))(
        lambda numbers: called.append("loop")
    )
    monkeypatch.setattr(compiled, "is_kept", lambda loop: False)
    monkeypatch.setattr(compiled, "_compile", lambda loop, uses: loop)
    loop(np.zeros(3))
    monkeypatch.setattr(compiled, "PATIENCE", 0)
    loop(np.zeros(3))
    assert called == ["instead", "loop"]
