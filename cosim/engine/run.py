"""Running a scenario into a directory that always says how the run went."""

from __future__ import annotations

import itertools
import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from cosim.core.errors import CosimError, InputError, Problem
from cosim.core.numbers import Summary
from cosim.core.plugin_modules import blamed, plugins
from cosim.core.registry import PluginError
from cosim.core.version import VERSION
from cosim.engine.answer import answer, read_elements, worst_of
from cosim.engine.builder import Parts, build
from cosim.engine.inputs import keep_inputs, scenario_hash
from cosim.engine.interrupt import Interruption
from cosim.engine.load import LoadedScenario
from cosim.engine.moment import read_beyond, read_moment, read_reductions
from cosim.engine.scenario import RecordConfig, Scenario
from cosim.engine.simulation import Progress, Simulation
from cosim.faults.aftermath import read_aftermaths
from cosim.results.frames import Tables
from cosim.results.metrics import CompleteRun, metric_numbers
from cosim.results.store import Nowhere, RunStore

Status = Literal["running", "done", "failed", "interrupted"]
_PACKAGES = ("simpy", "pandapower", "numpy", "pandas", "pyarrow", "scipy", "pydantic", "simbench")


# Looking a version up reads the package's metadata: milliseconds, for each of many runs of one process.
@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass
class RunRecord:
    """What ``run.json`` holds."""

    scenario: str
    seed: int
    scenario_hash: str
    status: Status = "running"
    cause: str = ""
    start: str = ""
    end: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    events: int = 0
    simulated_until_ms: int = 0
    report: str = "none"
    warnings: tuple[str, ...] = ()
    verdict: str = ""

    def content(self) -> dict[str, Any]:
        """As a mapping, with versions."""
        return {
            "status": self.status,
            "cause": self.cause,
            "verdict": self.verdict,
            "scenario": self.scenario,
            "seed": self.seed,
            "scenario_hash": self.scenario_hash,
            "start": self.start,
            "end": self.end,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "events": self.events,
            "simulated_until_ms": self.simulated_until_ms,
            "report": self.report,
            "warnings": list(self.warnings),
            **versions(),
        }


@dataclass(frozen=True)
class Outcome:
    """How a run went."""

    folder: Path
    """The run's directory."""
    status: Status
    """``done``, ``failed`` or ``interrupted``."""
    summary: dict[str, float | int | None]
    """The numbers of ``summary.json``; of a run that failed those it had until then."""
    cause: str = ""
    """Why it did not end well."""
    report: str = "none"
    """``done``, ``none``, ``interrupted`` or ``failed: ...``: what became of figures and page."""
    verdict: str = ""
    """What came of the run, in one to three sentences; see `answer`."""


def versions() -> dict[str, Any]:
    """Versions of cosim, Python, the packages that make the numbers, and plugins."""
    return {
        "cosim": VERSION,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "plugins": [plugin.content() for plugin in plugins()],
    }


def default_folder(scenario: Scenario, results: Path) -> Path:
    """``results/<scenario>/<time>-<hash>``, which does not exist; the time is the computer's, in UTC."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{stamp}-{scenario_hash(scenario)[:8]}"
    tries = (results / scenario.name / f"{name}{f'-{n}' if n > 1 else ''}" for n in itertools.count(1))
    return next(folder for folder in tries if not folder.exists())


def run_scenario(
    loaded: LoadedScenario,
    folder: Path,
    progress: Progress = lambda now_ms, events: None,
    after: Callable[[Path], None] | None = None,
    warn: Callable[[Sequence[Problem]], None] = lambda warnings: None,
) -> Outcome:
    """Run a scenario.

    Parameters
    ----------
    loaded : LoadedScenario
        What to run.
    folder : Path
        Where results go; must not exist or be empty.
    progress : callable
        Told now and then how far the run is.
    after : callable, optional
        Called with the folder once the tables are complete, to draw figures; its time is a stage of its own.
    warn : callable
        Told what is doubtful about the scenario, before anything is written.

    Returns
    -------
    Outcome
        Also of a run that failed or was interrupted: what it had is on disk and readable.

    Raises
    ------
    InputError
        If the scenario cannot be built; nothing has been written then.
    Exception
        Whatever a fault of the program raised; the run is marked failed then.
    """
    scenario = loaded.scenario
    record = RunRecord(scenario.name, scenario.seed, scenario_hash(scenario), start=_now())
    with _stage(record, "build"):
        parts = build(loaded)
    record.warnings = tuple(map(str, parts.warnings))
    warn(parts.warnings)
    store = _new_store(folder)
    summary: dict[str, float | int | None] = {}
    with Interruption() as interruption:
        try:
            store.write_json("run.json", record.content())
            summary = _run(loaded, parts, store, record, progress, interruption)
        except OSError as error:
            _mark(record, store, "failed", f"could not write results: {_plain(error)}")
        except KeyboardInterrupt:  # the second one: nothing more is written but this
            _mark(record, store, "interrupted", "interrupted by the user, twice")
            raise
        except Exception as error:
            _mark(record, store, "failed", blamed(error) or f"{type(error).__name__}: {error}")
            raise
    if record.status == "done" and after is not None:
        _report(record, store, after, interruption)
    return Outcome(folder, record.status, summary, record.cause, record.report, record.verdict)


def _run(
    loaded: LoadedScenario,
    parts: Parts,
    store: RunStore,
    record: RunRecord,
    progress: Progress,
    interruption: Interruption,
) -> dict[str, float | int | None]:
    """Simulate, and write all there is; the status comes last, so nothing unfinished is ever `done`."""

    def at_rest(now_ms: int, events: int) -> None:
        progress(now_ms, events)
        interruption.check()

    status: Status = "done"
    fault: Exception | None = None
    keep_inputs(loaded, store)
    simulation = Simulation(parts, store, at_rest)
    try:
        with _stage(record, "simulate"):
            simulation.run()
    except KeyboardInterrupt:
        status, record.cause = "interrupted", "interrupted by the user"
    except Exception as error:
        status, record.cause = "failed", blamed(error) or f"{type(error).__name__}: {error}"
        fault = None if isinstance(error, CosimError | OSError | MemoryError) else error
    with _stage(record, "store"):
        simulation.close()
        store.finish_tables()
        summary = Summary()
        try:
            simulation.add_summary(summary)
            if status == "done":
                run = CompleteRun(store.folder, loaded.scenario, dict(summary), Tables(store.folder))
                summary |= metric_numbers(run)
        except PluginError as error:
            status, record.cause = "failed", record.cause or error.problems[0].message
        record.verdict = _verdict(summary, loaded.scenario, store.folder)
        store.write_json("summary.json", {"verdict": record.verdict, **summary})
    record.status = status
    record.end = _now()
    record.events = simulation.events
    record.simulated_until_ms = simulation.now_ms
    store.write_json("run.json", record.content())
    if fault is not None:
        raise fault
    return summary


def _verdict(summary: Summary, scenario: Scenario, folder: Path) -> str:
    elements = read_elements(folder)
    worst = next(iter(worst_of(summary, elements)), None)
    after = read_aftermaths(folder, scenario.time.start, scenario.time.step_ms)
    if worst is None:
        return answer(summary, scenario, elements, aftermaths=after)
    moment, found = read_moment(folder, scenario, worst.hours), read_reductions(folder, scenario)
    beyond = read_beyond(folder, scenario, worst.key, worst.element, worst.hours) if found else None
    return answer(summary, scenario, elements, moment, found, beyond, after)


def preflight(loaded: LoadedScenario) -> list[Problem]:
    """Everything that can be said against a scenario before it runs: errors, and warnings worth a thought.

    They are found on the path that a run takes, up to its first event. A scenario without a grid loads
    neither pandapower nor matplotlib.
    """
    try:
        parts = build(loaded)
        Simulation(parts, Nowhere(), lambda now_ms, events: None)
    except InputError as error:
        return list(error.problems)
    return list(parts.warnings)


_NO_TABLES = RecordConfig(decisions=False, devices=False, meters=False, grid=False)


def summarise(loaded: LoadedScenario) -> Summary:
    """Run a scenario and keep no table of it.

    Returns
    -------
    dict
        The numbers that ``summary.json`` of a run of the same scenario holds.

    Raises
    ------
    InputError
        If the scenario cannot be built.
    Exception
        Whatever made the run fail.
    """
    scenario = loaded.scenario.model_copy(update={"record": _NO_TABLES})
    parts = build(replace(loaded, scenario=scenario))
    simulation = Simulation(parts, Nowhere(), lambda now_ms, events: None)
    simulation.run()
    simulation.close()
    summary = Summary()
    simulation.add_summary(summary)
    return summary


def _mark(record: RunRecord, store: RunStore, status: Status, cause: str) -> None:
    """Mark a run whose results could not all be written; the first cause is kept."""
    record.status, record.end = status, _now()
    record.cause = record.cause or cause
    # On a full disk run.json still says "running", or is not there; neither claims anything.
    with suppress(OSError):
        store.write_json("run.json", record.content())


def _plain(error: OSError) -> str:
    """What the system says; Arrow wraps it."""
    return str(error) if error.errno is None else os.strerror(error.errno)


def _new_store(folder: Path) -> RunStore:
    try:
        return RunStore(folder)
    except OSError as error:
        message = f"the run directory cannot be created: {error.strerror or error}"
        raise InputError([Problem(message, "Choose another with --out.", file=str(folder))]) from None


def _report(
    record: RunRecord, store: RunStore, after: Callable[[Path], None], interruption: Interruption
) -> None:
    """Draw; the run is complete without it, and `cosim report` makes up for it."""
    try:
        interruption.check()  # one that came while the tables were written
        with _stage(record, "report"):
            after(store.folder)
        record.report = "done"
    except KeyboardInterrupt:
        record.report = "interrupted"
    except Exception as error:
        told = str(error) if isinstance(error, CosimError) else f"{type(error).__name__}: {error}"
        record.report = f"failed: {blamed(error) or told}"
    store.write_json("run.json", record.content())


class _stage:  # noqa: N801 - reads as a statement
    """Adds the seconds that a block takes to a record."""

    def __init__(self, record: RunRecord, name: str) -> None:
        self._record, self._name = record, name

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._record.seconds[self._name] = time.perf_counter() - self._began


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
