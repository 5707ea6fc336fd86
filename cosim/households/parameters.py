"""A household's own parameters: drawn from what is configured for its group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.config.values import AnyValue, draw
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.devices.battery import Battery, leak_rate
from cosim.devices.schema import BatteryConfig

Array = NDArray[np.float64]


def household_values(
    streams: Streams, purpose: str, value: AnyValue, group: Group, n_households: int
) -> Array:
    """A parameter of a group's households, drawn where it is a distribution.

    The column of a household is its number in the whole population, so a later group changes no earlier one.

    Parameters
    ----------
    streams : Streams
        Randomness of the run.
    purpose : str
        What the numbers are for.
    value : Value
        As configured.
    group : Group
        Whose.
    n_households : int
        Size of the population.
    """
    uniforms = streams.field(f"household/{purpose}").row(0, n_households)
    return draw(value, uniforms[group.first : group.last])


def batteries(config: BatteryConfig, group: Group, streams: Streams, n: int) -> tuple[list[Battery], Array]:
    """The batteries of a group, and what is stored in each at the start, kWh."""

    def values(name: str) -> Array:
        return household_values(streams, f"battery.{name}", getattr(config, name), group, n)

    capacity, charge, discharge = values("capacity_kwh"), values("charge_kw"), values("discharge_kw")
    with_grid = config.charge_from == "surplus_and_grid"
    made = [
        Battery(
            capacity_kwh=float(capacity[i]),
            floor_kwh=float(capacity[i]) * config.soc_min,
            charge_kw=float(charge[i]),
            discharge_kw=float(discharge[i]),
            charge_efficiency=config.charge_efficiency,
            discharge_efficiency=config.discharge_efficiency,
            leak_per_hour=leak_rate(config.self_discharge_per_day),
            grid_charge_kw=config.grid_charge_kw if with_grid else 0.0,
            grid_charge_below_kwh=float(capacity[i]) * config.grid_charge_soc if with_grid else 0.0,
        )
        for i in range(len(capacity))
    ]
    return made, values("soc_initial") * capacity
