"""What a run will consist of, line by line: every value, household, link and controller."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosim.config.shown_values import plain_value
from cosim.config.units import unit_of
from cosim.engine.builder import Parts
from cosim.engine.load import LoadedScenario

_ABSENT = object()


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
    for subsystem in parts.subsystems:
        yield from subsystem.explain()


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
    yield f"{path} = {plain_value(value)}{' ' if unit else ''}{unit} [{_origin(loaded, given, path)}]"


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
