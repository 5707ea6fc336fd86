"""What a case came to: refused, accepted, run; or a failure, with what failed."""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from cases import SCENARIO, Case, shorten_time
from pydantic import ValidationError

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import InputError, Problem
from cosim.engine.load import LoadedScenario, load_scenario
from cosim.engine.run import preflight, run_scenario
from cosim.engine.scenario import Scenario

SECONDS = 20.0
"""Processor time that a check or a run may take; on a busy machine the clock on the wall says less."""
MEMORY_BYTES = 2 * 2**30
"""What a check or a run may take of memory on top of what the loaded libraries have."""
LONGEST_PROBLEM = 5_000
MOST_HOUSEHOLDS = 40
SHORT_STEPS, MOST_STEPS = 48, 2_000
"""What a run in full may have, of households and of steps."""

Status = Literal["refused", "accepted", "ran", "failed"]


@dataclass(frozen=True)
class Verdict:
    """How a case went.

    Attributes
    ----------
    status : str
        ``refused`` by check; ``ran``; ``failed``; ``accepted`` by check, but not in the short form that
        would be run.
    cause : str
        What failed, and where: the same for the same fault.
    details : str
        A traceback, or what was told.
    """

    status: Status
    cause: str = ""
    details: str = ""


class TooSlow(BaseException):
    """Not an Exception: nothing in between must take it for one of its own."""


def judge(case: Case) -> Verdict:
    """Check a case, and run a short form of it."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as made:
        folder = Path(made)
        for name, raw in case.files.items():
            (folder / name).write_bytes(raw)
        step = "check"
        try:
            with _limits():
                loaded = _accepted(folder / SCENARIO)
                if isinstance(loaded, Verdict):
                    return loaded
                short = _short(loaded.scenario)
                if short is None:
                    return Verdict("accepted")
                if short is not loaded.scenario:
                    loaded = replace(loaded, scenario=short)
                    if _errors(preflight(loaded)):
                        return Verdict("accepted")
                step = "run"
                return _run(loaded, folder / "out")
        except TooSlow:
            return Verdict("failed", f"{step}: longer than {SECONDS:g} s", traceback.format_exc())
        except BaseException as error:
            return Verdict("failed", f"{step}: {_where(error)}", traceback.format_exc())


def _accepted(file: Path) -> LoadedScenario | Verdict:
    """The scenario that check accepts, or what it refuses it for."""
    try:
        loaded = load_scenario(str(file))
        problems = preflight(loaded)
    except InputError as error:
        if not _errors(error.problems):
            return Verdict("failed", "check: refused without a word")
        return Verdict("refused", details=str(error))
    if found := _errors(problems):
        return Verdict("refused", details="\n".join(map(str, found)))
    return loaded


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    """The errors among problems, each of which must be a sentence that somebody can read."""
    for problem in problems:
        assert problem.message, "a problem without a message"
        assert len(str(problem)) < LONGEST_PROBLEM, "a problem that nobody reads to its end"
    return [problem for problem in problems if problem.severity == "error"]


def _run(loaded: LoadedScenario, folder: Path) -> Verdict:
    try:
        outcome = run_scenario(loaded, folder)
    except InputError as error:
        return Verdict("failed", f"run: refused what check accepted: {error.problems[0].message}", str(error))
    if outcome.status != "done":
        return Verdict("failed", f"run: {outcome.status}: {outcome.cause[:120]}", outcome.cause)
    return Verdict("ran")


def _short(scenario: Scenario) -> Scenario | None:
    """A scenario of which a run is short: itself where it is, None where there is none such."""
    grid, time = scenario.grid, scenario.time
    is_short = (
        time.n_steps <= SHORT_STEPS
        and time.duration_ms <= SHORT_STEPS * MS_PER_HOUR
        and scenario.n_households <= MOST_HOUSEHOLDS
        and (grid is None or grid.verify_power_flow <= 2)
        and not scenario.report.figures
    )
    if is_short:
        return scenario
    tree: dict[str, Any] = scenario.model_dump(mode="json", exclude_unset=True)
    shorten_time(tree)
    for group in tree["groups"]:
        group["households"] = min(group["households"], MOST_HOUSEHOLDS)
    if grid is not None:
        tree["grid"]["verify_power_flow"] = min(grid.verify_power_flow, 2)
    tree["report"] = {"figures": False}
    try:
        shorter = Scenario.model_validate(tree)
    except ValidationError:
        return None
    # Hours of a feeder or a market in steps of milliseconds are as many as they are.
    return shorter if shorter.time.n_steps <= MOST_STEPS else None


def _where(error: BaseException) -> str:
    """The error's class and the innermost place of cosim that it came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/cosim/" in f.filename]
    place = f"{frames[-1].filename.rpartition('/cosim/')[2]}:{frames[-1].name}" if frames else "outside"
    return f"{type(error).__name__} in {place}: {str(error)[:100]}"


@contextmanager
def _limits() -> Iterator[None]:
    """Interrupt what takes too long, and let what takes too much memory run out of it."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + MEMORY_BYTES, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """What the process has taken of memory so far, as RLIMIT_DATA counts."""
    if not sys.platform.startswith("linux"):
        return 0
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmData:")[2].split()[0])
