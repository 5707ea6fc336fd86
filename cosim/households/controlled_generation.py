"""Generation behind inverters that are controlled: what there is, what of it is generated, what is curtailed.

Devices act on the generation that there is: a battery charges from it, a market counts on it. What an
inverter then holds back is taken off the household's balance at its meter, so that it is drawn from the grid
where the household feeds in no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.core.inverters import Conditions, Inverters
from cosim.households.meters import InverterReading, Reading
from cosim.households.profile_book import InstalledInverter, ProfileBook

Array = NDArray[np.float64]


class Open(NamedTuple):
    """An interval whose inverters have not all settled."""

    reading: Reading
    """What meters would show if nothing were controlled."""
    met: Conditions
    """What the inverters meet, of shape (n,)."""
    own_kvar: Array
    """Reactive power that profiles have instead. Shape (n,)."""


class ControlledGeneration:
    """All inverters of a run that are controlled.

    Parameters
    ----------
    installed : sequence of InstalledInverter
        The inverters.
    supplied : ndarray of bool, shape (n_households,)
        Which households stand where the feeder has a voltage.
    book : ProfileBook
        Where their generation is looked up.
    interval_ms : int
        Length of an interval.

    Attributes
    ----------
    installed : tuple of InstalledInverter
        The inverters.
    owners : ndarray of int, shape (n,)
        The household of each.
    follow_voltage : ndarray of bool, shape (n,)
        Which are solved together with the feeder.
    following : Inverters
        Those alone.
    """

    def __init__(
        self,
        installed: Sequence[InstalledInverter],
        supplied: NDArray[np.bool_],
        book: ProfileBook,
        interval_ms: int,
    ) -> None:
        self.installed = tuple(installed)
        self.owners = np.array([one.household for one in installed], dtype=np.int64)
        self._inverters = Inverters([one.inverter for one in installed])
        self._kinds = tuple(one.kind for one in installed)
        self._book = book
        self._hours = to_hours(interval_ms)
        self._interval_ms = interval_ms
        self._orders: list[tuple[int, int, float]] = []
        self._n_households = len(supplied)
        self.follow_voltage = self._inverters.follow_voltage & supplied[self.owners]
        self.following = self._inverters.some(self.follow_voltage)
        self._others = np.flatnonzero(~self.follow_voltage)
        self._fixed = self._inverters.some(~self.follow_voltage)

    def parameters(self) -> dict[str, Array]:
        """What is written of each household in the table `prosumers`; NaN for one without."""
        found: dict[str, Array] = {}
        for kind, owner, one in zip(self._kinds, self.owners.tolist(), self._inverters.each, strict=True):
            column = found.setdefault(f"{kind}_rating_kva", np.full(self._n_households, np.nan))
            column[owner] = one.rating_kva if np.isfinite(one.rating_kva) else np.nan
        return found

    def limit_feed_in(self, household: int, most_kw: float, now_ms: int) -> bool:
        """Let a household feed in no more than this, from the next interval on that has not begun.

        Returns
        -------
        bool
            Whether it has an inverter that obeys.
        """
        self._orders.append((now_ms, household, most_kw))
        return household in self.owners

    def open(self, interval: int, reading: Reading) -> Open:
        """What the inverters meet in an interval whose meters have just been read."""
        self._obey(interval * self._interval_ms)
        means = {kind: self._book.kind_means(kind, interval) for kind in dict.fromkeys(self._kinds)}
        pairs = [
            (means[kind][0][owner], means[kind][1][owner])
            for kind, owner in zip(self._kinds, self.owners.tolist(), strict=True)
        ]
        available_kw, own_kvar = np.array(pairs).T
        # What stands behind the meter besides all controlled generation.
        others_kw = reading.p_kw + np.bincount(self.owners, available_kw, len(reading.p_kw))
        met = self._inverters.conditions(
            available_kw[:, None], own_kvar[:, None], others_kw[self.owners, None]
        )
        return Open(reading, met.take((slice(None), 0)), own_kvar)

    def _obey(self, start_ms: int) -> None:
        """Take the orders that had arrived when an interval began."""
        while self._orders and self._orders[0][0] <= start_ms:
            _, household, most_kw = self._orders.pop(0)
            self._inverters.order(self.owners == household, most_kw)

    def to_solve(self, interval: Open) -> Conditions:
        """What the inverters meet that follow the voltage."""
        return interval.met.take(self.follow_voltage)

    def without_following(self, interval: Open) -> tuple[Array, Array]:
        """What households draw but for the inverters that follow the voltage, kW and kvar."""
        generated, drawn = self._set_points(interval, *np.zeros((2, len(self.following))))
        return self._drawn(interval, generated, drawn)

    def close(self, interval: Open, generated_kw: Array, drawn_kvar: Array) -> Reading:
        """What meters show, with the set-points of the inverters that follow the voltage."""
        generated, drawn = self._set_points(interval, generated_kw, drawn_kvar)
        p_kw, q_kvar = self._drawn(interval, generated, drawn)
        reading, hours = interval.reading, self._hours
        curtailed_kw = interval.met.available_kw - generated
        lost_kwh = np.bincount(self.owners, curtailed_kw, len(p_kw)) * hours
        shown = InverterReading(
            self.owners,
            interval.met.available_kw * hours,
            generated * hours,
            curtailed_kw * hours,
            drawn * hours,
        )
        return reading._replace(
            pv_kwh=reading.pv_kwh - lost_kwh,
            net_kwh=reading.net_kwh + lost_kwh,
            p_kw=p_kw,
            q_kvar=q_kvar,
            inverters=shown,
        )

    def _set_points(self, interval: Open, generated_kw: Array, drawn_kvar: Array) -> tuple[Array, Array]:
        """Of all inverters, from those that follow the voltage; the others do the same at any voltage."""
        generated, drawn = np.empty((2, len(self.owners)))
        generated[self.follow_voltage], drawn[self.follow_voltage] = generated_kw, drawn_kvar
        if len(self._others):
            met = Conditions(*(each[self._others, None] for each in interval.met))
            p, q = self._fixed.set_points(met, np.ones((len(self._others), 1)))
            generated[self._others], drawn[self._others] = p[:, 0], q[:, 0]
        return generated, drawn

    def _drawn(self, interval: Open, generated_kw: Array, drawn_kvar: Array) -> tuple[Array, Array]:
        reading = interval.reading
        n = len(reading.p_kw)
        p_kw = reading.p_kw + np.bincount(self.owners, interval.met.available_kw - generated_kw, n)
        return p_kw, reading.q_kvar + np.bincount(self.owners, drawn_kvar - interval.own_kvar, n)
