"""The directory of a sweep: what it is, what is done of it, and the table that comes of it.

While a sweep goes on, each point that has ended is a line of ``finished.jsonl``; ``points.parquet`` is made
of these lines whenever the sweep stops.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shlex
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cosim.config.dump import block_yaml
from cosim.core.errors import InputError, Problem, SimulationError
from cosim.engine.run import versions
from cosim.results.run_files import read_sweep_record
from cosim.results.safe_files import require_plain, write_whole
from cosim.study.sweep.finished import FINISHED, FinishedPoints
from cosim.study.sweep.point import PointResult, PointTask
from cosim.study.sweep.points_table import write_points
from cosim.study.sweep.sweep_plan import Point, SweepPlan

_RECORD = "sweep.json"


def new_folder(plan: SweepPlan, results: Path) -> Path:
    """``results/<sweep>/<time>-<hash>``, which does not exist; the time is the computer's, in UTC."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{plan.hash[:8]}"
    tries = (
        results / plan.sweep.config.name / f"{name}{f'-{n}' if n > 1 else ''}" for n in itertools.count(1)
    )
    return next(folder for folder in tries if not folder.exists())


def latest_folder(plan: SweepPlan, results: Path) -> Path:
    """The newest directory of the same sweep under ``results/<sweep>/``.

    Raises
    ------
    InputError
        If there is none.
    """
    parent = results / plan.sweep.config.name
    found = sorted(parent.glob(f"*-{plan.hash[:8]}*/{_RECORD}"))
    if not found:
        message = "nothing to resume: no directory holds this sweep in its present form"
        raise InputError([Problem(message, "Give one with --out, or leave out --resume.", file=str(parent))])
    return found[-1].parent


class SweepFolder:
    """The directory of a sweep that is going on.

    Attributes
    ----------
    folder : Path
        The directory.
    plan : SweepPlan
        The points.
    """

    def __init__(self, folder: Path, plan: SweepPlan, record: dict[str, Any]) -> None:
        self.folder, self.plan = folder, plan
        self._record = record
        self._finished = FinishedPoints(folder)
        self._remove_unfinished()

    @classmethod
    def create(cls, folder: Path, plan: SweepPlan, input_files: Iterable[str]) -> SweepFolder:
        """Begin a new directory.

        Parameters
        ----------
        folder : Path
            Must not exist or be empty.
        plan : SweepPlan
            The points.
        input_files : iterable of str
            Files beside the base scenario that go along with it.

        Raises
        ------
        InputError
            If there is something in it, or it cannot be made.
        """
        require_empty(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_sweep(folder, plan, input_files)
        except OSError as error:
            message = f"the sweep directory cannot be created: {error.strerror or error}"
            raise InputError([Problem(message, "Choose another with --out.", file=str(folder))]) from None
        record = {
            "status": "running",
            "sweep": plan.sweep.config.name,
            "hash": sweep_hash(plan, input_files),
            "start": _now(),
            "end": "",
            "seconds": 0.0,
            "points": len(plan.points),
            "done": 0,
            "failed": 0,
            **versions(),
        }
        made = cls(folder, plan, record)
        made._write_record()
        return made

    @classmethod
    def reopen(cls, folder: Path, plan: SweepPlan, input_files: Iterable[str]) -> SweepFolder:
        """Go on in a directory.

        Raises
        ------
        InputError
            If it is no directory of a sweep, of another one, or made by another version of cosim; it is left
            as it is then.
        """
        record = _read_record(folder)
        if record.get("hash") != sweep_hash(plan, input_files):
            message = (
                f"this is the directory of another sweep, or of this one before its points were changed "
                f"('{record.get('sweep')}', {record.get('points')} points, {record.get('hash')})"
            )
            own = shlex.join(["cosim", "sweep", f"{folder}/sweep.yaml", "--out", f"{folder}", "--resume"])
            remedy = f"Choose another with --out, or continue its own sweep with `{own}`."
            raise InputError([Problem(message, remedy, file=str(folder))])
        if record.get("cosim") != versions()["cosim"]:
            message = (
                f"the points were made by cosim {record.get('cosim')}, and this is {versions()['cosim']}"
            )
            remedy = "Resume with that version, or start again with another --out."
            raise InputError([Problem(message, remedy, file=str(folder))])
        if record.get("plugins", []) != versions()["plugins"]:
            message = f"the points were made with other plugins ({_plugins(record.get('plugins'))})"
            remedy = "Resume with those, in the same versions, or start again with another --out."
            raise InputError([Problem(message, remedy, file=str(folder))])
        reopened = cls(folder, plan, {**record, **versions(), "status": "running", "end": ""})
        beyond = sorted(reopened.results.keys() - {point.index for point in plan.points})
        if beyond:
            reopened._finished.close()
            message, remedy = "this sweep has no point with this number", "Remove its line."
            file = str(folder / FINISHED)
            raise InputError([Problem(message, remedy, file=file, value=str(index)) for index in beyond])
        return reopened

    def begin(self, n_workers: int, where: str) -> None:
        """Note who is going to run the points."""
        self._record.update(workers=n_workers, executor=where)
        self._write_record()

    def tasks(self, among: Collection[int] | None = None) -> list[PointTask]:
        """The points still to be run, of all or of some; those that failed before are tried again."""
        waiting = [
            point
            for point in self._points(among)
            if point.index not in self.results or self.results[point.index].status == "failed"
        ]
        return [
            PointTask(
                p.index, p.combination.settings, p.seed, str(self._unfinished(p)) if self._keeps_runs else ""
            )
            for p in waiting
        ]

    def _points(self, among: Collection[int] | None) -> list[Point]:
        return self.plan.points if among is None else [self.plan.points[index] for index in sorted(among)]

    def add(self, result: PointResult) -> None:
        """Keep what came of a point.

        Raises
        ------
        SimulationError
            If it cannot be written down; what came before it is kept.
        """
        with _said_where_it_cannot_be_written(self.folder):
            if result.folder:
                self._move_run(result)
            self._finished.add(result)

    @property
    def results(self) -> dict[int, PointResult]:
        """Number of a point to its result, of all that have ended."""
        return self._finished.results

    @property
    def n_failed(self) -> int:
        """How many points failed."""
        return sum(result.status == "failed" for result in self.results.values())

    def close(self, status: str, seconds: float) -> None:
        """Write the table of what there is, and how the sweep ended.

        Raises
        ------
        SimulationError
            If that cannot be written; the record says so as far as it can.
        """
        self._remove_unfinished()
        self._record.update(
            status="failed",
            end=_now(),
            seconds=round(float(self._record["seconds"]) + seconds, 3),
            done=len(self.results) - self.n_failed,
            failed=self.n_failed,
        )
        with _said_where_it_cannot_be_written(self.folder):
            try:
                write_points(self.folder / "points.parquet", self.plan, self.results)
                self._record["status"] = status
            finally:
                with closing(self._finished):
                    self._write_record()

    @property
    def _keeps_runs(self) -> bool:
        return self.plan.sweep.config.keep == "runs"

    def _unfinished(self, point: Point) -> Path:
        # Absolute, for workers whose working directory is another one.
        return self.folder.resolve() / "points" / ".unfinished" / f"{point.index:05d}"

    def _move_run(self, result: PointResult) -> None:
        """Put the directory of a run that has ended in its place."""
        target = self.folder / "points" / f"{result.index:05d}"
        shutil.rmtree(target, ignore_errors=True)
        if Path(result.folder).is_dir():
            os.replace(result.folder, target)
        elif result.status == "done":
            raise SimulationError(
                f"point {result.index} has run, but its directory is not here: with `keep: runs` workers on "
                "other machines must share the sweep's folder, under the same path; or take `keep: summary`"
            )

    def _remove_unfinished(self) -> None:
        shutil.rmtree(self.folder / "points" / ".unfinished", ignore_errors=True)

    def _write_record(self) -> None:
        text = json.dumps(self._record, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.folder / _RECORD, text)


def open_folder(
    plan: SweepPlan, input_files: Iterable[str], folder: Path | None, resume: bool, results: Path
) -> SweepFolder:
    """The directory to run a sweep into, new or with what it holds.

    Parameters
    ----------
    plan : SweepPlan
        The points.
    input_files : iterable of str
        Files beside the base scenario that points name.
    folder : Path, optional
        The directory; by default a new one below `results`, or the newest one of the same sweep there.
    resume : bool
        Go on with what is there.
    results : Path
        Where the directories of sweeps are made.

    Raises
    ------
    InputError
        If there is something that is not to be resumed, or nothing to resume, or another sweep.
    """
    if resume:
        return SweepFolder.reopen(folder or latest_folder(plan, results), plan, input_files)
    return SweepFolder.create(folder or new_folder(plan, results), plan, input_files)


def require_empty(folder: Path) -> None:
    """Refuse a place that holds something.

    Raises
    ------
    InputError
        Saying how to go on, where it is a sweep.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    message = "this path is already in use, and a sweep never overwrites anything"
    remedy = "Choose an empty or new directory with --out."
    if (folder / _RECORD).is_file():
        remedy = "Add --resume to continue it, or choose another directory with --out."
    raise InputError([Problem(message, remedy, file=str(folder))])


def sweep_hash(plan: SweepPlan, input_files: Iterable[str]) -> str:
    """Twelve hexadecimal digits of the points and of the content of the files that they name."""
    digest = hashlib.sha256(plan.hash.encode())
    for file in input_files:
        digest.update(file.encode())
        digest.update(hashlib.sha256((plan.sweep.base.folder / file).read_bytes()).digest())
    return digest.hexdigest()[:12]


def _write_sweep(folder: Path, plan: SweepPlan, input_files: Iterable[str]) -> None:
    """The sweep as it is, and beside it the base scenario and its files where these are not built in."""
    sweep = plan.sweep
    content = sweep.config.model_dump(mode="json", exclude_defaults=True)
    if not sweep.is_base_built_in:
        inputs = folder / "inputs"
        inputs.mkdir()
        content["base"] = f"inputs/{sweep.base_file.name}"
        (inputs / sweep.base_file.name).write_text(block_yaml(sweep.base.document.data), encoding="utf-8")
        for file in input_files:
            (inputs / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sweep.base.folder / file, inputs / file)
    (folder / "sweep.yaml").write_text(block_yaml(content), encoding="utf-8")


def _plugins(found: Any) -> str:
    """Plugins of a record, in words."""
    return ", ".join(f"{each['module']} {each['version']}" for each in found or ()) or "none"


def _read_record(folder: Path) -> dict[str, Any]:
    if not (folder / _RECORD).is_file():
        message = "there is no sweep to resume here"
        remedy = "Give its directory with --out, or leave out --resume."
        raise InputError([Problem(message, remedy, file=str(folder))])
    require_plain(
        folder,
        (_RECORD, f"{_RECORD}.partial", "sweep.yaml", FINISHED, "points.parquet", "points.parquet.partial"),
        ("points",),
    )
    return read_sweep_record(folder)


@contextmanager
def _said_where_it_cannot_be_written(folder: Path) -> Iterator[None]:
    """Let a full disc, or one that is gone, be told as what it is."""
    try:
        yield
    except OSError as error:
        raise SimulationError(
            f"{folder} cannot be written: {error.strerror}. Finished points are kept; correct this, and "
            "continue with --resume"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
