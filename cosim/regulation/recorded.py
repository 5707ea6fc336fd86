"""Whose decisions are written down."""

from __future__ import annotations

from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model, Number, Range
from cosim.core.streams import Streams


class DecisionSample(Model):
    """A sample of the households."""

    share: Annotated[Number, Range(1e-9, 1)]
    """Share of the households of which all decisions are recorded. Who they are is drawn by the seed,
    household by household: whoever is recorded among a thousand is also recorded among a million, or with a
    larger share."""


Wanted = bool | DecisionSample


class Recorded(Protocol):
    """What of the scenario's `record` is read here."""

    @property
    def decisions(self) -> Wanted:
        """Whether decisions are written down, and of whom."""


def is_recorded(wanted: Wanted, streams: Streams, n_households: int) -> NDArray[np.bool_]:
    """Of all households, whose decisions are written down; shape (n_households,)."""
    if isinstance(wanted, bool):
        return np.full(n_households, wanted)
    return np.asarray(streams.field("record/decisions").row(0, n_households) < wanted.share)
