"""The feeders of this process: runs one after another share one, which takes seconds to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cosim.grid.kept_feeder import solver_from_cache
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import JsonSource, NetworkConfig, SupplyConfig


@dataclass(frozen=True)
class _Named:
    """A network as it is on disk now, to be told apart from the next."""

    text: str
    folder: Path
    changed_ns: int
    run_control: bool
    supply: SupplyConfig | None


_solvers: dict[_Named, PowerFlow] = {}
"""Feeders of the last runs of this process: the runs of a sweep share one, which takes seconds to read."""
_KEPT = 3


def solver_of(
    network: NetworkConfig, folder: Path, run_control: bool, supply: SupplyConfig | None = None
) -> PowerFlow:
    """The solver of the feeder that a network file describes; the same one again while its file is as it was.

    `supply` stands in place of the grid above, where it is given.

    Raises
    ------
    InputError
        If the feeder cannot be read or solved.
    """
    source = network.source
    file = folder / source.file if isinstance(source, JsonSource) else None
    changed_ns = file.stat().st_mtime_ns if file is not None and file.exists() else 0
    named = _Named(network.model_dump_json(), folder.resolve(), changed_ns, run_control, supply)
    if named not in _solvers:
        while len(_solvers) >= _KEPT:
            del _solvers[next(iter(_solvers))]
        _solvers[named] = solver_from_cache(network, folder, run_control, supply)
    return _solvers[named]
