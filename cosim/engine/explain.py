"""What a run will consist of, line by line: every value, household, link and controller."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cosim.comms.schema import DIRECTIONS, resolve
from cosim.config.units import unit_of
from cosim.core.clock import MS_PER_HOUR
from cosim.engine.builder import Parts
from cosim.engine.load import LoadedScenario
from cosim.faults.plan import FaultEvent
from cosim.grid.account import Entry
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.limits import FeederLimits
from cosim.regulation.community import Market


def explain_lines(loaded: LoadedScenario, parts: Parts) -> Iterator[str]:
    """Lines of text, each by itself understandable and easy to search.

    Parameters
    ----------
    loaded : LoadedScenario
        The scenario and where its values came from.
    parts : Parts
        What was built from it.
    """
    yield f"# {loaded.scenario.name}: {loaded.scenario.title}"
    yield "# values: path = value unit [where given, or default]"
    yield from _values(loaded, loaded.scenario.model_dump(mode="json"), loaded.document.data, "")
    yield "# households: name, group, community, bus, devices, then each parameter it has"
    yield from _households(parts)
    if parts.csv_files:
        yield "# CSV files: how each was understood"
        for found in parts.csv_files:
            yield from found.lines()
    if parts.grid is not None:
        yield "# feeder"
        yield from _feeder(parts.grid)
        yield "# source of the feeder: what became of its elements, limits, profiles and controllers"
        yield from _source(parts.grid.account)
    yield "# links: each household's, where it differs from the one before"
    yield from _links(loaded, parts)
    if parts.fault_events:
        yield "# faults: name, kind, what breaks, when"
        yield from _faults(parts.fault_events)
    for market in parts.markets:
        yield f"# controller of community {market.design.config.name}"
        yield from _controller(market)


def _values(loaded: LoadedScenario, value: Any, given: Any, path: str) -> Iterator[str]:
    """One line a value, down to the leaves."""
    items: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = [(str(number), item) for number, item in enumerate(value)]
    for key, below in items:
        yield from _values(loaded, below, _below(given, key), f"{path}.{key}" if path else key)
    if items:
        return
    unit = "" if value is None else unit_of(path).symbol
    yield f"{path} = {_plain(value)}{' ' if unit else ''}{unit} [{_origin(loaded, given, path)}]"


def _below(given: Any, key: str) -> Any:
    if isinstance(given, dict):
        return given.get(key, _ABSENT)
    return given[int(key)] if isinstance(given, list) and int(key) < len(given) else _ABSENT


def _origin(loaded: LoadedScenario, given: Any, path: str) -> str:
    """Where a value comes from; files without their folder, so that the text is the same on every machine."""
    if given is _ABSENT:
        return "default"
    file, line = loaded.document.place_of(path)
    return f"given {Path(file).name}:{line}" if line else f"given {file}"


def _plain(value: Any) -> str:
    """A value as in YAML."""
    return (
        "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )


_ABSENT = object()
_SHOWN_TIMES = 5
_SHOWN_LIMITS = 10


def _households(parts: Parts) -> Iterator[str]:
    table, data = parts.prosumers()
    for row, name in enumerate(parts.context.population.names):
        texts = [name]
        for column in table.columns[1:]:
            value = data[column.name][row]
            if value in ("", None) or value != value:
                continue
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            texts.append(f"{column.name}={shown}{' ' if column.unit else ''}{column.unit}")
        yield "  ".join(texts)


def _feeder(grid: ConnectedFeeder) -> Iterator[str]:
    feeder, limits = grid.feeder, grid.limits
    yield f"network {feeder.network.name}: {feeder.network.title}"
    yield f"origin: {feeder.network.origin}"
    yield f"licence: {feeder.network.licence}"
    yield (
        f"{feeder.n_bus} buses, {len(feeder.line.index)} lines, {len(feeder.trafo.index)} transformers, "
        f"{len(feeder.candidate_buses)} places for households"
    )
    yield from _limits(limits)
    for bus in range(feeder.n_bus):
        index = int(feeder.bus.index[bus])
        here = grid.buses.count(index)
        name, kilovolt = feeder.bus.name[bus], feeder.bus.vn_kv[bus]
        band = f"{limits.vm_min_pu[bus]:g} to {limits.vm_max_pu[bus]:g} pu"
        yield f"bus {index}  {name}  {kilovolt:g} kV  limits={band}  households={here}"


def _source(entries: Sequence[Entry]) -> Iterator[str]:
    """What became of everything that the grid's source holds: in sums, then one by one but for limits."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.table, entry.fate), []).append(entry)
    for (table, fate), group in groups.items():
        p_kw = math.fsum(entry.p_kw for entry in group if not math.isnan(entry.p_kw))
        power = "" if all(math.isnan(entry.p_kw) for entry in group) else f"  {p_kw:.4g} kW"
        yield f"{table}  {fate}: {len(group)}{power}"
    for entry in entries:
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


def _links(loaded: LoadedScenario, parts: Parts) -> Iterator[str]:
    comms = loaded.scenario.comms
    for direction in DIRECTIONS:
        if direction == "meter":
            yield f"meter: {_link(resolve(comms, direction, None, None))}"
            continue
        before = None
        for number, name in enumerate(parts.context.population.names):
            group = parts.context.population.group_of(number).name
            link = resolve(comms, direction, group, name)
            if link != before:
                yield f"{direction}/{name} and those after it: {_link(link)}"
            before = link


def _link(link: Any) -> str:
    parts = []
    for key, value in link.model_dump(mode="json").items():
        if isinstance(value, dict):
            shown = " ".join(f"{name}={_measured(name, number)}" for name, number in value.items())
        else:
            shown = "-" if value in (None, []) else _measured(key, value)
        parts.append(f"{key}: {shown}")
    return ", ".join(parts)


def _measured(key: str, value: Any) -> str:
    """A value with its unit."""
    unit = "" if value is None else unit_of(key).symbol
    return f"{_plain(value)}{' ' if unit else ''}{unit}"


def _faults(events: Sequence[FaultEvent]) -> Iterator[str]:
    """A line for each target of each fault, with the first of its times."""
    for name, target in dict.fromkeys((event.name, event.target) for event in events):
        own = [event for event in events if (event.name, event.target) == (name, target)]
        times = [
            f"{event.start_ms / MS_PER_HOUR:.6g} to {event.end_ms / MS_PER_HOUR:.6g} h"
            for event in own[:_SHOWN_TIMES]
        ]
        more = f", and {len(own) - _SHOWN_TIMES} more" if len(own) > _SHOWN_TIMES else ""
        yield f"{name}  {own[0].fault.kind}  {target}  {', '.join(times)}{more}"


def _controller(market: Market) -> Iterator[str]:
    design = market.design
    unit = design.responses.signal_unit
    for policy in {policy.kind: policy for policy in design.responses.policies}.values():
        yield f"policy {policy.kind}: fixed point {policy.fixed_point}; Ω in {unit}"
    compensation = design.config.platform.delay_compensation
    with_it = "" if compensation is None else f", with a {compensation.kind.capitalize()} predictor"
    yield (
        f"mean loop delay {design.delay_steps:.3g} steps{with_it}: "
        f"stable up to gain * loop gain = {min(design.stable_products):.4g}"
    )
    for number, resource in enumerate(design.config.resources):
        gain, loop_gain, limit = (
            design.gains[number],
            design.loop_gains[number],
            design.stable_products[number],
        )
        margin = f"{gain * loop_gain / limit:.3g} of the stable limit" if loop_gain > 0 else "-"
        yield (
            f"{resource.name}: gain {gain:.6g}, loop gain {loop_gain:.6g}, {margin}, "
            f"first signal {design.signals[number]:.6g} {unit}"
        )
