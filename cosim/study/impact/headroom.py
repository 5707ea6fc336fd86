"""How far a feeder is from its limits where none is exceeded at any penetration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cosim.grid.verdict import WORDS_BY_KEY


class Headroom(NamedTuple):
    """The worst of some runs that keep all limits."""

    kind: str
    """Kind of limit on a loading that is used most; empty where no element has one."""
    element: int
    """The line or transformer."""
    use: float
    """Share of its limit that it uses."""
    time_h: float
    """When that is, hours from the start."""
    point: int
    """The run, by its number in the sweep; -1 where no element has such a limit."""
    vm_min_pu: float
    vm_max_pu: float
    """Lowest and highest voltage of any bus in any of the runs."""


def headroom(summaries: Mapping[int, Mapping[str, Any]]) -> Headroom | None:
    """Of the summaries of runs by their points; None where there are none."""
    if not summaries:
        return None
    found = [
        (
            float(summary[f"{kind}_use_max"]),
            kind,
            int(summary[f"{kind}_use_max_{words.table}"]),
            float(summary[f"{kind}_use_max_time_h"]),
            point,
        )
        for point, summary in summaries.items()
        for kind, words in WORDS_BY_KEY.items()
        if words.table != "bus" and _is_known(summary.get(f"{kind}_use_max"))
    ]
    use, kind, element, time_h, point = max(found, default=(0.0, "", -1, 0.0, -1))
    low = min(float(summary["voltage_min_pu"]) for summary in summaries.values())
    high = max(float(summary["voltage_max_pu"]) for summary in summaries.values())
    return Headroom(kind, element, use, time_h, point, low, high)


def _is_known(value: Any) -> bool:
    """Whether a table has a number there: columns of numbers that some runs do not have hold NaN."""
    return value is not None and value == value
