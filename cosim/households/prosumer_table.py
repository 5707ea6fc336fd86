"""The table `prosumers`: every household with each parameter it has, one column a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cosim.config.units import split_key
from cosim.core.population import Population
from cosim.core.tables import BUS, COMMUNITY, PROSUMER, Column, ColumnData, Parameters, Table
from cosim.devices.interface import DEVICES
from cosim.households.household import Equipment
from cosim.households.profile_book import Demand

PROSUMERS = Table(
    "prosumers",
    "One row per household; after these columns one for each cost, device and agent parameter.",
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
    """The profiles of the households' devices; empty where one has none."""
    texts = {
        f"{profile.kind}_profile": [profile.kw.name_of(household) for household in range(n_households)]
        for profile in demand.profiles
        if profile.kw.names
    }
    return Parameters(texts, {})


def device_parameters(demand: Demand, equipment: Equipment) -> Parameters:
    """The sizes of the households' devices."""
    numbers: dict[str, np.ndarray] = {}
    for profile in demand.profiles:
        numbers[f"{profile.kind}_scale_kw"] = profile.kw.scale
        numbers[f"{profile.kind}_scale_kvar"] = profile.kvar.scale
    for kind, installed in equipment.devices.items():
        numbers |= DEVICES[kind].parameters(installed, len(equipment.households))
    return Parameters({}, numbers)


def _unit(name: str) -> str:
    return "" if name.startswith(("cost_", "policy_")) else split_key(name)[1].symbol
