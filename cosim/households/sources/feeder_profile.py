"""The feeder's own elements, as what a household draws and generates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from cosim.config.values import NonNegativeValue
from cosim.core.errors import InputError, Problem, count, listed
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import DEVICES, GroupAround, PowerFactor
from cosim.devices.profiles import reactive_power
from cosim.devices.pv import PV_SOURCES, Photovoltaics
from cosim.devices.sites import CONSTANT, ProfileSite
from cosim.grid.feeder_profiles import SimbenchProfiles

_SIMBENCH = SimbenchProfiles(0)
FEEDER = "feeder:"
"""What the names of the feeder's own columns begin with."""
_NAMED = 5


@LOAD_SOURCES.register("feeder")
class FeederLoad(Load):
    """The load that the feeder itself has where the household is placed, with its own P and Q profile."""

    scaling: NonNegativeValue = 1.0
    """Factor on active and reactive power."""

    keeps_element: ClassVar = True

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """There is a feeder."""
        yield from _without_grid("load", around)

    def put_profiles(self, site: ProfileSite) -> None:
        """What the feeder's load draws, scaled."""
        if DEVICES[site.kind].stands_for != "load":
            message = "only `load` can be the feeder's own load"
            raise InputError([Problem(message, "Use another kind of load here.", site.path)])
        for household, scale in zip(site.members, site.values("scaling", self.scaling), strict=True):
            elements = site.elements(household)
            if elements is None:
                return
            if not elements:
                message = (
                    "load.kind is 'feeder', but a household is placed where the feeder has no load of its own"
                )
                remedy = "Use another load, or `grid.placement.kind: loads`."
                raise InputError([Problem(message, remedy, site.path)])
            (element,) = elements
            site.put(
                household,
                (_column(site, element.p_profile), element.p_mw * 1000 * scale),
                (_column(site, element.q_profile), element.q_mvar * 1000 * scale),
            )


@PV_SOURCES.register("feeder")
class FeederPv(Photovoltaics):
    """The generators that the feeder itself has at the household's bus, with their own profiles."""

    cos_phi: PowerFactor | None = None
    """Fixed power factor of the inverter, under-excited (it draws reactive power); if not given, the
    generators keep the reactive power that they have in the grid's data."""

    keeps_element: ClassVar = True

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """There is a feeder, and a control that fits."""
        yield from _without_grid("pv", around)
        yield from super().problems(around)

    def put_profiles(self, site: ProfileSite) -> None:
        """What the feeder's generators give, which share a profile."""
        bare = []
        for household in site.members:
            own = site.elements(household)
            if own is None:
                return
            if not own:
                bare.append(household)
                continue
            kwp = -1000 * sum(element.p_mw for element in own)
            column = _column(site, own[0].p_profile)
            if self.cos_phi is not None:
                # An under-excited inverter draws reactive power while it generates: Q has the load's sign.
                q = column, kwp * float(reactive_power(1.0, self.cos_phi))
            else:
                q = _column(site, own[0].q_profile), 1000 * sum(element.q_mvar for element in own)
            site.put(household, (column, kwp), q)
        site.warn(_without_generator(bare, site))


def _without_generator(bare: Sequence[int], site: ProfileSite) -> Iterator[Problem]:
    """Households whose generation is to be the feeder's, which has none for them."""
    if not bare:
        return
    named = [site.place_of(household) for household in bare[:_NAMED]]
    named += [f"{len(bare) - _NAMED} more"] if len(bare) > _NAMED else []
    message = (
        f"pv.kind is 'feeder', and the feeder has no generator for {len(bare)} of "
        f"{count(len(site.members), 'household')}, which generate nothing: {listed(named)}"
    )
    remedy = "give them `pv: {kind: simbench, kwp: ...}` in a group of their own, or no pv"
    yield Problem(message, remedy, site.path, severity="warning")


def _without_grid(kind: str, around: GroupAround) -> Iterator[Problem]:
    if not around.has_grid:
        message = f"{kind}.kind is 'feeder', and the scenario has no grid"
        yield Problem(message, "Add a grid, or take a profile.")


def _column(site: ProfileSite, profile: str) -> str:
    if not profile:
        return CONSTANT
    if site.feeder_profiles is None or site.feeder_profiles == _SIMBENCH:
        return site.follow(_SIMBENCH, profile)  # the same columns as households choose from
    return site.follow(site.feeder_profiles, profile, FEEDER)
