"""Delivery days in motion: planned, traded, metered, settled."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from math import fsum
from typing import NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.comms.network import Network
from cosim.core.clock import MS_PER_DAY, Priority, wait_until
from cosim.core.numbers import Number, Summary, declared
from cosim.core.streams import Streams
from cosim.households.household import Household
from cosim.households.meters import Reading
from cosim.households.profile_book import ProfileBook
from cosim.trading.auction.broker_hall import BrokerDecisions, BrokerHall
from cosim.trading.auction.hall import AuctionHall, Decisions
from cosim.trading.auction.messages import Orders
from cosim.trading.auction.orders import hourly_orders
from cosim.trading.clearing.grains import GRAIN_KWH, whole_grains
from cosim.trading.device_plans import DevicePlans
from cosim.trading.market import EnergyMarket
from cosim.trading.protocol.demand_plan import HourlyNeed, needs_from_load
from cosim.trading.protocol.floor import Hooks, TradingFloor
from cosim.trading.protocol.marketplace import MarketOperator, Marketplace
from cosim.trading.protocol.messages import Line
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.record import EnergyRecorder, MeteredDay
from cosim.trading.settlement.bills import Losses, Settlement, settle
from cosim.trading.settlement.commitments import sold_less_bought
from cosim.trading.storage_plans import StoragePlans
from cosim.trading.tariff_record import TariffDays
from cosim.trading.totals import SECTION
from cosim.trading.valuation.offers import Offer

_TRAFFIC = "the trading protocol, warm-up included"
NUMBERS = (
    *declared(SECTION, _TRAFFIC,
        Number("trading_messages", "trading messages", "", "messages between traders, repeated ones too"),
        Number("trading_message_bytes", "size of trading messages", "bytes",
            "bytes of the messages between traders"),
        Number("trading_offers_late", "offers too late", "",
            "offers that reached a household after it had planned", "less"),
        Number("trading_messages_missed", "trading messages missed", "",
            "messages that came to a household while it was down", "less"),
    ),
)  # fmt: skip

Process = Generator[simpy.Event, object, None]
Array = NDArray[np.float64]


class DeliveryDays:
    """All delivery days of a run: every whole day of it.

    Days whose offers would have been due before the run begins are planned by each household alone, with its
    own generation and the grid; so is every day where the rule knows no trading.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    network : Network
        Carries offers and requests over peer links.
    market : EnergyMarket
        What households decide.
    book : ProfileBook
        Takes the load of the appliances, and what batteries must leave to buyers.
    streams : Streams
        The run's random numbers.
    duration_ms, interval_ms : int
        Length of the run and of a metering interval.
    recorder : EnergyRecorder
        Told of every day.
    households : sequence of Household
        All of them: the market plans some of their devices.
    listeners : sequence of tuple of int, optional
        Who hears the offers of each household; everybody by default.
    tariffs : TariffDays, optional
        Settles fees and taxes.

    Attributes
    ----------
    floor : Marketplace
        Where households trade; on days that are not traded nothing happens there.
    operator : MarketOperator or None
        Who runs it, where somebody does.
    metered : MeteredDay
        The current day's.
    """

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        market: EnergyMarket,
        book: ProfileBook,
        streams: Streams,
        duration_ms: int,
        interval_ms: int,
        recorder: EnergyRecorder,
        households: Sequence[Household],
        listeners: Sequence[tuple[int, ...]] | None = None,
        tariffs: TariffDays | None = None,
    ) -> None:
        self._env = env
        self._market = market
        self._book = book
        self._interval_ms = interval_ms
        self._recorder = recorder
        self._tariffs = tariffs
        rules = market.config.rules
        terms = build_terms(rules, 0)
        self._timeline = terms.timeline
        whole_days = range(duration_ms // MS_PER_DAY)
        traded = self._timeline.tradable_days(duration_ms) if market.config.rules.rule.trades else range(0)
        self._traded = set(traded)
        self._device_plans = DevicePlans(households, market, terms.timeline, len(whole_days))
        self._storage = StoragePlans(households, market)
        self._n_days = len(whole_days)
        self._alone = [day for day in whole_days if day not in self._traded]
        self._least_kwh = max(rules.min_trade_kwh, GRAIN_KWH)
        self._has_rounds = rules.rounds is not None
        self._on_top: dict[int, dict[int, Array]] = {}
        self.operator: MarketOperator | None = None
        self.floor: Marketplace
        if rules.offers_to.has_broker and market.has_operator:
            through = BrokerDecisions(
                self._asks, self._begin, market.lose_memory, self._bids, self._depth_kwh
            )
            self.floor = self.operator = BrokerHall(
                env, network, market.size, terms, traded, rules.clearing, self._hour_prices, through,
                rules.planning_spread_ms, streams,
            )  # fmt: skip
        elif market.has_operator:
            decisions = Decisions(self._order, self._begin, market.lose_memory)
            self.floor = self.operator = AuctionHall(
                env, network, market.size, terms, traded, rules.clearing, self._hour_prices, decisions
            )
        else:
            hooks = Hooks(market.offers, self._plan, self._begin, market.lose_memory, self._plan_again)
            self.floor = TradingFloor(
                env, network, market.size, terms, traded, rules.planning_spread_ms, streams, hooks, listeners
            )
        self.metered = self._blank()
        self._n_messages = 0
        self._n_late_offers = 0

    def start(self) -> None:
        """Begin; messages of trading must be handed to `floor.receive`."""
        self.floor.start()
        self._device_plans.start()
        self._env.process(self._plan_alone())
        self._env.process(self._keep_promises())
        if self._storage:
            self._env.process(self._begin_storage())

    def meter(self, interval: int, reading: Reading) -> int:
        """Count an interval that has been metered; settle the day if it was its last.

        Returns
        -------
        int
            Messages of trading since the last call.
        """
        start_ms = interval * self._interval_ms
        hour = self._market.slots.number(start_ms)
        self.metered.load_kwh[:, hour] += reading.consumed_kwh
        self.metered.generation_kwh[:, hour] += reading.generated_kwh
        if (start_ms + self._interval_ms) % MS_PER_DAY == 0:
            self._settle(start_ms // MS_PER_DAY)
        before, self._n_messages = self._n_messages, sum(each.messages for each in self.floor.traffic())
        return self._n_messages - before

    def summary(self) -> Summary:
        """Money, energy and messages of all settled days.

        An offer is late that reaches a household after it has planned; a message is missed that arrives at a
        household that is down.
        """
        traffic = self.floor.traffic()
        tariffs = {} if self._tariffs is None else self._tariffs.sums.result()
        return (
            self._recorder.metrics.result()
            | tariffs
            | {
                "trading_messages": sum(each.messages for each in traffic),
                "trading_message_bytes": sum(each.sent_bytes for each in traffic),
                "trading_offers_late": self._n_late_offers,
                "trading_messages_missed": self.floor.missed_messages,
            }
        )

    def _blank(self) -> MeteredDay:
        shape = (self._market.size, self._market.slots.per_day)
        return MeteredDay(np.zeros(shape), np.zeros(shape))

    def _plan_alone(self) -> Process:
        for day in self._alone:
            yield wait_until(self._env, max(0, self._timeline.gate_ms(day)), Priority.DECISION)
            self._begin(day)

    def _plan(self, household: int, day: int, offers: Sequence[Offer]) -> list[HourlyNeed]:
        """What a household wants to buy: for its schedule, and for devices at variable power on top."""
        offers = self._market.open_to(household, day, offers)
        landed = self._market.prices.landed(household, day, offers)
        load_kwh = self._market.plan(household, day, landed)
        on_top_kwh = self._device_plans.at_gate(household, day, landed, int(self._env.now))
        if self._has_rounds:
            self._on_top.setdefault(day, {})[household] = on_top_kwh
        return self._needs(household, day, load_kwh + on_top_kwh, offers)

    def _needs(self, household: int, day: int, load_kwh: Array, offers: Sequence[Offer]) -> list[HourlyNeed]:
        prices = self._market.prices
        grid, charges = prices.of(household, day).grid.tolist(), prices.charges(household, day, offers)
        return needs_from_load(load_kwh.tolist(), offers, grid, charges)

    def _plan_again(
        self, household: int, day: int, offers: Sequence[Offer], bought: Sequence[Offer], first_hour: int
    ) -> list[HourlyNeed]:
        """What a household wants to buy after it has planned again what of its day has not begun."""
        on_top_kwh = self._on_top.get(day, {}).get(household, np.zeros(self._market.slots.per_day))
        offers = self._market.open_to(household, day, offers)
        landed = self._market.prices.landed(household, day, offers)
        supply = [each for each in (*landed, *bought) if each.quantity_kwh > 0]
        load_kwh = self._market.plan_again(household, day, supply, first_hour, on_top_kwh)
        return self._needs(household, day, load_kwh, offers)

    def _order(self, household: int, day: int) -> Orders:
        """What a household orders: it plans its day alone, sells what is left and bids for what it lacks."""
        market, rules = self._market, self._market.config.rules
        market.plan_alone(household, day)
        generation_kwh = market.expected_generation(household, day)
        own = market.own_supply(household, day, generation_kwh)
        on_top_kwh = self._device_plans.at_gate(household, day, own, int(self._env.now))
        fixed_kwh = market.expected_load(household, day) + on_top_kwh
        parts = market.load_parts(household, day, fixed_kwh)
        asked = np.full(market.slots.per_day, np.nan)
        for offer in market.offers(household, day):
            asked[offer.hour] = offer.price
        prices, least_kwh = market.prices.bidding(household, day), self._least_kwh
        lines = hourly_orders(parts, generation_kwh, asked, prices, rules.clearing, least_kwh)
        return Orders(day, *lines)

    def _asks(self, household: int, day: int) -> Orders:
        """What a household offers through a broker."""
        rounded = [
            Line(each.hour, whole_grains(each.quantity_kwh), each.price)
            for each in self._market.offers(household, day)
        ]
        return Orders(day, (), [line for line in rounded if line.energy_kwh >= self._least_kwh])

    def _bids(self, household: int, day: int, offers: Sequence[Offer]) -> Orders:
        """What it buys there: its load in the hours of which there was a quote, below the grid's price."""
        prices = self._market.prices.bidding(household, day).grid.tolist()
        bids = [
            Line(need.hour, whole_grains(need.demand_kwh), prices[need.hour])
            for need in self._plan(household, day, offers)
        ]
        return Orders(day, [line for line in bids if line.energy_kwh >= self._least_kwh], ())

    def _depth_kwh(self, household: int) -> float:
        """A quote is as deep as what a household may draw in an hour."""
        return self._market.participants[household].preferences.most_kwh

    def _hour_prices(self, day: int) -> list[tuple[float, float]]:
        """What a kWh from the grid costs and one fed in earns, by hour."""
        prices = self._market.prices.reference(day)
        return list(zip(prices.grid.tolist(), prices.feed_in.tolist(), strict=True))

    def _begin(self, day: int) -> None:
        """Fix the day's schedules; a household that has none by now makes one without the others."""
        market = self._market
        self._device_plans.look(int(self._env.now))
        for household in range(market.size):
            if household not in market.plans.get(day, ()):
                market.plan_alone(household, day)
        if not (self._has_rounds and day in self._traded):
            for hour in range(market.slots.per_day):
                self._use(day, hour)
            self._recorder.add_plans(day, market.plans[day])
        if self._device_plans:
            agreed = self.floor.agreements(day) if day in self._traded else []
            self._device_plans.decided(day, sold_less_bought(agreed, market.size, market.slots.per_day))

    def _begin_storage(self) -> Process:
        """As a day begins, after all that is decided then, batteries are planned by what was agreed."""
        for day in range(self._n_days):
            yield wait_until(self._env, self._timeline.start_ms(day), Priority.TICK)
            agreed = self.floor.agreements(day) if day in self._traded else []
            self._storage.begin(day, agreed, int(self._env.now))

    def _use(self, day: int, hour: int) -> None:
        """Let appliances draw in an hour what is planned by now."""
        load_kw = self._market.appliance_load_kw(day)[hour]
        for interval in self._intervals(day, hour):
            self._book.add_load(interval, load_kw)

    def _keep_promises(self) -> Process:
        """As a day begins, take what is sold from what batteries see; what is bought stands in for it.

        Where there are further rounds plans and promises of an hour are final when it begins.
        """
        slots = self._market.slots
        whole_day = list(range(slots.per_day))
        for day in sorted(self._traded):
            for hours in [[hour] for hour in whole_day] if self._has_rounds else [whole_day]:
                at_ms = self._timeline.start_ms(day) + hours[0] * slots.length_ms
                yield wait_until(self._env, at_ms, Priority.ARRIVAL)
                agreed = self.floor.agreements(day)
                promised_kw = sold_less_bought(agreed, self._market.size, slots.per_day) / slots.length_h
                for hour in hours:
                    if self._has_rounds:
                        self._use(day, hour)
                    for interval in self._intervals(day, hour):
                        self._book.set_aside(interval, promised_kw[:, hour])

    def _intervals(self, day: int, hour: int) -> range:
        """Numbers of the metering intervals of an hour."""
        in_one = self._market.slots.length_ms // self._interval_ms
        first = self._timeline.start_ms(day) // self._interval_ms + hour * in_one
        return range(first, first + in_one)

    def _settle(self, day: int) -> None:
        market, floor, rules = self._market, self.floor, self._market.config.rules
        if self._has_rounds and day in self._traded:
            self._recorder.add_plans(day, market.plans[day])
        metered, self.metered = self.metered, self._blank()
        is_traded = day in self._traded
        offered = floor.offered(day) if is_traded else []
        settlement = settle(
            day,
            floor.agreements(day) if is_traded else [],
            floor.failed(day) if is_traded else [],
            metered.load_kwh,
            metered.generation_kwh,
            market.prices.retail(day),
            partial(self._losses, day) if rules.deviations == "causer_compensates" else None,
        )
        if self._tariffs is not None:
            settlement = self._tariffs.settled(day, settlement)
        own, sold, bought = _passed(settlement, metered.load_kwh.shape)
        received = sold.price if self.operator else None
        market.learn_to_ask(day, offered, own.energy_kwh, sold.energy_kwh, received)
        if self.operator and is_traded:
            market.learn_to_bid(day, floor.bids(day), bought.energy_kwh, bought.price)
        value_eur = fsum(plan.energy_value for plan in market.plans[day].values())
        self._recorder.add_day(day, offered, settlement, market.prices.base(day), metered, value_eur)
        if self.operator and is_traded:
            self._recorder.add_clearing(day, floor.bids(day), offered, settlement.trades)
        if is_traded and not rules.clearing.has_operator:
            self._recorder.add_wanted(day, floor.wanted_kwh(day), settlement.trades)
        self._n_late_offers += floor.too_late(day)
        floor.forget(day)
        market.forget(day)
        self._device_plans.forget(day)
        self._storage.forget(day)
        self._on_top.pop(day, None)

    def _losses(self, day: int, trade: Agreement) -> Losses:
        """What the partners of a trade lose by what it lacks."""
        prices, hour = self._market.prices, trade.hour
        offer = Offer(hour, trade.seller, trade.agreed_kwh, trade.price)
        [landed] = prices.landed(trade.buyer, day, [offer])
        from_grid = float(prices.of(trade.buyer, day).grid[hour])
        fed_in = float(prices.of(trade.seller, day).feed_in[hour])
        return Losses(max(0.0, from_grid - landed.price), max(0.0, trade.price - fed_in))


class _Passed(NamedTuple):
    """What each household delivered or got in each hour, kWh, and the price of a kWh of it, EUR/kWh.

    Shape (n_households, n_slots) each; the price is NaN where nothing was.
    """

    energy_kwh: Array
    price: Array


def _passed(settlement: Settlement, shape: tuple[int, ...]) -> tuple[_Passed, _Passed, _Passed]:
    """What households delivered to themselves and to others, and what they got of others."""
    energy, money = np.zeros((3, *shape)), np.zeros((3, *shape))
    for trade in settlement.trades:
        with_itself = trade.buyer == trade.seller
        for side, household in ((0, trade.seller),) if with_itself else ((1, trade.seller), (2, trade.buyer)):
            energy[side, household, trade.hour] += trade.delivered_kwh
            money[side, household, trade.hour] += trade.delivered_kwh * trade.price
    price = np.divide(money, energy, out=np.full_like(energy, np.nan), where=energy > 0)
    own, sold, bought = (_Passed(*each) for each in zip(energy, price, strict=True))
    return own, sold, bought
