"""What a network's source gives: the net, what was read of it with reservations, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosim.core.errors import Problem
from cosim.grid.tap_control import Controller, TapControl, controllers_of

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet


@dataclass(frozen=True)
class LeftOut:
    """Something that a source holds and that was not taken."""

    name: str
    """Its table or key, for example ``controller``."""
    count: int
    """How many rows or entries it has."""
    detail: str = ""
    """What they are, for example ``2 DiscreteTapControl``; empty where the name says it all."""


@dataclass(frozen=True)
class LaterNet:
    """A net that is read when somebody asks for it, which takes pandapower and seconds."""

    read: Callable[[], pandapowerNet]
    """Gives it, the same one each time."""


def net_of(given: pandapowerNet | LaterNet) -> pandapowerNet:
    """The net itself."""
    return given.read() if isinstance(given, LaterNet) else given


@dataclass(frozen=True)
class GridSource:
    """What a network's source gives."""

    given: pandapowerNet | LaterNet
    """What `net` gives."""
    warnings: tuple[Problem, ...] = ()
    """What is doubtful or was assumed; each has the severity "warning", and a path that names table, index
    and column (``trafo.0.tap_pos``). Their `file` is empty where the source is no file."""
    left_out: tuple[LeftOut, ...] = ()
    """What the source holds beside the net: controllers, unknown tables and keys, solver options."""
    profiles: Mapping[str, pd.DataFrame] | None = None
    """The source's own time series, by SimBench's table names (``load``, ``renewables``, ``storage``,
    ``powerplants``), with the columns that the source gives them, `time` among them; None where it brings
    none."""
    file: str = ""
    """The file it was read from; empty where it is none."""
    controllers: tuple[Controller, ...] = ()
    """The source's controllers, as plain values."""
    controls: tuple[TapControl, ...] = ()
    """Those of them that act."""
    knows_ratio: bool = False
    """Whether the source itself says that its tap changers are ratios, as SimBench does."""

    @property
    def net(self) -> pandapowerNet:
        """The net as pandapower reads it, fields that count only together completed. Do not change it."""
        return net_of(self.given)


def source_of(net: pandapowerNet) -> GridSource:
    """What a net made in Python gives; profiles stand in it under the key that SimBench uses."""
    import pandas as pd

    profiles = net.get("profiles")
    if not isinstance(profiles, dict):
        return GridSource(net, controllers=controllers_of(net))
    frames = {str(key): table for key, table in profiles.items() if isinstance(table, pd.DataFrame)}
    return GridSource(net, profiles=frames or None, controllers=controllers_of(net))
