"""Which way a feeder is solved: by the fast fixed point, or by pandapower's `runpp` interval by interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosim.core.errors import Problem, count

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

SLOW_TABLES = (
    "gen",
    "xward",
    "trafo3w",
    "dcline",
    "svc",
    "ssc",
    "tcsc",
    "vsc",
    "vsc_stacked",
    "vsc_bipolar",
    "b2b_vsc",
    "bus_dc",
    "line_dc",
    "load_dc",
    "source_dc",
)
"""Tables whose elements hold a voltage, control a flow, carry direct current or have three sides.

Everything else is in the admittance matrix or is a power: lines, two-winding transformers (with tap tables),
impedances, shunts, wards, motors, and loads whose power follows the voltage.
"""
_CALL_MS, _BUS_MS = 40.0, 0.05
"""Time of a call of `runpp` and what each bus adds, measured on one core for 5 to 9,241 buses (ms)."""


def slow_elements(net: pandapowerNet) -> tuple[str, ...]:
    """The elements in service that the fixed point cannot solve, counted: ``2 gen``, ``1 trafo3w``."""
    counts = {table: _in_service(net, table) for table in SLOW_TABLES}
    return tuple(f"{n} {table}" for table, n in counts.items() if n)


def _in_service(net: pandapowerNet, table: str) -> int:
    rows = net.get(table)
    if rows is None or not len(rows):
        return 0
    return int(rows["in_service"].astype(bool).sum()) if "in_service" in rows else len(rows)


def interval_ms(n_bus: int) -> float:
    """About how long `runpp` takes for one interval, ms."""
    return _CALL_MS + _BUS_MS * n_bus


def slow_route_warning(reasons: tuple[str, ...], n_bus: int, n_intervals: int) -> Problem:
    """The line that says that a run is solved by `runpp`, why, and about how long that takes."""
    each_ms = interval_ms(n_bus)
    message = (
        f"solved by pandapower's runpp, about {_rounded(each_ms)} ms an interval, so "
        f"{_duration(n_intervals * each_ms / 1000)} for {count(n_intervals, 'interval')}; "
        f"because of {', '.join(reasons)}"
    )
    return Problem(message, path="grid.network", severity="warning")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than 1 s"
    if seconds < 90:
        return f"about {round(seconds)} s"
    minutes = seconds / 60
    return f"about {round(minutes)} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def _rounded(ms: float) -> int:
    """To ten milliseconds: the estimate is no better."""
    return round(ms / 10) * 10
