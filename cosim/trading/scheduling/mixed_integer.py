"""The choices as a mixed-integer program, for the rare days on which the own search takes long.

One binary variable a way of each listed appliance and an hour of each flexible one, one continuous variable
a step of the supply that the load can reach; the limit is where the steps end. SciPy's HiGHS solves it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices
from cosim.trading.scheduling.supply import Supply

_SCALE = 1e3
"""The objective is in mEUR: HiGHS stops at an absolute gap of 1e-6, which is then 1e-9 EUR."""


_PAUSE_S = 0.1


class SolverGaveUpError(Exception):
    """HiGHS ended without a result; its message is the argument."""


def solve_mixed_integer(
    supply: Supply,
    choices: Choices,
    node_limit: int | None = None,
    any_will_do: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """The best choices, proved by HiGHS to 1e-9 EUR and its tolerance for whole numbers, 1e-6.

    Parameters
    ----------
    supply : Supply
        What the load is bought from.
    choices : Choices
        What is to be decided; not `excess_only`.
    node_limit : int, optional
        Give up after so many nodes.
    any_will_do : bool
        Whether any choices that keep the limits will do.
    pause : callable
        Called ten times a second; what it raises leaves HiGHS to itself.

    Returns
    -------
    ways : ndarray of int, shape (n_listed,)
        How each listed appliance runs.
    flexible_on : ndarray of bool, shape (n_flexible, n_hours)
        When each flexible appliance runs.
    None
        If the limits cannot be kept.

    Raises
    ------
    SolverGaveUpError
        If HiGHS neither finds the optimum nor proves that there is none: on a few small problems it stops
        with a "solve error" of its own, and a limit may end it.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_array, csr_array

    n_hours = choices.n_hours
    window = np.isfinite(choices.flexible_worth)
    hour_of = [np.flatnonzero(row) for row in window]
    listed_kw = [power * rows for power, rows in zip(choices.powers_kw, choices.ways, strict=True)]
    flexible_kw = [
        power * np.eye(n_hours)[hours] for power, hours in zip(choices.flexible_kw, hour_of, strict=True)
    ]
    blocks = listed_kw + flexible_kw
    worth = [
        *choices.worth,
        *(row[hours] for row, hours in zip(choices.flexible_worth, hour_of, strict=True)),
    ]
    counts = [len(block) for block in blocks]
    binaries = np.concatenate(blocks) if blocks else np.zeros((0, n_hours))
    step_hour, step_price, step_kwh = _reachable_steps(supply, choices, binaries.sum(axis=0))
    owner = np.repeat(np.arange(len(blocks)), counts)
    pick = csr_array((np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(len(blocks), len(owner)))
    steps = csr_array(
        (np.ones(len(step_hour)), (step_hour, np.arange(len(step_hour)))), shape=(n_hours, len(step_hour))
    )
    matrix = block_array([[csr_array(binaries.T), -steps], [pick, None]], format="csr")
    chosen = np.array([1.0] * len(listed_kw) + [float(hours) for hours in choices.flexible_hours])
    # What is decided already is bought too.
    right = np.concatenate([-choices.fixed_kwh, chosen])
    aim = _SCALE * np.concatenate([*(-part for part in worth), step_price])
    solve = partial(
        milp,
        np.zeros_like(aim) if any_will_do else aim,
        constraints=LinearConstraint(matrix, right, right),
        integrality=np.concatenate([np.ones(len(owner)), np.zeros(len(step_hour))]),
        bounds=Bounds(0, np.concatenate([np.ones(len(owner)), step_kwh])),
        options={"mip_rel_gap": 0} | ({} if node_limit is None else {"node_limit": node_limit}),
    )
    found = _interruptible(solve, pause)
    if found.status == 2:
        return None
    if found.status != 0:
        raise SolverGaveUpError(found.message)
    parts = np.split(found.x[: len(owner)], np.cumsum(counts)[:-1])
    ways = np.array([int(part.argmax()) for part in parts[: len(listed_kw)]], dtype=np.int64)
    flexible_on = np.zeros(window.shape, dtype=np.bool_)
    for row, hours, part in zip(flexible_on, hour_of, parts[len(listed_kw) :], strict=True):
        row[hours] = part > 0.5
    return ways, flexible_on


def _interruptible(solve: Callable[[], Any], pause: Callable[[], None]) -> Any:
    """What a call into compiled code gives, which holds signals up until it ends; so it gets a thread."""
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(solve())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_PAUSE_S)
        pause()
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def _reachable_steps(
    supply: Supply, choices: Choices, most_kwh: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Hour, price and size of the steps up to the largest possible load, those of one price together."""
    top = np.minimum(supply.limit_kwh, choices.fixed_kwh + most_kwh + 1e-6)
    size = np.clip(top[:, None] - supply.start_kwh, 0.0, supply.quantity_kwh)
    hour, step = np.nonzero(size)
    price, kwh = supply.price[hour, step], size[hour, step]
    first = np.flatnonzero(np.concatenate(([True], (np.diff(hour) != 0) | (np.diff(price) != 0))))
    return hour[first], price[first], np.add.reduceat(kwh, first)
