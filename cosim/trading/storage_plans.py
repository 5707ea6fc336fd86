"""Batteries in the market: planned with expected prices when offers are made, and again as the day begins.

What a battery is planned to take counts as load of its household, and what it is planned to give as its
generation, as meters count them: so offers, schedules, orders and bills need not know of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.planned_use import FollowsPlan, PlannedPower, Store
from cosim.households.household import Household
from cosim.trading.market import EnergyMarket
from cosim.trading.market_checks import MARKET
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.scheduling.storage_program import Exchange, StorageDay, plan_storage
from cosim.trading.strategies.price_band import prices_at

Array = NDArray[np.float64]


class StoragePlans:
    """Plans of all batteries that the market schedules.

    Parameters
    ----------
    households : sequence of Household
        All of them.
    market : EnergyMarket
        Prices, forecasts and schedules; asks for what is planned here.
    """

    def __init__(self, households: Sequence[Household], market: EnergyMarket) -> None:
        self._at = {
            each.index: (each, device)
            for each in households
            for device in each.planned_by(MARKET)
            if device.storage() is not None
        }
        self._market = market
        self._planned: dict[int, dict[int, Exchange]] = {}
        if self._at:
            market.storage = self.expected

    def __bool__(self) -> bool:
        return bool(self._at)

    def expected(self, household: int, day: int) -> Exchange | None:
        """What a household's battery is expected to do on a day that has not begun; None without one."""
        if household not in self._at:
            return None
        planned = self._planned.setdefault(day, {})
        if household not in planned:
            planned[household] = self._before(household, day)
        return planned[household]

    def begin(self, day: int, agreements: Iterable[Agreement], now_ms: int) -> None:
        """A day begins: plan every battery by what was bought and sold, and have it follow."""
        n = self._market.slots.per_day
        bought, sold = np.zeros((2, self._market.size, n))
        for each in agreements:
            if each.buyer != each.seller:
                bought[each.buyer, each.hour] += each.agreed_kwh
                sold[each.seller, each.hour] += each.agreed_kwh
        slot_ms, slot_h = self._market.slots.length_ms, self._market.slots.length_h
        for number, (household, battery) in self._at.items():
            household.advance(now_ms)
            plan = self._on_the_day(number, _store(battery), day, bought[number], sold[number])
            net_kw = ((plan.charge_kwh - plan.discharge_kwh) / slot_h).tolist()
            ends = range(now_ms + slot_ms, now_ms + (n + 1) * slot_ms, slot_ms)
            battery.follow([PlannedPower(end_ms, kw) for end_ms, kw in zip(ends, net_kw, strict=True)])

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self._planned.pop(day, None)

    def _before(self, household: int, day: int) -> Exchange:
        """By expected prices; each day ends as full as the run began."""
        market, store = self._market, _store(self._at[household][1])
        prices, expects = market.prices.of(household, day), market.participants[household].config.storage
        per_hour, nothing = market.slots.per_hour, np.zeros(market.slots.per_day)
        band = np.minimum(prices.feed_in, prices.grid), prices.grid
        buy, sell = (
            np.where(band[0] < band[1], prices_at(expects.places(side, per_hour), *band), band[1])
            for side in ("buys_at", "sells_at")
        )
        load_kwh = market.home_load(household, day)
        running = sum(each.slot_kwh for each in market.appliance_day(household, day).appliances)
        most_kwh = np.full(len(nothing), market.participants[household].preferences.most_kwh - running)
        generation_kwh = market.home_generation(household, day)
        by = StorageDay(
            load_kwh, generation_kwh, most_kwh, buy, sell, nothing, nothing, market.slots.length_h
        )
        return plan_storage(store, store.start_kwh, store.start_kwh, by)

    def _on_the_day(self, household: int, store: Store, day: int, bought: Array, sold: Array) -> Exchange:
        """By what is there, what was agreed, and the prices of the grid."""
        market = self._market
        prices = market.prices.of(household, day)
        load_kwh = market.home_load(household, day)
        plan = market.plans.get(day, {}).get(household)
        if plan is not None:
            load_kwh = load_kwh + plan.energy_kwh.sum(axis=0)
        most_kwh = np.full(len(load_kwh), market.participants[household].preferences.most_kwh)
        sell = np.minimum(prices.feed_in, prices.grid)
        by = StorageDay(
            load_kwh, market.home_generation(household, day), most_kwh, prices.grid, sell, bought, sold,
            market.slots.length_h,
        )  # fmt: skip
        return plan_storage(store, store.stored_kwh, store.start_kwh, by)


def _store(device: FollowsPlan) -> Store:
    """What a battery stores and can do."""
    store = device.storage()
    assert store is not None  # else it is not planned here
    return store
