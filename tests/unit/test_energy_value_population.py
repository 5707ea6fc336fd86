"""Households' appliances: ownership as in the source, and no household's draws depend on another."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.schedule import Schedule, ScheduleProblem
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.schemas.appliances import (
    ApplianceConfig,
    GeneratedAppliances,
    ListedAppliances,
    TableIAppliances,
)
from cosim.trading.schemas.energy_value import RigidityConfig
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor
from cosim.trading.valuation.participants import (
    CATALOGUE,
    appliance_days,
    draw_population,
    listed_day,
    runs_on,
)

GENERATED = GeneratedAppliances(kind="generated")


def test_ownership_and_use_are_the_sources() -> None:
    n, days = 4000, 60
    population = draw_population(GENERATED, Streams(1), n)
    share = population.owned.mean(axis=0)
    for entry, found in zip(CATALOGUE, share, strict=True):
        error = (entry.ownership * (1 - entry.ownership) / n) ** 0.5
        assert found == pytest.approx(entry.ownership, abs=4 * error + 1e-12), entry.name
    runs = np.mean([runs_on(Streams(1), day, 400).mean(axis=0) for day in range(days)], axis=0)
    for entry, found in zip(CATALOGUE, runs, strict=True):
        part = entry.runs_per_year / 365 % 1
        error = (part * (1 - part) / (400 * days)) ** 0.5
        assert found == pytest.approx(entry.runs_per_year / 365, abs=4 * error + 1e-12), entry.name


def test_energy_of_a_year_is_the_sources() -> None:
    """kWh a year that StROBe gives for appliances whose stand-by is small beside their cycles."""
    given = {"dishwasher": 273.0, "tumble_dryer": 313.8 - 8.76, "washing_machine": 191.0 - 8.4, "iron": 17.7}
    given |= {
        "fridge_freezer": 426.1,
        "refrigerator": 201.8,
        "vacuum_cleaner": 73.6,
        "washer_dryer": 520.2 - 8.1,
    }
    for entry in CATALOGUE:
        if entry.name in given:
            energy_kwh = entry.runs_per_year * entry.power_kw * entry.duration_h
            assert energy_kwh == pytest.approx(given[entry.name], rel=0.01), entry.name


def test_one_household_more_changes_no_other() -> None:
    few, many = (appliance_days(GENERATED, Streams(7), 3, n) for n in (5, 9))
    for one, other in zip(few, many[:5], strict=True):
        assert one.appliances == other.appliances
        assert np.array_equal(one.preferences, other.preferences)


def test_days_and_seeds_differ_and_repeat() -> None:
    def names(seed: int, day: int) -> list[tuple[str, ...]]:
        return [
            tuple(a.name for a in one.appliances) for one in appliance_days(GENERATED, Streams(seed), day, 20)
        ]

    assert names(1, 0) == names(1, 0)
    assert names(1, 0) != names(1, 1)
    assert names(1, 0) != names(2, 0)


def test_ownership_can_be_changed_and_unknown_names_are_refused() -> None:
    config = GeneratedAppliances(
        kind="generated", ownership={"oven": 1.0, "hob": 0.0}, space_heater_share=1.0
    )
    owned = draw_population(config, Streams(1), 200).owned.mean(axis=0)
    shares = {entry.name: share for entry, share in zip(CATALOGUE, owned, strict=True)}
    assert (shares["oven"], shares["hob"], shares["space_heaters"]) == (1.0, 0.0, 1.0)
    with pytest.raises(InputError, match="Did you mean 'oven'"):
        draw_population(GeneratedAppliances(kind="generated", ownership={"ovn": 1.0}), Streams(1), 2)


def test_powers_and_habits_stay_in_their_range() -> None:
    population = draw_population(GENERATED, Streams(3), 500)
    usual = np.array([entry.power_kw for entry in CATALOGUE])
    assert np.all(np.abs(population.power_kw - usual) <= 0.2 * usual + 5.1e-4)
    assert set(np.unique(population.shift_h)) == {-2, -1, 0, 1, 2}


def test_table_1_with_and_without_base_load_and_a_list() -> None:
    assert len(listed_day(TableIAppliances()).appliances) == 9
    assert len(listed_day(TableIAppliances(base_load=False)).appliances) == 8
    one = ApplianceConfig(name="pump", power_kw=0.6, duration_h=2, runs_per_day=3, preferences="dishwasher")
    day = listed_day(ListedAppliances(kind="list", appliances=(one,)))
    assert day.appliances[0].energy_kwh == pytest.approx(3.6)
    assert day.preferences.shape == (1, 24)


def test_every_generated_household_can_be_scheduled() -> None:
    price = np.linspace(0.1, 0.3, 24)
    gamma = scaling_factor(3, 5, RigidityConfig().gamma_b, price)  # type: ignore[arg-type]
    for day in appliance_days(GENERATED, Streams(5), 0, 60):
        values = energy_values(normalised_preferences(day.preferences), gamma, price)
        problem = ScheduleProblem(day.appliances, values, merit_order([], price, 10.35), np.full(24, 0.3))
        assert isinstance(solve_exact(problem), Schedule)
