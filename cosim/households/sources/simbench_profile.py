"""Profiles of the SimBench data set, by name."""

from __future__ import annotations

from cosim.config.base import Text
from cosim.config.values import KilowattsValue
from cosim.core.errors import InputError, Problem, suggest
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import PowerFactor
from cosim.devices.profiles import reactive_power
from cosim.devices.pv import PV_SOURCES, Photovoltaics
from cosim.devices.sites import ProfileSite
from cosim.grid.feeder_profiles import SimbenchProfiles
from cosim.grid.simbench_data import profile_names

PAGES = SimbenchProfiles(0)


@LOAD_SOURCES.register("simbench")
class SimbenchLoad(Load):
    """A relative SimBench profile times a peak."""

    profile: Text
    """Profile, such as `H0-A` (households) or `G1-B` (trade)."""
    peak_kw: KilowattsValue
    """What the relative profile is multiplied by, kW."""

    def put_profiles(self, site: ProfileSite) -> None:
        """SimBench's columns of active and of reactive power."""
        _require(f"{self.profile}_pload", self.profile, f"{site.path}.profile")
        p, q = (site.follow(PAGES, f"{self.profile}_{part}") for part in ("pload", "qload"))
        for household, peak in zip(site.members, site.values("peak_kw", self.peak_kw), strict=True):
            site.put(household, (p, peak), (q, peak))


@PV_SOURCES.register("simbench")
class SimbenchPv(Photovoltaics):
    """A SimBench profile of photovoltaics times an installed power."""

    profile: Text = "any"
    """Profile, such as `PV3`; `any` deals PV1 ... PV8 to the households by seed."""
    kwp: KilowattsValue
    """Installed power, kWp."""
    cos_phi: PowerFactor = 1.0
    """Fixed power factor of the inverter, under-excited (it draws reactive power)."""

    def put_profiles(self, site: ProfileSite) -> None:
        """A SimBench column for each household."""
        if self.profile == "any":
            names = tuple(sorted(name for name in profile_names() if name.startswith("PV")))
        else:
            names = (self.profile,)
            _require(self.profile, self.profile, f"{site.path}.profile")
        picks = site.streams.field(f"household/{site.kind}.profile").row(0, site.n_households)
        q_per_p = float(reactive_power(1.0, self.cos_phi))
        for household, kwp in zip(site.members, site.values("kwp", self.kwp), strict=True):
            column = site.follow(PAGES, names[int(picks[household] * len(names))])
            site.put(household, (column, kwp), (column, kwp * q_per_p))


def _require(column: str, profile: str, path: str) -> None:
    known = profile_names()
    if column not in known:
        names = sorted({name.removesuffix("_pload").removesuffix("_qload") for name in known})
        raise InputError(
            [Problem("SimBench has no such profile", suggest(profile, names), path, value=profile)]
        )
