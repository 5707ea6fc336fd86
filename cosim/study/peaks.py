"""Largest powers of a run, read from its tables: of the feeder, a household, all households together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.numbers import Number, declared
from cosim.engine.wings import columns_of
from cosim.results.run_tables import batches, table_files

Array = NDArray[np.float64]
Numbers = dict[str, float | int | None]
PEAKS = tuple(
    number
    for of, whose, words, source in (
        ("feeder", "feeder", "over the slack", "table `power_flow`"),
        ("household", "a household", "of any one household", "table `meters`"),
        ("all_households", "all households", "of all households together", "table `meters`"),
    )
    for number in declared(
        "Peaks",
        source,
        *(
            Number(
                f"peak_{of}_{way}_kw",
                f"peak {way}, {whose}",
                "kW",
                f"largest {way} {words}, mean of an interval; 0 where there is none",
                "less",
            )
            for way in ("import", "export")
        ),
    )
)
"""Numbers that a comparison takes from the tables, beside those of the summary."""


def peaks(run_folder: Path, interval_ms: int) -> Numbers:
    """Largest import and export, kW, each as the mean of an interval.

    Parameters
    ----------
    run_folder : Path
        The run's directory; of a run that was killed, what it had written counts.
    interval_ms : int
        Length of a metering interval, ms.

    Returns
    -------
    dict
        ``peak_feeder_import_kw`` and ``..._export_kw``: over the slack, from `power_flow`; intervals that
        were not solved do not count. ``peak_household_...``: of any one household, and
        ``peak_all_households_...``: of all of them in the same interval, both from `meters`. An export that
        never happens is 0, and so is such an import. A table that is missing or empty gives no numbers.

    Raises
    ------
    InputError
        If a table cannot be read.
    """
    return {**_feeder_peaks(run_folder), **_household_peaks(run_folder, interval_ms)}


def _feeder_peaks(run_folder: Path) -> Numbers:
    largest = _Largest()
    for columns in _batches(run_folder, "power_flow", ("p_slack_mw",)):
        largest.add(1000 * columns["p_slack_mw"])
    return largest.result("feeder")


def _household_peaks(run_folder: Path, interval_ms: int) -> Numbers:
    hours = interval_ms / MS_PER_HOUR
    one, together = _Largest(), _Largest()
    open_time, open_kwh = None, 0.0
    for columns in _batches(run_folder, "meters", ("time", "net_kwh")):
        time, net_kwh = columns["time"], columns["net_kwh"]
        one.add(net_kwh / hours)
        starts = np.flatnonzero(np.append(True, time[1:] != time[:-1]))
        sums = np.add.reduceat(net_kwh, starts)
        # An interval may be split between two batches: the last one is closed when the next has begun.
        if open_time is not None and time[0] == open_time:
            sums[0] += open_kwh
        elif open_time is not None:
            together.add(np.array([open_kwh / hours]))
        together.add(sums[:-1] / hours)
        open_time, open_kwh = time[-1], float(sums[-1])
    if open_time is not None:
        together.add(np.array([open_kwh / hours]))
    return {**one.result("household"), **together.result("all_households")}


class _Largest:
    """Smallest and largest of what was added, NaN aside."""

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf

    def add(self, p_kw: Array) -> None:
        known = p_kw[np.isfinite(p_kw)]
        if len(known):
            self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))

    def result(self, of: str) -> Numbers:
        if self.high < self.low:
            return {}
        return {
            f"peak_{of}_import_kw": max(self.high, 0.0),
            f"peak_{of}_export_kw": max(-self.low, 0.0),
        }


def _batches(run_folder: Path, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns of a table, a row group at a time; nothing where there is no such table."""
    for file in table_files(run_folder, table, columns_of(table)):
        for batch in batches(file, columns):
            yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in columns}
