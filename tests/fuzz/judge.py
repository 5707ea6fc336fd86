"""What a case came to: refused, accepted, run; or a failure, with what failed."""

from __future__ import annotations

import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from cases import SCENARIO, Case, as_yaml, encoded, shorten_time

from cosim.config.load import load_scenario
from cosim.engine.preflight import preflight
from cosim.engine.run import run_scenario
from cosim.errors import InputError, Problem

SECONDS = 20.0
"""Processor time that a check or a run may take; on a busy machine the clock on the wall says less."""
MEMORY_BYTES = 2 * 2**30
"""What a check or a run may take of memory on top of what the loaded libraries have."""
MOST_HOUSEHOLDS = 6

Status = Literal["refused", "accepted", "ran", "failed"]


@dataclass(frozen=True)
class Verdict:
    """How a case went.

    Attributes
    ----------
    status : str
        ``refused`` by check; ``accepted`` by it, and not run, since its short form is refused; ``ran``; ``failed``.
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
                found = _errors(folder / SCENARIO)
                if found:
                    return Verdict("refused", details="\n".join(map(str, found)))
                if not _shorten(folder):
                    return Verdict("accepted")
                if _errors(folder / SCENARIO):
                    return Verdict("accepted")
                step = "run"
                return _run(folder)
        except TooSlow:
            return Verdict("failed", f"{step}: longer than {SECONDS:g} s", traceback.format_exc())
        except BaseException as error:
            return Verdict("failed", f"{step}: {_where(error)}", traceback.format_exc())


def _errors(file: Path) -> list[Problem]:
    """What check refuses a scenario for, each a sentence; at least one where anything is refused."""
    try:
        problems = preflight(load_scenario(str(file)))
    except InputError as error:
        assert error.problems, "refused without a word"
        problems = list(error.problems)
    for problem in problems:
        assert problem.message, "a problem without a message"
        assert len(str(problem)) < 10_000, "a problem of more than 10,000 characters"
    return [problem for problem in problems if problem.severity == "error"]


def _run(folder: Path) -> Verdict:
    loaded = load_scenario(str(folder / SCENARIO))
    try:
        outcome = run_scenario(loaded, folder / "out")
    except InputError as error:
        return Verdict("failed", f"run: refused what check accepted: {error.problems[0].message}", str(error))
    finally:
        shutil.rmtree(folder / "out", ignore_errors=True)
    if outcome.status != "done":
        return Verdict("failed", f"run: {outcome.status}: {outcome.cause[:120]}", outcome.cause)
    return Verdict("ran")


def _shorten(folder: Path) -> bool:
    """Make a run of the scenario short; False where it has no short form."""
    scenario = load_scenario(str(folder / SCENARIO)).scenario
    tree: dict[str, Any] = scenario.model_dump(mode="json", exclude_unset=True)
    for group in tree["groups"]:
        group["households"] = min(group["households"], MOST_HOUSEHOLDS)
    if len(tree["groups"]) > 3 * MOST_HOUSEHOLDS:
        return False
    if scenario.time.n_steps > 48 or scenario.time.duration_ms > 48 * 3_600_000:
        shorten_time(tree)
    if tree.get("grid"):
        tree["grid"]["verify_power_flow"] = min(tree["grid"].get("verify_power_flow", 0), 2)
    tree["report"] = {"figures": False}
    (folder / SCENARIO).write_bytes(encoded(as_yaml(tree)))
    return True


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
