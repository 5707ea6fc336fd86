"""The feeder of a run: loaded, its households placed, ready to take injections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.core.streams import Streams
from cosim.engine.scenario import Scenario
from cosim.grid.account import Entry
from cosim.grid.background import Background
from cosim.grid.element_limits import feeder_limits
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder, load_feeder
from cosim.grid.limits import FeederLimits
from cosim.grid.network_file import load_network
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig, JsonSource, NetworkConfig
from cosim.grid.voltage_dependence import DependentPower
from cosim.households.meters import Reading
from cosim.households.placement import Placement, place
from cosim.households.population import Population
from cosim.households.source_account import account_of
from cosim.regulation.capacity_rule_doubts import rule_doubts

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
    limits : FeederLimits
        Within which each element is in order.
    columns : ndarray of int, shape (N,)
        The column of each household's bus.
    background : Background
        What the feeder's own remaining elements draw.
    account : tuple of Entry
        What became of everything that the grid's source holds.
    warnings : tuple of Problem
        What is doubtful about the feeder, and what of it is not taken as it is.
    """

    config: GridConfig
    feeder: Feeder
    power_flow: PowerFlow
    placement: Placement
    limits: FeederLimits
    columns: NDArray[np.int64]
    background: Background
    account: tuple[Entry, ...]
    warnings: tuple[Problem, ...]

    def injections(self, reading: Reading, interval: int) -> tuple[Array, Array, DependentPower | None]:
        """Mean power drawn at every bus at 1 pu in an interval, MW and Mvar, shape (n_bus,) each.

        The third says what of it follows the voltage; None where nothing does.
        """
        n_bus = self.feeder.n_bus
        background_p_mw, background_q_mvar = self.background.power(interval, 1)
        p_mw = np.bincount(self.columns, reading.p_kw, n_bus) / 1000 + background_p_mw[0]
        q_mvar = np.bincount(self.columns, reading.q_kvar, n_bus) / 1000 + background_q_mvar[0]
        return p_mw, q_mvar, self.background.dependent(interval, 1)

    @property
    def silent(self) -> tuple[ElementRecord, ...]:
        """The feeder's own elements that draw nothing because the scenario says so."""
        switched_off = self.placement.background if self.config.background == "none" else ()
        return (*self.placement.taken, *switched_off)


@dataclass(frozen=True)
class _Named:
    """A network as it is on disk now, to be told apart from the next."""

    text: str
    folder: Path
    changed_ns: int


_solvers: dict[_Named, PowerFlow] = {}
"""Feeders of the last runs of this process: the runs of a sweep share one, which takes seconds to read."""
_KEPT = 3


def solver_of(network: NetworkConfig, folder: Path) -> PowerFlow:
    """The solver of the feeder that a network file describes; the same one again while its file is as it was.

    Raises
    ------
    InputError
        If the feeder cannot be read or solved.
    """
    source = network.source
    file = folder / source.file if isinstance(source, JsonSource) else None
    changed_ns = file.stat().st_mtime_ns if file is not None and file.exists() else 0
    named = _Named(network.model_dump_json(), folder.resolve(), changed_ns)
    if named not in _solvers:
        while len(_solvers) >= _KEPT:
            del _solvers[next(iter(_solvers))]
        _solvers[named] = PowerFlow(load_feeder(network, folder))
    return _solvers[named]


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
    power_flow = solver_of(network, network_folder)
    feeder = power_flow.feeder
    limits, doubts = feeder_limits(feeder, config.limits)
    placement = place(population, config, feeder, streams)
    entries, missed = account_of(scenario, config, population, feeder, placement, limits)
    n_intervals = scenario.time.duration_ms // scenario.interval_ms
    return GridParts(
        config=config,
        feeder=feeder,
        power_flow=power_flow,
        placement=placement,
        limits=limits,
        columns=feeder.bus_positions(placement.buses),
        background=Background(
            feeder,
            placement.background,
            config,
            scenario.time.start,
            n_intervals,
        ),
        account=entries,
        warnings=(
            *feeder.warnings,
            *power_flow.warnings(n_intervals),
            *doubts,
            *missed,
            *rule_doubts(scenario, feeder, limits),
        ),
    )
