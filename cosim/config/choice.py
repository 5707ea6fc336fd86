"""A key whose value is one of the classes of a registry, by its `kind`.

    policy: Annotated[Policy, Choice(POLICIES)] = Additive()

In a scenario that is ``policy: {kind: additive, kappa: 0.3}``, or ``policy: additive`` for short. The
registry is looked at when a value is validated, so what is registered late counts for models built before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from cosim.core.registry import Registry

KIND = "kind"
"""The key that says which class a value is."""


class Choice:
    """For `Annotated`: the value is an object of one of the registry's classes.

    Parameters
    ----------
    registry : Registry
        Of pydantic models.
    """

    def __init__(self, registry: Registry[Any]) -> None:
        self.registry = registry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(_adapter(self.registry.classes()).core_schema)
        short = [name for name in self.registry.names() if _stands_alone(self.registry[name])]
        return {"anyOf": [{"type": "string", "enum": short}, made]} if short else made

    def _validate(self, raw: Any, info: ValidationInfo) -> Any:
        value = {KIND: raw} if isinstance(raw, str) else raw
        return _adapter(self.registry.classes()).validate_python(value, context=info.context)


class _Tagged:
    """For `Annotated`: the union of some models, told apart by their `kind`; also where it is one alone."""

    def __init__(self, classes: tuple[type[BaseModel], ...]) -> None:
        self.classes = classes

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {cls.model_fields[KIND].default: handler.generate_schema(cls) for cls in self.classes}
        return core_schema.tagged_union_schema(choices, KIND, from_attributes=True)


def _stands_alone(cls: type[BaseModel]) -> bool:
    """Whether the name alone does, without any other key."""
    try:
        cls()
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _adapter(classes: tuple[type[BaseModel], ...]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[Any, _Tagged(classes)])
