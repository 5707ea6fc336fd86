"""What the run has to know of a grid's source beside what its power flow solves, as plain values.

So nobody needs pandapower's tables once a feeder has been read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.column_check import cells_of, shown
from cosim.grid.elements import KINDS, ElementKind, ElementRecord, record_of, text_of
from cosim.grid.limits import KINDS as LIMITS
from cosim.grid.power_flow_route import slow_elements

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]


class OwnElement(NamedTuple):
    """A load, generator or storage of the source, and whether it is in service."""

    record: ElementRecord
    in_service: bool


class NetworkElement(NamedTuple):
    """An element that is a part of the network, and carries power."""

    table: str
    """pandapower's table."""
    element: int
    """Its index in that."""
    name: str
    profile: str
    """Its name, and the profile that it names and does not follow; empty where it has none."""
    bus: int
    """Index of its bus; -1 for what has none."""
    p_kw: float
    q_kvar: float
    """Power at nominal voltage in load convention; NaN where only the power flow tells it."""
    in_service: bool
    """Whether it is."""


class GivenLimit(NamedTuple):
    """One limit as a table of the source gives it."""

    values: FloatArray
    """NaN where there is none, or no number. Shape (n_element,)."""
    wrong: tuple[tuple[int, str], ...]
    """Row and cell of what is no number or, but for a lowest voltage, not above 0."""
    cells: tuple[tuple[int, str, str], ...]
    """Row, name of the element and cell, of each that is there."""


class Uneven(NamedTuple):
    """A single-phase or unbalanced element: table, index, and the sum of its powers, kW."""

    table: str
    element: int
    p_kw: float


@dataclass(frozen=True)
class SourceFacts:
    """Facts of a source."""

    own: tuple[OwnElement, ...]
    """Loads, generators and storages."""
    in_the_net: tuple[NetworkElement, ...]
    """What else carries power."""
    limits: Mapping[str, GivenLimit]
    """By their names in `FeederLimits`."""
    uneven: tuple[Uneven, ...]
    """What the balanced power flow takes as balanced."""
    slow: tuple[str, ...]
    """What the fixed point cannot solve, counted."""
    held: tuple[int, ...]
    """Buses whose voltage the grid above holds."""
    rating_kva: Mapping[str, FloatArray]
    """Apparent power at a loading of 100 % of each line, transformer and three-winding transformer."""


def facts_of(net: pandapowerNet) -> SourceFacts:
    """The facts of a source's net, which is ready for a power flow."""
    return SourceFacts(
        tuple(_own(net)),
        tuple(_in_the_net(net)),
        {name: _limit(net, name) for name in LIMITS},
        tuple(_uneven(net)),
        slow_elements(net),
        tuple(net.ext_grid.bus[net.ext_grid.in_service.astype(bool)].tolist()),
        _ratings_kva(net),
    )


def _own(net: pandapowerNet) -> Iterator[OwnElement]:
    for kind in KINDS:
        table = net[kind].sort_index()
        for index, row in zip(table.index, table.to_dict("records"), strict=True):
            yield OwnElement(_record(kind, int(index), row), bool(row["in_service"]))


def _record(kind: ElementKind, index: int, row: dict[Any, Any]) -> ElementRecord:
    """The row as a record; numbers that an element out of service lacks are none."""
    return record_of(kind, index, {key: math.nan if value is None else value for key, value in row.items()})


_POWER_OF: dict[str, Callable[[dict[Any, Any]], tuple[float, float]]] = {
    "shunt": lambda row: (row["p_mw"] * row["step"], row["q_mvar"] * row["step"]),
    "gen": lambda row: (-row["p_mw"] * row["scaling"], math.nan),
    "ward": lambda row: (row["ps_mw"] + row["pz_mw"], row["qs_mvar"] + row["qz_mvar"]),
    "xward": lambda row: (row["ps_mw"] + row["pz_mw"], row["qs_mvar"] + row["qz_mvar"]),
    "motor": lambda row: (
        row["pn_mech_mw"] * row["loading_percent"] * row["scaling"] / row["efficiency_percent"], math.nan
    ),
    "dcline": lambda row: (row["p_mw"], math.nan),
}  # fmt: skip
"""Power at nominal voltage in load convention, MW and Mvar, of elements that stay in the net."""
_BESIDE = ("ext_grid", "svc", "ssc", "vsc", "impedance", "tcsc")
"""Further elements that stay in the net, whose power only the power flow tells."""


def _in_the_net(net: pandapowerNet) -> Iterator[NetworkElement]:
    """Shunts, generators that hold a voltage, and others that the power flow solves as they are."""
    for table in (*_POWER_OF, *_BESIDE):
        if table not in net or not len(net[table]):
            continue
        rows = net[table].sort_index()
        for index, row in zip(rows.index, rows.to_dict("records"), strict=True):
            bus = int(row.get("bus", row.get("from_bus", -1)))
            p_mw, q_mvar = _power(table, row)
            name = row.get("name")
            label = name if isinstance(name, str) else ""
            power = 1000 * p_mw, 1000 * q_mvar, bool(row["in_service"])
            yield NetworkElement(table, int(index), label, text_of(row.get("profile")), bus, *power)


def _power(table: str, row: dict[Any, Any]) -> tuple[float, float]:
    try:
        p_mw, q_mvar = _POWER_OF[table](row) if table in _POWER_OF else (math.nan, math.nan)
        return float(p_mw), float(q_mvar)
    except (KeyError, TypeError, ValueError):  # what an element out of service need not have
        return math.nan, math.nan


def _limit(net: pandapowerNet, name: str) -> GivenLimit:
    kind = LIMITS[name]
    rows = net[kind.table]
    if kind.column not in rows:
        return GivenLimit(np.full(len(rows), np.nan), (), ())
    given = rows[kind.column]
    cells = cells_of(given)
    numbers = np.where(cells.is_number, cells.number, np.nan)
    no_number = ~cells.is_number & ~cells.missing
    too_small = np.zeros(len(rows), bool) if kind.column == "min_vm_pu" else numbers <= 0
    wrong = tuple((int(k), shown(given.iloc[k])) for k in np.flatnonzero(no_number | too_small))
    there = (
        (row, label if isinstance(label, str) else "", _as_text(value))
        for row, (label, value) in enumerate(zip(rows["name"], given, strict=True))
        if value is not None and value == value
    )
    return GivenLimit(numbers, wrong, tuple(there))


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


_PARTS = (("p", "mw"), ("q", "mvar"))
_EVEN = 1e-9
"""Phases that differ by less than this share of the largest are balanced."""


def _uneven(net: pandapowerNet) -> Iterator[Uneven]:
    for table in ("asymmetric_load", "asymmetric_sgen"):
        for index, row in zip(net[table].index, net[table].to_dict("records"), strict=True):
            powers = [[row[f"{part}_{phase}_{unit}"] for phase in "abc"] for part, unit in _PARTS]
            if any(max(values) - min(values) > _EVEN * max(map(abs, values)) for values in powers):
                yield Uneven(table, int(index), float(1000 * row["scaling"] * sum(map(abs, powers[0]))))


def _ratings_kva(net: pandapowerNet) -> dict[str, FloatArray]:
    vn_kv = net.bus.vn_kv.loc[net.line.from_bus].to_numpy(np.float64)
    line = np.sqrt(3.0) * vn_kv * (net.line.max_i_ka * net.line.df * net.line.parallel).to_numpy(np.float64)
    trafo = (net.trafo.sn_mva * net.trafo.df * net.trafo.parallel).to_numpy(np.float64)
    sides = ["sn_hv_mva", "sn_mv_mva", "sn_lv_mva"]
    three = net.trafo3w[sides].to_numpy(np.float64).reshape(-1, 3).max(axis=1, initial=0.0)
    return {"line": 1000 * line, "trafo": 1000 * trafo, "trafo3w": 1000 * three}
