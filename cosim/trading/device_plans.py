"""What the market plans of devices at variable power: by hours, over their own windows, across midnight.

A device is planned when it tells of a need (a vehicle arrives), when the gate of a day closes, and when it
has been decided what of that day was bought. What is known then is used, and no more: of days whose offers
have been published prices and forecasts, and of days after them those of the last such day, hour by hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, to_hours
from cosim.core.planned_use import FollowsPlan, Need, PlannedPower
from cosim.households.household import Household
from cosim.trading.market import EnergyMarket
from cosim.trading.market_checks import MARKET
from cosim.trading.protocol.trading_day import Timeline
from cosim.trading.scheduling.cheapest_hours import HourRoom, fill_cheapest, room_above
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.valuation.offers import Offer

Array = NDArray[np.float64]


class _Hour(NamedTuple):
    """A calendar hour as far as a need reaches into it: of a part of it there is that part."""

    number: int
    begin_ms: int
    end_ms: int


class DevicePlans:
    """Plans of all devices that the market schedules.

    Parameters
    ----------
    households : sequence of Household
        All of them.
    market : EnergyMarket
        Prices, forecasts and schedules.
    timeline : Timeline
        When offers of a day are published.
    n_days : int
        Days of the run.

    Attributes
    ----------
    committed : dict of int to ndarray
        What each household has sold to others less what it has bought, kWh, shape (n_households, 24); by day,
        from the deadline on until it is settled.
    """

    def __init__(
        self, households: Sequence[Household], market: EnergyMarket, timeline: Timeline, n_days: int
    ) -> None:
        planned = {each.index: (each, each.planned_by(MARKET)) for each in households}
        self._planned = {number: found for number, found in planned.items() if found[1]}
        self._market = market
        self._timeline = timeline
        self._n_days = n_days
        self.committed: dict[int, Array] = {}

    def __bool__(self) -> bool:
        return bool(self._planned)

    def start(self) -> None:
        """Listen to needs, and plan those that there are."""
        for number, (_, devices) in self._planned.items():
            for device in devices:
                device.tell_of_needs(partial(self._answer, number, device))
                self._answer(number, device)

    def look(self, now_ms: int) -> None:
        """Bring all devices up to date: who has arrived by now has planned with what was known then."""
        for household, _ in self._planned.values():
            household.advance(now_ms)

    def at_gate(self, number: int, day: int, offers: Sequence[Offer], now_ms: int) -> Array:
        """Plan a household's devices with the offers that reached it, above the day's schedule.

        Returns
        -------
        ndarray, shape (24,)
            What they are planned to take in the hours of the day, kWh.
        """
        slots = self._market.slots
        planned_kwh = np.zeros(slots.per_day)
        if number in self._planned:
            household, devices = self._planned[number]
            household.advance(now_ms)
            for device in devices:
                for hour, kwh in self._plan(number, device, day, offers):
                    if hour.number // slots.per_day == day:
                        planned_kwh[hour.number % slots.per_day] += kwh
        return planned_kwh

    def decided(self, day: int, committed: Array) -> None:
        """It is decided what was bought and sold of a day: plan everything with that."""
        self.committed[day] = committed
        for number, (_, devices) in self._planned.items():
            for device in devices:
                self._answer(number, device)

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self.committed.pop(day, None)

    def _answer(self, number: int, device: FollowsPlan) -> None:
        """Plan a device by what is left after trading: own generation and the grid."""
        self._plan(number, device)

    def _plan(
        self, number: int, device: FollowsPlan, open_day: int = -1, offers: Iterable[Offer] = ()
    ) -> list[tuple[_Hour, float]]:
        """Fill the cheapest hours of what a device needs, and have it follow; energy by hour."""
        need = device.need()
        if need is None:
            return []
        slots = self._market.slots
        hours = list(_hours(need, slots.length_ms))
        last_day = self._last_known_day(need.begin_ms)
        days = [min(hour.number // slots.per_day, last_day) for hour in hours]
        rooms: list[HourRoom] = []
        for day in sorted(set(days)):
            its = [hour for hour, at in zip(hours, days, strict=True) if at == day]
            rooms += self._room(number, day, its, need.most_kw, offers if day == open_day else None)
        energy = fill_cheapest(need.energy_kwh, rooms)
        device.follow(
            [
                PlannedPower(hour.end_ms, kwh / to_hours(hour.end_ms - hour.begin_ms))
                for hour, kwh in zip(hours, energy, strict=True)
            ]
        )
        return list(zip(hours, energy, strict=True))

    def _room(
        self, number: int, day: int, hours: Sequence[_Hour], most_kw: float, offers: Iterable[Offer] | None
    ) -> list[HourRoom]:
        """What a household can take in some hours by the prices of a day, and at what price.

        While its gate closes these are the offers; else its own generation, less what it has sold and with
        what it has bought, at what feeding it in would earn; and the grid. Without preferences every hour is
        as good as another where prices do not count.
        """
        market = self._market
        grid_price = market.prices.of(number, day).grid
        if market.config.rules.rule.aim == "preferences":
            offers, grid_price = (), np.zeros_like(grid_price)
        elif offers is None:
            own_kwh = market.expected_generation(number, day)
            if day in self.committed:
                own_kwh = np.maximum(own_kwh - self.committed[day][number], 0.0)
            offers = market.own_supply(number, day, own_kwh)
        most_kwh = market.participants[number].preferences.most_kwh
        plan = market.plans.get(day, {}).get(number)
        load_kwh = market.expected_load(number, day) if plan is None else plan.schedule.load_kwh
        whole_day = room_above(merit_order(offers, grid_price, most_kwh), load_kwh.tolist())
        rooms = []
        for hour in hours:
            room = whole_day[hour.number % market.slots.per_day]
            share = (hour.end_ms - hour.begin_ms) / market.slots.length_ms
            steps = tuple((price, kwh * share) for price, kwh in room.steps)
            rooms.append(HourRoom(min(room.most_kwh, most_kw * market.slots.length_h) * share, steps))
        return rooms

    def _last_known_day(self, now_ms: int) -> int:
        published = (now_ms + self._timeline.publication_before_ms) // MS_PER_DAY
        return min(max(published, now_ms // MS_PER_DAY), self._n_days - 1)


def _hours(need: Need, slot_ms: int) -> Iterator[_Hour]:
    """The hours, or market intervals, that a need reaches into, counted from the start of the run."""
    for number in range(need.begin_ms // slot_ms, -(-need.end_ms // slot_ms)):
        begin_ms, end_ms = number * slot_ms, (number + 1) * slot_ms
        yield _Hour(number, max(begin_ms, need.begin_ms), min(end_ms, need.end_ms))
