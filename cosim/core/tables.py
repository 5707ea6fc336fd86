"""What a table is, and what a wing needs of the place where tables go, however they are stored there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

ColumnType = Literal["time", "text", "integer", "number", "flag"]


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: ColumnType
    unit: str
    meaning: str


class Table(NamedTuple):
    """A table that a run leaves."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


TIME = Column("time", "time", "UTC", "start of the interval")
INSTANT = Column("time", "time", "UTC", "the instant it happened")
PROSUMER = Column("prosumer", "text", "", "household, h001 ... in the order of the groups")
COMMUNITY = Column("community", "text", "", "community; empty for a household that takes part in none")
RESOURCE = Column("resource", "text", "", "resource of the community")
BUS = Column("bus", "integer", "", "bus index in the feeder (-1 without a feeder)")
"""Columns that tables of several wings have."""


class Coded(NamedTuple):
    """A text column as numbers into a list of texts."""

    codes: NDArray[np.integer[Any]]
    texts: tuple[str, ...]


ColumnData = NDArray[Any] | Coded | list[Any]


class Parameters(NamedTuple):
    """Columns of the table `prosumers`: what each household was given, by name of the parameter.

    A parameter that a household does not have is an empty text, or NaN.
    """

    texts: Mapping[str, list[str]]
    numbers: Mapping[str, NDArray[np.float64]]


class RowSink(Protocol):
    """Where the rows of one table go."""

    def append(self, data: Mapping[str, ColumnData], /) -> None:
        """Add rows: one array or list for each column of the table, all of one length."""


class TableStore(Protocol):
    """Where the tables of a run go: its directory, or nowhere.

    Attributes
    ----------
    keeps_rows : bool
        Whether anything becomes of what is written; else a table need not be worked out.
    """

    keeps_rows: bool

    def writer(self, table: Table, /) -> RowSink:
        """The writer of a table that grows during the run."""

    def write_table(self, table: Table, data: Mapping[str, ColumnData], /) -> None:
        """Write a small table that is complete from the start, so that a run that is killed has it too."""

    def save(self) -> None:
        """Make the rows so far outlast a run that is killed."""
