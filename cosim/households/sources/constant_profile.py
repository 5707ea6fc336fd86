"""Power that never changes."""

from __future__ import annotations

from cosim.config.values import KilowattsValue
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import PowerFactor
from cosim.devices.profiles import reactive_power
from cosim.devices.sites import CONSTANT, ProfileSite


@LOAD_SOURCES.register("constant")
class ConstantLoad(Load):
    """A load that never changes."""

    p_kw: KilowattsValue
    """Active power, kW."""
    power_factor: PowerFactor = 0.95
    """Active over apparent power, inductive."""

    def put_profiles(self, site: ProfileSite) -> None:
        """The same power in every slot."""
        q_per_p = float(reactive_power(1.0, self.power_factor))
        for household, p_kw in zip(site.members, site.values("p_kw", self.p_kw), strict=True):
            site.put(household, (CONSTANT, p_kw), (CONSTANT, p_kw * q_per_p))
