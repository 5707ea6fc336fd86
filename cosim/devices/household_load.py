"""The electrical load of a household, as profiles say; a source of profiles is a file of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from cosim.config.choice import Choice
from cosim.core.errors import Problem
from cosim.core.registry import Registry
from cosim.devices.interface import DEVICES, Device
from cosim.devices.profile_doubts import Profiles, load_doubts


@DEVICES.register("load")
class Load(Device):
    """Electrical load."""

    has_profile: ClassVar = True
    stands_for: ClassVar = "load"

    @classmethod
    def annotation(cls) -> Any:
        """One of the sources of loads."""
        return Annotated[Load, Choice(LOAD_SOURCES)]

    @staticmethod
    def doubts(profiles: Profiles) -> list[Problem]:
        """What cannot be the load of a household."""
        return load_doubts(profiles)


LOAD_SOURCES: Registry[Load] = Registry("load", Load)
"""Where loads come from."""
