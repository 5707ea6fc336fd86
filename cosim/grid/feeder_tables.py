"""The feeder as tables, so that a run's results can be drawn and joined without the grid itself."""

from __future__ import annotations

from collections import Counter

import numpy as np

from cosim.core.tables import BUS, Column, Table, TableStore
from cosim.grid.connected_feeder import ConnectedFeeder

FEEDER_BUSES = Table(
    "feeder_buses",
    "The buses of the feeder, with the limits that apply.",
    (
        BUS,
        Column("name", "text", "", "name in the feeder's data"),
        Column("vn_kv", "number", "kV", "nominal voltage"),
        Column("x", "number", "", "coordinate: longitude, or of the tree laid out where the feeder has none"),
        Column("y", "number", "", "coordinate: latitude, or of the tree"),
        Column("supplied", "flag", "", "whether a closed way leads to the grid above"),
        Column("vm_min_pu", "number", "pu", "lowest permitted voltage"),
        Column("vm_max_pu", "number", "pu", "highest permitted voltage"),
        Column("households", "integer", "", "households at this bus"),
    ),
)
FEEDER_BRANCHES = Table(
    "feeder_branches",
    "The lines and transformers of the feeder, with the limits that apply.",
    (
        Column(
            "kind", "text", "", "line, trafo, or trafo3w, which has two rows: to its medium and low voltage"
        ),
        Column("element", "integer", "", "index in the feeder's table"),
        Column("name", "text", "", "name in the feeder's data"),
        Column("from_bus", "integer", "", "bus at one end; for a transformer, on the high-voltage side"),
        Column("to_bus", "integer", "", "bus at the other end"),
        Column("length_km", "number", "km", "length; NaN for a transformer"),
        Column("closed", "flag", "", "in service, no open switch"),
        Column("loading_max_percent", "number", "%", "highest permitted loading"),
        Column("rating_kva", "number", "kVA", "apparent power at a loading of 100 %"),
    ),
)
SOURCE_ELEMENTS = Table(
    "source_elements",
    "What became of each element, limit and profile of the grid's data.",
    (
        Column(
            "table",
            "text",
            "",
            "table of the grid's data; bus.min_vm_pu, profiles.load, ... for limits, profiles",
        ),
        Column("element", "integer", "", "index in that table; -1 for what has none"),
        Column("name", "text", "", "name in the grid's data"),
        Column("bus", "integer", "", "its bus; -1 for what has none"),
        Column(
            "p_kw",
            "number",
            "kW",
            "nominal active power, scaling included, generation negative; NaN for none",
        ),
        Column("q_kvar", "number", "kvar", "nominal reactive power; NaN for none"),
        Column("fate", "text", "", "kept, household (one stands for it), replaced or left out"),
        Column("reason", "text", "", "why, or how it acts"),
    ),
)


def write_feeder(grid: ConnectedFeeder, store: TableStore) -> None:
    """Write `feeder_buses`, `feeder_branches` and `source_elements`."""
    bus, line, trafo, trafo3w = grid.feeder.bus, grid.feeder.line, grid.feeder.trafo, grid.feeder.trafo3w
    limits, rating = grid.limits, grid.feeder.facts.rating_kva
    households = Counter(grid.buses)
    store.write_table(
        FEEDER_BUSES,
        {
            "bus": bus.index,
            "name": list(bus.name),
            "vn_kv": bus.vn_kv,
            "x": bus.xy[:, 0],
            "y": bus.xy[:, 1],
            "supplied": bus.supplied,
            "vm_min_pu": limits.vm_min_pu,
            "vm_max_pu": limits.vm_max_pu,
            "households": [households[int(index)] for index in bus.index],
        },
    )
    of_trafo3w = np.repeat(np.arange(len(trafo3w.index)), 2)
    sides = np.tile([1, 2], len(trafo3w.index))
    store.write_table(
        FEEDER_BRANCHES,
        {
            "kind": ["line"] * len(line.index) + ["trafo"] * len(trafo.index) + ["trafo3w"] * len(sides),
            "element": np.concatenate([line.index, trafo.index, trafo3w.index[of_trafo3w]]),
            "name": [*line.name, *trafo.name, *(trafo3w.name[k] for k in of_trafo3w)],
            "from_bus": np.concatenate([line.from_bus, trafo.hv_bus, trafo3w.buses[of_trafo3w, 0]]),
            "to_bus": np.concatenate([line.to_bus, trafo.lv_bus, trafo3w.buses[of_trafo3w, sides]]),
            "length_km": np.concatenate([line.length_km, np.full(len(trafo.index) + len(sides), np.nan)]),
            "closed": np.concatenate(
                [line.closed, trafo.closed, trafo3w.closed[of_trafo3w, 0] & trafo3w.closed[of_trafo3w, sides]]
            ),
            "loading_max_percent": np.concatenate(
                [
                    limits.line_loading_max_percent,
                    limits.trafo_loading_max_percent,
                    limits.trafo3w_loading_max_percent[of_trafo3w],
                ]
            ),
            "rating_kva": np.concatenate([rating["line"], rating["trafo"], rating["trafo3w"][of_trafo3w]]),
        },
    )
    entries = grid.account
    columns = ("table", "element", "name", "bus", "p_kw", "q_kvar", "fate", "reason")
    store.write_table(
        SOURCE_ELEMENTS, {name: [getattr(entry, name) for entry in entries] for name in columns}
    )
