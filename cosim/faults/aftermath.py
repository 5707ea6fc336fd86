"""When the resources that a fault hit were near their targets again, step by step, from a run's tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cosim.core.clock import MS_PER_HOUR
from cosim.faults.recovery import BAND, WINDOW
from cosim.results.run_tables import batches, rows_between, table_files

Key = tuple[str, str, str]
"""Fault, community, resource."""


class Aftermath(NamedTuple):
    """How a resource came back from a fault."""

    near: float
    """A deviation of so many units or less is near the target: `BAND` times the level before."""
    back_h: float | None
    """When the first step after the fault began that was near, hours since the run's start; None where none
    was, or of a fault with several episodes."""


def read_aftermaths(folder: Path, start: datetime, step_ms: int) -> dict[Key, Aftermath]:
    """How each resource came back from each fault; of those alone whose level before is known.

    Parameters
    ----------
    folder : Path
        The run's directory, whose tables are whole.
    start : datetime
        Of the run.
    step_ms : int
        Length of a step.
    """
    episodes: dict[Key, list[dict[str, Any]]] = {}
    columns = ["fault", "community", "resource", "end", "rmse_before", "recovery_h"]
    for file in table_files(folder, "fault_effects"):
        for batch in batches(file, columns):
            for row in batch.to_pylist():
                if _is_known(row["rmse_before"]):
                    key = (row["fault"], row["community"], row["resource"])
                    episodes.setdefault(key, []).append(row)
    found = {}
    for key, rows in episodes.items():
        near = BAND * max(row["rmse_before"] for row in rows)
        once = rows[0] if len(rows) == 1 and _is_known(rows[0]["recovery_h"]) else None
        back = _back(folder, step_ms, key, once, near) if once else None
        hours = None if back is None else (back - start) / timedelta(milliseconds=MS_PER_HOUR)
        found[key] = Aftermath(near, hours)
    return found


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _back(folder: Path, step_ms: int, key: Key, episode: Mapping[str, Any], near: float) -> datetime | None:
    """When the first step began that was near; of the first `WINDOW` after the recovery at least one is, as
    their root mean square is."""
    end, step = episode["end"], timedelta(milliseconds=step_ms)
    until = end + timedelta(hours=episode["recovery_h"]) + (WINDOW + 2) * step
    rows = [
        row
        for file in table_files(folder, "regulation")
        for row in rows_between(file, ["time", "community", "resource", "capacity", "aggregate"], end, until)
        if (row["community"], row["resource"]) == key[1:]
    ]
    return next(_near_steps(rows, near), None)


def _near_steps(rows: list[dict[str, Any]], near: float) -> Iterator[datetime]:
    """When the steps began, in order, that were near; a step's deed stands in the row of its end."""
    for begin, end in pairwise(rows):
        if abs(end["aggregate"] - begin["capacity"]) <= near:
            yield begin["time"]
