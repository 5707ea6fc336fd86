"""The table `prosumers`: every household with each parameter it has, one column a parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.config.units import split_key
from cosim.core.clock import MS_PER_HOUR
from cosim.core.tables import BUS, COMMUNITY, PROSUMER, Column, Table, TableStore
from cosim.devices.battery import Battery, InstalledBattery
from cosim.engine.builder import Parts
from cosim.engine.scenario import Scenario
from cosim.regulation.costs import columns as cost_columns

PROSUMERS = Table(
    "prosumers",
    "One row a household; after these columns one for each cost, device and agent parameter.",
    (PROSUMER, Column("group", "text", "", "group"), COMMUNITY, BUS),
)


def write_prosumers(scenario: Scenario, parts: Parts, store: TableStore) -> None:
    """Write the table."""
    data, table = prosumer_table(scenario, parts)
    store.write_table(table, data)


def prosumer_table(scenario: Scenario, parts: Parts) -> tuple[dict[str, Any], Table]:
    """Columns by name, and what they mean; a parameter that a household does not have is NaN."""
    population = parts.population
    n = population.size
    groups = [population.group_of(household) for household in range(n)]
    data: dict[str, Any] = {
        "prosumer": list(population.names),
        "group": [group.config.name for group in groups],
        "community": [
            scenario.communities[group.community].name if group.community >= 0 else "" for group in groups
        ],
        "bus": list(parts.placement.buses),
    }
    kinds = _profiles(parts, n)
    kinds |= _policies(parts, n)
    numbers = {**_market_columns(parts, n), **_device_columns(parts, n), **_trading_columns(parts)}
    extra = [Column(name, "text", "", "what the household was given") for name in kinds]
    extra += [Column(name, "number", _unit(name), "a parameter of the household") for name in numbers]
    return data | kinds | numbers, PROSUMERS._replace(columns=(*PROSUMERS.columns, *extra))


def _profiles(parts: Parts, n: int) -> dict[str, list[str]]:
    """The profile of each household's load and generation; empty where it has none."""
    if parts.meters is None:
        return {}
    demand = parts.meters.book.demand
    columns = {"load_profile": demand.load_kw, "pv_profile": demand.pv_kw}
    return {
        name: [series.name_of(household) for household in range(n)]
        for name, series in columns.items()
        if series.names
    }


def _policies(parts: Parts, n: int) -> dict[str, list[str]]:
    """The policy of each household; empty for one that takes part in no community."""
    policy_of = {
        member: market.design.policy.name
        for market in parts.markets
        for member in market.design.members.tolist()
    }
    return {"policy": [policy_of.get(household, "") for household in range(n)]} if policy_of else {}


def _market_columns(parts: Parts, n: int) -> dict[str, np.ndarray]:
    table: dict[str, np.ndarray] = {}

    def put(name: str, members: np.ndarray, values: np.ndarray) -> None:
        table.setdefault(name, np.full(n, np.nan))[members] = values

    for market in parts.markets:
        design, members = market.design, market.design.members
        names = [resource.name for resource in design.config.resources]
        put("phase_ms", members, design.phases_ms)
        drift = [(agent.clock.slowness - 1) * 1e6 for agent in market.agents.values()]
        put("drift_ppm", members, np.array(drift))
        put("jitter_ms", members, np.full(len(members), design.config.agent.jitter_ms))
        put("kappa", members, np.full(len(members), getattr(design.policy, "kappa", np.nan)))
        averages = design.config.agent.averages
        put(
            "time_constant_steps",
            members,
            np.full(len(members), getattr(averages, "time_constant_steps", np.inf)),
        )
        for name, values in zip(names, design.initial_averages, strict=True):
            put(f"initial_average_{name}", members, values)
        for name, values in cost_columns(design.costs, names).items():
            put(name, members, values)
        put("joins_h", members, parts.membership.joins_ms[members] / MS_PER_HOUR)
        leaves = parts.membership.leaves_ms[members]
        put("leaves_h", members, np.where(leaves < 0, np.nan, leaves / MS_PER_HOUR))
    return table


def _device_columns(parts: Parts, n: int) -> dict[str, np.ndarray]:
    table: dict[str, np.ndarray] = {}
    if parts.meters is None:
        return table
    demand = parts.meters.book.demand
    table["load_scale_kw"], table["load_scale_kvar"] = demand.load_kw.scale, demand.load_kvar.scale
    table["pv_scale_kw"], table["pv_scale_kvar"] = demand.pv_kw.scale, demand.pv_kvar.scale
    stored_kwh = table["battery_stored_start_kwh"] = np.zeros(n)
    for owner, device in parts.devices["battery"]:
        assert isinstance(device, InstalledBattery)
        stored_kwh[owner] = device.stored_kwh
        for name, value in zip(Battery._fields, device.battery, strict=True):
            table.setdefault(f"battery_{name}", np.full(n, np.nan))[owner] = value
    return table


def _trading_columns(parts: Parts) -> dict[str, np.ndarray]:
    if parts.energy_market is None:
        return {}
    each = [participant.preferences for participant in parts.energy_market.participants]
    return {
        "rigidity": np.array([one.rigidity for one in each], float),
        "gamma_b": np.array([one.gamma_b for one in each], float),
        "contracted_power_kw": np.array([one.contracted_kw for one in each], float),
    }


def _unit(name: str) -> str:
    return "" if name.startswith("cost_") else split_key(name)[1].symbol
