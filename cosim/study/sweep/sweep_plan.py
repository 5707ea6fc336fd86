"""The points of a sweep: each is a scenario of its own, known before anything runs."""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cosim.config.dump import flow_yaml
from cosim.config.settings import Setting
from cosim.core.errors import count
from cosim.engine.load import LoadedScenario
from cosim.study.sweep.load_sweep import LoadedSweep
from cosim.study.sweep.samples import unit_points
from cosim.study.sweep.schema import AxisConfig, interpolate

Cell = int | float | str | bool | None
"""What a column of the axes can hold."""


@dataclass(frozen=True)
class Option:
    """One position on an axis."""

    cell: Cell
    """What the axis' column shows."""
    settings: tuple[Setting, ...]
    """What it sets."""


@dataclass(frozen=True)
class Combination:
    """A position on every axis: a scenario but for its seed."""

    cells: tuple[Cell, ...]
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Point:
    """One run of a sweep."""

    index: int
    """Its number, from 0: combinations in their order, the seeds within each."""
    combination: Combination
    """What it sets."""
    seed: int | None
    """None for the base scenario's own."""


@dataclass(frozen=True)
class SweepPlan:
    """All points of a sweep."""

    sweep: LoadedSweep
    """What they were made from."""
    combinations: tuple[Combination, ...]
    """In the order of the axes, the first axis slowest; or in that of the sample."""

    @property
    def columns(self) -> list[str]:
        """The axes' columns."""
        return [axis.column for axis in self.sweep.config.axes]

    @cached_property
    def points(self) -> list[Point]:
        """Every point in its order."""
        pairs = itertools.product(self.combinations, self.sweep.config.seed_list)
        return [Point(index, combination, seed) for index, (combination, seed) in enumerate(pairs)]

    def scenario(self, point: Point) -> LoadedScenario:
        """The scenario of a point.

        Raises
        ------
        InputError
            With everything that is wrong with it.
        """
        return self.sweep.base.varied(point.combination.settings, point.seed)

    def command(self, point: Point) -> str:
        """The command line that runs a point by itself, with the same numbers."""
        words = ["cosim", "run", self.sweep.base_argument]
        for setting in point.combination.settings:
            words += ["--set", f"{setting.path}={flow_yaml(setting.value)}"]
        if point.seed is not None:
            words += ["--seed", str(point.seed)]
        return shlex.join(words)

    def label(self, point: Point) -> str:
        """A point in words: ``latency_ms=1000, policy=additive, seed=3``."""
        named = [f"{c}={cell}" for c, cell in zip(self.columns, point.combination.cells, strict=True)]
        return ", ".join([*named, *([] if point.seed is None else [f"seed={point.seed}"])])

    def lines(self) -> Iterator[str]:
        """Every point with its place on the axes and the command that runs it alone."""
        yield f"# {self.sweep.config.name}: {count(len(self.points), 'point')}"
        for point in self.points:
            yield f"# {point.index:05d} {self.label(point)}".rstrip()
            yield self.command(point)

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits that two sweeps share only if they have the same points."""
        content = {
            "base": self.sweep.base.document.data,
            "columns": self.columns,
            "combinations": [
                [combination.cells, [[s.path, s.value] for s in combination.settings]]
                for combination in self.combinations
            ],
            "seeds": self.sweep.config.seed_list,
            "keep": self.sweep.config.keep,
        }
        text = json.dumps(content, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def plan_sweep(sweep: LoadedSweep) -> SweepPlan:
    """The points of a sweep; what its base and its axes set is not looked at yet."""
    config = sweep.config
    common = tuple(sweep.setting(f"set.{path}", path, value) for path, value in config.set.items())
    chosen = _sampled(sweep) if config.sample is not None else _all_combinations(sweep)
    combinations = tuple(
        Combination(
            tuple(option.cell for option in options),
            (*common, *(setting for option in options for setting in option.settings)),
        )
        for options in chosen
    )
    return SweepPlan(sweep, combinations)


def _all_combinations(sweep: LoadedSweep) -> Iterator[tuple[Option, ...]]:
    axes = [_options(sweep, number, axis) for number, axis in enumerate(sweep.config.axes)]
    return itertools.product(*axes)


def _sampled(sweep: LoadedSweep) -> Iterator[tuple[Option, ...]]:
    axes, sample = sweep.config.axes, sweep.config.sample
    assert sample is not None
    listed = [[] if axis.between else _options(sweep, n, axis) for n, axis in enumerate(axes)]
    for shares in unit_points(sample, len(axes)).tolist():
        yield tuple(
            _drawn(sweep, number, axis, share) if axis.between else options[int(share * len(options))]
            for number, (axis, options, share) in enumerate(zip(axes, listed, shares, strict=True))
        )


def _drawn(sweep: LoadedSweep, number: int, axis: AxisConfig, share: float) -> Option:
    """The option of an interval at a share of its length."""
    assert axis.between is not None
    assert axis.path is not None
    low, high = axis.between
    value: float | int
    if axis.integer and axis.scale == "linear":
        # Each whole number has a slice of the same length.
        first, last = -(-low // 1), high // 1
        value = int(first + share * (last - first + 1))
    else:
        value = interpolate(low, high, share, axis.scale)
        value = min(max(round(value), int(-(-low // 1))), int(high // 1)) if axis.integer else value
    return Option(value, (sweep.setting(f"axes.{number}.between", axis.path, value),))


def _options(sweep: LoadedSweep, number: int, axis: AxisConfig) -> list[Option]:
    """All options of an axis that lists them."""
    place = f"axes.{number}"
    if axis.cases is not None:
        names, settings = (
            list(axis.cases),
            [
                tuple(
                    sweep.setting(f"{place}.cases.{name}.{path}", path, value) for path, value in case.items()
                )
                for name, case in axis.cases.items()
            ],
        )
        return [Option(c, s) for c, s in zip(axis.column_values or names, settings, strict=True)]
    assert axis.path is not None
    if axis.range is not None:
        values: Sequence[Any] = axis.range.numbers()
        places = [f"{place}.range"] * len(values)
    else:
        values = axis.values or ()
        places = [f"{place}.values.{position}" for position in range(len(values))]
    cells = axis.column_values or [_cell(value) for value in values]
    return [
        Option(cell, (sweep.setting(at, axis.path, value),))
        for cell, value, at in zip(cells, values, places, strict=True)
    ]


def _cell(value: Any) -> Cell:
    """A value as a column shows it: mappings and lists as text."""
    return value if value is None or isinstance(value, int | float | str) else flow_yaml(value)
