"""The table `regulation`, by community and resource."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.tables import Coded
from cosim.engine.scenario import Scenario
from cosim.regulation.schema import CommunityConfig
from cosim.report.run_data import RunData

Array = NDArray[np.float64]

_COLUMNS = (
    "time", "community", "resource", "signal", "capacity", "aggregate", "average_sum", "optimum_gap",
    "distance", "gradient_spread",
)  # fmt: skip


class ResourceSeries(NamedTuple):
    """One resource of one community over the ticks of its platform; arrays of shape (K,)."""

    community: str
    resource: str
    title: str
    """Name of the resource, with its community where there are several."""
    unit: str
    """What one unit is."""
    signal_unit: str
    """Unit of the signal under the community's policy."""
    time_ms: NDArray[np.int64]
    signal: Array
    capacity: Array
    aggregate: Array
    average_sum: Array
    optimum_gap: Array
    distance: Array
    gradient_spread: Array

    @property
    def target(self) -> Array:
        """The capacity of the step that ends at each tick, which `aggregate` is of; NaN at the first."""
        return np.concatenate([[np.nan], self.capacity[:-1]])


def resource_series(run: RunData) -> list[ResourceSeries]:
    """Every resource that has ticks, in the scenario's order."""
    if not run.has("regulation"):
        return []
    return run.remember("regulation", lambda: _read(run))


def _read(run: RunData) -> list[ResourceSeries]:
    table = run.read("regulation", _COLUMNS)
    community, resource = table.pop("community"), table.pop("resource")
    table["time_ms"] = table.pop("time")
    result = []
    for config in run.scenario.communities:
        for one in config.resources:
            rows = _rows(community, config.name) & _rows(resource, one.name)
            if not rows.any():
                continue
            several = len(run.scenario.communities) > 1
            result.append(
                ResourceSeries(
                    community=config.name,
                    resource=one.name,
                    title=f"{config.name}: {one.name}" if several else one.name,
                    unit=f"units of {one.unit_kwh:g} kWh" if one.unit_kwh else "units",
                    signal_unit=_signal_unit(run.scenario, config),
                    **{name: values[rows] for name, values in table.items()},
                )
            )
    return result


def _signal_unit(scenario: Scenario, config: CommunityConfig) -> str:
    """Unit of the signal of a community, which the policies of its groups have in common."""
    policies = [
        group.policy or config.agent.policy for group in scenario.groups if group.name in config.groups
    ]
    return policies[0].signal_unit


def _rows(column: Coded, text: str) -> NDArray[np.bool_]:
    wanted = column.texts.index(text) if text in column.texts else -1
    return np.asarray(column.codes == wanted)
