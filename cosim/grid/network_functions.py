"""The pandapower net that a network file's `source` means."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

from cosim.core.errors import InputError, Problem, suggest
from cosim.grid.grid_source import GridSource, source_of
from cosim.grid.schema import JsonSource, NetworkConfig, PandapowerSource, SimbenchSource

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

_KERBER_DRAW = 0
"""Seed of the generator from which pandapower draws the house connections of Kerber's networks."""
_one_at_a_time = Lock()


def read_source(network: NetworkConfig, folder: Path) -> GridSource:
    """What the source of `network` gives.

    Parameters
    ----------
    network : NetworkConfig
        A network file.
    folder : Path
        Folder that a JSON source's file is relative to.

    Raises
    ------
    InputError
        If the source cannot be had, or is not to be trusted.
    """
    source = network.source
    match source:
        case SimbenchSource():
            from cosim.grid.simbench_data import read_grid

            return GridSource(read_grid(source.code), knows_ratio=True)
        case PandapowerSource():
            return source_of(_call(source))
        case JsonSource():
            return _from_json(source, folder)


def _from_json(source: JsonSource, folder: Path) -> GridSource:
    """What a file gives below `folder`; a link that leads out of it is refused."""
    from cosim.grid.safe_json import read_file

    file = (folder / source.file).resolve()
    if not file.is_relative_to(folder.resolve()):
        message = "the path points outside the network's folder"
        raise InputError([Problem(message, "name a file inside it", "source.file", value=source.file)])
    return read_file(file)


def _call(source: PandapowerSource) -> pandapowerNet:
    """The net of an allow-listed function; its arguments must be among those that the function names."""
    import pandapower.networks
    from pandapower.auxiliary import pandapowerNet

    function = getattr(pandapower.networks, source.function, None)
    if function is None:
        message = "this version of pandapower has no such network"
        raise InputError(
            [Problem(message, "install a newer pandapower", "source.function", value=source.function)]
        )
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    strangers = [name for name in source.arguments if name not in known]
    if strangers:
        raise InputError(
            Problem(
                f"{source.function} has no such argument",
                suggest(name, known),
                "source.arguments",
                value=name,
            )
            for name in strangers
        )
    try:
        with _own_draws():
            net = function(**source.arguments)
    except Exception as error:
        message = f"{source.function} refuses its arguments: {error}"
        raise InputError([Problem(message, "correct the arguments", "source.arguments")]) from error
    if not isinstance(net, pandapowerNet):
        message = f"{source.function} does not give a single grid with these arguments"
        raise InputError([Problem(message, "choose arguments that give one grid", "source.arguments")])
    return cast("pandapowerNet", net)


@contextmanager
def _own_draws() -> Iterator[None]:
    """Have pandapower draw Kerber's networks from a generator of their own.

    It draws from Python's global one, which other threads use as well, as those of a Dask worker do: seeding
    that one would not make the network the same every time.
    """
    from pandapower.networks import kerber_networks

    with _one_at_a_time:
        usual = kerber_networks.rd
        kerber_networks.rd = random.Random(_KERBER_DRAW)
        try:
            yield
        finally:
            kerber_networks.rd = usual
