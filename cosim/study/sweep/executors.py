"""Who runs the points of a sweep: processes of this machine, or workers of Dask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cosim.core.errors import InputError, Problem
from cosim.study.sweep.dask_workers import dask_workers
from cosim.study.sweep.local_workers import LocalWorkers
from cosim.study.sweep.sweep_run import Executor


@contextmanager
def executor(dask: str | None = None, n_workers: int | None = None) -> Iterator[Executor]:
    """Whoever is to run the points, for as long as the block lasts.

    Parameters
    ----------
    dask : str, optional
        Address of a Dask scheduler, or ``local`` for one that is started here.
    n_workers : int, optional
        Processes to start; as many as this machine has cores for this process by default.

    Raises
    ------
    InputError
        If the scheduler cannot be reached.
    """
    if dask is not None and dask != "local" and n_workers is not None:
        message = "a scheduler that is already running has as many workers as were started"
        raise InputError([Problem(message, "Leave out --workers, or use --dask local.", file="--workers")])
    n_workers = n_workers or len(os.sched_getaffinity(0))
    if dask is None:
        yield LocalWorkers(n_workers)
        return
    with dask_workers(dask, n_workers) as workers:
        yield workers
