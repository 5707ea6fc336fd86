"""One run to its end: what programs of docs/ take numbers from."""

from __future__ import annotations

from pathlib import Path

from cosim.engine.load import load_scenario
from cosim.engine.run import Outcome, run_scenario


def whole_run(scenario: str, settings: list[str], seed: int | None, folder: Path) -> Outcome:
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
