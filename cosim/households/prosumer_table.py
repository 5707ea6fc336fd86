"""The table `prosumers`: every household with each parameter it has, one column a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cosim.config.units import split_key
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
    head: Mapping[str, ColumnData], parameters: Sequence[Parameters]
) -> tuple[Table, dict[str, ColumnData]]:
    """The table with a column for each parameter, and its data.

    Parameters
    ----------
    head : mapping of str to column
        The first columns.
    parameters : sequence of Parameters
        What the households were given by each wing; texts go before numbers.
    """
    nowhere: dict[str, ColumnData] = {"community": [""] * len(head["prosumer"])}
    texts = nowhere | dict(head) | {name: each for one in parameters for name, each in one.texts.items()}
    numbers: dict[str, ColumnData] = {name: each for one in parameters for name, each in one.numbers.items()}
    known = {column.name for column in PROSUMERS.columns}
    more = [Column(name, "text", "", "what the household was given") for name in texts if name not in known]
    more += [Column(name, "number", _unit(name), "a parameter of the household") for name in numbers]
    return PROSUMERS._replace(columns=(*PROSUMERS.columns, *more)), texts | numbers


def profile_texts(demand: Demand, n_households: int) -> dict[str, list[str]]:
    """The profiles of the households' devices; empty where one has none."""
    return {
        f"{profile.kind}_profile": [profile.kw.name_of(household) for household in range(n_households)]
        for profile in demand.profiles
        if profile.kw.names
    }


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
