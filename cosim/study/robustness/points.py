"""A sweep's table of points, with its axes: what every part of the analysis starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cosim.config.pydantic_errors import translate
from cosim.config.yaml_reader import read_yaml
from cosim.core.errors import InputError, Problem, collected, listed, suggest
from cosim.core.numbers import names_in
from cosim.engine.wings import describe
from cosim.regulation.design import LOOP_DELAY
from cosim.results.run_files import read_sweep_record
from cosim.results.safe_files import require_plain
from cosim.study.robustness.points_file import read_points_table
from cosim.study.sweep.schema import RESERVED_COLUMNS, AxisConfig, Scale, SweepConfig


@dataclass(frozen=True)
class Axis:
    """One thing that was varied."""

    name: str
    """Its column."""
    values: tuple[Any, ...]
    """Its values: numbers in their order, or names as the sweep lists them."""
    is_numeric: bool
    """Whether it can be drawn along a line."""
    scale: Scale = "linear"
    """How the sweep spaced it, and so how it is drawn."""
    shares_names: bool = False
    """Whether another axis has a case of the same name as one of its, so that a name alone is ambiguous."""


@dataclass(frozen=True)
class SweepPoints:
    """The points of a sweep that succeeded, and how many did not."""

    folder: Path
    """The sweep's directory."""
    name: str
    title: str
    """Of the sweep."""
    axes: tuple[Axis, ...]
    """What was varied over at least two values."""
    table: pd.DataFrame
    """One row per point that succeeded: the axes, ``seed``, and all numbers of its summary."""
    n_planned: int
    n_failed: int
    """Points of the sweep, and how many of them failed."""
    causes: Mapping[str, int]
    """Cause of failure to the number of points."""
    is_sample: bool = False
    """Whether the places are spread over the space of the axes, in place of a grid."""

    @property
    def numeric_axes(self) -> tuple[Axis, ...]:
        """The axes that are numbers."""
        return tuple(axis for axis in self.axes if axis.is_numeric)

    @property
    def named_axes(self) -> tuple[Axis, ...]:
        """The axes that are names."""
        return tuple(axis for axis in self.axes if not axis.is_numeric)

    @property
    def n_done(self) -> int:
        """Points that succeeded."""
        return len(self.table)

    @property
    def n_seeds(self) -> int:
        """How many seeds there are."""
        return int(self.table["seed"].nunique())

    @property
    def communities(self) -> list[str]:
        """Names of the communities, read off a number that each has once."""
        keys = map(str, self.table.columns)
        of_loops = [(key, describe(key).number) for key in keys]
        return [names_in(key, each) for key, each in of_loops if each.pattern == LOOP_DELAY]


def read_points(folder: Path) -> SweepPoints:
    """Read what a sweep left, also one that was interrupted.

    Parameters
    ----------
    folder : Path
        The directory that `cosim sweep` wrote.

    Raises
    ------
    InputError
        If it is none, nothing of it succeeded, or nothing was varied.
    """
    table, record, config = _read(folder)
    done = table[table["status"] == "done"].reset_index(drop=True)
    failed = table[table["status"] == "failed"]
    causes = {str(cause): int(n) for cause, n in failed["cause"].value_counts().items()}
    if not len(done):
        why = f"; the first cause is: {next(iter(causes))}" if causes else ""
        raise _refused(
            folder, f"no point of this sweep succeeded{why}", "Mend that, and run the sweep again."
        )
    for c in config.axes:
        done[c.column] = _as_numbers_or_names(done[c.column])
    axes = tuple(axis for c in config.axes if len((axis := _axis(c, done)).values) > 1)
    axes = _with_shared_names(axes)
    if not axes:
        raise _refused(folder, "no axis has two or more values", "Give the sweep an axis.")
    planned = int(record.get("points") or len(table))
    is_sample = config.sample is not None
    return SweepPoints(folder, config.name, config.title, axes, done, planned, len(failed), causes, is_sample)


def require_columns(points: SweepPoints, keys: list[str]) -> None:
    """Refuse names that are no number of the sweep's points.

    Raises
    ------
    InputError
        For all of them at once.
    """
    places = {*RESERVED_COLUMNS, *(axis.name for axis in points.axes)}
    known = [key for key in map(str, points.table.select_dtypes("number").columns) if key not in places]
    file = str(points.folder / "points.parquet")
    problems = [
        Problem("no point has a number of this name", suggest(key, known), file=file, value=key)
        for key in keys
        if key not in known
    ]
    if problems:
        raise InputError(problems)


def _read(folder: Path) -> tuple[pd.DataFrame, dict[str, Any], SweepConfig]:
    missing = [
        name for name in ("points.parquet", "sweep.json", "sweep.yaml") if not (folder / name).is_file()
    ]
    if missing:
        message = f"this is not a sweep directory: it has no {listed(missing)}"
        raise _refused(
            folder,
            message,
            "Name a directory that `cosim sweep` wrote; a sweep that was killed needs --resume.",
        )
    require_plain(folder, ("points.parquet", "sweep.json", "sweep.yaml"))
    problems: list[Problem] = []
    record: dict[str, Any] = {}
    with collected(problems):
        record = read_sweep_record(folder)
    with collected(problems):
        config = _read_config(folder / "sweep.yaml")
        table = read_points_table(folder / "points.parquet", config)
    if problems:
        raise InputError(problems)
    return table, record, config


def _read_config(file: Path) -> SweepConfig:
    document = read_yaml(file)
    try:
        return SweepConfig.model_validate(document.data)
    except ValidationError as error:
        raise InputError(translate(error, document, SweepConfig)) from None


def _as_numbers_or_names(column: pd.Series) -> pd.Series:
    """An axis as numbers where it is nothing else; truth values, and null among others, as names."""
    is_numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if is_numeric and not column.isna().any():
        return column
    return column.map(_name).astype(object)


def _name(value: Any) -> str:
    """A value as the sweep file writes it."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value != value:
        return "null"
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return f"{value:.12g}"


def _axis(config: AxisConfig, done: pd.DataFrame) -> Axis:
    column = done[config.column]
    if pd.api.types.is_numeric_dtype(column):
        scale = config.range.scale if config.range else config.scale
        return Axis(config.column, tuple(np.sort(column.unique()).tolist()), True, scale)
    return Axis(config.column, tuple(column.unique().tolist()), False)


def _with_shared_names(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    cases = Counter(value for axis in axes if not axis.is_numeric for value in axis.values)
    return tuple(
        replace(axis, shares_names=not axis.is_numeric and any(cases[value] > 1 for value in axis.values))
        for axis in axes
    )


def _refused(folder: Path, message: str, remedy: str) -> InputError:
    return InputError([Problem(message, remedy, file=str(folder))])
