"""The feeder of a run: loaded, its households placed, ready to take injections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.config.load import load_network
from cosim.config.network import GridConfig, VoltageAndLoadingLimits
from cosim.config.scenario import Scenario
from cosim.engine.demand import background_demand, slots_of
from cosim.engine.placement import Placement, place
from cosim.engine.population import Population
from cosim.grid.feeder import Feeder, load_feeder
from cosim.grid.placement import background_mode
from cosim.grid.power_flow import PowerFlow
from cosim.households.meters import Reading
from cosim.households.profile_book import ProfileBook
from cosim.streams import Streams

Array = NDArray[np.float64]


@dataclass
class GridParts:
    """The feeder of a run.

    Attributes
    ----------
    config : GridConfig
        As configured.
    feeder, power_flow
        The feeder and its solver.
    placement : Placement
        Which household stands where.
    limits : VoltageAndLoadingLimits
        Within which it is in order.
    columns : ndarray of int, shape (N,)
        The column of each household's bus.
    background : ProfileBook
        What the feeder's own remaining elements draw.
    background_columns : ndarray of int
        The columns of their buses.
    """

    config: GridConfig
    feeder: Feeder
    power_flow: PowerFlow
    placement: Placement
    limits: VoltageAndLoadingLimits
    columns: NDArray[np.int64]
    background: ProfileBook
    background_columns: NDArray[np.int64]

    def injections(self, reading: Reading, interval: int) -> tuple[Array, Array]:
        """Mean power drawn at every bus in an interval, MW and Mvar, shape (n_bus,) each."""
        n_bus = self.feeder.n_bus
        p_kw = np.bincount(self.columns, reading.p_kw, n_bus)
        q_kvar = np.bincount(self.columns, reading.q_kvar, n_bus)
        self.background.turn_to(interval)
        load_kw, load_kvar, _, _ = self.background.interval_means(interval)
        p_kw += np.bincount(self.background_columns, load_kw, n_bus)
        q_kvar += np.bincount(self.background_columns, load_kvar, n_bus)
        return p_kw / 1000, q_kvar / 1000


def build_grid(
    scenario: Scenario, folder: Path, population: Population, streams: Streams
) -> GridParts | None:
    """Load the scenario's feeder and put its households on it; None for a scenario without a grid.

    Raises
    ------
    InputError
        If the network cannot be read or solved, or the households do not fit.
    """
    config = scenario.grid
    if config is None:
        return None
    network, network_folder = load_network(config.network, folder)
    feeder = load_feeder(network, network_folder)
    placement = place(population, config, feeder, streams)
    kind = background_mode(feeder, config)
    elements = () if kind == "none" else placement.background
    demand = background_demand(scenario, folder, elements, kind == "profile", config.background_scaling)
    slots = slots_of(scenario)
    return GridParts(
        config=config,
        feeder=feeder,
        power_flow=PowerFlow(feeder),
        placement=placement,
        limits=config.limits.applied_to(network.limits),
        columns=feeder.bus_positions(placement.buses),
        background=ProfileBook(demand, slots.slot_ms, scenario.interval_ms // slots.slot_ms),
        background_columns=feeder.bus_positions([element.bus for element in elements]),
    )
