"""Numbers that plug-ins add to a summary: computed of a run's tables when these are complete.

A metric is a class that says which numbers it gives and how they are computed::

    @METRICS.register("night_import")
    class NightImport(Metric):
        NUMBERS = (Number("night_import_kwh", "imports at night", "kWh", "between 22 and 6 h", "less"),)

        def compute(self, run):
            meters = run.tables.meters
            return {"night_import_kwh": ...}
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cosim.core.errors import Problem
from cosim.core.numbers import Number, Summary
from cosim.core.registry import PluginError, Registry
from cosim.results.frames import Tables


@dataclass(frozen=True)
class CompleteRun:
    """What a metric is given.

    Attributes
    ----------
    folder : Path
        The run's directory.
    scenario : Scenario
        What was run.
    summary : dict
        The numbers that the run has without metrics.
    tables : Tables
        Its tables, as data frames.
    """

    folder: Path
    scenario: Any
    summary: Summary
    tables: Tables


class Metric:
    """Numbers that are computed of the tables of a run."""

    NUMBERS: ClassVar[tuple[Number, ...]]

    @abstractmethod
    def compute(self, run: CompleteRun) -> Summary:
        """The value of each of `NUMBERS`; None where it does not exist in this run."""
        raise NotImplementedError


METRICS: Registry[Metric] = Registry("metric", Metric, in_schema=False)  # type: ignore[type-abstract] # an interface


def metric_numbers(run: CompleteRun) -> Summary:
    """What all metrics that are registered give.

    Raises
    ------
    PluginError
        If one fails, or gives other numbers than it declares.
    """
    found: Summary = {}
    for name, metric in zip(METRICS.names(), METRICS.classes(), strict=True):
        called = f"the metric '{name}' ({metric.__module__}.{metric.__qualname__})"
        try:
            numbers = metric().compute(run)
        except Exception as error:
            raise _failed(f"{called} failed: {type(error).__name__}: {error}") from error
        declared = {number.pattern: number for number in metric.NUMBERS}
        if set(numbers) != set(declared):
            other = sorted(set(numbers) ^ set(declared))
            raise _failed(f"{called} does not give the numbers that it declares: {', '.join(other)}")
        taken = sorted(set(numbers) & (set(run.summary) | set(found)))
        if taken:
            raise _failed(f"{called} gives numbers that the run has already: {', '.join(taken)}")
        for key, value in numbers.items():
            number = declared[key]
            # NaN is in no range; numbers of numpy are turned into what JSON knows.
            if value is not None and not number.least <= value <= min(number.most, 1e300):
                raise _failed(f"{called} gives {key} = {value}, which it cannot be by its declaration")
            found[key] = value if value is None or isinstance(value, int) else float(value)
    return found


def _failed(message: str) -> PluginError:
    return PluginError([Problem(message, "Correct the metric, or leave the plug-in out.")])
