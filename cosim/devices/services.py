"""What the kinds of devices can be asked for, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cosim.core.errors import listed
from cosim.devices.interface import DEVICES, Service


def services() -> dict[str, Service]:
    """Every service by name."""
    return {service.name: service for kind in DEVICES for service in DEVICES[kind].services}


def offering(service: str, kinds: Iterable[str]) -> list[str]:
    """Those of the kinds of devices that offer a service."""
    return [kind for kind in kinds if any(each.name == service for each in DEVICES[kind].services)]


class KnownService:
    """For `Annotated`: the name of a service that some kind of device offers, also of one registered late."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: str) -> str:
            known = services()
            if value not in known:
                expected = listed([f"'{name}'" for name in known], "or")
                raise PydanticCustomError("literal_error", "must be {expected}", {"expected": expected})
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(services())}


ServiceName = Annotated[str, KnownService()]
