"""Numbers that plugins add to a summary: computed of a run's tables when these are complete.

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

from cosim.core.declared_numbers import as_declared, misfit
from cosim.core.errors import listed
from cosim.core.numbers import Number, Summary
from cosim.core.registry import Registry
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
    for name, metric in METRICS.items():
        called = f"the metric '{name}' ({metric.__module__}.{metric.__qualname__})"
        try:
            numbers = metric().compute(run)
        except Exception as error:
            raise misfit(f"{called} failed: {type(error).__name__}: {error}") from error
        missing = [number.pattern for number in metric.NUMBERS if number.pattern not in numbers]
        if missing:
            raise misfit(f"{called} does not give {listed(missing)}, which it declares")
        found |= as_declared(called, numbers, metric.NUMBERS, {*run.summary, *found})
    return found
