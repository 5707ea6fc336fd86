"""Read access to a finished, interrupted or killed run: its record, its scenario, and its tables by column.

Tables are read in batches and only in the columns asked for, so that a year of a feeder needs little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, collected
from cosim.core.tables import Coded
from cosim.engine.answer import read_elements
from cosim.engine.load import load_scenario
from cosim.engine.scenario import Scenario
from cosim.engine.wings import columns_of
from cosim.grid.named_elements import Elements
from cosim.results.frames import Tables
from cosim.results.run_files import read_run_record, read_summary
from cosim.results.run_tables import batches, n_rows, schema_of, table_files

Array = NDArray[np.float64]
Columns = dict[str, Any]
"""Columns by name: arrays of numbers, times as integer ms since 1970 (UTC), texts as `Coded`."""


_Made = TypeVar("_Made")


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

    def files(self, table: str) -> list[Path]:
        """Files that hold a table: one where the run ended, its batches where the run was killed."""
        return table_files(self.folder, table, columns_of(table))

    def has(self, table: str, *columns: str) -> bool:
        """Whether the run has the table, with some row, and with these columns."""
        files = self.files(table)
        if not files or not set(columns) <= set(schema_of(files[0]).names):
            return False
        return any(n_rows(file) > 0 for file in files)

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Columns]:
        """The table's rows in order, a row group at a time.

        Parameters
        ----------
        table : str
            A table's name.
        columns : sequence of str
            The columns to read.
        """
        for file in self.files(table):
            for batch in batches(file, columns, coded=True):
                yield {name: _decoded(batch.column(name)) for name in columns}

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
