"""A sweep: a base scenario, what is varied, and how often it is repeated with other seeds."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from cosim.config.base import (
    MAX_ITEMS,
    MAX_MS,
    MAX_SEED,
    FilledText,
    Integer,
    Model,
    Name,
    Numbers,
    Parts,
    Range,
    Seed,
    Text,
)
from cosim.config.base import Number as AnyNumber

Scale = Literal["linear", "log"]
Number = Annotated[Integer, Range(-MAX_SEED, MAX_SEED)] | Annotated[AnyNumber, Range(-MAX_MS, MAX_MS)]
"""A number that stays whole where it is written whole."""

RESERVED_COLUMNS = ("point", "seed", "status", "cause")
"""Columns of ``points.parquet`` that every sweep has."""
MAX_POINTS = 1_000_000
"""Largest sweep; a larger one is more likely a slip of the pen."""
Many = Annotated[Integer, Range(1, MAX_POINTS)]
"""How many values or seeds there are along one axis."""


class NumberRange(Model):
    """Numbers at equal distances, both ends included."""

    start: Number
    """First number, in the unit of the key."""
    stop: Number
    """Last number, in the unit of the key."""
    count: Many
    """How many numbers."""
    scale: Scale = "linear"
    """Equal differences (`linear`), or equal ratios (`log`)."""

    @model_validator(mode="after")
    def _positive_ratios(self) -> Self:
        _require_positive(self.scale, self.start, self.stop)
        return self

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        # A count far beyond MAX_POINTS is refused later, and not listed here.
        if 1 < self.count <= MAX_POINTS and len(set(self.numbers())) < self.count:
            raise ValueError(
                f"{self.count} numbers from {self.start:g} to {self.stop:g} are not all different; "
                "move the ends apart, or lower `count`"
            )
        return self

    def numbers(self) -> list[float | int]:
        """The numbers, rounded to 12 digits; whole ones where both ends are and all between them."""
        steps = max(self.count - 1, 1)
        found = [interpolate(self.start, self.stop, i / steps, self.scale) for i in range(self.count)]
        ends_are_whole = isinstance(self.start, int) and isinstance(self.stop, int)
        if ends_are_whole and all(number.is_integer() for number in found):
            return [int(number) for number in found]
        return list(found)


def interpolate(low: float, high: float, share: float, scale: Scale) -> float:
    """The number that is `share` of the way from `low` to `high`, rounded to 12 digits."""
    if share in (0, 1):
        return float(high if share else low)
    if scale == "log":
        return float(f"{math.exp(math.log(low) + share * math.log(high / low)):.12g}")
    return float(f"{low + share * (high - low):.12g}")


_Settings = Annotated[dict[Text, Any], Field(max_length=MAX_ITEMS)]
_Cases = Annotated[dict[Text, _Settings], Field(max_length=MAX_ITEMS)]


def _no_cases_without_paths(cases: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]] | None:
    if cases is not None and not cases:
        raise ValueError("there are no cases; write one per line, `name: {path: value}`")
    return cases


class AxisConfig(Model):
    """One thing that is varied: a path of the scenario over values, or named cases that set several paths.

    It has one of `values`, `range`, `between` and `cases`.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Its column in `points.parquet`; the path by default, and needed for cases."""
    path: FilledText | None = None
    """What is varied, as in `--set`: keys joined by dots, list items by number or by name."""
    values: Annotated[Numbers[Any], Field(min_length=1)] | None = None
    """The values one by one."""
    range: NumberRange | None = None
    """Numbers at equal distances."""
    between: tuple[Number, Number] | None = None
    """Lower and upper end of what a sample draws from, in the unit of the key; needs `sample`."""
    scale: Scale = "linear"
    """Whether a sample is even in the number (`linear`) or in its logarithm (`log`); for `between`."""
    integer: bool = False
    """Whether a sample takes only whole numbers; for `between`."""
    cases: Annotated[_Cases | None, AfterValidator(_no_cases_without_paths)] = None
    """Names, each with the paths and values that it sets."""
    column_values: Annotated[Numbers[Number | Text | bool], Field(min_length=1)] | None = None
    """What the column shows in place of the values, or of the names of the cases: as many, all different."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in ("values", "range", "between", "cases") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            given = " and ".join(kinds) if kinds else "none of them"
            raise ValueError(
                f"an axis has one of values, range, between and cases, and this has {given}; write one"
            )
        if self.cases is not None and (self.path is not None or self.name is None):
            raise ValueError(
                "an axis of cases has a name for its column, and no path; "
                "write `name: ...`, and the paths into the cases"
            )
        if self.cases is None and self.path is None:
            raise ValueError("the axis does not say what it varies; write `path: ...`")
        if self.column in RESERVED_COLUMNS:
            raise ValueError(f"every sweep has a column '{self.column}' already; write another `name`")
        return self

    @model_validator(mode="after")
    def _ends_of_a_sample(self) -> Self:
        if self.between is None:
            if self.scale != "linear" or self.integer:
                raise ValueError("scale and integer belong to `between`; remove them, or use range.scale")
            return self
        low, high = self.between
        if low >= high:
            raise ValueError(f"the lower end {low:g} is not below the upper end {high:g}; write [low, high]")
        _require_positive(self.scale, low, high)
        if self.integer and math.ceil(low) > math.floor(high):
            raise ValueError(f"there is no whole number between {low:g} and {high:g}; widen it")
        return self

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        for key, entries in (("values", self.values), ("column_values", self.column_values)):
            seen: set[str] = set()
            for entry in entries or ():
                # As text: 1 and True are the same to Python, and are two different values here.
                text = json.dumps(entry, sort_keys=True, default=str)
                if text in seen:
                    raise ValueError(f"{key} has {entry!r} twice; keep one")
                seen.add(text)
        n = self.n_options
        if self.column_values is not None and len(self.column_values) != n:
            of_what = f"{n} values" if n else "a sample"
            raise ValueError(f"column_values has {len(self.column_values)} for {of_what}; give one for each")
        return self

    @property
    def column(self) -> str:
        """Its column in ``points.parquet``."""
        return self.name or self.path or ""

    @property
    def n_options(self) -> int:
        """How many values or cases it lists; 0 where a sample draws from an interval."""
        if self.range is not None:
            return self.range.count
        return len(self.values or self.cases or ())


class SampleConfig(Model):
    """Points that fill the space of the axes evenly, in place of every combination.

    An axis with `between` is drawn from its interval; one that lists values or cases has each of them equally
    often.
    """

    method: Literal["latin_hypercube", "sobol"]
    """Latin hypercube (McKay et al. 1979), or a scrambled Sobol sequence (Owen 1995)."""
    points: Many
    """How many points; for `sobol` a power of two."""
    seed: Seed = 1
    """Seed of the sample; independent of the seeds of the runs."""

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        if self.method == "sobol" and self.points & (self.points - 1):
            below = 1 << (self.points.bit_length() - 1)
            raise ValueError(
                f"a Sobol sequence is even only for a power of two, which {self.points} is not; "
                f"write {below} or {2 * below}"
            )
        return self


class SeedRange(Model):
    """Seeds one after the other."""

    first: Seed = 1
    """The first seed."""
    count: Many
    """How many seeds."""

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        if self.first + self.count > MAX_SEED + 1:
            raise ValueError(f"the last seed is above {MAX_SEED}; begin with a smaller one")
        return self


class SweepConfig(Model):
    """Many runs: a base scenario over every combination of the axes, or a sample of them, times the seeds."""

    name: Name
    """Name of the sweep; names its folder under results/."""
    title: Text = ""
    """One line that says what it is for."""
    base: FilledText
    """The scenario that is varied: a built-in name, or a file in the folder of this one."""
    set: _Settings = Field(default_factory=dict)
    """Paths and values that hold for all points, as `--set`."""
    axes: Parts[AxisConfig] = ()
    """What is varied; the first axis slowest. Later axes override earlier ones, and all of them override
    `set`."""
    sample: SampleConfig | None = None
    """Run a sample of the axes instead of every combination."""
    seeds: Many | Annotated[Numbers[Seed], Field(min_length=1)] | SeedRange | None = None
    """Seeds that every combination is run with: a number (from 1), a list, or `first` and `count`; the base
    scenario's own by default."""
    keep: Literal["runs", "summary"] = "runs"
    """Keep each point's directory with its tables (`runs`), or its summary alone (`summary`)."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        listed = self.seeds if isinstance(self.seeds, tuple) else ()
        if len(set(listed)) < len(listed):
            twice, _ = Counter(listed).most_common(1)[0]
            raise ValueError(f"the seed {twice} is listed twice; keep one")
        return self

    @property
    def seed_list(self) -> list[int | None]:
        """The seeds one by one; None stands for the base scenario's own."""
        match self.seeds:
            case None:
                return [None]
            case int(count):
                return list(range(1, count + 1))
            case SeedRange(first=first, count=count):
                return list(range(first, first + count))
            case listed:
                return list(listed)

    @property
    def n_points(self) -> int:
        """How many runs it is."""
        combinations = math.prod(axis.n_options for axis in self.axes)
        return (self.sample.points if self.sample else combinations) * self.n_seeds

    @property
    def n_seeds(self) -> int:
        """How many runs of each combination, known without listing them."""
        match self.seeds:
            case None:
                return 1
            case int(count) | SeedRange(count=count):
                return count
            case listed:
                return len(listed)


def _require_positive(scale: Scale, *ends: float) -> None:
    if scale == "log" and min(ends) <= 0:
        raise ValueError("a logarithmic scale needs ends above 0; raise them, or take scale: linear")
