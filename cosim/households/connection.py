"""Households on a feeder: it is loaded, and each is given its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosim.core.context import Context
from cosim.grid.background import Background
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.element_limits import feeder_limits
from cosim.grid.feeder import load_feeder
from cosim.grid.network_file import load_network
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig, JsonSource, NetworkConfig
from cosim.households.placement import Placement, place
from cosim.households.schema import HouseholdsConfig
from cosim.households.source_account import account_of


@dataclass(frozen=True)
class _Named:
    """A network as it is on disk now, to be told apart from the next."""

    text: str
    folder: Path
    changed_ns: int
    run_control: bool


_solvers: dict[_Named, PowerFlow] = {}
"""Feeders of the last runs of this process: the runs of a sweep share one, which takes seconds to read."""
_KEPT = 3


def solver_of(network: NetworkConfig, folder: Path, run_control: bool) -> PowerFlow:
    """The solver of the feeder that a network file describes; the same one again while its file is as it was.

    Raises
    ------
    InputError
        If the feeder cannot be read or solved.
    """
    source = network.source
    file = folder / source.file if isinstance(source, JsonSource) else None
    changed_ns = file.stat().st_mtime_ns if file is not None and file.exists() else 0
    named = _Named(network.model_dump_json(), folder.resolve(), changed_ns, run_control)
    if named not in _solvers:
        while len(_solvers) >= _KEPT:
            del _solvers[next(iter(_solvers))]
        _solvers[named] = PowerFlow(load_feeder(network, folder, run_control))
    return _solvers[named]


def connect(
    groups: Sequence[HouseholdsConfig], brings_load: bool, config: GridConfig, context: Context
) -> tuple[ConnectedFeeder, Placement]:
    """Load the feeder and put the households on it.

    Parameters
    ----------
    groups : sequence of HouseholdsConfig
        The households.
    brings_load : bool
        Whether they have load besides that of their group.
    config : GridConfig
        The feeder.
    context : Context
        The run.

    Raises
    ------
    InputError
        If the network cannot be read or solved, or the households do not fit.
    """
    network, network_folder = load_network(config.network, context.folder)
    power_flow = solver_of(network, network_folder, config.run_control)
    feeder, population = power_flow.feeder, context.population
    limits, doubts = feeder_limits(feeder, config.limits)
    placement = place(groups, population, config, feeder, context.streams)
    entries, missed = account_of(groups, brings_load, config, population, feeder, placement, limits)
    n_intervals = context.time.n_intervals
    switched_off = placement.background if config.background == "none" else ()
    connected = ConnectedFeeder(
        config=config,
        feeder=feeder,
        power_flow=power_flow,
        buses=placement.buses,
        columns=feeder.bus_positions(placement.buses),
        limits=limits,
        background=Background(feeder, placement.background, config, context.time.start, n_intervals),
        silent=(*placement.taken, *switched_off),
        account=entries,
        warnings=(*feeder.warnings, *power_flow.warnings(n_intervals), *doubts, *missed),
    )
    return connected, placement
