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

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, suggest
from cosim.core.streams import Streams
from cosim.trading.schemas.appliances import (
    TABLE_I,
    AppliancesConfig,
    GeneratedAppliances,
    ListedAppliances,
    NoAppliances,
    PatternName,
    TableIAppliances,
    preferences_of,
)
from cosim.trading.valuation.appliance import Appliance

_DAYS_PER_YEAR = 365.0
_LARGEST_KEY = 1_000
"""Rows of the fields of draws: day times this, plus the appliance's place in the catalogue."""


class CatalogueEntry(NamedTuple):
    """What is known of a kind of appliance.

    Attributes
    ----------
    name : str
        Its name.
    ownership : float
        Share of households that own one.
    runs_per_year : float
        How often it runs.
    power_kw, duration_h : float, int
        Of one run; their product is the energy of a run.
    contiguous : bool
        Whether a run is in one piece.
    pattern : str
        When it is liked to run.
    """

    name: str
    ownership: float
    runs_per_year: float
    power_kw: float
    duration_h: int
    contiguous: bool
    pattern: PatternName


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
    """Who owns what.

    Attributes
    ----------
    owned : ndarray of bool, shape (n_households, n_entries)
        Whether a household owns an appliance of the catalogue.
    power_kw : ndarray, shape (n_households, n_entries)
        Power of its appliance, in steps of a watt.
    shift_h : ndarray of int, shape (n_households, n_entries)
        By how many hours its preferences lie later than the pattern.
    """

    owned: NDArray[np.bool_]
    power_kw: NDArray[np.float64]
    shift_h: NDArray[np.int64]


class ApplianceDay(NamedTuple):
    """What a household schedules on one day.

    Attributes
    ----------
    appliances : tuple of Appliance
        Those that run on that day.
    preferences : ndarray, shape (n_appliances, 24)
        1 ... 3.
    """

    appliances: tuple[Appliance, ...]
    preferences: NDArray[np.float64]


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


def generated_day(population: Population, household: int, runs: NDArray[np.int64]) -> ApplianceDay:
    """What one household of a generated population schedules on a day.

    Parameters
    ----------
    population : Population
        From `draw_population`.
    household : int
        Which one, from 0.
    runs : ndarray of int, shape (n_entries,)
        Its row of `runs_on`.
    """
    appliances, preferences = [], []
    for number, entry in enumerate(CATALOGUE):
        if not population.owned[household, number] or runs[number] == 0:
            continue
        power_kw = float(population.power_kw[household, number])
        appliances.append(
            Appliance(entry.name, power_kw, entry.duration_h, entry.contiguous, 0, 24, int(runs[number]))
        )
        preferences.append(np.roll(preferences_of(entry.pattern), population.shift_h[household, number]))
    return ApplianceDay(tuple(appliances), np.array(preferences, dtype=np.float64).reshape(-1, 24))


def listed_day(config: TableIAppliances | ListedAppliances) -> ApplianceDay:
    """What a household with given appliances schedules, every day the same."""
    if isinstance(config, ListedAppliances):
        chosen = config.appliances
    else:
        chosen = tuple(a for a in TABLE_I if config.base_load or a.name != "base_load")
    appliances = tuple(
        Appliance(
            a.name, a.power_kw, a.duration_h, a.contiguous, a.earliest_start_h, a.latest_end_h, a.runs_per_day
        )
        for a in chosen
    )
    return ApplianceDay(
        appliances, np.array([preferences_of(a.preferences) for a in chosen], dtype=np.float64)
    )


def appliance_days(
    config: AppliancesConfig, streams: Streams, day: int, n_households: int
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
    """
    if isinstance(config, NoAppliances):
        return [ApplianceDay((), np.zeros((0, 24)))] * n_households
    if not isinstance(config, GeneratedAppliances):
        return [listed_day(config)] * n_households
    population = draw_population(config, streams, n_households)
    runs = runs_on(streams, day, n_households)
    return [generated_day(population, household, runs[household]) for household in range(n_households)]
