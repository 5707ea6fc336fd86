"""What a page shows of single households: who they are, and what they and their devices did over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cosim.devices.interface import DEVICES
from cosim.report.device_data import metered_columns, shown_columns
from cosim.report.long_series import blocks
from cosim.report.page.packing import low_and_high, packed
from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms

MOST_VALUES = 1_600_000
"""Values of all households on a page; of a longer run the least and the most of stretches are kept."""


def households(run: RunData) -> dict[str, Any] | None:
    """Who lives at which bus, and their series; None where the run did not write who they are."""
    if not run.has("prosumers", "prosumer", "group", "community", "bus"):
        return None
    table = run.read("prosumers", ["prosumer", "group", "community", "bus"])
    names = text_list(table["prosumer"])
    who = {
        "name": names,
        "group": text_list(table["group"]),
        "community": text_list(table["community"]),
        "bus": table["bus"].tolist(),
    }
    return {"who": who, "series": list(_series(run, names))}


def _series(run: RunData, names: list[str]) -> Iterator[dict[str, Any]]:
    wanted = [*metered_columns(run), *(each for kind in DEVICES for each in shown_columns(run, kind))]
    most = max(2, MOST_VALUES // max(1, len(names) * len(wanted)))
    interval_ms, zero = run.scenario.interval_ms, start_ms(run)
    for each in wanted:
        owners = run.distinct(each.table, "prosumer")
        parts = list(blocks(run, each.table, "prosumer", each.column, owners))
        time_ms = np.concatenate([part.time_ms for part in parts])
        values, gap = low_and_high(np.concatenate([part.values for part in parts]), most)
        first = int(time_ms[0]) + each.is_level * interval_ms
        own = [n for n, owner in enumerate(owners) if owner in names]
        yield {
            "table": each.table,
            "name": each.label,
            "unit": each.unit,
            "x": {"first": (first - zero) // 1000, "gap": gap * interval_ms // 1000, "n": len(values)},
            "thinned": gap > 1,
            "owners": [names.index(owners[n]) for n in own],
            "y": packed(each.factor * values[:, own].T),
        }
