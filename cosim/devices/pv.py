"""Photovoltaics of a household, as profiles say; a source of profiles is a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from cosim.config.choice import Choice
from cosim.core.errors import Problem
from cosim.core.inverters import Inverter
from cosim.core.registry import Registry
from cosim.devices.interface import DEVICES, Device, GroupAround
from cosim.devices.inverter_control import InverterControl
from cosim.devices.profile_doubts import Profiles, pv_doubts
from cosim.devices.sites import ProfileSite


@DEVICES.register("pv")
class Photovoltaics(Device):
    """Photovoltaics."""

    control: InverterControl | None = None
    """How its inverters are controlled, by themselves and without communication; by default they are not, and
    generate what the profile says, with the reactive power of the profile or of `cos_phi`."""

    has_profile: ClassVar = True
    is_generation: ClassVar = True
    title: ClassVar = "PV systems"
    stands_for: ClassVar = "sgen"

    @classmethod
    def annotation(cls) -> Any:
        """One of the sources of generation."""
        return Annotated[Photovoltaics, Choice(PV_SOURCES)]

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """A control that fits."""
        if self.control is not None:
            own = getattr(self, "cos_phi", 1.0)
            yield from self.control.problems(around.has_grid, has_power_factor=own != 1.0)

    def inverters(self, site: ProfileSite, installed_kw: Mapping[int, float]) -> Mapping[int, Inverter]:
        """Those of households that generate."""
        if self.control is None:
            return {}
        return self.control.inverters(site, self.rated_kw(site, installed_kw))

    def rated_kw(self, site: ProfileSite, installed_kw: Mapping[int, float]) -> Mapping[int, float]:
        """Installed power of each household, kWp; NaN where only the profile knows."""
        return installed_kw

    @staticmethod
    def doubts(profiles: Profiles) -> list[Problem]:
        """What cannot be the generation of a household."""
        return pv_doubts(profiles)


PV_SOURCES: Registry[Photovoltaics] = Registry("source of photovoltaics", Photovoltaics)
"""Where generation comes from."""
