"""Runs side by side: their numbers, what differs in their scenarios, and whether they can be compared."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from cosim.config.yaml_reader import read_yaml
from cosim.core.clock import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND
from cosim.core.errors import InputError, Problem, collected, listed
from cosim.core.numbers import Catalogue, Described
from cosim.engine.wings import catalogue
from cosim.results.run_files import no_run, read_run_record, read_summary, require_run
from cosim.study.peaks import PEAKS, Numbers, peaks
from cosim.study.scenario_differences import UNKNOWN, Difference, scenario_differences

MOST_RUNS = len(string.ascii_uppercase)
_NAMES = ("name", "title", "seed")
"""What a scenario is called and draws from; said of each run, not among the values that differ."""
_MOST = 1e12
"""Hours, steps or minutes that a scenario may have, at most."""


@dataclass(frozen=True)
class ComparedRun:
    """What a run says of itself."""

    letter: str
    """A for the first."""
    label: str
    """Short, and not the same as another run's."""
    folder: Path
    """The run's directory."""
    record: dict[str, Any]
    """Content of ``run.json``."""
    values: dict[str, Any]
    """The resolved scenario as plain data; empty where the run has none."""
    numbers: Numbers
    """Content of ``summary.json``, and the peaks from the tables; None for what does not exist."""

    @property
    def status(self) -> str:
        """How the run ended; ``running`` also for one that was killed."""
        return str(self.record.get("status", "unknown"))

    @property
    def is_done(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "done"

    @property
    def seed(self) -> Any:
        """The seed of all its draws."""
        return self.record.get("seed")

    @property
    def scenario(self) -> str:
        """Name of its scenario."""
        return str(self.record.get("scenario") or self.values.get("name", ""))

    @property
    def duration_ms(self) -> int | None:
        """How long the run was meant to be, ms; None where its scenario is not known."""
        time = _mapping(self.values.get("time"))
        hours, steps, step_s = (_number(time.get(key)) for key in ("duration_h", "steps", "step_s"))
        if hours is not None:
            return round(hours * MS_PER_HOUR)
        return None if steps is None or step_s is None else round(steps * step_s * MS_PER_SECOND)

    @property
    def communities(self) -> list[str]:
        """Names of its communities."""
        given = self.values.get("communities")
        return [str(_mapping(one).get("name")) for one in given] if isinstance(given, list) else []


class Change(NamedTuple):
    """A number against the first run's; None for what does not exist."""

    absolute: float | int | None
    percent: float | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[ComparedRun, ...]
    """In the order given; differences are to the first."""
    keys: tuple[str, ...]
    """Every number that some run has."""
    differences: tuple[Difference, ...]
    """Scenario values that are not the same in all runs whose scenario is known."""
    cautions: tuple[str, ...]
    """Why differences between the numbers may have other reasons than these values; empty where none."""

    @cached_property
    def communities(self) -> list[str]:
        """Names of all communities of all runs."""
        return list(dict.fromkeys(name for run in self.runs for name in run.communities))

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the numbers are: those of summaries and the peaks."""
        return Catalogue((*catalogue().numbers, *PEAKS))

    def describe(self, key: str) -> Described:
        """What a number is; see `Catalogue.describe`."""
        return self.catalogue.describe(key, self.communities)

    def change(self, key: str, run: ComparedRun) -> Change:
        """A run's number minus the first run's; the percentage is of the first one's size."""
        first, other = self.runs[0].numbers.get(key), run.numbers.get(key)
        if first is None or other is None or not self.describe(key).is_comparable:
            return Change(None, None)
        absolute = other - first
        return Change(absolute, 100 * absolute / abs(first) if first else None)


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Read runs and put them side by side.

    Parameters
    ----------
    folders : sequence of Path
        Directories of at least two runs, finished or not.

    Raises
    ------
    InputError
        If there are fewer than two or more than 26, one is given twice, or one is no run or cannot be read.
    """
    _require_runs(folders)
    problems: list[Problem] = []
    read = [_read(folder, problems) for folder in folders]
    if problems:
        raise InputError(problems)
    labels = _labels(folders, [str(record.get("scenario", "")) for record, _, _ in read])
    runs = tuple(
        ComparedRun(letter, label, folder, *parts)
        for letter, label, folder, parts in zip(string.ascii_uppercase, labels, folders, read, strict=False)
    )
    differences = scenario_differences([run.values or UNKNOWN for run in runs], _NAMES)
    keys = dict.fromkeys(key for run in runs for key in run.numbers)
    return Comparison(runs, tuple(keys), tuple(differences), tuple(_cautions(runs)))


def _require_runs(folders: Sequence[Path]) -> None:
    problems = [no_run(folder) for folder in folders if not (folder / "run.json").is_file()]
    first_at: dict[Path, Path] = {}
    for folder in folders:
        same = first_at.setdefault(folder.resolve(), folder)
        if same is not folder:
            message = (
                "this run is given twice" if str(same) == str(folder) else f"this is the run {same} again"
            )
            problems.append(Problem(message, "Name each run once.", file=str(folder)))
    if len(folders) < 2:
        given = f"{len(folders)} run" if len(folders) == 1 else "no run"
        remedy = "Name two or more run directories: `cosim compare RUN RUN`."
        problems.append(Problem(f"there is nothing to compare with: {given} given", remedy))
    if len(folders) > MOST_RUNS:
        message = f"{len(folders)} runs are more than fit side by side"
        problems.append(Problem(message, f"Name at most {MOST_RUNS}."))
    if problems:
        raise InputError(problems)


def _read(folder: Path, problems: list[Problem]) -> tuple[dict[str, Any], dict[str, Any], Numbers]:
    """Record, scenario and numbers of a run; empty where there is none, as in a run that was killed."""
    record: dict[str, Any] = {}
    numbers: Numbers = {}
    values: dict[str, Any] = {}
    with collected(problems):
        require_run(folder)
        with collected(problems):
            record = read_run_record(folder)
        with collected(problems):
            numbers = read_summary(folder)
        with collected(problems):
            if (folder / "scenario.yaml").exists():
                values = _mapping(read_yaml(folder / "scenario.yaml").data)
        with collected(problems):
            numbers = {**peaks(folder, _interval_ms(values)), **numbers}
    return record, values, numbers


def _interval_ms(values: dict[str, Any]) -> int:
    """Length of a metering interval: the grid's, an hour without one."""
    minutes = _number(_mapping(values.get("grid")).get("interval_min")) or 60
    return max(1, round(minutes * MS_PER_MINUTE))


def _mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping: a file in a run's directory may have been changed since."""
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """The value where it is a number such as a scenario has."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _MOST else None


def _labels(folders: Sequence[Path], scenarios: Sequence[str]) -> list[str]:
    """Short names, all different: the scenario's for ``results/SCENARIO/TIME-HASH``, else the path's end."""
    resolved = [folder.resolve() for folder in folders]
    short = [
        scenario if scenario and folder.parent.name == scenario else folder.name
        for folder, scenario in zip(resolved, scenarios, strict=True)
    ]
    for labels in (short, [folder.name for folder in resolved], ["/".join(f.parts[-2:]) for f in resolved]):
        if len(set(labels)) == len(labels):
            return labels
    return [str(folder) for folder in resolved]


def _cautions(runs: Sequence[ComparedRun]) -> list[str]:
    """Reasons why two runs' numbers may differ that no scenario value shows."""
    found = []
    if len({json.dumps(run.seed) for run in runs}) > 1:
        seeds = listed([f"{run.letter} {run.seed}" for run in runs])
        found.append(f"The seeds differ ({seeds}): part of every difference is chance.")
    found += [_unfinished(run) for run in runs if not run.is_done]
    spans = {
        (str(_mapping(run.values.get("time")).get("start")), run.duration_ms) for run in runs if run.values
    }
    if len(spans) > 1:
        found.append(
            "The runs cover different times: sums over a run (energy, bills, messages) cannot be compared."
        )
    versions = {str(run.record.get("cosim")) for run in runs}
    if len(versions) > 1:
        each = listed([f"{run.letter} {run.record.get('cosim')}" for run in runs])
        found.append(f"The runs were made by different versions of cosim ({each}).")
    found += [
        f"{run.letter} has no scenario.yaml: how its scenario differs is unknown."
        for run in runs
        if not run.values
    ]
    return found


def _unfinished(run: ComparedRun) -> str:
    reached, duration_ms = run.record.get("simulated_until_ms") or 0, run.duration_ms
    if run.status == "running":
        return f"{run.letter} is still running, or was killed: its numbers are missing or partial."
    how_far = f" after {reached / MS_PER_HOUR:.4g} h" if reached else ""
    of_what = f" of {duration_ms / MS_PER_HOUR:.4g} h" if reached and duration_ms else ""
    return (
        f"{run.letter} is not complete ({run.status}{how_far}{of_what}): its sums are of what it had reached."
    )
