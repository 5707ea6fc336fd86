"""Configuration of appliances, and when they are liked to run (paper B: Lotfi et al., 2019, Tables I, III).

Hours are counted from 0: hour t is from t:00 to t+1:00. Paper B counts from 1, so its hour 20 is hour 19
here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from cosim.config.base import (
    MAX_APPLIANCES,
    MAX_PARTS,
    FractionBelowOne,
    Integer,
    Items,
    Model,
    Name,
    Number,
    PositiveKilowatts,
    Probability,
    Range,
    Text,
)
from cosim.config.hours import HOURS, one_an_hour

PatternName = Literal[
    "any_time",
    "space_heaters",
    "oven_and_stove",
    "clothes_iron",
    "clothes_dryer",
    "clothes_washer",
    "dishwasher",
    "refrigerator",
    "entertainment",
]
"""Named preferences: the columns of paper B's Table III, and one without a preference."""


def _quarters(hours: float) -> float:
    """A whole number where it is one, so that whole hours are written as such."""
    if hours * 4 % 1:
        raise ValueError(f"{hours:g} h is not a whole number of quarter hours; round it")
    return int(hours) if hours % 1 == 0 else hours


QuarterHours = Annotated[Number, AfterValidator(_quarters)]
"""Hours in steps of a quarter."""

Preference = Annotated[Number, Range(1, 3)]


# Each digit is an hour, 0 to 23: paper B, Table III, columns α₁ to α₈; α₉, the base load, is `any_time`.
_PATTERNS: dict[PatternName, str] = {
    "any_time": "111111111111111111111111",
    "space_heaters": "111111111111111222222111",
    "oven_and_stove": "111111111111111111232111",
    "clothes_iron": "111111111111111112321111",
    "clothes_dryer": "111111222222222211111111",
    "clothes_washer": "111111111111111111233211",
    "dishwasher": "111111112333332111111111",
    "refrigerator": "111111111111233311111111",
    "entertainment": "111111111111111111333333",
}


def preferences_of(preferences: PatternName | tuple[float, ...]) -> tuple[float, ...]:
    """The 24 preferences, 1 ... 3, that a name or a list stands for."""
    if isinstance(preferences, str):
        return tuple(float(digit) for digit in _PATTERNS[preferences])
    return preferences


def _pattern_or_list(raw: Any) -> str:
    return "pattern" if isinstance(raw, str) else "list"


Preferences = Annotated[
    Annotated[PatternName, Tag("pattern")]
    | Annotated[Items[Preference], AfterValidator(one_an_hour), Tag("list")],
    Discriminator(_pattern_or_list),
]
"""A pattern by name, or 24 numbers from 1 (lowest) to 3 (highest)."""


class ApplianceConfig(Model):
    """An appliance that is scheduled, at a constant power for whole market intervals.

    Times are whole hours, or quarters and halves where the market trades such (`rules.interval_min`).
    """

    name: Name
    """Name of the appliance."""
    power_kw: PositiveKilowatts
    """Power while it runs, kW."""
    duration_h: Annotated[QuarterHours, Range(0.25, HOURS)]
    """Length of a run, whole market intervals."""
    contiguous: bool = True
    """Whether a run is uninterrupted; if not, its intervals may lie anywhere in the window."""
    earliest_start_h: Annotated[QuarterHours, Range(0, HOURS - 0.25)] = 0
    """Hour of the day before which it does not run."""
    latest_end_h: Annotated[QuarterHours, Range(0.25, HOURS)] = HOURS
    """Hour of the day after which it does not run."""
    runs_per_day: Annotated[Integer, Range(1, HOURS)] = 1
    """Number of runs a day; they do not overlap."""
    preferences: Preferences = "any_time"
    """How much it is preferred in each hour: 24 numbers from 1 (lowest) to 3 (highest), or a pattern's
    name."""

    @model_validator(mode="after")
    def _fits_its_window(self) -> Self:
        window_h = self.latest_end_h - self.earliest_start_h
        needed_h = self.duration_h * self.runs_per_day
        if window_h <= 0:
            raise ValueError(
                f"the window ends at {self.latest_end_h:g} h and begins at {self.earliest_start_h:g} h; "
                "windows do not cross midnight, so let it end later in the day"
            )
        if needed_h > window_h:
            raise ValueError(
                f"{needed_h:g} h of running do not fit into a window of {window_h:g} h; widen the window by "
                "earliest_start_h and latest_end_h, or lower duration_h or runs_per_day"
            )
        return self


def _table_i(name: str, power_kw: float, duration_h: int, preferences: PatternName, contiguous: bool) -> Any:
    return ApplianceConfig(
        name=name, power_kw=power_kw, duration_h=duration_h, preferences=preferences, contiguous=contiguous
    )


TABLE_I: tuple[ApplianceConfig, ...] = (
    _table_i("space_heaters", 3.0, 6, "space_heaters", True),
    _table_i("oven_and_stove", 2.0, 2, "oven_and_stove", True),
    _table_i("clothes_iron", 1.0, 1, "clothes_iron", True),
    _table_i("clothes_dryer", 3.0, 3, "clothes_dryer", True),
    _table_i("clothes_washer", 1.0, 3, "clothes_washer", True),
    _table_i("dishwasher", 2.0, 1, "dishwasher", True),
    _table_i("refrigerator", 0.5, 20, "refrigerator", False),
    _table_i("entertainment", 0.4, 4, "entertainment", True),
    _table_i("base_load", 2.0, 24, "any_time", False),
)
"""The nine appliances of paper B's Table I with their preferences of Table III.

The refrigerator may pause: 20 hours in one piece would leave it five starts. Table IV shows it in hours 1
to 19.
"""


class TableIAppliances(Model):
    """The nine appliances of paper B's Table I with the preferences of its Table III."""

    kind: Literal["table_1"] = "table_1"
    """Paper B's Table I."""
    base_load: bool = True
    """Whether its base load of 2 kW is there; leave it out where a load profile stands for it."""


class ListedAppliances(Model):
    """Appliances one by one, the same in every household."""

    kind: Literal["list"]
    """Listed here."""
    appliances: Annotated[tuple[ApplianceConfig, ...], Field(min_length=1, max_length=MAX_APPLIANCES)]
    """The appliances."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [appliance.name for appliance in self.appliances]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two appliances are called {', '.join(twice)}; give each a name of its own")
        return self


class GeneratedAppliances(Model):
    """A population drawn by seed: who owns what, at which hours it is preferred to run, and on which days it
    does.

    Ownership, cycles a year, cycle lengths and powers are those of StROBe (R. Baetens and D. Saelens,
    Modelling uncertainty in district energy simulations by stochastic residential occupant behaviour, J.
    Building Performance Simulation 9, 2016; `Data/Appliances.py` of github.com/open-ideas/StROBe). Hours are
    the patterns of paper B's Table III, shifted for each household.
    """

    kind: Literal["generated"]
    """Drawn by seed."""
    power_spread: FractionBelowOne = 0.2
    """Powers are uniform within this share above and below the source's."""
    habit_shift_h: Annotated[Integer, Range(0, 6)] = 2
    """Preferences are shifted by up to this many hours, earlier or later."""
    space_heater_share: Probability = 0.0
    """Share of households with the space heaters of Table I; the source has none."""
    ownership: Annotated[dict[Text, Probability], Field(default_factory=dict, max_length=MAX_PARTS)]
    """Share of households that own an appliance, by its name, instead of the source's."""


class NoAppliances(Model):
    """Nothing to schedule: such a household offers what it generates and buys what its profile draws."""

    kind: Literal["none"]
    """No appliances."""


AppliancesConfig = Annotated[
    TableIAppliances | ListedAppliances | GeneratedAppliances | NoAppliances, Field(discriminator="kind")
]
"""`{kind: table_1}`, `{kind: list, appliances: [...]}`, `{kind: generated}` or `{kind: none}`."""
