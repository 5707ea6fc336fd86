"""What pydantic found wrong, in the words of somebody who writes a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cosim.config.schema_walk import Loc, all_keys, keys_of, models_at, sections_with, tags_in, tags_of
from cosim.config.units import convert, named, quantity, split_key, unit_of
from cosim.config.yaml_reader import Document
from cosim.core.errors import Problem, closest, count, listed

_EXPECTED = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "datetime_type": "a date and time",
}
_OF_THE_RIGHT_TYPE = {
    "finite_number",
    "out_of_range",
    "too_short",
    "too_long",
    "value_error",
}
"""What pydantic says of a value whose type is as expected."""
UNKNOWN_KEY = "unknown key"
"""What the message about a key that does not exist begins with."""
_REMEDIES = {
    "a text": "Put it into quotes.",
    "true or false": "Write true or false.",
    "a list": "Write [first, second], or one item per line after a dash.",
    "a date and time": "Write it as 2016-07-04T00:00:00Z.",
    "a whole number": "Write digits only, without a decimal point.",
    "a smaller number": "Write a smaller one.",
}
_PATTERNS = {
    "^[A-Za-z]": ("not a valid name", "Begin with a letter, and use only letters, digits, - and _."),
    "^1-LV": ("not the SimBench code of a low-voltage grid", "Write it as 1-LV-rural3--0-sw."),
}


MOST_TOLD = 90
"""Errors of one file that are put into words; of more, their number is told."""


def unknown_keys(document: Document, model: type[BaseModel]) -> list[Problem]:
    """The keys of a document that do not exist, and nothing else that may be wrong with it."""
    try:
        model.model_validate(document.data)
    except ValidationError as error:
        unknown = [
            detail for detail in error.errors(include_url=False) if detail["type"] == "extra_forbidden"
        ]
        return _translated(unknown, document, model)
    return []


def translate(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """Pydantic's errors as problems with file, line and remedy, one for each place.

    Parameters
    ----------
    error : ValidationError
        What pydantic raised.
    document : Document
        What it was given.
    model : type
        What it was asked to make of it.
    """
    return _translated(error.errors(include_url=False), document, model)


def _translated(found: Sequence[ErrorDetails], document: Document, model: type[BaseModel]) -> list[Problem]:
    at_place: dict[str, list[ErrorDetails]] = {}
    details = found[:MOST_TOLD]
    meant = {
        _meant(detail, document.data, model) for detail in details if detail["type"] == "extra_forbidden"
    }
    for detail in details:
        path = _path(detail, document.data, model)
        is_consequence = _only_seems_short(detail, document.data, path) or (
            detail["type"] == "missing" and path in meant
        )
        if not is_consequence:
            at_place.setdefault(path, []).append(detail)
    problems = [
        _problem(path, found, document, model)
        for path, found in at_place.items()
        if not (_of_another_type(found) and any(other.startswith(f"{path}.") for other in at_place))
    ]
    problems.sort(key=lambda problem: (problem.file, problem.line))
    if len(found) > len(details):
        more = f"{len(found) - len(details):,} more errors are not listed"
        problems.append(Problem(more, "Correct these first.", file=document.file))
    return problems


def _of_another_type(details: list[ErrorDetails]) -> bool:
    """Whether nothing but its type is said of a value; what is wrong inside of it matters more."""
    return all(detail["type"] in _EXPECTED for detail in details)


def _only_seems_short(detail: ErrorDetails, data: Any, path: str) -> bool:
    """Whether a list is called too short only because pydantic threw out an item that was wrong."""
    if detail["type"] != "too_short":
        return False
    given = _at(data, path)
    return isinstance(given, list) and len(given) >= detail["ctx"]["min_length"]


def _meant(detail: ErrorDetails, data: Any, model: type[BaseModel]) -> str:
    """The path of the key that an unknown key is a slip for; nothing is missing there then."""
    *above, key = _path(detail, data, model).split(".")
    return ".".join([*above, _likely(key, keys_of(models_at(model, detail["loc"][:-1])))])


def _path(detail: ErrorDetails, data: Any, model: type[BaseModel]) -> str:
    """The dotted path in the file: pydantic's location without the names of union members."""
    parts: list[str] = []
    place, loc = data, detail["loc"]
    for position, (part, is_tag) in enumerate(zip(loc, tags_in(model, loc), strict=True)):
        last = position == len(loc) - 1
        in_list = isinstance(part, int) and isinstance(place, list) and part < len(place)
        in_mapping = isinstance(part, str) and isinstance(place, dict) and part in place
        if not is_tag and (in_list or in_mapping):
            place = place[part]
        elif last and detail["type"] == "missing" and isinstance(part, str):
            place = None
        else:
            continue
        parts.append(str(part))
    if detail["type"] == "union_tag_invalid" and isinstance(
        place, dict
    ):  # a name alone is short for a `kind`
        parts.append(_discriminator(detail))
    return ".".join(parts)


def _at(data: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        data = (
            data[int(part)] if isinstance(data, list) else data.get(part) if isinstance(data, dict) else None
        )
    return data


def _problem(path: str, details: list[ErrorDetails], document: Document, model: type[BaseModel]) -> Problem:
    # Where several types are allowed and it is one of them, only what is wrong with that one matters.
    of_its_type = [detail for detail in details if detail["type"] in _OF_THE_RIGHT_TYPE]
    details = of_its_type or details
    detail = details[0]
    message, remedy = _union_message(details) or _message_and_remedy(detail, path, model)
    value = detail.get("input")
    if detail["type"] == "union_tag_invalid":
        value = value.get(_discriminator(detail)) if isinstance(value, dict) else None
    about_the_whole = detail["type"] in ("missing", "value_error", "union_tag_not_found") and isinstance(
        value, dict | list
    )
    return Problem(message, remedy, path, *document.place_of(path), "" if about_the_whole else shown(value))


def _union_message(details: list[ErrorDetails]) -> tuple[str, str] | None:
    """Where several types are allowed, and it is none of them: all of them."""
    expected = list(dict.fromkeys(_EXPECTED[d["type"]] for d in details if d["type"] in _EXPECTED))
    choices = [
        choice for d in details if d["type"] == "literal_error" for choice in _choices(d["ctx"]["expected"])
    ]
    if len(expected) + bool(choices) < 2:
        return None
    wanted = [*expected, *(f"'{choice}'" for choice in choices)]
    return f"{listed(wanted, 'or')} is expected", f"Write {listed(wanted, 'or')}."


def _message_and_remedy(detail: ErrorDetails, path: str, model: type[BaseModel]) -> tuple[str, str]:
    """Message and remedy."""
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    given = detail.get("input")
    match kind:
        case "extra_forbidden":
            return _unknown_key(str(loc[-1]), given, loc, model)
        case "missing" if isinstance(loc[-1], int):
            n = len(given) if isinstance(given, list | tuple) else loc[-1]
            return (
                f"the list has {count(n, 'value')}, and more are expected",
                "Give one for each place: [low, high].",
            )
        case "missing":
            return "this key is missing", f"Add `{loc[-1]}: ...`{_meaning(str(loc[-1]), loc, model)}."
        case "union_tag_invalid" | "literal_error":
            choices = _choices(str(context.get("expected_tags", context.get("expected", ""))))
            if kind == "union_tag_invalid" and isinstance(given, dict):
                given = given.get(_discriminator(detail))
            return _no_choice(given if isinstance(given, str) else shown(given), choices)
        case "union_tag_not_found":
            choices = sorted(tag for m in models_at(model, loc) for tag in tags_of(m))
            key = _discriminator(detail)
            own = given if isinstance(given, dict) else {}
            named = [name for name, value in own.items() if isinstance(value, str) and value in choices]
            if named:  # the choice is there, under another name
                return (
                    f"the key '{key}' is missing",
                    f"Write `{key}: {own[named[0]]}` in place of `{named[0]}: ...`.",
                )
            return f"the key '{key}' is missing", f"It says which form this is: {listed(choices, 'or')}."
        case "too_short" | "too_long":
            return _wrong_length(context)
        case "value_error":
            message, _, remedy = str(context.get("error", detail["msg"])).rpartition("; ")
            return (message, remedy) if message else (remedy, "Correct it.")
        case "string_pattern_mismatch":
            pattern = str(context["pattern"])
            return next(w for begin, w in _PATTERNS.items() if pattern.startswith(begin))
        case "string_too_long":
            return f"longer than {count(context['max_length'], 'character')}", "Shorten it."
        case "string_too_short":
            return "an empty text", "Fill it in, or remove the key."
        case "finite_number":
            return "not a finite number", "Write a finite one."
        case "out_of_range":
            return _out_of_range(context, given, path)
        case "value_form":
            return str(detail["msg"]), "Write a number, or one of these forms."
    if kind in _EXPECTED:
        return _wrong_type(kind, given, path, loc, model)
    return detail["msg"][0].lower() + detail["msg"][1:], "Correct it."


def _unknown_key(key: str, value: Any, loc: Loc, model: type[BaseModel]) -> tuple[str, str]:
    """Suggest a key that is allowed at this place first, then one from elsewhere."""
    here = keys_of(models_at(model, loc[:-1]))
    message = f"{UNKNOWN_KEY} '{key}'"
    match = _likely(key, here)
    if match:
        unit, wanted = split_key(key)[1], split_key(match)[1]
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        converted = None if number is None or unit == wanted else convert(number, unit, wanted)
        if converted is not None:
            return message, f"Write `{match}: {converted:g}`."
        return message, f"Did you mean '{match}'?"
    sections = sections_with(model, key)
    if sections:
        return (
            message,
            f"It belongs under {listed([f'`{s}`' for s in sections[:3]], 'or')}. {_keys_here(here)}",
        )
    match = closest(key, sorted(all_keys(model)))
    elsewhere = (
        f"'{match}' is a key of {listed([f'`{s}`' for s in sections_with(model, match)[:3]], 'and')}. "
        if match
        else ""
    )
    return message, f"{elsewhere}{_keys_here(here)}"


def _likely(key: str, here: list[str]) -> str:
    """The one of the allowed keys that is the same with another unit, or else spelt most alike."""
    stem, unit = split_key(key)
    same = [name for name in here if split_key(name)[0] == stem and split_key(name)[1] != unit]
    return same[0] if same and unit.symbol else closest(key, here)


def _keys_here(keys: list[str]) -> str:
    return f"Keys here: {', '.join(keys)}." if keys else "Remove it."


def _meaning(key: str, loc: Loc, model: type[BaseModel]) -> str:
    """The first clause of a key's description."""
    for owner in models_at(model, loc[:-1]):
        field = owner.model_fields.get(key)
        if field is not None and field.description:
            return f" ({re.split(r'[.;:] ?', field.description.replace(chr(10), ' '), maxsplit=1)[0]})"
    return ""


def _no_choice(given: str, choices: list[str]) -> tuple[str, str]:
    match = closest(given, choices)
    hint = f"Did you mean '{match}'? " if match and len(choices) > 1 else ""
    if len(choices) == 1:
        return f"neither a number nor the word '{choices[0]}'", f"Write a number, or {choices[0]}."
    return f"'{given}' is not one of the choices", f"{hint}Choices: {', '.join(choices)}."


def _choices(text: str) -> list[str]:
    """The choices that pydantic lists: quoted texts, or numbers."""
    return re.findall(r"'([^']+)'", text) or re.split(r", | or ", text)


def _wrong_length(context: dict[str, Any]) -> tuple[str, str]:
    n = int(context["actual_length"])
    if "min_length" in context:
        wanted = int(context["min_length"])
        if n == 0:
            return "the list is empty", f"Give at least {count(wanted, 'item')}."
        return (
            f"the list has {count(n, 'item')}, and at least {wanted} are expected",
            f"Give {wanted} or more.",
        )
    wanted = int(context["max_length"])
    return f"the list has {count(n, 'item')}, and {wanted} are expected", f"Give {wanted}."


def _out_of_range(context: dict[str, Any], given: Any, path: str) -> tuple[str, str]:
    unit = unit_of(path)
    symbol = f" {unit.symbol}" if unit.symbol else ""
    bound, drawn = f"{context['bound']}{symbol}", context["drawn"]
    if drawn:
        message = f"every number that can be drawn must be {bound}, and this reaches from {drawn}"
        return (
            message,
            f"Keep all of it {context['range']}{symbol}; low and high limit a normal distribution.",
        )
    if unit.kind == "share" and unit.factor == 1 and isinstance(given, int | float) and 1 < given <= 100:
        return f"must be {bound}", f"It is a share of 1: if {given:g} % is meant, write {given / 100:g}."
    return f"must be {bound}", f"Write a number {context['range']}{symbol}."


def _wrong_type(kind: str, given: Any, path: str, loc: Loc, model: type[BaseModel]) -> tuple[str, str]:
    expected, unit = _EXPECTED[kind], unit_of(path)
    if expected in ("a number", "a whole number") and isinstance(given, str):
        stated = quantity(given)
        if stated is not None:
            return _with_unit(*stated, path)
        if _is_number(given):
            return f"{expected} is expected, not a text", f"Write {given.strip()} without quotes."
    if expected == "keys and values":
        choices = sorted(tag for m in models_at(model, loc) for tag in tags_of(m))
        keys = keys_of(models_at(model, loc))
        if kind == "model_attributes_type" and choices:
            return "keys and values are expected", f"Begin with `kind:`, which is {listed(choices, 'or')}."
        return "keys and values are expected", _keys_here(keys) if keys else "Write `key: value`."
    symbol = f" of {unit.symbol}" if unit.symbol else ""
    return f"{expected} is expected", _REMEDIES.get(expected, f"Write {expected}{symbol}.")


def _with_unit(number: float, symbol: str, path: str) -> tuple[str, str]:
    """A value was given with a unit, where the unit stands in the key's name."""
    wanted, given = unit_of(path), named(symbol)
    if not wanted.symbol and wanted.kind != "share":
        return f"a plain number is expected, not one with the unit '{symbol}'", f"Write {number:g}."
    if wanted == given:
        return "a plain number is expected: the unit is in the key's name", f"Write {number:g}."
    converted = convert(number, given, wanted) if given is not None else None
    scale = wanted.symbol or "a share of 1"
    if converted is not None:
        return f"a plain number is expected, in {scale}", f"Write {converted:g}."
    return (
        f"a number of {scale} is expected, and '{symbol}' is another unit",
        f"Write a plain number, in {scale}.",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _discriminator(detail: ErrorDetails) -> str:
    return str(detail["ctx"]["discriminator"]).strip("'")


def shown(value: Any) -> str:
    """A value as it would be written in YAML's flow style, shortened."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = str(value)
    text = {"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}.get(text, text)
    return text if len(text) <= 60 else text[:57] + "..."
