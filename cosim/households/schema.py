"""Configuration of the households of a group, but for the markets that they take part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from cosim.config.added_keys import optional_key, set_keys
from cosim.config.base import MAX_HOUSEHOLDS, Integer, Model, Name, Range
from cosim.core.errors import InputError, Problem
from cosim.core.registry import import_modules
from cosim.devices.interface import DEVICES, Device, GroupAround

import_modules("cosim.devices")
import_modules("cosim.households.sources")

_Config = TypeVar("_Config", bound="HouseholdsConfig")


class HouseholdsConfig(Model):
    """Households that are alike: the same devices, with parameters of their own.

    Besides the keys below there is one for each kind of device.
    """

    name: Name
    """Name of the group."""
    households: Annotated[Integer, Range(1, MAX_HOUSEHOLDS)]
    """How many households it has; they are numbered consecutively, group after group."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """What its households have, by kind."""
        present = ((kind, getattr(self, kind, None)) for kind in kinds())
        return {kind: device for kind, device in present if device is not None}

    def around(self, has_grid: bool) -> GroupAround:
        """What stands around each of its devices."""
        return GroupAround(self.devices, has_grid)

    @property
    def generates(self) -> bool:
        """Whether any of its devices generates."""
        return self.around(False).generates


def kinds() -> list[str]:
    """All kinds of devices: those with a profile first, then in the order of registration."""
    return sorted(DEVICES, key=lambda kind: not DEVICES[kind].has_profile)


def with_device_keys(config: type[_Config]) -> type[_Config]:
    """Give the model of a group a key for each kind of device; again where more are registered since."""
    known: dict[str, FieldInfo] = config.model_fields
    taken = {
        name for base in config.__mro__ for name in (*vars(base), *vars(base).get("__annotations__", ()))
    }
    for kind in taken.intersection(kinds()):
        message = f"a group has something of the name '{kind}' already, so that no device can have it"
        raise InputError([Problem(message, "Register the device under another name.", value=kind)])
    if all(kind in known for kind in kinds()):
        return config
    first = {name: known[name] for name in HouseholdsConfig.model_fields}
    devices = {
        kind: known.get(kind) or optional_key(DEVICES[kind].annotation(), DEVICES[kind]) for kind in kinds()
    }
    rest = {name: field for name, field in known.items() if name not in {**first, **devices}}
    set_keys(config, {**first, **devices, **rest})
    return config


class DeviceKeys:
    """For `Annotated`, at a group: a kind of device that is registered late has its key, too."""

    _config: type[HouseholdsConfig]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        self._config = source

        def validate(raw: Any, info: ValidationInfo) -> Any:
            return with_device_keys(source).__pydantic_validator__.validate_python(raw, context=info.context)

        return core_schema.with_info_plain_validator_function(validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(with_device_keys(self._config).__pydantic_core_schema__)
