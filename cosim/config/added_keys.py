"""Keys that a model is given by what is registered: a kind of device, a subsystem from outside."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

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


def set_keys(model: type[BaseModel], keys: Mapping[str, FieldInfo]) -> None:
    """Let a model have these keys, in this order."""
    model.__pydantic_fields__ = dict(keys)
    model.model_rebuild(force=True)


def _is_none(value: object) -> bool:
    return value is None
