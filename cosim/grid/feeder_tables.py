"""The feeder as tables, so that a run's results can be drawn and joined without the grid itself."""

from __future__ import annotations

from collections import Counter

import numpy as np

from cosim.core.tables import TableStore
from cosim.households.connection import GridParts


def write_feeder(grid: GridParts, store: TableStore) -> None:
    """Write `feeder_buses`, `feeder_branches` and `source_elements`."""
    bus, line, trafo, trafo3w = grid.feeder.bus, grid.feeder.line, grid.feeder.trafo, grid.feeder.trafo3w
    limits = grid.limits
    households = Counter(grid.placement.buses)
    store.write_table(
        "feeder_buses",
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
        "feeder_branches",
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
        },
    )
    entries = grid.account
    columns = ("table", "element", "name", "bus", "p_kw", "q_kvar", "fate", "reason")
    store.write_table(
        "source_elements", {name: [getattr(entry, name) for entry in entries] for name in columns}
    )
