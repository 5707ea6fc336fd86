"""A scenario: everything that determines a run, and nothing that does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from cosim.comms.schema import CommsConfig
from cosim.config.added_keys import optional_key, set_keys
from cosim.config.base import (
    MAX_FAULTS,
    MAX_SECONDS,
    MAX_STEPS,
    Hours,
    Integer,
    Model,
    Name,
    Number,
    Parts,
    PositiveHours,
    Range,
    Seed,
    Text,
)
from cosim.config.library import SWEEP_KEYS
from cosim.core.clock import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, to_ms
from cosim.core.context import TimeAxis
from cosim.core.population import Population, number_households
from cosim.core.registry import is_strict_model, refused
from cosim.core.subsystem import Subsystem
from cosim.dimming.schema import DimmingConfig
from cosim.faults.schema import FaultConfig
from cosim.firm.schema import FirmConfig
from cosim.grid.recorded_copies import FeederSample
from cosim.grid.schema import GridConfig
from cosim.households.schema import DeviceKeys, HouseholdsConfig, with_device_keys
from cosim.regulation.group_schema import RegulatedConfig
from cosim.regulation.recorded import DecisionSample
from cosim.regulation.route import EngineConfig
from cosim.regulation.schema import CommunityConfig
from cosim.ties.schema import TieConfig
from cosim.trading.schemas.energy_value import EnergyValueConfig, TradingConfig


def _as_utc(raw: Any) -> Any:
    """A moment from ISO 8601; a bare number is refused, which pydantic would take for seconds since 1970."""
    try:
        moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a date and time; write it as 2016-07-04T00:00:00Z") from None


UtcTime = Annotated[datetime, BeforeValidator(_as_utc)]

_LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


_LEAST_PART_MS = 1e-6
"""A step that is off a whole millisecond by less than this is whole: 32.767 s is no exact float."""


class TimeConfig(Model):
    """When the run starts, how long it is, and how often the market steps."""

    start: UtcTime = datetime(2016, 1, 1, tzinfo=UTC)
    """First instant, ISO 8601; UTC unless it has another offset."""
    step_s: Annotated[Number, Range(0, MAX_SECONDS, above_low=True)] = 3600.0
    """Length of a step, s; a whole number of milliseconds."""
    steps: Annotated[Integer, Range(1, MAX_STEPS)] | None = None
    """Length of the run in steps; give this or `duration_h`."""
    duration_h: PositiveHours | None = None
    """Length of the run in hours; a whole number of steps."""
    warm_up_h: Hours = 0.0
    """Hours at the start that every number of `summary.json` leaves out, except those of messages; tables
    include them. For what a run begins without: offers of the day before, batteries and averages in their
    usual state."""

    @model_validator(mode="after")
    def _one_length(self) -> TimeConfig:
        if (self.steps is None) == (self.duration_h is None):
            given = "is not given" if self.steps is None else "is given twice"
            raise ValueError(f"the run's length {given}; write either steps or duration_h")
        if self.step_ms < 1 or abs(self.step_s * MS_PER_SECOND - self.step_ms) > _LEAST_PART_MS:
            raise ValueError(
                "step_s is not a whole number of milliseconds; round it to three decimals, at least 0.001"
            )
        if self.duration_h is not None and to_ms(self.duration_h, MS_PER_HOUR) % self.step_ms:
            step_h = self.step_ms / MS_PER_HOUR
            nearest = max(1, round(self.duration_h / step_h)) * step_h
            message = f"duration_h is not a whole number of steps of {self.step_s:g} s"
            raise ValueError(f"{message}; write {nearest:.10g}, or change step_s")
        if self.warm_up_ms >= self.duration_ms:
            raise ValueError(
                f"warm_up_h = {self.warm_up_h:g} leaves nothing of a run of "
                f"{self.duration_ms / MS_PER_HOUR:g} h; make it shorter, or the run longer"
            )
        if self.n_steps > MAX_STEPS:
            raise ValueError(f"more than {MAX_STEPS:,} market steps; shorten the run, or lengthen step_s")
        if self.duration_ms > (_LAST_MOMENT - self.start).total_seconds() * MS_PER_SECOND:
            raise ValueError("the run ends after the year 9999; shorten it, or start earlier")
        return self

    @property
    def step_ms(self) -> int:
        """Length of a market step, ms."""
        return to_ms(self.step_s, MS_PER_SECOND)

    @property
    def duration_ms(self) -> int:
        """Length of the run, ms."""
        if self.steps is not None:
            return self.steps * self.step_ms
        assert self.duration_h is not None  # one of the two is there, see _one_length
        return to_ms(self.duration_h, MS_PER_HOUR)

    @property
    def warm_up_ms(self) -> int:
        """Length of the part at the start that is not counted, ms."""
        return to_ms(self.warm_up_h, MS_PER_HOUR)

    @property
    def n_steps(self) -> int:
        """Number of market steps."""
        return self.duration_ms // self.step_ms


@with_device_keys
class GroupConfig(RegulatedConfig, HouseholdsConfig):
    """Households that are alike: the same devices and the same form of cost, with parameters of their own."""

    trading: TradingConfig | None = None
    """How its households take part in the energy-value market, instead of `energy_value.household`."""


class RecordConfig(Model):
    """Which of the large tables a run writes."""

    decisions: bool | DecisionSample = True
    """One row per decision and resource; of all households, of none, or of a sample."""
    devices: bool = True
    """One row per device and interval, of devices that have a table of their own, such as batteries."""
    meters: bool = True
    """One row per household and interval: load, generation and net energy."""
    grid: bool | FeederSample = True
    """Injections, voltages and loadings: one row per element and interval; for a feeder with copies, also of
    some copies alone."""
    trading: bool = True
    """Offers, schedules and trades: one row an offer, an appliance's hour, and an hour of a request; `bills`
    are written in any case."""
    rejected_requests: bool = False
    """In `trades`, rows of requests that a seller refused, mostly because it had sold out: by far the largest
    part of the table where many want the same cheap offer. `summary.json` counts them in any case."""


class ReportConfig(Model):
    """What is made from the tables after a run."""

    figures: bool = True
    """Make `report.html`, a page with interactive figures; `cosim figures` draws those for a paper."""


class Scenario(Model):
    """A whole run: time, households, communities, links, grid.

    Besides the keys below there is one for each subsystem from outside.
    """

    name: Name
    """Name of the scenario; names its folder under results/."""
    title: Text = ""
    """One line that says what it shows."""
    seed: Seed = 1
    """Seed of every random number of the run."""
    time: TimeConfig
    """Start, length and step."""
    groups: Parts[Annotated[GroupConfig, DeviceKeys()]] = ()
    """The households; none are needed where there is a grid, whose own elements then act alone."""
    communities: Parts[CommunityConfig] = ()
    """Communities (paper A), each with its resources and its platform."""
    energy_value: EnergyValueConfig | None = None
    """Energy-value market (paper B) of all households: day by day they schedule appliances and trade."""
    dimming: DimmingConfig | None = None
    """An operator that limits flexible devices while the feeder is strained."""
    firm: FirmConfig | None = None
    """A local firm between the households and the main grid, or one that is an island's only supply (paper A,
    section 2)."""
    ties: Parts[TieConfig] = ()
    """Ties over which communities sell to one another (paper A, section 2)."""
    comms: CommsConfig = CommsConfig()
    """The links that messages travel over."""
    grid: GridConfig | None = None
    """The feeder; without it there is no power flow."""
    faults: Annotated[tuple[FaultConfig, ...], Field(max_length=MAX_FAULTS)] = ()
    """What breaks while it runs."""
    engine: EngineConfig = EngineConfig()
    """How it is computed; no table depends on it."""
    record: RecordConfig = RecordConfig()
    """Which large tables are written."""
    report: ReportConfig = ReportConfig()
    """What is drawn after the run."""

    @property
    def n_households(self) -> int:
        """Number of households in all groups."""
        return sum(group.households for group in self.groups)

    @property
    def population(self) -> Population:
        """The households, numbered through the groups."""
        return number_households([(group.name, group.households) for group in self.groups])

    @property
    def axis(self) -> TimeAxis:
        """The time of a run."""
        time = self.time
        key = "time.steps" if time.duration_h is None else "time.duration_h"
        return TimeAxis(time.start, time.duration_ms, time.step_ms, self.interval_ms, time.warm_up_ms, key)

    @property
    def interval_ms(self) -> int:
        """Length of a metering and power-flow interval, ms; without a grid that of the market, or an hour."""
        if self.grid is not None:
            return self.grid.interval_min * MS_PER_MINUTE
        return MS_PER_HOUR if self.energy_value is None else self.energy_value.rules.slots.length_ms


_added_keys: set[str] = set()
"""Those of subsystems that bring their own."""


def add_key(name: str, subsystem: type[Subsystem[Any]]) -> None:
    """Give scenarios the key of a subsystem, which holds its `schema` or nothing.

    Raises
    ------
    PluginError
        If it has no such model, or its name means something else in a file.
    """
    schema = subsystem.schema
    if schema is None or not is_strict_model(schema):
        message = f"the subsystem '{name}' has no `schema`: a frozen pydantic model that refuses unknown keys"
        raise refused(subsystem, message, "Derive one from plugins.Model, with its keys as fields.")
    known = Scenario.model_fields
    is_taken = name in known or hasattr(Scenario, name) or name in ("base", "override", *SWEEP_KEYS)
    if is_taken and name not in _added_keys:
        raise refused(
            subsystem, f"a scenario has something else of the name '{name}'", "Choose another name."
        )
    set_keys(Scenario, {**known, name: optional_key(schema, subsystem)})
    _added_keys.add(name)
