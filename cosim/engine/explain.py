"""What a run will consist of, line by line: every value, household, link and controller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosim.config.comms import DIRECTIONS, resolve
from cosim.config.load import LoadedScenario
from cosim.engine.build import Parts
from cosim.engine.grid_parts import GridParts
from cosim.engine.market import Market
from cosim.engine.prosumers import prosumer_table
from cosim.markets.regulation.stability import margin_of_gain, stability_limit

_UNITS = {
    "_kwh": "kWh", "_kwp": "kWp", "kwp": "kWp", "_kw": "kW", "_ms": "ms", "_s": "s", "_h": "h", "interval_min": "min",
    "_pu": "pu", "_percent": "%", "_ppm": "ppm", "_bytes": "bytes", "_kbit_per_s": "kbit/s", "_steps": "steps",
    "_per_day": "1/day",
}  # fmt: skip


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
    yield "# values: path = value unit [given or default]"
    yield from _values(loaded.scenario.model_dump(mode="json"), loaded.document.data, "")
    yield "# households: name, group, community, bus, then each parameter it has"
    yield from _households(loaded, parts)
    if parts.grid is not None:
        yield "# feeder"
        yield from _feeder(parts.grid)
    yield "# links: each household's, where it differs from the one before"
    yield from _links(loaded, parts)
    for market in parts.markets:
        yield f"# controller of community {market.design.config.name}"
        yield from _controller(market)


def unit_of(path: str) -> str:
    """The unit that a key's name carries; empty where it has none."""
    key = path.rpartition(".")[2]
    for ending in sorted(_UNITS, key=len, reverse=True):
        if key.endswith(ending):
            return _UNITS[ending]
    return ""


def _values(value: Any, given: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            known = given.get(key, _ABSENT) if isinstance(given, dict) else _ABSENT
            yield from _values(below, known, f"{path}.{key}" if path else key)
        return
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            known = given[number] if isinstance(given, list) and number < len(given) else _ABSENT
            yield from _values(item, known, f"{path}.{number}")
        return
    unit = unit_of(path)
    shown = "-" if value is None else value
    yield f"{path} = {shown}{' ' + unit if unit else ''} [{'default' if given is _ABSENT else 'given'}]"


_ABSENT = object()


def _households(loaded: LoadedScenario, parts: Parts) -> Iterator[str]:
    data, columns = prosumer_table(loaded.scenario, parts)
    for row in range(parts.population.size):
        texts = []
        for column in columns:
            value = data[column.name][row]
            if isinstance(value, float) and value != value:
                continue
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            texts.append(f"{column.name}={shown or '-'}{' ' + column.unit if column.unit else ''}")
        yield "  ".join(texts)


def _feeder(grid: GridParts) -> Iterator[str]:
    feeder, limits = grid.feeder, grid.limits
    yield f"network {feeder.network.name}: {feeder.network.title}"
    yield f"origin: {feeder.network.origin}"
    yield f"licence: {feeder.network.licence}"
    yield (
        f"{feeder.n_bus} buses, {len(feeder.line.index)} lines, {len(feeder.trafo.index)} transformers, "
        f"{len(feeder.candidate_buses)} places for households"
    )
    yield f"limits: {limits.vm_min_pu} to {limits.vm_max_pu} pu, lines {limits.line_loading_max_percent} %, " + (
        f"transformers {limits.trafo_loading_max_percent} %"
    )
    for bus in range(feeder.n_bus):
        index = int(feeder.bus.index[bus])
        here = grid.placement.buses.count(index)
        name, kilovolt = feeder.bus.name[bus], feeder.bus.vn_kv[bus]
        yield f"bus {index}  {name}  {kilovolt:g} kV  households={here}"
    for element in grid.placement.background:
        power = f"{element.p_mw * 1000:.4g} kW  {element.q_mvar * 1000:.4g} kvar"
        yield f"background {element.kind} {element.index}  bus={element.bus}  {power}  profile={element.profile or '-'}"


def _links(loaded: LoadedScenario, parts: Parts) -> Iterator[str]:
    comms = loaded.scenario.comms
    for direction in DIRECTIONS:
        if direction == "meter":
            yield f"meter: {_link(resolve(comms, direction, None, None))}"
            continue
        before = None
        for number, name in enumerate(parts.population.names):
            group = parts.population.group_of(number).config.name
            link = resolve(comms, direction, group, name)
            if link != before:
                yield f"{direction}/{name} and those after it: {_link(link)}"
            before = link


def _link(link: Any) -> str:
    parts = []
    for key, value in link.model_dump(mode="json").items():
        if isinstance(value, dict):
            value = " ".join(f"{name}={number}" for name, number in value.items())
        parts.append(f"{key}: {'-' if value is None or value == [] else value}")
    return ", ".join(parts)


def _controller(market: Market) -> Iterator[str]:
    design = market.design
    policy, delay = design.policy, design.delay_steps
    yield f"policy {policy.name}: fixed point {policy.fixed_point}"
    yield f"mean loop delay {delay:.3g} steps: stable up to gain * loop gain = {stability_limit(delay):.4g}"
    for number, resource in enumerate(design.config.resources):
        gain, loop_gain = design.gains[number], design.loop_gains[number]
        margin = f"{margin_of_gain(gain, delay, loop_gain):.3g} of the stable limit" if loop_gain > 0 else "-"
        yield (
            f"{resource.name}: gain {gain:.6g}, loop gain {loop_gain:.6g}, {margin}, "
            f"first signal {design.signals[number]:.6g}"
        )
