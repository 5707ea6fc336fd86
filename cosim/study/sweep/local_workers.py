"""Points run by processes of this machine.

Each worker is a process of its own that lives as long as the sweep. It has one point at a time, so that it is
known whose turn it was when it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Thread
from types import ModuleType

from cosim.core.errors import SimulationError
from cosim.core.plugin_modules import Plugin, for_workers, load_same
from cosim.engine.load import ScenarioSource
from cosim.study.sweep.point import KILLED, MOST_KILLS, PointResult, PointTask, run_point
from cosim.study.sweep.sweep_run import More, nothing_more

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_READY = "ready"


@dataclass
class _Worker:
    """A process, its end of the line, and what it is at work on."""

    process: SpawnProcess
    line: Connection
    task: PointTask | None = None
    is_ready: bool = False

    def give(self, task: PointTask) -> None:
        """Hand over a point; a worker that is gone is noticed when its answer is read."""
        self.task = task
        try:
            self.line.send(task)
        except OSError:
            return

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.line.close()
        self.process.kill()
        self.process.join()


@dataclass(frozen=True)
class LocalWorkers:
    """Processes of this machine."""

    n_workers: int
    """How many."""
    where: str = "local processes"
    """As ``sweep.json`` says it."""

    def run(
        self, base: ScenarioSource, tasks: Sequence[PointTask], more: More = nothing_more
    ) -> Iterator[PointResult]:
        """See `Executor.run`.

        The point of a worker that is killed is taken up by another one, and given up after `MOST_KILLS` of
        them. Closing the generator ends all workers.

        Raises
        ------
        SimulationError
            If workers do not start, or lack a plugin.
        """
        pool = _Pool(base, tasks, self.n_workers)
        try:
            while pool.is_busy:
                for result in pool.answers():
                    yield result
                    pool.add(more(result))
        finally:
            pool.end()


class _Pool:
    """The workers of one sweep, and the points that wait."""

    def __init__(self, base: ScenarioSource, tasks: Sequence[PointTask], n_workers: int) -> None:
        self._base = base
        self._waiting = deque(tasks)
        self._kills: Counter[int] = Counter()
        self._failed_starts = 0
        self._plugins = for_workers()
        self._workers = [_start(base, self._plugins) for _ in range(min(n_workers, len(tasks)))]

    @property
    def is_busy(self) -> bool:
        """Whether a point waits or is being run."""
        return bool(self._waiting) or any(worker.task for worker in self._workers)

    def answers(self) -> Iterator[PointResult]:
        """Wait until some worker says something, and hand out points to those that have none."""
        listening = {w.line: w for w in self._workers if w.task or not w.is_ready}
        for line in wait(list(listening)):
            worker = listening[line]  # type: ignore[index]
            try:
                answer = worker.line.recv()
            except (EOFError, OSError):
                yield from self._replace(worker)
                continue
            if isinstance(answer, SimulationError):
                raise answer
            worker.is_ready, worker.task, self._failed_starts = True, None, 0
            if isinstance(answer, PointResult):
                self._hand_out()
                yield answer
        self._hand_out()

    def add(self, tasks: Sequence[PointTask]) -> None:
        """Take more points."""
        if tasks:
            self._waiting.extend(tasks)
            self._hand_out()

    def end(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self._workers:
            worker.end()

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.is_ready and worker.task is None and self._waiting:
                worker.give(self._waiting.popleft())

    def _replace(self, dead: _Worker) -> Iterator[PointResult]:
        """Another worker for one that is gone; its point goes first, or is given up."""
        task = dead.task
        dead.end()
        self._failed_starts += task is None
        if self._failed_starts >= MOST_KILLS:
            raise SimulationError(
                f"{MOST_KILLS} worker processes ended before they could begin; `cosim run` of one point may "
                "say why (--dry-run shows how)"
            )
        self._workers[self._workers.index(dead)] = _start(self._base, self._plugins)
        if task is None:
            return
        self._kills[task.index] += 1
        if self._kills[task.index] < MOST_KILLS:
            self._waiting.appendleft(task)
        else:
            yield PointResult(task.index, "failed", KILLED)


def _start(base: ScenarioSource, plugins: Sequence[Plugin]) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, base, plugins), daemon=True)
    # Where it starts with the first worker, it lets Ctrl-C in again for that one.
    resource_tracker.ensure_running()
    with _one_thread_each(), _without_interrupts(), _without_main():
        process.start()
    theirs.close()  # so that its end is noticed when the worker is gone
    return _Worker(process, ours)


def _serve(line: Connection, base: ScenarioSource, plugins: Sequence[Plugin]) -> None:
    """What a worker does: take a point, run it, answer; until nobody is there to listen."""
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        try:
            load_same(plugins)
        except SimulationError as error:
            line.send(error)
            return
        line.send(_READY)
        while True:
            line.send(run_point(base, line.recv()))
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed maybe, and not only after its point."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let processes started in here never see Ctrl-C, from their first moment on.

    It goes to every process of the terminal; the one that hands out the points deals with it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Let processes started in here not run the user's script again, as a spawned one else begins by doing.

    So a script may sweep without asking whether it is the one that was started.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let libraries of processes started in here use one thread: the workers share the cores already."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
