"""Photovoltaics of a household, as profiles say; a source of profiles is a file of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from cosim.config.choice import Choice
from cosim.core.errors import Problem
from cosim.core.registry import Registry
from cosim.devices.interface import DEVICES, Device
from cosim.devices.profile_doubts import Profiles, pv_doubts


@DEVICES.register("pv")
class Photovoltaics(Device):
    """Photovoltaics."""

    has_profile: ClassVar = True
    is_generation: ClassVar = True
    stands_for: ClassVar = "sgen"

    @classmethod
    def annotation(cls) -> Any:
        """One of the sources of generation."""
        return Annotated[Photovoltaics, Choice(PV_SOURCES)]

    @staticmethod
    def doubts(profiles: Profiles) -> list[Problem]:
        """What cannot be the generation of a household."""
        return pv_doubts(profiles)


PV_SOURCES: Registry[Photovoltaics] = Registry("source of photovoltaics", Photovoltaics)
"""Where generation comes from."""
