"""The table `prosumers`: every household with each parameter it has, one column a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cosim.config.units import split_key
from cosim.core.population import Population
from cosim.core.tables import BUS, COMMUNITY, PROSUMER, Column, ColumnData, Parameters, Table
from cosim.devices.battery import Battery, InstalledBattery
from cosim.devices.interface import ActiveDevice
from cosim.households.profile_book import Demand

PROSUMERS = Table(
    "prosumers",
    "One row a household; after these columns one for each cost, device and agent parameter.",
    (PROSUMER, Column("group", "text", "", "group"), COMMUNITY, BUS),
)


def prosumer_table(
    population: Population, first: Mapping[str, ColumnData], parameters: Sequence[Parameters]
) -> tuple[Table, dict[str, ColumnData]]:
    """The table with a column for each parameter, and its data.

    Parameters
    ----------
    population : Population
        The households.
    first : mapping of str to column
        What stands beside their names and groups.
    parameters : sequence of Parameters
        What they were given, texts before numbers.
    """
    groups = [population.group_of(household).name for household in range(population.size)]
    data: dict[str, ColumnData] = {"prosumer": list(population.names), "group": groups, **first}
    texts: dict[str, ColumnData] = {name: each for one in parameters for name, each in one.texts.items()}
    numbers: dict[str, ColumnData] = {name: each for one in parameters for name, each in one.numbers.items()}
    more = [Column(name, "text", "", "what the household was given") for name in texts]
    more += [Column(name, "number", _unit(name), "a parameter of the household") for name in numbers]
    return PROSUMERS._replace(columns=(*PROSUMERS.columns, *more)), data | texts | numbers


def profile_parameters(demand: Demand, n_households: int) -> Parameters:
    """The profiles of the households' load and generation; empty where one has none."""
    profiles = {"load_profile": demand.load_kw, "pv_profile": demand.pv_kw}
    texts = {
        name: [series.name_of(household) for household in range(n_households)]
        for name, series in profiles.items()
        if series.names
    }
    return Parameters(texts, {})


def device_parameters(
    demand: Demand, batteries: Sequence[tuple[int, ActiveDevice]], n_households: int
) -> Parameters:
    """The sizes of the households' devices."""
    stored_kwh = np.zeros(n_households)
    numbers = {
        "load_scale_kw": demand.load_kw.scale,
        "load_scale_kvar": demand.load_kvar.scale,
        "pv_scale_kw": demand.pv_kw.scale,
        "pv_scale_kvar": demand.pv_kvar.scale,
        "battery_stored_start_kwh": stored_kwh,
    }
    for owner, device in batteries:
        assert isinstance(device, InstalledBattery)
        stored_kwh[owner] = device.stored_kwh
        for name, value in zip(Battery._fields, device.battery, strict=True):
            numbers.setdefault(f"battery_{name}", np.full(n_households, np.nan))[owner] = value
    return Parameters({}, numbers)


def _unit(name: str) -> str:
    return "" if name.startswith(("cost_", "policy_")) else split_key(name)[1].symbol
