"""Inverters that control themselves in words, for `cosim explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cosim.core.errors import count
from cosim.core.inverters import (
    NO_CURTAILMENT,
    NO_REACTIVE_POWER,
    UNITY,
    UNLIMITED,
    Characteristic,
    Inverter,
)
from cosim.devices.named_characteristics import COS_PHI_OF_P, P_OF_V, Q_OF_V
from cosim.households.profile_book import InstalledInverter


def inverter_lines(installed: Sequence[InstalledInverter], names: Sequence[str]) -> Iterator[str]:
    """How the inverters are controlled, each way once, and then the constants of each inverter.

    Parameters
    ----------
    installed : sequence of InstalledInverter
        The inverters.
    names : sequence of str
        Of all households.
    """
    yield (
        "# inverters that control themselves: shares are of the rating, or of the installed power without "
        "one; reactive power is drawn where positive"
    )
    ways: dict[tuple[str, Inverter], list[InstalledInverter]] = {}
    for one in installed:
        ways.setdefault((one.kind, _way(one.inverter)), []).append(one)
    for (kind, way), alike in ways.items():
        yield f"{count(len(alike), 'inverter')} of {kind}: {'; '.join(_rules(way, alike))}"
        for one in alike:
            yield f"{names[one.household]}  inverter of {kind}  {'  '.join(_constants(one.inverter))}"


def _way(inverter: Inverter) -> Inverter:
    """What it has in common with others that differ in their size alone."""
    return replace(inverter, base_kva=1.0, rating_kva=UNLIMITED, limit_kw=UNLIMITED, export_kw=UNLIMITED)


def _rules(way: Inverter, alike: Sequence[InstalledInverter]) -> Iterator[str]:
    if way.q_of_v != NO_REACTIVE_POWER:
        night = "also at night" if way.q_without_generation else "while it generates"
        yield f"Q(V) {_points(way.q_of_v, Q_OF_V, ' pu')}, {night}"
    if way.power_factor != UNITY:
        excitation = "over-excited" if way.over_excited else "under-excited"
        if len(way.power_factor.x) == 1:
            yield f"cos φ {way.power_factor.y[0]:g}, {excitation}"
        else:
            yield f"cos φ(P) {_points(way.power_factor, COS_PHI_OF_P, '')}, {excitation}"
    if way.own_power_factor:
        yield "reactive power as the profile or `cos_phi` says"
    if way.p_of_v != NO_CURTAILMENT:
        yield f"P(V) {_points(way.p_of_v, P_OF_V, ' pu')}"
    if any(one.inverter.rating_kva != UNLIMITED for one in alike):
        kept = "active" if way.active_first else "reactive"
        yield f"at its rating {kept} power comes first"
    yield "solved together with the voltages" if way.follows_voltage else "settled at the meter"


def _points(one: Characteristic, named: Mapping[str, Characteristic], unit: str) -> str:
    """A characteristic by its name, if it has one, and its points: ``vde_ar_n_4105 (0 at 0.97 pu, ...)``."""
    name = next((f"{name} " for name, known in named.items() if known == one), "")
    points = ", ".join(f"{y:.4g} at {x:g}{unit}" for x, y in zip(one.x, one.y, strict=True))
    return f"{name}({points})"


def _constants(one: Inverter) -> Iterator[str]:
    rated = one.rating_kva != UNLIMITED
    yield f"rating={one.rating_kva:.6g} kVA" if rated else f"installed={one.base_kva:.6g} kW"
    if one.limit_kw != UNLIMITED:
        yield f"generates_at_most={one.limit_kw:.6g} kW"
    if one.export_kw != UNLIMITED:
        yield f"feeds_in_at_most={one.export_kw:.6g} kW"
