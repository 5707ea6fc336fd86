"""One error of pydantic's, in the words of somebody who writes a scenario."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from cosim.config.key_descriptions import description_of
from cosim.config.schema_walk import Loc, all_keys, keys_of, models_at, sections_with, tags_of
from cosim.config.units import convert, named, quantity, split_key, unit_of
from cosim.core.errors import closest, count, listed

EXPECTED = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "datetime_type": "a date and time",
}
UNKNOWN_KEY = "unknown key"
"""What the message about a key that does not exist begins with."""
_REMEDIES = {
    "text": "Put it in quotes.",
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


def union_message(details: list[ErrorDetails]) -> tuple[str, str] | None:
    """Where several types are allowed, and it is none of them: all of them."""
    expected = list(dict.fromkeys(EXPECTED[d["type"]] for d in details if d["type"] in EXPECTED))
    choices = [
        choice for d in details if d["type"] == "literal_error" for choice in _choices(d["ctx"]["expected"])
    ]
    if len(expected) + bool(choices) < 2:
        return None
    wanted = [*expected, *(f"'{choice}'" for choice in choices)]
    return f"{listed(wanted, 'or')} is expected", f"Write {listed(wanted, 'or')}."


def message_and_remedy(detail: ErrorDetails, path: str, model: type[BaseModel]) -> tuple[str, str]:
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
                given = given.get(discriminator(detail))
            return _no_choice(given if isinstance(given, str) else shown(given), choices)
        case "union_tag_not_found":
            choices = sorted(tag for m in models_at(model, loc) for tag in tags_of(m))
            key = discriminator(detail)
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
            return "empty text", "Fill it in, or remove the key."
        case "finite_number":
            return "not a finite number", "Write a finite one."
        case "out_of_range":
            return _out_of_range(context, given, path)
        case "value_form":
            return str(detail["msg"]), "Write a number, or one of these forms."
    if kind in EXPECTED:
        return _wrong_type(kind, given, path, loc, model)
    return detail["msg"][0].lower() + detail["msg"][1:], "Correct it."


def _unknown_key(key: str, value: Any, loc: Loc, model: type[BaseModel]) -> tuple[str, str]:
    """Suggest a key that is allowed at this place first, then one from elsewhere."""
    here = keys_of(models_at(model, loc[:-1]))
    message = f"{UNKNOWN_KEY} '{key}'"
    match = likely_key(key, here)
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


def likely_key(key: str, here: list[str]) -> str:
    """The one of the allowed keys that is the same with another unit, or else spelt most alike."""
    stem, unit = split_key(key)
    same = [name for name in here if split_key(name)[0] == stem and split_key(name)[1] != unit]
    return same[0] if same and unit.symbol else closest(key, here)


def _keys_here(keys: list[str]) -> str:
    return f"Keys here: {', '.join(keys)}." if keys else "Remove it."


def _meaning(key: str, loc: Loc, model: type[BaseModel]) -> str:
    """The first clause of a key's description."""
    for owner in models_at(model, loc[:-1]):
        if key in owner.model_fields and (described := description_of(owner, key)):
            return f" ({re.split(r'[.;:] ?', described.replace(chr(10), ' '), maxsplit=1)[0]})"
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
    expected, unit = EXPECTED[kind], unit_of(path)
    if expected in ("a number", "a whole number") and isinstance(given, str):
        stated = quantity(given)
        if stated is not None:
            return _with_unit(*stated, path)
        if _is_number(given):
            return f"{expected} is expected, not text", f"Write {given.strip()} without quotes."
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


def discriminator(detail: ErrorDetails) -> str:
    return str(detail["ctx"]["discriminator"]).strip("'")


def shown(value: Any) -> str:
    """A value as it would be written in YAML's flow style, shortened."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = str(value)
    text = {"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}.get(text, text)
    return text if len(text) <= 60 else text[:57] + "..."
