"""What every wing may know of a run besides its own part of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cosim.core.errors import Problem
from cosim.core.population import Population
from cosim.core.streams import Streams


@dataclass(frozen=True)
class TimeAxis:
    """The time of a run."""

    start: datetime
    """Its first instant, UTC."""
    duration_ms: int
    step_ms: int
    interval_ms: int
    """Length of the run, of a market step, and of a metering and power-flow interval."""
    warm_up_ms: int = 0
    """Length of the part at the start that no number of the summary counts."""
    length_key: str = "time.duration_h"
    """The key of the scenario that says how long the run is."""

    @property
    def steps(self) -> range:
        """Instants at which a market step begins, ms since the start."""
        return range(0, self.duration_ms, self.step_ms)

    @property
    def n_intervals(self) -> int:
        """Number of whole metering intervals."""
        return self.duration_ms // self.interval_ms


@dataclass(frozen=True)
class Context:
    """The run around a wing."""

    time: TimeAxis
    """When it is."""
    population: Population
    """Who is in it."""
    streams: Streams
    """Its random numbers."""
    folder: Path
    """What paths of the scenario are relative to."""
    records: Collection[str]
    """Which of the large tables are wanted: keys of ``record`` in the scenario."""
    place_of: Callable[[str], tuple[str, int]]
    """File and line of a path of the scenario."""

    def problem(
        self, path: str, message: str, remedy: str = "", value: object = "", warning: bool = False
    ) -> Problem:
        """A problem at `path` of the scenario, with its file and line."""
        text = "" if value == "" else str(value)
        file, line = self.place_of(path)
        return Problem(message, remedy, path, file, line, text, "warning" if warning else "error")
