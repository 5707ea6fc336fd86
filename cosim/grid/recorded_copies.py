"""Of which feeders the large tables are written."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field

from cosim.config.base import Integer, Model, Numbers, Range


class FeederSample(Model):
    """Some of the copies of a feeder (`grid.copies`)."""

    copies: Annotated[Numbers[Annotated[Integer, Range(1, 1_000_000)]], Field(min_length=1)]
    """Numbers of the copies, from 1, of whose elements there are rows in `injections`, `bus_voltage`,
    `line_loading`, `trafo_loading`, `trafo3w_loading` and `violations`. `feeder_copies`, `overloads` and
    `summary.json` are about all copies in any case."""


class Recorded(Protocol):
    """What of the scenario's `record` is read here."""

    @property
    def grid(self) -> bool | FeederSample:
        """Whether elements of the feeder are written down, and of which copies."""
