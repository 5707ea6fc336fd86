"""The feeder in words, for `cosim explain`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from cosim.grid.account import Entry
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.feeder import FeederCopies
from cosim.grid.limits import FeederLimits

_SHOWN_LIMITS = 10


def feeder_lines(grid: ConnectedFeeder) -> Iterator[str]:
    """The feeder with its limits and the households at its buses, and what became of its source."""
    feeder, limits = grid.feeder, grid.limits
    yield "# feeder"
    yield f"network {feeder.network.name}: {feeder.network.title}"
    yield f"origin: {feeder.network.origin}"
    yield f"licence: {feeder.network.licence}"
    if feeder.copies is not None:
        yield (
            f"{feeder.copies.number:,} copies; element i of copy k has the index "
            f"{feeder.copies.stride} * k + i; below stand all together, one by one those of copy 1"
        )
    yield (
        f"{feeder.n_bus} buses, {len(feeder.line.index)} lines, {len(feeder.trafo.index)} transformers, "
        f"{len(feeder.candidate_buses)} places for households"
    )
    yield from _limits(limits)
    households = Counter(grid.buses)
    for bus in range(feeder.n_bus if feeder.copies is None else feeder.copies.one.n_bus):
        index = int(feeder.bus.index[bus])
        here = households[index]
        name, kilovolt = feeder.bus.name[bus], feeder.bus.vn_kv[bus]
        band = f"{limits.vm_min_pu[bus]:g} to {limits.vm_max_pu[bus]:g} pu"
        yield f"bus {index}  {name}  {kilovolt:g} kV  limits={band}  households={here}"
    yield "# source of the feeder: what became of its elements, limits, profiles and controllers"
    yield from _source(grid.account, feeder.copies)


def _source(entries: Sequence[Entry], copies: FeederCopies | None) -> Iterator[str]:
    """What became of everything that the grid's source holds: in sums, then one by one but for limits."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.table, entry.fate), []).append(entry)
    for (table, fate), group in groups.items():
        p_kw = math.fsum(entry.p_kw for entry in group if not math.isnan(entry.p_kw))
        power = "" if all(math.isnan(entry.p_kw) for entry in group) else f"  {p_kw:.4g} kW"
        yield f"{table}  {fate}: {len(group)}{power}"
    for entry in entries:
        if copies is not None and entry.element >= 2 * copies.stride:  # of another copy than the first
            continue
        if "." in entry.table and not entry.table.startswith("profiles."):
            continue
        texts = [entry.table if entry.element < 0 else f"{entry.table} {entry.element}", entry.name]
        if entry.bus >= 0:
            texts.append(f"bus={entry.bus}")
        texts += [
            f"{value:.4g} {unit}"
            for value, unit in ((entry.p_kw, "kW"), (entry.q_kvar, "kvar"))
            if not math.isnan(value)
        ]
        yield "  ".join([*filter(None, texts), f"{entry.fate}: {entry.reason}"])


def _limits(limits: FeederLimits) -> Iterator[str]:
    """How many elements have which limit, and where it comes from."""
    for name, origins in limits.origins.items():
        values = getattr(limits, name).tolist()
        for (value, origin), number in Counter(zip(values, origins, strict=True)).most_common(_SHOWN_LIMITS):
            yield f"limit {name} = {value:g} [{origin}] of {number}"
