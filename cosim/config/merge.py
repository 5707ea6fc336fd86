"""How scenario data are put over each other: a file over its base, and single values over both.

One rule serves both. What is given later wins. Mappings are merged key by key, everything else (a number, a
list) is replaced as a whole. Keys that exclude each other never meet: a mapping that names another form
(`kind:`) replaces the earlier one, and a key that stands for another way of
saying the same (`steps` for `duration_h`, `uniform` for `normal`) removes the earlier way. So of several
single values the form goes first. The place of every value, file and line, moves along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from cosim.config.yaml_reader import Document
from cosim.core.errors import Problem, suggest

_FORM_KEYS = ("kind",)
_WAYS: tuple[tuple[frozenset[str], ...], ...] = (
    (frozenset({"steps"}), frozenset({"duration_h"}), frozenset({"by_hour"})),
    (frozenset({"by_hour"}), frozenset({"file", "column"})),
    (frozenset({"share"}), frozenset({"price"})),
    (
        frozenset({"uniform"}),
        frozenset({"uniform_int"}),
        frozenset({"normal", "low", "high"}),
        frozenset({"choice"}),
        frozenset({"each"}),
    ),
)
"""Ways of saying one thing, each by its keys; a mapping holds keys of one of them."""

Places = dict[str, tuple[str, int]]


def merge(below: Document, above: Document) -> Document:
    """`above` over `below`, by the rule of this module."""
    result = Document(None, above.file, dict(below.places), dict(below.named_anew))
    result.data = _merged(below.data, above.data, "", result)
    result.places |= above.places
    return result


def set_value(document: Document, path: str, value: Any, places: Places) -> Problem | None:
    """Write `value` at the dotted `path` of a document, in place.

    Parameters
    ----------
    document : Document
        What is changed.
    path : str
        Keys joined by dots; an item of a list is named by its number from 0, or by its `name`. What is
        missing on the way is made.
    value : object
        Plain data; replaces what was there as a whole.
    places : dict
        Where `value` comes from: ``""`` for itself, ``".0.start_h"`` and the like for what is below it.

    Returns
    -------
    Problem or None
        What is wrong with the path.
    """
    place, canonical = document.data, ""
    keys = path.split(".")
    if "" in keys:
        return Problem("the path has an empty part", "Join keys by single dots: time.steps.", path)
    for position, key in enumerate(keys):
        where, last = ".".join(keys[: position + 1]), position == len(keys) - 1
        if isinstance(place, list):
            index = _index(place, key)
            if index is None:
                return Problem(f"this list has no item '{where}'", _items(place, key), path)
            step: Any = index
        elif isinstance(place, dict):
            step = key
            if last:
                if key == "kind" and place.get(key) != value:
                    _note_name(document, canonical, place, value)
                for gone in _excluded(place, {key: value}):
                    del place[gone]
                    _forget(document.places, _join(canonical, gone))
            elif place.get(key) is None:
                place[key] = {}
        else:
            above = ".".join(keys[:position])
            return Problem(
                f"'{above}' is a plain value and has nothing below it", f"Set {above} itself.", path
            )
        canonical = _join(canonical, str(step))
        if last:
            _replace(place, step, value, document, canonical)
            document.places.update({canonical + below: at for below, at in places.items()})
        else:
            place = place[step]
    return None


def value_at(data: Any, path: str) -> Any:
    """What stands at the dotted `path`, as `set_value` reads it; None where there is nothing."""
    for key in path.split("."):
        if isinstance(data, list):
            index = _index(data, key)
            data = None if index is None else data[index]
        else:
            data = data.get(key) if isinstance(data, dict) else None
    return data


def _merged(below: Any, above: Any, path: str, result: Document) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        _note_name(result, path, below, above)
        _forget(result.places, path)
        return above
    gone = _excluded(below, above)
    for key in gone:
        _forget(result.places, _join(path, key))
    merged = {key: value for key, value in below.items() if key not in gone}
    for key, value in above.items():
        merged[key] = _merged(merged[key], value, _join(path, key), result) if key in merged else value
    return merged


def _note_name(document: Document, path: str, former: Any, value: Any) -> None:
    """Keep what a name alone replaces: its other keys go back to their defaults (see `keys_reset`)."""
    is_alone = isinstance(value, str) or (isinstance(value, dict) and list(value) == ["kind"])
    if is_alone and isinstance(former, dict) and isinstance(former.get("kind"), str):
        document.named_anew[path] = dict(former)


class KeyReset(NamedTuple):
    """A key that a name alone, over a mapping with a `kind`, has put back to its default."""

    path: str
    """Path of the name."""
    kind: str
    """The name."""
    key: str
    """The key."""
    former: Any
    default: Any
    """What it was, and what it is."""


def keys_reset(document: Document, model: BaseModel) -> Iterator[KeyReset]:
    """All such keys of the model that was made of a document."""
    for path, former in document.named_anew.items():
        made: Any = model
        for key in path.split("."):
            made = made[int(key)] if isinstance(made, tuple) else getattr(made, key, None)
        data = value_at(document.data, path)
        said = data if isinstance(data, dict) else {"kind": data}
        fields = type(made).model_fields if isinstance(made, BaseModel) else {}
        for key, value in former.items():
            if key in fields and key not in said and fields[key].default != value:
                yield KeyReset(path, str(said["kind"]), key, value, fields[key].default)


def _excluded(below: Mapping[str, Any], above: Mapping[str, Any]) -> list[str]:
    """Keys of `below` that cannot stand beside those of `above`."""
    if any(key in above and above[key] != below.get(key) for key in _FORM_KEYS):
        return list(below)
    rivals = {
        key
        for ways in _WAYS
        for way in ways
        if any(above.keys() & other for other in ways if other != way)
        for key in way
    }
    return [key for key in below if key in rivals and key not in above] if rivals else []


def _replace(place: Any, step: Any, value: Any, document: Document, path: str) -> None:
    """Write a value into a mapping or a list, and drop the places of what stood there."""
    former = place[step] if isinstance(place, list) else place.get(step)
    place[step] = value
    if isinstance(former, dict | list):
        _note_name(document, path, former, value)
        _forget(document.places, path)
    else:
        document.places.pop(
            path, None
        )  # nothing is below it: many single values are set in no more time than that


def _forget(places: Places, path: str) -> None:
    """Drop the places of `path` and of all below it."""
    for known in [known for known in places if known == path or known.startswith(f"{path}.")]:
        del places[known]


def _index(items: list[Any], key: str) -> int | None:
    if key.isascii() and key.isdigit():
        return int(key) if int(key) < len(items) else None
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == key:
            return index
    return None


def _items(items: Iterable[Any], key: str) -> str:
    """What could be named in a list."""
    listed = list(items)
    names = [str(item["name"]) for item in listed if isinstance(item, dict) and "name" in item]
    if names and not key.isdigit():
        return suggest(key, names)
    if not listed:
        return "The list is empty; set it as a whole."
    return (
        f"Its items are numbered 0 to {len(listed) - 1}." if len(listed) > 1 else "Its one item has number 0."
    )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
