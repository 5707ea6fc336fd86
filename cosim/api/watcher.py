"""Who is told how a run or a sweep goes, and how one ends that did not come to its end."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from cosim.core.errors import Problem, SimulationError


class Ended(Protocol):
    """A run or a sweep that has ended."""

    @property
    def doubts(self) -> list[Problem]:
        """What says that its results are not whole or not right."""


class Watcher:
    """Is told how a run or a sweep goes; unless overridden, it turns doubts into Python warnings, and is
    silent otherwise.

    Of a run, `total` and `so_far` are simulated time in ms and `count` is the number of events; of a sweep
    they are points, and those that failed.
    """

    def begins(self, name: str, folder: Path, total: int) -> None:
        """A scenario or a sweep is about to run into a folder."""

    def reached(self, so_far: int, count: int) -> None:
        """So far it is."""

    def draws(self) -> None:
        """All has run; its figures and its page are about to be made."""

    def doubts(self, problems: Sequence[Problem]) -> None:
        """What is doubtful about the scenario, before anything is written."""
        for problem in problems:
            warnings.warn(str(problem), stacklevel=2)

    def ends(self, result: Ended) -> None:
        """What there is of it now, whichever way it ended."""
        for problem in result.doubts:
            warnings.warn(str(problem), stacklevel=2)


class UnfinishedError(SimulationError):
    """A run that could not go on, or a sweep of which no point succeeded.

    Attributes
    ----------
    result : Run or Sweep
        What there is of it.
    """

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message, result)
        self.result = result

    def __str__(self) -> str:
        return str(self.args[0])


class UnfinishedInterrupt(KeyboardInterrupt):
    """Ctrl-C in the middle of a run or a sweep.

    Attributes
    ----------
    result : Run or Sweep
        What there is of it.
    """

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result
