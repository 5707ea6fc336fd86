"""Read access to a finished, interrupted or killed run: its record, its scenario, and its tables by column.

Tables are read in batches and only in the columns asked for, so that a year of a feeder needs little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, collected
from cosim.core.tables import Coded
from cosim.engine.answer import read_elements
from cosim.engine.load import load_scenario
from cosim.engine.scenario import Scenario
from cosim.engine.wings import columns_of
from cosim.grid.named_elements import Elements
from cosim.grid.recorded_copies import FeederSample
from cosim.results.frames import Tables
from cosim.results.run_files import read_run_record, read_summary
from cosim.results.run_tables import batches, n_rows, schema_of, table_files

Array = NDArray[np.float64]
Columns = dict[str, Any]
"""Columns by name: arrays of numbers, times as integer ms since 1970 (UTC), texts as `Coded`."""


_Made = TypeVar("_Made")


_ELEMENT_OF = {
    **dict.fromkeys(("feeder_buses", "injections", "bus_voltage", "en50160"), "bus"),
    **dict.fromkeys(("feeder_branches", "violations", "overloads"), "element"),
    **{f"{kind}_loading": kind for kind in ("line", "trafo", "trafo3w")},
}
"""The column that says of which element a row is, of tables about elements of the feeder."""


class ShownCopy(NamedTuple):
    """Of the copies of a feeder that is there many times the one that figures and pages show."""

    number: int
    """Its number, from 1."""
    n_copies: int
    """How many there are."""
    is_worst: bool | None
    """Whether it is the worst of all, or just of those that are recorded; None where that is not known."""
    first: int
    end: int
    """Indices of its elements are from here on, and below that."""

    def has(self, element: int) -> bool:
        """Whether an element is its own."""
        return self.first <= element < self.end

    @property
    def words(self) -> str:
        """Which it is: ``feeder 17, the worst of 8,000``."""
        which = {True: "the worst ", False: "the worst recorded one ", None: ""}[self.is_worst]
        return f"feeder {self.number}, {which}of {self.n_copies:,}"


@dataclass(frozen=True)
class RunData:
    """What a run left.

    Parameters
    ----------
    folder : Path
        The run's directory.
    """

    folder: Path
    _remembered: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def record(self) -> dict[str, Any]:
        """Content of ``run.json``; empty where there is none."""
        return read_run_record(self.folder)

    @cached_property
    def summary(self) -> dict[str, float | int | None]:
        """Content of ``summary.json``; empty where the run never got that far."""
        return read_summary(self.folder)

    @cached_property
    def tables(self) -> Tables:
        """The tables as data frames; `batches` and `read` need less memory."""
        return Tables(self.folder)

    def check(self) -> None:
        """Read what is no table, before anything is made of it.

        Raises
        ------
        InputError
            With everything that is wrong with record, summary and scenario.
        """
        problems: list[Problem] = []
        for name in ("record", "summary", "scenario", "limits"):
            with collected(problems):
                getattr(self, name)
        if problems:
            raise InputError(dict.fromkeys(problems))

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario as the run resolved it.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return load_scenario(str(self.folder / "scenario.yaml")).scenario

    @cached_property
    def elements(self) -> Elements:
        """Names and limits of the feeder's elements; empty where the run did not write them."""
        return read_elements(self.folder)

    @cached_property
    def limits(self) -> dict[str, dict[int, float]]:
        """Limits of each element as the run applied them, by column of the feeder's tables, then by index.

        Voltages are ``vm_min_pu`` and ``vm_max_pu``, loadings ``line``, ``trafo`` and ``trafo3w``; empty
        where the run did not write them.
        """
        names = ("vm_min_pu", "vm_max_pu", "line", "trafo", "trafo3w")
        found: dict[str, dict[int, float]] = {name: {} for name in names}
        if self.has("feeder_buses", "vm_min_pu", "vm_max_pu"):
            buses = self.read("feeder_buses", ["bus", "supplied", "vm_min_pu", "vm_max_pu"])
            for name in ("vm_min_pu", "vm_max_pu"):
                rows = zip(*(buses[key].tolist() for key in ("bus", "supplied", name)), strict=True)
                found[name] = {bus: limit for bus, supplied, limit in rows if supplied}
        if self.has("feeder_branches", "loading_max_percent"):
            branches = self.read("feeder_branches", ["kind", "element", "loading_max_percent"])
            columns = (branches[key].tolist() for key in ("element", "loading_max_percent"))
            for kind, element, limit in zip(text_list(branches["kind"]), *columns, strict=True):
                found.setdefault(kind, {})[element] = limit
        return found

    @cached_property
    def copy(self) -> ShownCopy | None:
        """The copy whose rows `batches`, `read` and `distinct` give; None where the feeder is there once."""
        if not self._has_rows("feeder_copies"):
            return self._first_copy()
        names = ("copy", "first_index", "recorded", "intervals_outside_limits", "limit_use_max")
        number, first, recorded, outside, use = self.read("feeder_copies", names).values()
        order = np.lexsort((-np.nan_to_num(use, nan=-1.0), -outside))  # as `feeder_worst` of the summary
        shown = next((copy for copy in order if recorded[copy]), order[0])
        begin = int(first[shown])
        return ShownCopy(
            int(number[shown]), len(number), bool(shown == order[0]), begin, begin + int(first[0])
        )

    def _first_copy(self) -> ShownCopy | None:
        """The first copy that is recorded, of a run that did not come to its end."""
        if not self._has_rows("feeder_buses"):
            return None
        grid, recorded = self.scenario.grid, self.scenario.record.grid
        if grid is None or grid.copies == 1:
            return None
        (file, *_) = self.files("feeder_buses")
        index = int(_decoded(next(iter(batches(file, ["bus"], coded=True))).column("bus"))[0])
        stride = 10 ** (len(str(index)) - 1)  # the first is of copy 1
        number = recorded.copies[0] if isinstance(recorded, FeederSample) else 1
        return ShownCopy(number, grid.copies, None, number * stride, (number + 1) * stride)

    def files(self, table: str) -> list[Path]:
        """Files that hold a table: one where the run ended, its batches where the run was killed."""
        return table_files(self.folder, table, columns_of(table))

    def has(self, table: str, *columns: str) -> bool:
        """Whether the run has the table, with some row, and with these columns."""
        if not self._has_rows(table, *columns):
            return False
        if table not in _ELEMENT_OF or self.copy is None:
            return True
        return any(len(batch[_ELEMENT_OF[table]]) for batch in self.batches(table, [_ELEMENT_OF[table]]))

    def _has_rows(self, table: str, *columns: str) -> bool:
        files = self.files(table)
        if not files or not set(columns) <= set(schema_of(files[0]).names):
            return False
        return any(n_rows(file) > 0 for file in files)

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Columns]:
        """The table's rows in order, a row group at a time; of elements of the feeder those of `copy` alone.

        Parameters
        ----------
        table : str
            A table's name.
        columns : sequence of str
            The columns to read.
        """
        element = _ELEMENT_OF.get(table, "")
        if not element or self.copy is None:
            for file in self.files(table):
                for batch in batches(file, columns, coded=True):
                    yield {name: _decoded(batch.column(name)) for name in columns}
            return
        for file in self.files(table):
            for batch in batches(file, list(dict.fromkeys([*columns, element])), coded=True):
                index = _decoded(batch.column(element))
                mine = np.flatnonzero((index >= self.copy.first) & (index < self.copy.end))
                yield {name: _some(_decoded(batch.column(name)), mine) for name in columns}

    def read(self, table: str, columns: Sequence[str]) -> Columns:
        """Whole columns of a table; arrays of length 0 where it has no rows."""
        parts = list(self.batches(table, columns))
        return {name: _joined([part[name] for part in parts]) for name in columns}

    def distinct(self, table: str, column: str) -> list[Any]:
        """Every value that occurs in a column of integers or texts, sorted."""
        seen: set[Any] = set()
        for batch in self.batches(table, [column]):
            values = batch[column]
            if isinstance(values, Coded):
                seen.update(values.texts[code] for code in np.unique(values.codes))
            else:
                seen.update(np.unique(values).tolist())
        return sorted(seen)

    def remember(self, key: str, make: Callable[[], _Made]) -> _Made:
        """What `make` gives, made once under this key, for what several figures need."""
        if key not in self._remembered:
            self._remembered[key] = make()
        made: _Made = self._remembered[key]
        return made


def text_list(column: Coded | Array) -> list[str]:
    """A column of texts, row by row; none of a table without rows, whose columns have no type."""
    if not isinstance(column, Coded):
        return []
    return [column.texts[code] for code in column.codes.tolist()]


def _decoded(column: Any) -> Any:
    """A column as numpy has it; Arrow's own conversion imports pandas, its filling of gaps another module."""
    import pyarrow as pa

    type_, has_gaps = column.type, column.null_count > 0
    if pa.types.is_dictionary(type_):
        indices = column.indices.fill_null(-1) if has_gaps else column.indices
        codes: NDArray[Any] = np.from_dlpack(indices)
        return Coded(codes, tuple(column.dictionary.to_pylist()))
    if not has_gaps and pa.types.is_timestamp(type_) and type_.unit == "ms":
        return np.from_dlpack(column.view(pa.int64()))
    if not has_gaps and (pa.types.is_floating(type_) or pa.types.is_integer(type_)):
        return np.from_dlpack(column)
    if not has_gaps and pa.types.is_boolean(type_):
        bits = np.frombuffer(column.buffers()[1], np.uint8)
        return np.unpackbits(bits, bitorder="little")[column.offset :][: len(column)].astype(bool)
    values = column.to_numpy(zero_copy_only=False)
    return values.astype("datetime64[ms]").astype(np.int64) if pa.types.is_timestamp(type_) else values


def _some(column: Any, rows: NDArray[np.intp]) -> Any:
    return Coded(column.codes[rows], column.texts) if isinstance(column, Coded) else column[rows]


def _joined(parts: list[Any]) -> Any:
    if not parts:
        return np.zeros(0)
    if not isinstance(parts[0], Coded):
        return np.concatenate(parts)
    position: dict[str, int] = {}
    codes = []
    for part in parts:
        translation = np.array([position.setdefault(text, len(position)) for text in part.texts], np.int64)
        codes.append(translation[part.codes])
    return Coded(np.concatenate(codes), tuple(position))
