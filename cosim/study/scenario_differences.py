"""What differs between scenarios: the dotted paths, as `--set` takes them, with every run's value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple


class _Nothing:
    """Stands where a scenario has no value."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ABSENT: Final = _Nothing("ABSENT")
"""The scenario has no such value, others do."""
UNKNOWN: Final = _Nothing("UNKNOWN")
"""Nothing is known here, or the scenario has nothing that this could be part of: this is no difference."""


class Difference(NamedTuple):
    """A value that is not the same in all scenarios."""

    path: str
    """Dotted; a list's items go by their `name`, or by number."""
    values: tuple[Any, ...]
    """The value in each scenario; `ABSENT` or `UNKNOWN` where it has none."""


def scenario_differences(
    scenarios: Sequence[Mapping[str, Any] | _Nothing], ignored: Sequence[str] = ()
) -> list[Difference]:
    """Every place where scenarios differ.

    Where some have a part that others do not have, that is one difference; what differs inside of this part
    among those that have it follows.

    Parameters
    ----------
    scenarios : sequence of mapping
        Resolved scenarios as plain data, `UNKNOWN` for one that is not known.
    ignored : sequence of str
        Keys at the top that do not count.
    """
    plain = [
        {key: value for key, value in one.items() if key not in ignored} if isinstance(one, Mapping) else one
        for one in scenarios
    ]
    return _differences("", plain)


def _differences(path: str, values: Sequence[Any]) -> list[Difference]:
    known = [value for value in values if value is not UNKNOWN]
    if all(value == known[0] for value in known):
        return []
    mappings = [_as_mapping(value) for value in values]
    present = [mapping for mapping in mappings if mapping is not None]
    here = [Difference(path, tuple(values))]
    found = here if len(present) < len(known) else []
    for key in dict.fromkeys(key for mapping in present for key in mapping):
        below = [UNKNOWN if mapping is None else mapping.get(key, ABSENT) for mapping in mappings]
        found = found + _differences(f"{path}.{key}" if path else str(key), below)
    # The same items in another order: no item differs, but the list does.
    return found or here


def _as_mapping(value: Any) -> Mapping[str, Any] | None:
    """A mapping as it is, a list of mappings by name or number; None for what has nothing below it."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    names = [item.get("name") for item in value]
    if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
        return {str(name): item for name, item in zip(names, value, strict=True)}
    return {str(number): item for number, item in enumerate(value)}


def value_text(value: Any, longest: int | None = None) -> str:
    """A value as a reader wants it, shortened to so many characters."""
    text = _text(value)
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def _text(value: Any) -> str:
    if value is ABSENT or value is UNKNOWN:
        return "–"
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)
