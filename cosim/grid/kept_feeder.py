"""Feeders that were read before, from the cache folder: their tables and matrices, as plain values.

Reading a feeder takes pandapower, which takes seconds to import alone. What is kept of one is all that a run
needs, and its warnings; its net is read anew when somebody asks for it, as `runpp` does. A feeder has another
name whenever anything changes that it depends on: the network's description, the bytes of its source, the
versions of the packages that read it, and the code of this package. Not kept are feeders that the fixed point
does not solve, and those whose source brings profiles or controllers of its own.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from cosim.core import errors, kept_values
from cosim.core.cache_folder import cache_folder
from cosim.core.errors import Problem
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder, load_feeder
from cosim.grid.feeder_profiles import SimbenchProfiles
from cosim.grid.grid_source import GridSource, LaterNet, LeftOut
from cosim.grid.matrices import Matrices
from cosim.grid.net_arrays import BusTable, LineTable, Trafo3wTable, TrafoTable
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import JsonSource, NetworkConfig, SimbenchSource, SupplyConfig
from cosim.grid.simbench_data import cached_grid
from cosim.grid.source_facts import SourceFacts

_MOST_KEPT = 100
_READ_BY = ("cosim", "numpy", "pandapower", "pandas", "scipy")


@dataclass(frozen=True)
class _Kept:
    """What is kept of a feeder."""

    bus: BusTable
    line: LineTable
    trafo: TrafoTable
    trafo3w: Trafo3wTable
    elements: tuple[ElementRecord, ...]
    candidate_buses: tuple[int, ...]
    coordinates: Literal["own", "layout"]
    source_warnings: tuple[Problem, ...]
    left_out: tuple[LeftOut, ...]
    file: str
    knows_ratio: bool
    facts: SourceFacts
    warnings: tuple[Problem, ...]
    profiles: SimbenchProfiles | None
    matrices: Matrices


def solver_from_cache(
    network: NetworkConfig, folder: Path, run_control: bool, supply: SupplyConfig | None
) -> PowerFlow:
    """The solver of the feeder that a network file describes, which is read only if it has to be.

    Raises
    ------
    InputError
        If the feeder cannot be read or solved.
    """
    load = functools.cache(lambda: load_feeder(network, folder, run_control, supply))
    file = _file_of(network, folder, run_control, supply)
    kept = None if file is None else kept_values.read(file, _Kept)
    if kept is not None:
        return PowerFlow(_feeder(kept, network, load), kept.matrices)
    made = PowerFlow(load())
    # SimBench's grid may just have come into its own cache, and so the feeder have a name.
    file = _file_of(network, folder, run_control, supply)
    if file is not None and made.matrices is not None and _is_plain(made.feeder):
        kept_values.write(file, _kept(made.feeder, made.matrices))
        kept_values.forget_oldest(file.parent, _MOST_KEPT)
    return made


def _is_plain(feeder: Feeder) -> bool:
    """Whether it has nothing that is not kept."""
    source = feeder.source
    return source.profiles is None and not source.controllers and not source.controls


def _kept(feeder: Feeder, matrices: Matrices) -> _Kept:
    source = feeder.source
    assert feeder.profiles is None or isinstance(feeder.profiles, SimbenchProfiles)  # others are not kept
    return _Kept(
        feeder.bus,
        feeder.line,
        feeder.trafo,
        feeder.trafo3w,
        feeder.elements,
        feeder.candidate_buses,
        feeder.coordinates,
        source.warnings,
        source.left_out,
        source.file,
        source.knows_ratio,
        feeder.facts,
        feeder.warnings,
        feeder.profiles,
        matrices,
    )


def _feeder(kept: _Kept, network: NetworkConfig, load: Callable[[], Feeder]) -> Feeder:
    source = GridSource(
        LaterNet(lambda: load().source.net),
        kept.source_warnings,
        kept.left_out,
        file=kept.file,
        knows_ratio=kept.knows_ratio,
    )
    return Feeder(
        network,
        LaterNet(lambda: load().net),
        kept.bus,
        kept.line,
        kept.trafo,
        kept.trafo3w,
        kept.elements,
        kept.candidate_buses,
        kept.coordinates,
        source,
        kept.facts,
        kept.warnings,
        kept.profiles,
    )


def _file_of(
    network: NetworkConfig, folder: Path, run_control: bool, supply: SupplyConfig | None
) -> Path | None:
    """Where the feeder is kept; None where its source is not there, or is to be read first."""
    source, content, place, packages = network.source, b"", "", list(_READ_BY)
    try:
        if isinstance(source, JsonSource):
            file = folder / source.file
            content, place = file.read_bytes(), str(folder.resolve())
        elif isinstance(source, SimbenchSource):
            content, packages = cached_grid(source.code).read_bytes(), [*_READ_BY, "simbench"]
        versions = [metadata.version(package) for package in packages]
    except (OSError, metadata.PackageNotFoundError):
        return None
    given = None if supply is None else supply.model_dump_json()
    named = [network.model_dump_json(), place, run_control, given, versions, platform.python_version()]
    digest = hashlib.sha256(json.dumps(named).encode())
    digest.update(hashlib.sha256(content).digest() + _code())
    return cache_folder() / "feeders" / digest.hexdigest()[:40]


@functools.cache
def _code() -> bytes:
    """A sum of the code that reads feeders, and keeps them."""
    digest = hashlib.sha256()
    for file in (
        *sorted(Path(__file__).parent.glob("*.py")),
        Path(errors.__file__),
        Path(kept_values.__file__),
    ):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()
