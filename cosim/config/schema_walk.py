"""Which keys a configuration allows at a place, read off the models' own types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from cosim.config.choice import Choice
from cosim.core.registry import registrations

Loc = Sequence[str | int]
"""Pydantic's location of an error: keys, list positions, and the tags of union members in between."""

Member = tuple[frozenset[str], Any]
"""One type that a value may have, and the tags that pydantic names it by in a union."""


def models_at(model: type[BaseModel], loc: Loc) -> list[type[BaseModel]]:
    """The models that a mapping at `loc` may be; none where no mapping is expected."""
    members: list[Member] = [(frozenset(), model)]
    for part in loc:
        members = _step(members, part)
    return [type_ for _, type_ in members if _is_model(type_)]


def tags_in(model: type[BaseModel], loc: Loc) -> list[bool]:
    """For each part of `loc`, whether it is a tag that stands for a union's member, and no key."""
    members: list[Member] = [(frozenset(), model)]
    found = []
    for part in loc:
        found.append(_is_tag(members, part))
        members = _step(members, part)
    return found


def keys_of(models: Sequence[type[BaseModel]]) -> list[str]:
    """The keys that the models allow, in the order of their definition."""
    return list(dict.fromkeys(key for model in models for key in model.model_fields))


def sections_with(model: type[BaseModel], key: str) -> list[str]:
    """Keys below whose value `key` is allowed, somewhere in `model`; sorted."""
    return sorted({section for section, below in all_models(model) if key in below.model_fields})


def all_keys(model: type[BaseModel]) -> set[str]:
    """Every key that occurs anywhere in `model`."""
    return set(model.model_fields) | {key for _, below in all_models(model) for key in below.model_fields}


def tags_of(model: type[BaseModel]) -> frozenset[str]:
    """What a model's discriminator says: the one choice of its key `kind`."""
    field = model.model_fields.get("kind")
    if field is None or _origin(field.annotation) is not Literal:
        return frozenset()
    return frozenset(str(choice) for choice in get_args(field.annotation))


def all_models(model: type[BaseModel]) -> tuple[tuple[str, type[BaseModel]], ...]:
    """Every key below `model` that can hold a model, with that model."""
    return _all_models(model, registrations())


@cache
def _all_models(model: type[BaseModel], _: int) -> tuple[tuple[str, type[BaseModel]], ...]:
    found = []
    seen: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        here = waiting.pop()
        seen.add(here)
        for key, field in here.model_fields.items():
            for below in models_in(annotation_of(field)):
                found.append((key, below))
                if below not in seen:
                    waiting.append(below)
    return tuple(found)


def annotation_of(field: FieldInfo) -> Any:
    """A key's type with what `Annotated` says of it, which pydantic keeps apart."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that a type mentions."""
    for _, type_ in _members(annotation):
        if _is_model(type_):
            yield type_
        elif _origin(type_) not in (None, Literal):
            for argument in get_args(type_):
                yield from models_in(argument)


def _step(members: list[Member], part: str | int) -> list[Member]:
    if isinstance(part, int):
        inside = [get_args(type_) for _, type_ in members if _origin(type_) in (tuple, list)]
        return [m for arguments in inside for a in arguments if a is not Ellipsis for m in _members(a)]
    if _is_tag(members, part):
        # The tag is used up: where the next part has the same name, it is a key.
        return [(tags - {part}, type_) for tags, type_ in members if part in tags]
    fields = [
        type_.model_fields[part] for _, type_ in members if _is_model(type_) and part in type_.model_fields
    ]
    if fields:
        return [member for field in fields for member in _members(annotation_of(field))]
    return members


def _is_tag(members: list[Member], part: str | int) -> bool:
    return len(members) > 1 and any(part in tags for tags, _ in members)


def _members(annotation: Any, tags: frozenset[str] = frozenset()) -> list[Member]:
    """The types of a union one by one, without `Annotated` and None."""
    origin = _origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        chosen = [item.registry for item in metadata if isinstance(item, Choice)]
        if chosen:
            return [(frozenset({name}), chosen[0][name]) for name in chosen[0]]
        return _members(inner, tags | {str(item.tag) for item in metadata if isinstance(item, Tag)})
    if origin in (Union, UnionType):
        return [m for argument in get_args(annotation) for m in _members(argument, tags)]
    if annotation is NoneType:
        return []
    return [(tags | (tags_of(annotation) if _is_model(annotation) else frozenset()), annotation)]


def _origin(type_: Any) -> Any:
    return get_origin(type_)


def _is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)
