"""What of the platforms' signals did not reach the households, over time: lost, late, or never sent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cosim.report.page.charts import Chart, chart, series
from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms

Times = NDArray[np.int64]

_NONE = -1
"""In place of the number of a signal, where a household made no decision."""


def silent_ticks(run: RunData) -> dict[str, tuple[int, int]]:
    """By community whose platform was down at times: how many ticks came then, and the members at these.

    The second number is that of the signals that were not sent.
    """
    if not run.has("regulation", "measured", "members"):
        return {}
    table = run.read("regulation", ["time", "community", "measured", "members"])
    names, found = np.array(text_list(table["community"])), {}
    for community in dict.fromkeys(names.tolist()):
        rows = (names == community) & np.isnan(table["measured"])
        at, first = np.unique(table["time"][rows], return_index=True)  # a row a resource, one signal for all
        if len(at):
            found[community] = len(at), int(table["members"][rows][first].sum())
    return found


def signal_charts(run: RunData) -> Iterator[Chart]:
    """Which share of the households decided without a new signal, step by step; none where all had one."""
    if not run.has("decisions", "step", "prosumer", "signal_step"):
        return
    made, again = _decided(run)
    if not again.any():
        return
    steps = np.flatnonzero(made)
    zero, step_ms = start_ms(run), run.scenario.time.step_ms
    share = 100 * again[steps] / made[steps]
    about = (
        "How many of the households that decide in a step have heard no newer signal since they last did: it "
        "was lost, came too late for them, or was never sent. They act by the last one that they have."
    )
    yield chart(
        "no_new_signal",
        "Households without a new signal",
        "% of those that decide",
        [series("without a new signal", zero + (steps - 1) * step_ms, share, zero, steps=True)],
        about=about,
        tables="decisions",
    )


def _decided(run: RunData) -> tuple[Times, Times]:
    """By step, how many households decided, and how many of these by the signal that they had before."""
    homes = {name: place for place, name in enumerate(run.distinct("decisions", "prosumer"))}
    made = again = np.zeros(0, np.int64)
    before, first = np.full((0, len(homes)), _NONE, np.int64), 0
    for batch in run.batches("decisions", ["step", "prosumer", "signal_step"]):
        who = np.array([homes[name] for name in batch["prosumer"].texts])[batch["prosumer"].codes]
        # Two steps of the batch before go along: one may be split, and needs the one before it.
        last = int(batch["step"].max())
        rows = np.full((last + 1 - first, len(homes)), _NONE, np.int64)
        rows[: len(before)] = before
        rows[batch["step"] - first, who] = batch["signal_step"]
        decided = rows[1:] != _NONE
        heard = rows.copy()
        for row in range(1, len(heard)):  # who does not decide keeps what it has heard
            heard[row] = np.where(rows[row] == _NONE, heard[row - 1], rows[row])
        made, again = (np.pad(each, (0, max(0, last + 1 - len(each)))) for each in (made, again))
        made[first + 1 : last + 1] = decided.sum(axis=1)
        again[first + 1 : last + 1] = (decided & (heard[1:] == heard[:-1])).sum(axis=1)
        before, first = np.array([*heard[-2:-1], rows[-1]]), max(first, last - 1)
    return made, again
