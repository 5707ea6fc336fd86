"""The same feeder many times: its tables one copy after another, and the power flows of all copies together.

A copy is a feeder of its own: nothing flows between copies, and what one solves does not depend on others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.core.machine import physical_bytes
from cosim.grid.bus_positions import Tree
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder, FeederCopies
from cosim.grid.flow_result import FlowResult
from cosim.grid.limits import KINDS as LIMITS
from cosim.grid.limits import FeederLimits
from cosim.grid.net_arrays import BusTable, LineTable, Trafo3wTable, TrafoTable
from cosim.grid.power_flow import PowerFlow
from cosim.grid.source_facts import GivenLimit, OwnElement, SourceFacts, Uneven
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower

FloatArray = NDArray[np.float64]
Whole = NDArray[np.int64]
Table = TypeVar("Table", BusTable, LineTable, TrafoTable, Trafo3wTable)
BYTES_PER_BUS = 5_000
"""Memory that a bus of a copy takes with its line, its names and limits, most of it for the tables that say
what the feeder is (`bench/bench_copies.py`)."""


def copied(one: Feeder, number: int) -> Feeder:
    """A number of copies of a feeder, as one feeder whose elements belong to copies.

    Copies are numbered from 1. Element 3 of the table of a copy 17 has the index 17003 (or 170003, where a
    table has an index of 1,000 or more) and the name ``feeder 17 · NAME``.
    """
    stride = 10 ** len(str(_largest_index(one)))
    of = FeederCopies(one, number, stride)
    return replace(
        one,
        bus=replace(_table(one.bus, "bus", of), tree=_tree(one.bus.tree, of)),
        line=_table(one.line, "line", of),
        trafo=_table(one.trafo, "transformer", of),
        trafo3w=_table(one.trafo3w, "transformer", of),
        elements=tuple(_record(each, shift) for shift in of.shifts for each in one.elements),
        candidate_buses=tuple(bus + shift for shift in of.shifts for bus in one.candidate_buses),
        facts=_facts(one.facts, one, of),
        copies=of,
    )


def memory_problems(one: Feeder, number: int) -> Iterator[Problem]:
    """An error where so many copies alone would take more than all memory of this machine."""
    needed, there = needed_bytes(one, number), physical_bytes()
    if there is not None and needed > there:
        message = (
            f"{number:,} copies of a feeder of {one.n_bus} buses would take about {needed / 1e6:,.0f} MB, "
            f"and this machine has {there / 1e6:,.0f} MB"
        )
        remedy = "Lower grid.copies, and sweep over seeds for more feeders (docs/copies.md)."
        yield Problem(message, remedy, "grid.copies")


def needed_bytes(one: Feeder, number: int) -> int:
    """Memory of so many copies."""
    return one.n_bus * number * BYTES_PER_BUS


def _largest_index(one: Feeder) -> int:
    """The largest index of any element in any table."""
    tables = (one.bus.index, one.line.index, one.trafo.index, one.trafo3w.index)
    others = [each.record.index for each in one.facts.own] + [each.element for each in one.facts.in_the_net]
    return max([0, *others, *(int(index.max(initial=0)) for index in tables)])


def _all(index: Whole, of: FeederCopies) -> Whole:
    """Indices of one copy as those of all; -1 stays."""
    flat = np.add.outer(np.array(of.shifts, np.int64), index)
    return np.asarray(np.where(index < 0, -1, flat).reshape(-1, *index.shape[1:]), np.int64)


def _names(names: tuple[str, ...], index: Whole, word: str, of: FeederCopies) -> tuple[str, ...]:
    known = [name or f"{word} {own}" for name, own in zip(names, index.tolist(), strict=True)]
    return tuple(f"feeder {copy} · {name}" for copy in range(1, of.number + 1) for name in known)


def _table(one: Table, word: str, of: FeederCopies) -> Table:
    """A table of one copy as that of all; its whole numbers are indices."""
    columns: dict[str, Any] = {"name": _names(one.name, one.index, word, of)}
    for each in fields(one):
        column = getattr(one, each.name)
        if isinstance(column, np.ndarray):
            is_index = column.dtype.kind == "i"
            columns[each.name] = _all(column, of) if is_index else np.concatenate([column] * of.number)
    return replace(one, **columns)


def _tree(one: Tree, of: FeederCopies) -> Tree:
    n = len(one.parent)
    parent, firsts = np.tile(one.parent, of.number), np.repeat(np.arange(of.number) * n, n)
    return Tree(
        np.where(parent < 0, -1, parent + firsts),
        np.tile(one.depth, of.number),
        np.tile(one.distance_km, of.number),
    )


def _record(each: ElementRecord, shift: int) -> ElementRecord:
    # Each field by itself: `dataclasses.replace` takes ten times as long, and there may be a million.
    return ElementRecord(
        each.kind,
        each.index + shift,
        each.name,
        each.bus + shift,
        each.p_mw,
        each.q_mvar,
        each.profile,
        each.p_profile,
        each.q_profile,
        each.shares,
    )


def _facts(facts: SourceFacts, one: Feeder, of: FeederCopies) -> SourceFacts:
    n_of = {name: len(getattr(one, kind.table).index) for name, kind in LIMITS.items()}
    return SourceFacts(
        own=tuple(OwnElement(_record(each, shift), acts) for shift in of.shifts for each, acts in facts.own),
        in_the_net=tuple(
            each._replace(element=each.element + shift, bus=each.bus + shift if each.bus >= 0 else -1)
            for shift in of.shifts
            for each in facts.in_the_net
        ),
        limits={name: _limit(given, n_of[name], of) for name, given in facts.limits.items()},
        uneven=tuple(
            Uneven(table, element + shift, p_kw)
            for shift in of.shifts
            for table, element, p_kw in facts.uneven
        ),
        slow=facts.slow,
        held=tuple(bus + shift for shift in of.shifts for bus in facts.held),
        rating_kva={kind: np.tile(rating, of.number) for kind, rating in facts.rating_kva.items()},
    )


def _limit(given: GivenLimit, n: int, of: FeederCopies) -> GivenLimit:
    cells = [(row + copy * n, label, cell) for copy in range(of.number) for row, label, cell in given.cells]
    return GivenLimit(np.tile(given.values, of.number), given.wrong, tuple(cells))


def copied_limits(limits: FeederLimits, number: int) -> FeederLimits:
    """The limits of one copy as those of all."""
    tiled = {name: np.tile(getattr(limits, name), number) for name in LIMITS}
    return replace(limits, **tiled, origins={name: each * number for name, each in limits.origins.items()})


class CopiedFlow:
    """Solves power flows of all copies of a feeder.

    Parameters
    ----------
    one : PowerFlow
        The solver of one copy.
    feeder : Feeder
        All copies.

    Attributes
    ----------
    feeder : Feeder
        All copies.
    """

    def __init__(self, one: PowerFlow, feeder: Feeder) -> None:
        assert feeder.copies is not None
        self.feeder = feeder
        self._one, self._number = one, feeder.copies.number

    def warnings(self, n_intervals: int) -> list[Problem]:
        """What a run should know; see `PowerFlow.warnings`."""
        return self._one.warnings(n_intervals * self._number)

    def solve(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None = None,
        controlled: ControlledPower | None = None,
    ) -> FlowResult:
        """Power flows of T intervals; the arguments are those of `PowerFlow.solve`, of all copies.

        Returns
        -------
        FlowResult
            To the bit what each copy alone has. An interval has converged where all copies have; its powers
            are sums. Where one has not, powers are NaN and voltages are known of the others alone.
        """
        n_bus = self._one.feeder.n_bus
        p, q = (np.ascontiguousarray(each).reshape(-1, n_bus) for each in (p_mw, q_mvar))
        if controlled is None:
            return self._together(self._one.solve(p, q, self._parted(dependent, n_bus)), len(p_mw))
        parted = self._parted(dependent, n_bus)
        flow = FlowResult.empty(len(p), self._one.feeder)
        for copy in range(self._number):
            rows = np.arange(copy, len(p), self._number)
            mine = controlled.some(controlled.columns // n_bus == copy)
            own = ControlledPower(mine.columns - copy * n_bus, mine.inverters, mine.met)
            part = None if parted is None else parted.rows(rows)
            flow.put(rows, self._one.solve(p[rows], q[rows], part, own if len(own.columns) else None))
        return self._together(flow, len(p_mw))

    def _parted(self, dependent: DependentPower | None, n_bus: int) -> DependentPower | None:
        """What follows the voltage, copy by copy within each interval."""
        if dependent is None:
            return None
        copy, column = np.divmod(dependent.columns, n_bus)
        columns, place = np.unique(column, return_inverse=True)
        parts = []
        for part in dependent.parts:
            each = np.zeros((len(part), self._number, len(columns)))
            each[:, copy, place] = part
            parts.append(each.reshape(-1, len(columns)))
        return DependentPower(columns, *parts)

    def _together(self, flow: FlowResult, n: int) -> FlowResult:
        """Intervals copy by copy as intervals of all."""
        by_copy = flow.status.reshape(n, self._number)
        status = np.full(n, "converged", dtype=by_copy.dtype)
        for kind in ("skipped", "diverged"):
            status[(by_copy == kind).any(axis=1)] = kind
        route = flow.route.reshape(n, self._number)
        own = np.stack([flow.p_slack_mw, flow.losses_mw], axis=1).reshape(n, self._number, 2)

        def wide(values: FloatArray) -> FloatArray:
            return values.reshape(n, self._number * values.shape[1])

        def summed(values: FloatArray) -> FloatArray:
            return np.array([math.fsum(row) for row in values.reshape(n, self._number)])

        return FlowResult(
            wide(flow.vm_pu),
            wide(flow.line_loading_percent),
            wide(flow.trafo_loading_percent),
            wide(flow.trafo3w_loading_percent),
            summed(flow.p_slack_mw),
            summed(flow.q_slack_mvar),
            summed(flow.losses_mw),
            status,
            self._causes(flow.cause.reshape(n, self._number)),
            flow.residual_mva.reshape(n, self._number).max(axis=1),
            np.array([_route(row) for row in route], dtype=flow.route.dtype),
            flow.tap_positions[:n],
            own,
        )

    def _causes(self, causes: NDArray[np.object_]) -> NDArray[np.object_]:
        """What the first copy says that was not solved, and how many more there are."""
        found = np.full(len(causes), "", dtype=object)
        unsolved = causes != ""
        for row in np.flatnonzero(unsolved.any(axis=1)).tolist():
            (where,) = np.nonzero(unsolved[row])
            more = f" (and {len(where) - 1} more feeders)" if len(where) > 1 else ""
            found[row] = f"feeder {where[0] + 1}: {causes[row, where[0]]}{more}"
        return found


def _route(of_copies: NDArray[np.str_]) -> str:
    """What solved an interval: of several routes the slowest."""
    routes = set(of_copies.tolist()) - {""}
    return max(routes, key=lambda route: (route.startswith("runpp"), len(route)), default="")
