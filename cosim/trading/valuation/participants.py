"""The appliances of households: from Table I, from a list, or drawn by seed.

Ownership and use of the generated population are those of StROBe (Baetens and Saelens, J. Building
Performance Simulation 9, 2016; `Data/Appliances.py` of github.com/open-ideas/StROBe): share of households
that own an appliance, cycles a year, minutes and mean power of a cycle. A cycle takes whole hours here, with
the cycle's energy. Three are put together differently: television runs once a day for as long as StROBe's
four cycles of 73 minutes; cooling appliances, which StROBe lets run for a third of the time around the
clock, take their day's energy in 20 hours and may pause, as in paper B. Space heaters are not StROBe's but
paper B's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.config.hours import HOURS
from cosim.core.errors import InputError, Problem, suggest
from cosim.core.streams import Streams
from cosim.trading.schemas.appliances import (
    TABLE_I,
    ApplianceConfig,
    AppliancesConfig,
    GeneratedAppliances,
    ListedAppliances,
    NoAppliances,
    PatternName,
    TableIAppliances,
    preferences_of,
)
from cosim.trading.schemas.market_slots import HOURLY, MarketSlots
from cosim.trading.valuation.appliance import MAX_WAYS, Appliance, any_hours, count_ways

_DAYS_PER_YEAR = 365.0
_TIMES = ("duration_h", "earliest_start_h", "latest_end_h")
"""Keys of an appliance that are counted in intervals."""
_LARGEST_KEY = 1_000
"""Rows of the fields of draws: day times this, plus the appliance's place in the catalogue."""


class CatalogueEntry(NamedTuple):
    """What is known of a kind of appliance."""

    name: str
    """Its name."""
    ownership: float
    """Share of households that own one."""
    runs_per_year: float
    """How often it runs."""
    power_kw: float
    duration_h: int
    """Of one run; their product is the energy of a run."""
    contiguous: bool
    """Whether a run is in one piece."""
    pattern: PatternName
    """When it is liked to run."""


def _cycle(watts: float, minutes: float, duration_h: int) -> float:
    """Power that takes a cycle's energy in whole hours, kW."""
    return watts / 1000.0 * minutes / 60.0 / duration_h


CATALOGUE: tuple[CatalogueEntry, ...] = (
    CatalogueEntry("dishwasher", 0.335, 241.48, _cycle(1130.6, 60, 1), 1, True, "dishwasher"),
    CatalogueEntry("washing_machine", 0.781, 195.91, _cycle(405.54, 138, 2), 2, True, "clothes_washer"),
    CatalogueEntry("tumble_dryer", 0.416, 122.07, _cycle(2500.0, 60, 1), 1, True, "clothes_dryer"),
    CatalogueEntry("washer_dryer", 0.153, 195.91, _cycle(792.03, 198, 3), 3, True, "clothes_washer"),
    CatalogueEntry("iron", 0.9, 35.46, _cycle(1000.0, 30, 1), 1, True, "clothes_iron"),
    CatalogueEntry("vacuum_cleaner", 0.937, 110.37, _cycle(2000.0, 20, 1), 1, True, "any_time"),
    CatalogueEntry("hob", 0.463, 417.90, _cycle(2400.0, 16, 1), 1, True, "oven_and_stove"),
    CatalogueEntry("oven", 0.616, 219.79, _cycle(2125.0, 27, 1), 1, True, "oven_and_stove"),
    CatalogueEntry("television", 0.977, 365.0, 0.124, 5, True, "entertainment"),
    CatalogueEntry("computer", 0.708, 449.24, 0.1407, 5, True, "entertainment"),
    CatalogueEntry("fridge_freezer", 0.651, 365.0, 426.06 / 365 / 20, 20, False, "refrigerator"),
    CatalogueEntry("refrigerator", 0.43, 365.0, 201.82 / 365 / 20, 20, False, "refrigerator"),
    CatalogueEntry("space_heaters", 0.0, 365.0, 3.0, 6, True, "space_heaters"),
)
"""What a generated household may own."""


class Population(NamedTuple):
    """Who owns what."""

    owned: NDArray[np.bool_]
    """Whether a household owns an appliance of the catalogue. Shape (n_households, n_entries)."""
    power_kw: NDArray[np.float64]
    """Power of its appliance, in steps of a watt. Shape (n_households, n_entries)."""
    shift_h: NDArray[np.int64]
    """By how many hours its preferences lie later than the pattern. Shape (n_households, n_entries)."""


class ApplianceDay(NamedTuple):
    """What a household schedules on one day."""

    appliances: tuple[Appliance, ...]
    """Those that run on that day."""
    preferences: NDArray[np.float64]
    """1 ... 3, by market interval. Shape (n_appliances, n_slots)."""


def draw_population(config: GeneratedAppliances, streams: Streams, n_households: int) -> Population:
    """Draw what households own.

    Parameters
    ----------
    config : GeneratedAppliances
        Spread of powers and habits, changed ownership.
    streams : Streams
        The run's random numbers; a household's draws do not depend on how many there are.
    n_households : int
        How many.

    Raises
    ------
    InputError
        If `ownership` names an appliance that is not in the catalogue.
    """
    names = [entry.name for entry in CATALOGUE]
    unknown = [name for name in config.ownership if name not in names]
    if unknown:
        raise InputError(
            [
                Problem("there is no appliance of this name", suggest(n, names), f"ownership.{n}", value=n)
                for n in unknown
            ]
        )
    shares = {entry.name: entry.ownership for entry in CATALOGUE}
    shares["space_heaters"] = config.space_heater_share
    shares.update(config.ownership)
    n_entries = len(CATALOGUE)
    owning = streams.field("energy_value/ownership").block(0, n_entries, n_households).T
    spread = streams.field("energy_value/appliance_power").block(0, n_entries, n_households).T
    habit = streams.field("energy_value/habit").block(0, n_entries, n_households).T
    usual_kw = np.array([entry.power_kw for entry in CATALOGUE])
    power_kw = usual_kw * (1.0 + config.power_spread * (2.0 * spread - 1.0))
    n_shifts = 2 * config.habit_shift_h + 1
    shift_h = np.minimum((habit * n_shifts).astype(np.int64), n_shifts - 1) - config.habit_shift_h
    return Population(
        owning < np.array([shares[name] for name in names]), np.maximum(np.round(power_kw, 3), 0.001), shift_h
    )


def runs_on(streams: Streams, day: int, n_households: int) -> NDArray[np.int64]:
    """How often each household runs each appliance of the catalogue on a day, if it owns one.

    With n runs a year: ``floor(n / 365)``, and one more with the probability that is left, so that the mean
    is right.

    Returns
    -------
    ndarray of int, shape (n_households, n_entries)
    """
    per_day = np.array([entry.runs_per_year for entry in CATALOGUE]) / _DAYS_PER_YEAR
    draws = (
        streams.field("energy_value/appliance_runs").block(day * _LARGEST_KEY, len(CATALOGUE), n_households).T
    )
    whole = np.floor(per_day)
    return np.asarray(whole + (draws < per_day - whole), dtype=np.int64)


def generated_day(
    population: Population, household: int, runs: NDArray[np.int64], slots: MarketSlots = HOURLY
) -> ApplianceDay:
    """What one household of a generated population schedules on a day.

    Parameters
    ----------
    population : Population
        From `draw_population`.
    household : int
        Which one, from 0.
    runs : ndarray of int, shape (n_entries,)
        Its row of `runs_on`.
    slots : MarketSlots
        Intervals of the schedule.
    """
    appliances, preferences = [], []
    for number, entry in enumerate(CATALOGUE):
        if not population.owned[household, number] or runs[number] == 0:
            continue
        power_kw = float(population.power_kw[household, number])
        appliances.append(
            Appliance(
                entry.name,
                power_kw,
                entry.duration_h * slots.per_hour,
                entry.contiguous,
                0,
                slots.per_day,
                int(runs[number]),
                slots.length_h,
            )
        )
        preferences.append(np.roll(preferences_of(entry.pattern), population.shift_h[household, number]))
    return ApplianceDay(tuple(appliances), _by_slot(preferences, slots))


def _by_slot(preferences: Sequence[ArrayLike], slots: MarketSlots) -> NDArray[np.float64]:
    """Preferences by hour as those of the intervals."""
    by_hour = np.array(preferences, dtype=np.float64).reshape(-1, HOURS)
    return np.repeat(by_hour, slots.per_hour, axis=1)


def listed_day(config: TableIAppliances | ListedAppliances, slots: MarketSlots = HOURLY) -> ApplianceDay:
    """What a household with given appliances schedules, every day the same.

    Raises
    ------
    InputError
        If a time is no whole number of intervals, or an appliance could run in too many ways.
    """
    if isinstance(config, ListedAppliances):
        chosen = config.appliances
    else:
        chosen = tuple(a for a in TABLE_I if config.base_load or a.name != "base_load")
    problems = [each for number, a in enumerate(chosen) for each in _misfits(number, a, slots)]
    if problems:
        raise InputError(problems)
    appliances = tuple(_appliance(a, slots) for a in chosen)
    return ApplianceDay(appliances, _by_slot([preferences_of(a.preferences) for a in chosen], slots))


def _appliance(config: ApplianceConfig, slots: MarketSlots) -> Appliance:
    duration, earliest, latest = (round(getattr(config, key) * slots.per_hour) for key in _TIMES)
    return Appliance(
        config.name, config.power_kw, duration, config.contiguous, earliest, latest, config.runs_per_day,
        slots.length_h,
    )  # fmt: skip


def _misfits(number: int, config: ApplianceConfig, slots: MarketSlots) -> Iterator[Problem]:
    """Times that are no whole number of intervals, and too many ways to run."""
    for key in _TIMES:
        value = getattr(config, key)
        if value * slots.per_hour % 1:
            minutes = 60 // slots.per_hour
            message = f"{config.name}: {value:g} h is not a whole number of market intervals of {minutes} min"
            remedy = "Round it, or make `energy_value.rules.interval_min` shorter."
            yield Problem(message, remedy, f"appliances.{number}.{key}", value=f"{value:g}")
            return
    appliance = _appliance(config, slots)
    if not any_hours(appliance) and count_ways(appliance) > MAX_WAYS:
        message = (
            f"{config.name} could run in {count_ways(appliance):,} ways in intervals of "
            f"{60 // slots.per_hour} min; {MAX_WAYS:,} can be looked at"
        )
        remedy = (
            "Narrow its window, let it run less often, give it longer intervals, or make it interruptible."
        )
        yield Problem(message, remedy, f"appliances.{number}.runs_per_day", value=str(config.runs_per_day))


def appliance_days(
    config: AppliancesConfig,
    streams: Streams,
    day: int,
    n_households: int,
    slots: MarketSlots = HOURLY,
) -> list[ApplianceDay]:
    """What every household schedules on a day.

    Parameters
    ----------
    config : TableIAppliances, ListedAppliances, GeneratedAppliances or NoAppliances
        Where the appliances come from.
    streams : Streams
        The run's random numbers.
    day : int
        Which day, from 0.
    n_households : int
        How many households.
    slots : MarketSlots
        Intervals of the schedule.

    Raises
    ------
    InputError
        See `listed_day` and `draw_population`.
    """
    if isinstance(config, NoAppliances):
        return [ApplianceDay((), np.zeros((0, slots.per_day)))] * n_households
    if not isinstance(config, GeneratedAppliances):
        return [listed_day(config, slots)] * n_households
    population = draw_population(config, streams, n_households)
    runs = runs_on(streams, day, n_households)
    return [generated_day(population, household, runs[household], slots) for household in range(n_households)]
