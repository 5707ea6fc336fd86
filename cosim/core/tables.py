"""What a table is, and what a wing needs of the place where tables go, however they are stored there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

ColumnType = Literal["time", "text", "integer", "number", "flag"]

Summary = dict[str, float | int | None]
"""Numbers of ``summary.json`` by name; None stands for a number that does not exist in this run."""


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: ColumnType
    unit: str
    meaning: str


class Coded(NamedTuple):
    """A text column as numbers into a list of texts."""

    codes: NDArray[np.integer[Any]]
    texts: tuple[str, ...]


ColumnData = NDArray[Any] | Coded | list[Any]


class RowSink(Protocol):
    """Where the rows of one table go."""

    def append(self, data: Mapping[str, ColumnData], /) -> None:
        """Add rows: one array or list for each column of the table, all of one length."""


class TableStore(Protocol):
    """Where the tables of a run go: its directory, or nowhere."""

    def writer(self, name: str, /) -> RowSink:
        """The writer of a table that grows while the run goes on."""

    def write_table(
        self, name: str, data: Mapping[str, ColumnData], columns: tuple[Column, ...] | None = None
    ) -> None:
        """Write a small table that is complete from the start, so that a run that is killed has it too."""
