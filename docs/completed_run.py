"""One run to its end: what programs of docs/ take numbers from."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from pathlib import Path

from cosim.core.numbers import Summary
from cosim.engine.load import load_scenario
from cosim.engine.run import Outcome, run_scenario


def completed_run(scenario: str, settings: list[str], seed: int | None, folder: Path) -> Outcome:
    """Run a scenario with values changed as by ``--set``.

    Raises
    ------
    SystemExit
        If it did not reach its end: of half a run nothing is told.
    """
    outcome = run_scenario(load_scenario(scenario, settings, seed), folder)
    if outcome.status != "done":
        raise SystemExit(f"{scenario}, seed {seed}: {outcome.status}. {outcome.cause}")
    return outcome


def numbers_in(summary: Summary, names: Iterable[str]) -> list[float]:
    """Numbers of a summary by their names; one that it lacks is NaN, since 0 would be a number."""
    found = (summary.get(name) for name in names)
    return [nan if value is None else float(value) for value in found]
