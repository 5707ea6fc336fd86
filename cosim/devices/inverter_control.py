"""How an inverter is controlled by itself, without communication: keys of a scenario."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from cosim.config.base import Fraction, Model, Number, Range
from cosim.config.values import KilowattsValue, PositiveKilowattsValue
from cosim.core.errors import InputError, Problem
from cosim.core.inverters import (
    NO_CURTAILMENT,
    NO_REACTIVE_POWER,
    UNITY,
    UNLIMITED,
    Characteristic,
    Inverter,
)
from cosim.devices.named_characteristics import COS_PHI_OF_P, P_OF_V, Q_OF_V
from cosim.devices.sites import ProfileSite

_MAX_POINTS = 50
_VoltageAxis = Annotated[Number, Range(0, 10, above_low=True)]
_SignedShare = Annotated[Number, Range(-1, 1)]
_Share = Annotated[Number, Range(0, 1)]
_Listed = Field(min_length=2, max_length=_MAX_POINTS)


class CosPhi(Model):
    """A power factor that is always the same."""

    kind: Literal["cos_phi"]
    """How reactive power is controlled."""
    cos_phi: Fraction
    """Active over apparent power."""
    excitation: Literal["under", "over"] = "under"
    """Under-excited, so that it draws reactive power and lowers the voltage; or over-excited."""

    @property
    def characteristic(self) -> Characteristic:
        """cos φ over the share of active power."""
        return Characteristic((1.0,), (self.cos_phi,))


class CosPhiOfP(Model):
    """A power factor that depends on how much is generated: cos φ(P)."""

    kind: Literal["cos_phi_of_p"]
    """How reactive power is controlled."""
    standard: Literal["vde_ar_n_4105", "vde_ar_n_4105_small"] | None = None
    """The characteristic of a standard by its name; `_small` is the one for up to 4.6 kVA."""
    points: Annotated[tuple[tuple[_Share, Fraction], ...], _Listed] | None = None
    """Own points instead, each [share of the rating that is generated, cos φ]: straight lines between them,
    and the first and last go on."""
    excitation: Literal["under", "over"] = "under"
    """Under-excited, so that it draws reactive power and lowers the voltage; or over-excited."""

    @model_validator(mode="after")
    def _falls(self) -> Self:
        _require_one(self.standard, self.points)
        _require_order(self.points, -1, "cos φ must not rise with the power; give the smallest last")
        return self

    @property
    def characteristic(self) -> Characteristic:
        """cos φ over the share of active power."""
        return _of_points(self.points) if self.standard is None else COS_PHI_OF_P[self.standard]


class QOfV(Model):
    """Reactive power that depends on the voltage: Q(V), volt-var."""

    kind: Literal["q_of_v"]
    """How reactive power is controlled."""
    standard: Literal["vde_ar_n_4105", "vde_ar_n_4105_small", "ieee_1547_a", "ieee_1547_b"] | None = None
    """The characteristic of a standard by its name; `_small` is the one for up to 4.6 kVA, `_a` and `_b` the
    defaults of the categories."""
    points: Annotated[tuple[tuple[_VoltageAxis, _SignedShare], ...], _Listed] | None = None
    """Own points instead, each [voltage in pu, share of the rating]: positive is drawn from the grid (as is
    meant for a high voltage), negative is fed in. Straight lines between them; the first and last go on."""
    at_night: bool = False
    """Whether it also acts while nothing is generated; by default the inverter is switched off then."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _require_one(self.standard, self.points)
        message = "less reactive power is drawn at a higher voltage, which drives it further away"
        _require_order(self.points, 1, f"{message}; positive is drawn, so give negative shares first")
        return self

    @property
    def characteristic(self) -> Characteristic:
        """Reactive power drawn over the voltage."""
        return _of_points(self.points) if self.standard is None else Q_OF_V[self.standard]


class POfV(Model):
    """Most active power, depending on the voltage: P(V), volt-watt."""

    standard: Literal["ieee_1547"] | None = None
    """The characteristic of a standard by its name."""
    points: Annotated[tuple[tuple[_VoltageAxis, _Share], ...], _Listed] | None = None
    """Own points instead, each [voltage in pu, share of the rating]: straight lines between them, and the
    first and last go on."""

    @model_validator(mode="after")
    def _falls(self) -> Self:
        _require_one(self.standard, self.points)
        message = "more active power is allowed at a higher voltage, which drives it further away"
        _require_order(self.points, -1, f"{message}; give the largest share first")
        return self

    @property
    def characteristic(self) -> Characteristic:
        """Most active power over the voltage."""
        return _of_points(self.points) if self.standard is None else P_OF_V[self.standard]


class FeedInLimit(Model):
    """A limit that never changes, such as 70 % or 60 % of the installed power."""

    at: Literal["inverter", "connection_point"]
    """What is limited: the generation, or what the household as a whole feeds in, so that what it uses itself
    may be generated on top."""
    share: _Share | None = None
    """The limit as a share of the installed power (kWp)."""
    limit_kw: KilowattsValue | None = None
    """The limit as a power, kW, instead."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.share is None) == (self.limit_kw is None):
            raise ValueError("one of share and limit_kw is needed, and not both; give one of them")
        return self


class _Rated(NamedTuple):
    """What a household's inverter is made of, drawn where it is a distribution."""

    installed_kw: float
    rating_kva: float
    limit_kw: float


class InverterControl(Model):
    """How an inverter is controlled by itself; shares of a rating are of `rating_kva`, or without it of the
    installed power."""

    rating_kva: PositiveKilowattsValue | None = None
    """Apparent power that the inverter can carry, kVA; by default it is as large as it has to be."""
    priority: Literal["reactive", "active"] = "reactive"
    """What has priority where the rating does not suffice for both: the reactive power that is asked for
    (active power gives way, and is curtailed), or the active power."""
    reactive: Annotated[CosPhi | CosPhiOfP | QOfV, Field(discriminator="kind")] | None = None
    """Reactive power; by default as the profile or `cos_phi` says."""
    p_of_v: POfV | None = None
    """Active power by voltage; none by default."""
    feed_in_limit: FeedInLimit | None = None
    """A limit on the feed-in; none by default."""

    @property
    def follows_voltage(self) -> bool:
        """Whether the feeder's voltages are needed."""
        return self.p_of_v is not None or isinstance(self.reactive, QOfV)

    def problems(self, has_grid: bool, has_power_factor: bool) -> Iterator[Problem]:
        """What does not fit to the rest of a scenario; paths from the device on."""
        if self.follows_voltage and not has_grid:
            path = "control.p_of_v" if self.p_of_v is not None else "control.reactive"
            message = "this depends on the voltage, and the scenario has no grid"
            yield Problem(message, "Add a grid, or take cos_phi, cos_phi_of_p or feed_in_limit.", path)
        if self.reactive is not None and has_power_factor:
            message = "cos_phi and control.reactive both say what the reactive power is"
            yield Problem(message, "Leave one of them out.", "cos_phi")

    def inverters(self, site: ProfileSite, rated_kw: Mapping[int, float]) -> dict[int, Inverter]:
        """The inverter of each household that has a generation.

        Parameters
        ----------
        site : ProfileSite
            Where they are installed.
        rated_kw : mapping of int to float
            Installed power of each, kWp; NaN where that is not known.

        Raises
        ------
        InputError
            Where a share would be of an installed power that is not known.
        """
        n = len(site.members)
        given = self.rating_kva
        ratings = [UNLIMITED] * n if given is None else site.values("control.rating_kva", given)
        limit = None if self.feed_in_limit is None else self.feed_in_limit.limit_kw
        name = "control.feed_in_limit.limit_kw"
        limits = [UNLIMITED] * n if limit is None else site.values(name, limit)
        rated = {
            household: _Rated(rated_kw[household], rating, limit_kw)
            for household, rating, limit_kw in zip(site.members, ratings, limits, strict=True)
            if household in rated_kw
        }
        if any(math.isnan(each.installed_kw) for each in rated.values()):
            self._require_no_installed_power(site.path)
        return {household: self._inverter(each) for household, each in rated.items()}

    def _require_no_installed_power(self, path: str) -> None:
        message = "the file is not per installed kWp, so that the installed power is not known"
        problems = []
        if self.rating_kva is None:
            problems.append(Problem(message, "Give rating_kva.", f"{path}.control"))
        if self.feed_in_limit is not None and self.feed_in_limit.share is not None:
            problems.append(Problem(message, "Give limit_kw.", f"{path}.control.feed_in_limit.share"))
        if problems:
            raise InputError(problems)

    def _inverter(self, rated: _Rated) -> Inverter:
        base_kva = rated.installed_kw if rated.rating_kva == UNLIMITED else rated.rating_kva
        limit, reactive = self.feed_in_limit, self.reactive
        most_kw = rated.limit_kw
        if limit is not None and limit.share is not None:
            most_kw = limit.share * rated.installed_kw
        at_inverter = limit is not None and limit.at == "inverter"
        factor = reactive if isinstance(reactive, CosPhi | CosPhiOfP) else None
        voltage = reactive if isinstance(reactive, QOfV) else None
        return Inverter(
            base_kva,
            rated.rating_kva,
            active_first=self.priority == "active",
            q_of_v=NO_REACTIVE_POWER if voltage is None else voltage.characteristic,
            power_factor=UNITY if factor is None else factor.characteristic,
            over_excited=factor is not None and factor.excitation == "over",
            own_power_factor=reactive is None,
            p_of_v=NO_CURTAILMENT if self.p_of_v is None else self.p_of_v.characteristic,
            q_without_generation=voltage is not None and voltage.at_night,
            limit_kw=most_kw if at_inverter else UNLIMITED,
            export_kw=UNLIMITED if at_inverter else most_kw,
        )


Points = tuple[tuple[float, float], ...] | None


def _require_one(standard: str | None, points: Points) -> None:
    if (standard is None) == (points is None):
        raise ValueError("one of standard and points is needed, and not both; give one of them")


def _require_order(points: Points, direction: int, otherwise: str) -> None:
    """The first numbers ascend, the second go one way or stay."""
    for (x, y), (next_x, next_y) in zip(points or (), (points or ())[1:], strict=False):
        if next_x <= x:
            raise ValueError(f"a point at {next_x:g} follows one at {x:g}; give them in ascending order")
        if (next_y - y) * direction < 0:
            raise ValueError(otherwise)


def _of_points(points: Points) -> Characteristic:
    assert points is not None  # one of two ways, see _require_one
    x, y = zip(*points, strict=True)
    return Characteristic(tuple(map(float, x)), tuple(map(float, y)))
