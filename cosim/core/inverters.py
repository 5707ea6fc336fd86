"""What inverters feed in and draw at a voltage: characteristics, ratings, limits; data and pure functions.

The devices describe their inverters, and the feeder solves them together with its voltages; what both mean
by one is here. Active power is generated (positive), reactive power is drawn (positive: under-excited).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
UNLIMITED = np.inf
"""A rating or a limit that is not there."""
_HALVINGS = 60


class Characteristic(NamedTuple):
    """Straight lines between points; before the first and behind the last its value stays."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    """The points; x ascends."""

    def at(self, x: Array) -> Array:
        """Its values."""
        return np.asarray(np.interp(x, self.x, self.y), dtype=np.float64)


NO_CURTAILMENT = Characteristic((1.0,), (UNLIMITED,))
NO_REACTIVE_POWER = Characteristic((1.0,), (0.0,))
UNITY = Characteristic((1.0,), (1.0,))
"""What an inverter has that has no such characteristic."""


@dataclass(frozen=True)
class Inverter:
    """The inverter of one household's generation."""

    base_kva: float
    """What shares are of: its rating, or the installed power where it has none."""
    rating_kva: float = UNLIMITED
    """Most apparent power; `UNLIMITED` for an inverter that is as large as it has to be."""
    active_first: bool = False
    """Whether, at its rating, reactive power gives way; else active power does."""
    q_of_v: Characteristic = NO_REACTIVE_POWER
    """Reactive power drawn, share of the base, over the voltage, pu."""
    power_factor: Characteristic = UNITY
    """cos φ over generated power, share of the base."""
    over_excited: bool = False
    """Whether the reactive power of that power factor is fed in; else it is drawn."""
    own_power_factor: bool = False
    """Whether its reactive power keeps to its active power as the profile has both."""
    p_of_v: Characteristic = NO_CURTAILMENT
    """Most active power, share of the base, over the voltage, pu."""
    q_without_generation: bool = False
    """Whether Q(V) acts while nothing is generated."""
    limit_kw: float = UNLIMITED
    """Most active power that it generates."""
    export_kw: float = UNLIMITED
    """Most active power that the household as a whole feeds in."""

    @property
    def follows_voltage(self) -> bool:
        """Whether what it does depends on the voltage."""
        return self.q_of_v != NO_REACTIVE_POWER or self.p_of_v != NO_CURTAILMENT

    @property
    def most_kw(self) -> float:
        """Most active power that it ever generates.

        Where reactive power comes first and has a power factor to keep, the rating leaves room for no more.
        """
        most = min(self.limit_kw, self.rating_kva)
        if self.active_first or self.power_factor == UNITY:
            return most
        return min(most, self._at_power_factor())

    def _at_power_factor(self) -> float:
        """Power at which the apparent power is the rating; the more is generated, the lower cos φ is."""
        if self.rating_kva == UNLIMITED:
            return UNLIMITED
        low, high = 0.0, self.rating_kva
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            share = middle / self.base_kva
            fits = middle <= self.rating_kva * float(self.power_factor.at(np.array(share)))
            low, high = (middle, high) if fits else (low, middle)
        return low


class Conditions(NamedTuple):
    """What inverters meet in some intervals, whatever the voltage; arrays of one shape."""

    available_kw: Array
    """Generation that there is."""
    most_kw: Array
    """Most that may be generated, by rating and limits."""
    q_base_kva: Array
    """What Q(V) is a share of; 0 where it does not act."""
    q_per_p: Array
    """Reactive power that goes with each kW as the profile has both; 0 where it does not count."""

    def take(self, where: object) -> Conditions:
        """The same of some of them."""
        return Conditions(*(each[where] for each in self))  # type: ignore[call-overload]  # any index of numpy


class Inverters:
    """Many inverters as arrays, along the first axis; a second axis is time.

    Parameters
    ----------
    each : sequence of Inverter
        The inverters.
    """

    def __init__(self, each: Sequence[Inverter]) -> None:
        self.each = tuple(each)
        self.follow_voltage = np.array([one.follows_voltage for one in each], dtype=bool)
        self._base = _column(one.base_kva for one in each)
        self._rating = _column(one.rating_kva for one in each)
        self._squared = self._rating * self._rating
        self._active_first = np.array([[one.active_first] for one in each], dtype=bool).reshape(-1, 1)
        self._sign = _column(-1.0 if one.over_excited else 1.0 for one in each)
        self._own = _column(float(one.own_power_factor) for one in each)
        self._at_night = np.array([[one.q_without_generation] for one in each], dtype=bool).reshape(-1, 1)
        self._most = _column(one.most_kw for one in each)
        self._export = _column(one.export_kw for one in each)
        self._ordered = _column(UNLIMITED for _ in each)
        self._q_of_v = _Stack([one.q_of_v for one in each])
        self._p_of_v = _Stack([one.p_of_v for one in each])
        self._power_factor = _Stack([one.power_factor for one in each])
        self._is_rated = bool(np.isfinite(self._rating).any())
        self._has_power_factor = any(one.power_factor != UNITY for one in each)
        self._curtails = any(one.p_of_v != NO_CURTAILMENT for one in each)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.each)

    def some(self, which: NDArray[np.bool_]) -> Inverters:
        """Those that a mask selects."""
        return Inverters([one for one, wanted in zip(self.each, which, strict=True) if wanted])

    def order(self, which: NDArray[np.bool_], export_kw: float) -> None:
        """Let the households of some feed in no more than this from now on; `UNLIMITED` lifts it."""
        self._ordered[which] = export_kw

    def conditions(self, available_kw: Array, own_kvar: Array, others_kw: Array) -> Conditions:
        """What they meet in some intervals; arrays of shape (n, T).

        Parameters
        ----------
        available_kw, own_kvar : ndarray
            Generation that there is, and the reactive power drawn with it, as profiles say.
        others_kw : ndarray
            What everything else behind the same meter draws.
        """
        generates = available_kw > 0
        ratio = np.divide(own_kvar, available_kw, out=np.zeros_like(available_kw), where=generates)
        q_per_p = ratio * self._own
        export_kw = np.minimum(self._export, self._ordered)
        most = np.minimum(self._most, np.maximum(export_kw + others_kw, 0.0))
        kept = self._rating / np.sqrt(1.0 + q_per_p * q_per_p)
        most = np.where(self._active_first, most, np.minimum(most, kept))
        acts = generates | self._at_night
        return Conditions(available_kw, most, np.where(acts, self._base, 0.0), q_per_p)

    def set_points(self, met: Conditions, vm_pu: Array) -> tuple[Array, Array]:
        """What they generate, kW, and draw as reactive power, kvar, at a voltage; NaN where that is unknown.

        Parameters
        ----------
        met : Conditions
            Of shape (n, T).
        vm_pu : ndarray, shape (n, T)
            The voltage at each.
        """
        p = np.minimum(met.available_kw, met.most_kw)
        if self._curtails:
            p = np.minimum(p, self._base * self._p_of_v.at(vm_pu))
        q = met.q_base_kva * self._q_of_v.at(vm_pu) + met.q_per_p * p
        if self._has_power_factor:
            cos_phi = self._power_factor.at(p / self._base)
            q = q + self._sign * p * (np.sqrt(1.0 - cos_phi * cos_phi) / cos_phi)
        if self._is_rated:
            return self._within_rating(p, q)
        return p, q

    def _within_rating(self, p: Array, q: Array) -> tuple[Array, Array]:
        """Let active or reactive power give way where both are more than the rating."""
        q = np.clip(q, -self._rating, self._rating)
        with np.errstate(invalid="ignore"):  # no rating is infinite, and infinity less infinity is no number
            room_q = np.sqrt(np.maximum(self._squared - p * p, 0.0))
            room_p = np.sqrt(np.maximum(self._squared - q * q, 0.0))
        first = self._active_first
        return np.where(first, p, np.minimum(p, room_p)), np.where(first, np.clip(q, -room_q, room_q), q)


class _Stack:
    """Characteristics, one a row; those that are alike are looked up together."""

    def __init__(self, each: Sequence[Characteristic]) -> None:
        self._kinds = [
            (kind, np.array([row for row, one in enumerate(each) if one == kind], dtype=np.int64))
            for kind in dict.fromkeys(each)
        ]

    def at(self, x: Array) -> Array:
        """The value of each row's own, of shape (n, T)."""
        if len(self._kinds) == 1:
            return self._kinds[0][0].at(x)
        values = np.empty_like(x)
        for kind, rows in self._kinds:
            values[rows] = kind.at(x[rows])
        return values


def _column(values: Iterable[float]) -> Array:
    return np.array(list(values), dtype=np.float64).reshape(-1, 1)
