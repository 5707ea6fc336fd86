"""An impact study: which technologies come to a feeder, how they are controlled, and what is searched for."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from cosim.config.base import (
    MAX_ITEMS,
    FilledText,
    Integer,
    Model,
    Name,
    Numbers,
    Parts,
    Probability,
    Range,
    Seed,
    Text,
)
from cosim.study.sweep.schema import RESERVED_COLUMNS, AxisConfig, Many, NumberRange, SeedRange, SweepConfig

LimitKind = Literal["voltage_low", "voltage_high", "line_overload", "trafo_overload", "trafo3w_overload"]
LIMIT_KINDS: tuple[LimitKind, ...] = (
    "voltage_low",
    "voltage_high",
    "line_overload",
    "trafo_overload",
    "trafo3w_overload",
)
"""Kinds of limits, as the numbers of a summary name them."""
FEEDER, MODE, PENETRATION = "feeder", "mode", "penetration"
"""Columns of every impact study."""
_TENTHS = tuple(tenth / 10 for tenth in range(11))
_Settings = Annotated[dict[Text, Any], Field(max_length=MAX_ITEMS)]


class TechnologyConfig(Model):
    """A device that spreads among the households of a group."""

    group: FilledText
    """Name of the group whose households get it, each a connection point of the feeder."""
    device: FilledText
    """Kind of device, as the key of a group: `pv`, `ev`, `heat_pump`, `battery`."""
    parameters: Annotated[dict[Text, Any], Field(max_length=MAX_ITEMS)] | None = None
    """Its keys as in a scenario, distributions included; those of the base scenario by default."""
    share_at_full: Probability = 1.0
    """Share of the group's households that have it at a penetration of 1; in proportion below."""


class CommunicationConfig(Model):
    """Over which qualities of the communication network some of the modes are studied."""

    modes: Annotated[Numbers[Text], Field(min_length=1)]
    """Names of the modes that depend on messages; the others are run once."""
    axes: Annotated[Parts[AxisConfig], Field(min_length=1)]
    """What is varied, as the axes of a sweep: every combination of their values. Links (`comms`) or faults;
    something else only if all modes are listed, since those that are not would get its first value."""


class ImpactConfig(Model):
    """What a feeder can host: the largest penetration at which no limit is exceeded, by seed and by mode."""

    name: Name
    """Name of the study; names its folder under results/."""
    title: Text = ""
    """One line that says what it is for."""
    base: FilledText
    """The scenario with the feeder: a built-in name, or a file in the folder of this one."""
    set: _Settings = Field(default_factory=dict)
    """Paths and values that hold for all runs, as `--set`."""
    technologies: Annotated[Parts[TechnologyConfig], Field(min_length=1)]
    """What spreads among the households."""
    penetrations: Annotated[Numbers[Probability], Field(min_length=2)] | NumberRange = _TENTHS
    """The grid of penetrations, rising within 0 ... 1; tenths by default."""
    modes: Annotated[dict[Name, _Settings], Field(min_length=1, max_length=MAX_ITEMS)]
    """Ways of control: names, each with the paths and values that it sets. Differences are to the first.
    Pages call a mode by the `title` that it sets, files by its name."""
    feeders: Annotated[dict[Name, _Settings], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    """Feeders, each with what it sets: `grid.network`, the number of households; the base's by default."""
    communication: CommunicationConfig | None = None
    """Qualities of the communication network; the base scenario's own by default."""
    seeds: Many | Annotated[Numbers[Seed], Field(min_length=1)] | SeedRange = 20
    """Seeds: a number (from 1), a list, or `first` and `count`. A seed decides who owns what, and all that is
    drawn besides; modes share it."""
    risk: Probability = 0.1
    """The hosting capacity is stated at this risk: the largest share of seeds in which a limit may be
    exceeded."""
    limits: Annotated[Numbers[LimitKind], Field(min_length=1)] = LIMIT_KINDS
    """Which limits count."""
    allowed_share_of_time: Probability = 0.0
    """Share of the intervals in which a limit may be exceeded before that counts."""
    checks: Annotated[Integer, Range(0, 100)] = 1
    """How many penetrations, drawn for each seed and mode, are run besides what the search needs, to see
    whether a limit that holds also holds below."""
    compare_at: Annotated[Numbers[Probability], Field(min_length=1)] | None = None
    """Penetrations of the grid at which all modes are run and their costs compared; the middle by default."""
    costs: Numbers[Text] = ()
    """Numbers of the summaries that say what a mode costs; by default curtailment, energy missing at
    departure, comfort, losses, peaks and messages, as far as there are any."""
    keep: Literal["runs", "summary"] = "summary"
    """Keep each run's directory with its tables (`runs`), or its summary alone (`summary`)."""

    @field_validator("penetrations", mode="after")
    @classmethod
    def _rising(cls, value: Any) -> Any:
        numbers = value.numbers() if isinstance(value, NumberRange) else list(value)
        if not all(0 <= number <= 1 for number in numbers):
            outside = next(number for number in numbers if not 0 <= number <= 1)
            raise ValueError(
                f"a penetration is a share of the connection points, and {outside:g} is none; write numbers "
                "from 0 to 1"
            )
        if sorted(set(numbers)) != numbers:
            raise ValueError("penetrations must rise from one to the next; sort them, and keep each once")
        if len(numbers) < 2:
            raise ValueError("a search needs at least two penetrations; add one")
        return value

    @model_validator(mode="after")
    def _on_the_grid(self) -> Self:
        for penetration in self.compare_at or ():
            if penetration not in self.grid:
                raise ValueError(
                    f"compare_at: {penetration:g} is not one of the penetrations; add it, or take one of them"
                )
        return self

    @model_validator(mode="after")
    def _modes_known(self) -> Self:
        unknown = [name for name in self.modes_over_communication if name not in self.modes]
        if unknown:
            raise ValueError(
                f"communication.modes: there is no mode '{unknown[0]}'; the modes are {', '.join(self.modes)}"
            )
        columns = [axis.column for axis in self.communication.axes] if self.communication else []
        taken = [column for column in columns if column in (FEEDER, MODE, PENETRATION, *RESERVED_COLUMNS)]
        if taken:
            raise ValueError(f"communication.axes: '{taken[0]}' is a column already; write another `name`")
        if self.communication and any(axis.between is not None for axis in self.communication.axes):
            raise ValueError("communication.axes: list values or a range; a study draws no sample")
        return self

    @model_validator(mode="after")
    def _technologies_differ(self) -> Self:
        places = [(each.group, each.device) for each in self.technologies]
        for place in places:
            if places.count(place) > 1:
                raise ValueError(f"technologies: '{place[1]}' of '{place[0]}' is listed twice; keep one")
        return self

    @property
    def feeder_names(self) -> tuple[str, ...]:
        """Names of the feeders; one without a name where the study lists none."""
        return ("",) if self.feeders is None else tuple(self.feeders)

    @property
    def grid(self) -> tuple[float, ...]:
        """The penetrations, rising."""
        given = self.penetrations
        return tuple(float(p) for p in (given.numbers() if isinstance(given, NumberRange) else given))

    @property
    def modes_over_communication(self) -> tuple[str, ...]:
        """The modes that are studied over the quality of communication."""
        return () if self.communication is None else tuple(self.communication.modes)

    @property
    def compared(self) -> tuple[int, ...]:
        """Positions on the grid at which costs are compared."""
        if self.compare_at is None:
            return (len(self.grid) // 2,)
        return tuple(sorted(self.grid.index(float(p)) for p in self.compare_at))

    @property
    def seed_list(self) -> list[int]:
        """The seeds one by one."""
        listed = SweepConfig.model_construct(seeds=self.seeds).seed_list
        return [seed for seed in listed if seed is not None]
