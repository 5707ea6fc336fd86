"""What pydantic found wrong, as problems with file, line and remedy, one for each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cosim.config.error_messages import (
    EXPECTED,
    discriminator,
    likely_key,
    message_and_remedy,
    shown,
    union_message,
)
from cosim.config.schema_walk import keys_of, models_at, tags_in
from cosim.config.yaml_reader import Document
from cosim.core.errors import Problem

_OF_THE_RIGHT_TYPE = {
    "finite_number",
    "out_of_range",
    "too_short",
    "too_long",
    "value_error",
}
"""What pydantic says of a value whose type is as expected."""


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
    return all(detail["type"] in EXPECTED for detail in details)


def _only_seems_short(detail: ErrorDetails, data: Any, path: str) -> bool:
    """Whether a list is called too short only because pydantic threw out an item that was wrong."""
    if detail["type"] != "too_short":
        return False
    given = _at(data, path)
    return isinstance(given, list) and len(given) >= detail["ctx"]["min_length"]


def _meant(detail: ErrorDetails, data: Any, model: type[BaseModel]) -> str:
    """The path of the key that an unknown key is a slip for; nothing is missing there then."""
    *above, key = _path(detail, data, model).split(".")
    return ".".join([*above, likely_key(key, keys_of(models_at(model, detail["loc"][:-1])))])


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
        parts.append(discriminator(detail))
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
    message, remedy = union_message(details) or message_and_remedy(detail, path, model)
    value = detail.get("input")
    if detail["type"] == "union_tag_invalid":
        value = value.get(discriminator(detail)) if isinstance(value, dict) else None
    about_the_whole = detail["type"] in ("missing", "value_error", "union_tag_not_found") and isinstance(
        value, dict | list
    )
    return Problem(message, remedy, path, *document.place_of(path), "" if about_the_whole else shown(value))
