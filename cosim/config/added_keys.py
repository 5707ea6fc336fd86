"""Keys that a model is given by others: by what is registered, or by a model whose values it replaces."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from cosim.config.key_descriptions import description_of
from cosim.core.registry import is_own


def optional_key(annotation: Any, owner: type) -> FieldInfo:
    """A key that may be left out, described by the first line of its class's docstring.

    One of a class from outside is written only where it is given, so that nobody needs a plugin that a
    scenario does not use.
    """
    summary = (inspect.getdoc(owner) or "").partition("\n")[0].rstrip(".")
    unused = None if is_own(owner) else _is_none
    field = Field(default=None, description=f"{summary}; none by default.", exclude_if=unused)
    return FieldInfo.from_annotated_attribute(annotation | None, field)


def left_out_at_will(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a model, for one whose values replace its own: each may be left out, or null."""
    hints = get_type_hints(model, include_extras=True)
    return {
        name: FieldInfo.from_annotated_attribute(
            hints[name] | None, Field(default=None, description=description_of(model, name))
        )
        for name in model.model_fields
    }


def set_keys(model: type[BaseModel], keys: Mapping[str, FieldInfo]) -> None:
    """Let a model have these keys, in this order."""
    model.__pydantic_fields__ = dict(keys)
    if model.__pydantic_complete__:  # else it is built from its fields when it is first used
        model.model_rebuild(force=True)


def _is_none(value: object) -> bool:
    return value is None
