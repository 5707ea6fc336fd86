"""The energy-value market of a run: what each household knows of the days to come, offers and plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.core.errors import SimulationError
from cosim.core.streams import Streams
from cosim.trading.auction.orders import Part, load_worth, parts_at
from cosim.trading.protocol.marketplace import Bid
from cosim.trading.scheduling.day_plan import DayPlan, Preferences, plan_day, plan_rest
from cosim.trading.scheduling.storage_program import Exchange, beside
from cosim.trading.schemas.appliances import AppliancesConfig
from cosim.trading.schemas.energy_value import EnergyValueConfig, TradingConfig
from cosim.trading.schemas.market_slots import MarketSlots
from cosim.trading.strategies.lessons import Learners, buyers_lesson, sellers_lesson, selling_reward
from cosim.trading.valuation.forecast import day_ahead
from cosim.trading.valuation.offers import Offer, make_offers
from cosim.trading.valuation.participants import ApplianceDay, appliance_days
from cosim.trading.valuation.price_list import PriceList

Array = NDArray[np.float64]


class Participant(NamedTuple):
    """A household in the market: how it takes part, and its own numbers."""

    config: TradingConfig
    preferences: Preferences


class Outlook(NamedTuple):
    """What profiles say of every hour of the run, kWh; shape (n_households, n_hours) each."""

    load_kwh: Array
    generation_kwh: Array


class EnergyMarket:
    """Decisions of all households, day by day; knows neither clock nor links.

    Parameters
    ----------
    config : EnergyValueConfig
        As configured.
    participants : sequence of Participant
        By household.
    owners : sequence of (range, AppliancesConfig)
        Who schedules which appliances: all households in their order.
    names : tuple of str
        Their names, for messages.
    prices : PriceList
        What energy costs and earns each household.
    outlook : Outlook
        What forecasts are made from.
    streams : Streams
        The run's random numbers.

    Attributes
    ----------
    prices : PriceList
        As given.
    pause : callable
        Called now and then while a household schedules; what it raises ends that.
    storage : callable
        What a household's battery is planned to do on a day; None for nothing.
    plans : dict of int to dict of int to DayPlan
        By day and household, until the day is settled.
    sellers, buyers : Learners
        What households have learnt of asking, and of bidding.
    """

    def __init__(
        self,
        config: EnergyValueConfig,
        participants: Sequence[Participant],
        owners: Sequence[tuple[range, AppliancesConfig]],
        names: tuple[str, ...],
        prices: PriceList,
        outlook: Outlook,
        streams: Streams,
    ) -> None:
        self.config = config
        self.participants = participants
        self.names = names
        self._owners = owners
        self.prices = prices
        self._outlook = outlook
        self._streams = streams
        self._draws: dict[str, tuple[int, Array]] = {}
        self._appliances: tuple[int, list[ApplianceDay]] = (-1, [])
        self.pause: Callable[[], None] = lambda: None
        self.storage: Callable[[int, int], Exchange | None] = lambda household, day: None
        self.plans: dict[int, dict[int, DayPlan]] = {}
        self.sellers = Learners([each.config.bidding for each in participants], self.slots.per_day)
        self.buyers = Learners([each.config.buying for each in participants], self.slots.per_day)

    @property
    def slots(self) -> MarketSlots:
        """The market's intervals."""
        return self.config.rules.slots

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self.participants)

    @property
    def has_operator(self) -> bool:
        """Whether households trade by orders to an operator."""
        return self.config.has_operator

    def offers(self, household: int, day: int) -> list[Offer]:
        """What it offers: the generation it expects, at the prices of its strategy (11)-(13)."""
        bidding = self.participants[household].config.bidding
        prices = self.prices.asking(household, day)
        uniforms = self._uniforms("kappa", day)[:, household]
        asked, chosen = bidding.asks(prices.feed_in, prices.grid, uniforms, self.sellers.known(household))
        self.sellers.keep(day, household, chosen)
        return make_offers(household, self.expected_generation(household, day), asked)

    def plan(self, household: int, day: int, offers: Sequence[Offer]) -> Array:
        """Schedule its day with the offers that reached it; what it then will use, kWh, shape (24,)."""
        return self._decide(household, day, offers).schedule.load_kwh

    def plan_again(
        self, household: int, day: int, offers: Sequence[Offer], first_hour: int, on_top_kwh: Array
    ) -> Array:
        """Schedule again what has not begun, with what is left; what it then will use, kWh, shape (24,).

        Parameters
        ----------
        household, day : int
            Whose day.
        offers : sequence of Offer
            What is left, and what the household has bought.
        first_hour : int
            The first hour that is still open.
        on_top_kwh : ndarray, shape (24,)
            What devices at variable power take.
        """
        participant, plan = self.participants[household], self.plans[day][household]
        fixed_kwh = self.expected_load(household, day) + on_top_kwh
        again = plan_rest(
            plan,
            first_hour,
            participant.preferences,
            offers,
            self.prices.of(household, day).grid,
            fixed_kwh,
            self.config.rules.rule.aim,
            participant.config.solver,
            participant.config.search_limit,
            self.pause,
        )
        self.plans[day][household] = again
        return np.asarray(again.energy_kwh.sum(axis=0) + fixed_kwh)

    def open_to(self, household: int, day: int, offers: Sequence[Offer]) -> Sequence[Offer]:
        """Of some offers those that a household may buy: its own, and others' where it is its turn."""
        windows = self.config.rules.windows
        if windows is None:
            return offers
        turn = int(self._streams.field("trading.window").number(day, household) * windows.turns)
        return [
            each for each in offers if each.seller == household or (each.hour + turn) % windows.turns == 0
        ]

    def plan_alone(self, household: int, day: int) -> None:
        """Schedule its day with its own generation and the grid.

        What it generates costs it what the rule says: what it would ask of others, or what feeding it in
        would earn; in hours with no price between, as much as the grid.
        """
        if self.config.rules.rule.own_generation == "asked":
            own = self.offers(household, day)
        else:
            own = self.own_supply(household, day, self.expected_generation(household, day))
        self._decide(household, day, own)

    def own_supply(self, household: int, day: int, energy_kwh: Array) -> list[Offer]:
        """Energy of its own in each hour of a day, shape (24,), at what feeding it in would earn."""
        prices = self.prices.of(household, day)
        return make_offers(household, energy_kwh, np.minimum(prices.feed_in, prices.grid))

    def load_parts(self, household: int, day: int, fixed_kwh: Array) -> list[list[Part]]:
        """The load of a planned day in parts, each with the place of its bid.

        Parameters
        ----------
        household, day : int
            Whose day.
        fixed_kwh : ndarray, shape (24,)
            What it uses besides its appliances.
        """
        participant, buying = self.participants[household], self.participants[household].config.buying
        worth = load_worth(self.plans[day][household], participant.preferences, fixed_kwh, buying.as_one)
        uniforms = np.asarray(self._uniforms("bid", day)[:, household])
        places, chosen = buying.places(worth.place, uniforms, self.buyers.known(household))
        self.buyers.keep(day, household, chosen)
        return parts_at(worth.energy_kwh, places)

    def appliance_load_kw(self, day: int) -> Array:
        """What the schedules of a day draw in each hour; shape (24, n_households)."""
        load_kwh = np.zeros((self.slots.per_day, self.size))
        for household, plan in self.plans.get(day, {}).items():
            load_kwh[:, household] = plan.energy_kwh.sum(axis=0)
        return load_kwh / self.slots.length_h

    def learn_to_ask(
        self,
        day: int,
        offered: Sequence[Offer],
        used_kwh: Array,
        sold_kwh: Array,
        received: Array | None = None,
    ) -> None:
        """Let learners see what their offers earned.

        Parameters
        ----------
        day : int
            A settled day.
        offered : sequence of Offer
            All offers of the day.
        used_kwh, sold_kwh : ndarray, shape (n_households, 24)
            What of it each used itself, and what it delivered to others.
        received : ndarray, shape (n_households, 24), optional
            What a kWh of it earned, EUR/kWh; what was asked for it by default.
        """
        n = self.size
        quantity, price = np.zeros((n, self.slots.per_day)), np.zeros((n, self.slots.per_day))
        for hour, seller, quantity_kwh, asked in offered:
            quantity[seller, hour], price[seller, hour] = quantity_kwh, asked
        if received is not None:
            price = np.where(sold_kwh > 0, received, price)
        for household, chosen in self.sellers.of(day):
            if not quantity[household].any():
                continue
            prices = self.prices.asking(household, day)
            low, high = prices.feed_in, prices.grid
            sold, paid = sold_kwh[household], price[household]
            reward = selling_reward(sold, quantity[household], paid, low, high)
            left = np.maximum(quantity[household] - used_kwh[household], 0.0)
            lesson = sellers_lesson(reward, left, sold, paid, low, high)
            self.sellers.learn(household, chosen, lesson, self._for_learning("asks", day, household))

    def learn_to_bid(self, day: int, bids: Sequence[Bid], bought_kwh: Array, paid: Array) -> None:
        """Let learners see what their bids saved.

        Parameters
        ----------
        day : int
            A settled day.
        bids : sequence of Bid
            All bids of the day.
        bought_kwh, paid : ndarray, shape (n_households, 24)
            What each got of others, and what a kWh of it cost, EUR/kWh.
        """
        ordered = np.zeros((self.size, self.slots.per_day))
        for bid in bids:
            ordered[bid.buyer, bid.hour] += bid.energy_kwh
        for household, chosen in self.buyers.of(day):
            if ordered[household].any():
                prices = self.prices.bidding(household, day)
                lesson = buyers_lesson(
                    ordered[household], bought_kwh[household], paid[household], prices.feed_in, prices.grid
                )
                self.buyers.learn(household, chosen, lesson, self._for_learning("bids", day, household))

    def _for_learning(self, side: str, day: int, household: int) -> Array:
        """Numbers for who perturbs what it learns, shape (2, 24)."""
        purposes = (f"learning_{side}_factor", f"learning_{side}_offset")
        return np.stack([self._uniforms(purpose, day)[:, household] for purpose in purposes])

    def lose_memory(self, household: int) -> None:
        """A household has lost what it learnt, and which bids it chose for days that are not settled."""
        self.sellers.lose(household)
        self.buyers.lose(household)

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self.plans.pop(day, None)
        self.sellers.forget(day)
        self.buyers.forget(day)

    def _decide(self, household: int, day: int, offers: Sequence[Offer]) -> DayPlan:
        participant = self.participants[household]
        plan = plan_day(
            self.appliance_day(household, day),
            participant.preferences,
            offers,
            self.prices.of(household, day).grid,
            self.expected_load(household, day),
            self.config.rules.rule.aim,
            participant.config.solver,
            participant.config.search_limit,
            self.pause,
        )
        if not isinstance(plan, DayPlan):
            why = " ".join(str(problem) for problem in plan.problems)
            might = "a larger `search_limit`" if participant.config.solver == "exact" else "`solver: exact`"
            hint = "" if plan.proved else f" That is not proved: {might} might find a schedule."
            raise SimulationError(
                f"day {day}: household {self.names[household]} has no feasible schedule: {why}{hint}"
            )
        self.plans.setdefault(day, {})[household] = plan
        return plan

    def expected_load(self, household: int, day: int) -> Array:
        """What it will expect to use on a day besides its appliances, with its battery, kWh; shape (24,)."""
        return self._with_battery(household, day)[0]

    def expected_generation(self, household: int, day: int) -> Array:
        """What it will expect to generate on a day, with its battery, kWh; shape (24,)."""
        return self._with_battery(household, day)[1]

    def _with_battery(self, household: int, day: int) -> tuple[Array, Array]:
        load_kwh, generation_kwh = self.home_load(household, day), self.home_generation(household, day)
        battery = self.storage(household, day)
        return (load_kwh, generation_kwh) if battery is None else beside(battery, load_kwh, generation_kwh)

    def home_load(self, household: int, day: int) -> Array:
        """What it will expect to use on a day besides its appliances and battery, kWh; shape (24,)."""
        forecast = self.participants[household].config.load_forecast
        uniforms = self._uniforms("load_forecast", day)[:, household]
        return day_ahead(forecast, self._outlook.load_kwh[household], day, uniforms, self.slots.per_day)

    def home_generation(self, household: int, day: int) -> Array:
        """What it will expect to generate on a day, kWh; shape (24,)."""
        forecast = self.participants[household].config.pv_forecast
        uniforms = self._uniforms("pv_forecast", day)[:, household]
        return day_ahead(forecast, self._outlook.generation_kwh[household], day, uniforms, self.slots.per_day)

    def _uniforms(self, purpose: str, day: int) -> Array:
        """Numbers of a day by hour and household, shape (24, n); the last day asked for is kept.

        They are drawn for each hour, and shorter intervals have those of their hour: so a market of quarter
        hours differs from one of hours by nothing but its intervals.
        """
        kept = self._draws.get(purpose)
        if kept is None or kept[0] != day:
            block = self._streams.field(f"energy_value/{purpose}").block(day * HOURS, HOURS, self.size)
            kept = self._draws[purpose] = (day, np.repeat(block, self.slots.per_hour, axis=0))
        return kept[1]

    def appliance_day(self, household: int, day: int) -> ApplianceDay:
        """What it schedules on a day."""
        if self._appliances[0] != day:
            days = [
                drawn[household]
                for members, config in self._owners
                for drawn in [appliance_days(config, self._streams, day, self.size, self.slots)]
                for household in members
            ]
            self._appliances = (day, days)
        return self._appliances[1][household]
