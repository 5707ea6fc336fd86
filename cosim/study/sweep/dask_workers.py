"""Points run by the workers of a Dask scheduler, on however many machines.

Dask itself gives the point of a worker that is gone to another one, and gives up after as many of them as its
scheduler allows (``distributed.scheduler.allowed-failures``).
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cosim.core.errors import InputError, Problem, SimulationError, listed
from cosim.core.plugin_modules import Plugin, for_workers, load_same
from cosim.core.version import VERSION
from cosim.engine.load import ScenarioSource
from cosim.study.sweep.point import KILLED, PointResult, PointTask, run_point
from cosim.study.sweep.sweep_run import More, nothing_more

_TIMEOUT_S = 5
_ADDRESS = re.compile(r"((tcp|tls|ucx|wss?)://)?([^:/\s]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
_MOST_HANDED_OUT = 1000
"""Points that the scheduler knows of at one time: enough for many workers, and little to hold."""


@dataclass(frozen=True)
class DaskWorkers:
    """The workers of a scheduler."""

    client: Any
    """The connection, a `distributed.Client`."""
    n_workers: int
    """How many there were when the sweep began."""
    where: str
    """As ``sweep.json`` says it."""

    def run(
        self, base: ScenarioSource, tasks: Sequence[PointTask], more: More = nothing_more
    ) -> Iterator[PointResult]:
        """See `Executor.run`. Closing the generator takes back what is not finished.

        Raises
        ------
        SimulationError
            If the scheduler is lost, or a worker cannot run points.
        """
        from distributed import as_completed

        waiting = deque(tasks)
        handed_out: dict[Any, PointTask] = {}
        completed = as_completed(loop=self.client.loop)
        try:
            while waiting or handed_out:
                while waiting and len(handed_out) < _MOST_HANDED_OUT:
                    self._hand_out(base, waiting.popleft(), handed_out, completed)
                future = next(completed)
                result = _result(future, handed_out.pop(future))
                yield result
                waiting.extend(more(result))
        finally:
            self.client.cancel(list(handed_out), force=True)

    def _hand_out(
        self, base: ScenarioSource, task: PointTask, handed_out: dict[Any, PointTask], completed: Any
    ) -> None:
        # Not pure: a scheduler that has seen this point before must run it again all the same.
        future = self.client.submit(run_of_version, VERSION, for_workers(), base, task, pure=False)
        handed_out[future] = task
        completed.add(future)


def run_of_version(
    version: str, plugins: Sequence[Plugin], base: ScenarioSource, task: PointTask
) -> PointResult:
    """Run a point on a worker, unless it came late with another cosim, which may give other bytes.

    Raises
    ------
    RuntimeError
        If it did.
    SimulationError
        If it lacks a plugin, or has another version of one.
    """
    if version != VERSION:
        raise RuntimeError(f"a worker has cosim {VERSION}, and this sweep is of {version}")
    load_same(plugins)
    return run_point(base, task)


@contextmanager
def dask_workers(address: str, n_workers: int) -> Iterator[DaskWorkers]:
    """Connect to a scheduler, or start one with workers on this machine.

    Parameters
    ----------
    address : str
        As ``tcp://host:8786``; ``local`` starts a scheduler and workers, which end with the block.
    n_workers : int
        How many to start; without meaning for an address.

    Raises
    ------
    InputError
        If Dask is not installed, nobody answers at the address, or its workers have another cosim.
    """
    try:
        import distributed
    except ImportError:
        message = "Dask is not installed"
        remedy = "Install it with `pip install 'cosim[dask]'`, or leave out --dask."
        raise InputError([Problem(message, remedy, file="--dask")]) from None
    if address == "local":
        with (
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # a free port: with None two clusters want the same
                silence_logs=50,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.wait_for_workers(n_workers)
            yield DaskWorkers(client, n_workers, "dask local")
        return
    with _connected(distributed, address) as client:
        yield DaskWorkers(client, _count_same_version(client, address), f"dask {address}")


def _connected(distributed: Any, address: str) -> Any:
    if not _ADDRESS.fullmatch(address):
        message, remedy = (
            "this is not the address of a scheduler",
            "Write it as tcp://127.0.0.1:8786, or local.",
        )
        raise InputError([Problem(message, remedy, file="--dask", value=address)])
    # What is wrong is raised here as well; the log would print a traceback before it.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        return distributed.Client(address, timeout=_TIMEOUT_S, set_as_default=False)
    except OSError:  # a timeout is one too
        message = f"no Dask scheduler answers at '{address}' within {_TIMEOUT_S} s"
        remedy = (
            "Start one with `dask scheduler`, and give the address it prints, such as tcp://127.0.0.1:8786."
        )
        raise InputError([Problem(message, remedy, file="--dask")]) from None


def _count_same_version(client: Any, address: str) -> int:
    """How many workers there are; those that are there must have this version of cosim."""
    try:
        found: dict[str, str] = client.run(_version)
    except Exception as error:
        message = f"the workers at '{address}' cannot run cosim: {type(error).__name__}: {error}"
        remedy = f"Install cosim {VERSION} where they run."
        raise InputError([Problem(message, remedy, file="--dask")]) from None
    others = sorted({version for version in found.values() if version != VERSION})
    if others:
        message = f"workers at '{address}' have cosim {listed(others)}, and this is {VERSION}"
        raise InputError([Problem(message, "Install the same version where they run.", file="--dask")])
    return len(found)


def _version() -> str:
    """The version of cosim, asked of a worker."""
    return VERSION


def _result(future: Any, task: PointTask) -> PointResult:
    from distributed import KilledWorker

    try:
        result = future.result()
    except KilledWorker:
        return PointResult(task.index, "failed", KILLED)
    except Exception as error:
        raise SimulationError(
            f"Dask could not run a point ({type(error).__name__}: {' '.join(str(error).split())}); "
            "finished points are kept"
        ) from error
    assert isinstance(result, PointResult)
    return result
