"""The energy-value market of a run: what each household knows of the days to come, offers and plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.config.appliances import AppliancesConfig
from cosim.config.bidding import FixedBids, LearningBids
from cosim.config.energy_value import EnergyValueConfig, TradingConfig
from cosim.config.hours import HOURS
from cosim.config.scenario import Scenario
from cosim.config.trading import Regime
from cosim.config.values import AnyValue
from cosim.engine.demand import slots_of
from cosim.engine.population import Group, Population, household_values
from cosim.errors import InputError, Problem, SimulationError
from cosim.households.profile_book import Demand, Series
from cosim.markets.energy_value.bidding import bid_prices, first_propensities, fixed_prices, learn, reward
from cosim.markets.energy_value.day_plan import DayPlan, Preferences, plan_day
from cosim.markets.energy_value.demand_plan import HourlyNeed, needs_from_load
from cosim.markets.energy_value.forecast import day_ahead
from cosim.markets.energy_value.offers import Offer, make_offers, prices_from_kappa
from cosim.markets.energy_value.population import ApplianceDay, appliance_days
from cosim.markets.energy_value.prices import hourly_prices
from cosim.markets.energy_value.settlement import Prices, feed_in_price
from cosim.streams import Streams

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
    prices : Prices
        Of every hour of the run; the feed-in price is the rule's.
    outlook : Outlook
        What forecasts are made from.
    streams : Streams
        The run's random numbers.

    Attributes
    ----------
    plans : dict of int to dict of int to DayPlan
        By day and household, until the day is settled.
    chosen : dict of int to dict of int to int
        Bids that learners chose, by day and household, until it is known what they earned.
    propensities : dict of int to ndarray
        What learners have learnt, by household.
    """

    def __init__(
        self,
        config: EnergyValueConfig,
        participants: Sequence[Participant],
        owners: Sequence[tuple[range, AppliancesConfig]],
        names: tuple[str, ...],
        prices: Prices,
        outlook: Outlook,
        streams: Streams,
    ) -> None:
        self.config = config
        self.participants = participants
        self.names = names
        self._owners = owners
        self._prices = prices
        self._outlook = outlook
        self._streams = streams
        self._draws: dict[str, tuple[int, Array]] = {}
        self._appliances: tuple[int, list[ApplianceDay]] = (-1, [])
        self.plans: dict[int, dict[int, DayPlan]] = {}
        self.chosen: dict[int, dict[int, int]] = {}
        self.propensities = {
            household: first_propensities(each.config.bidding, 1)[0]
            for household, each in enumerate(participants)
            if isinstance(each.config.bidding, LearningBids)
        }

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self.participants)

    @property
    def regime(self) -> Regime:
        """What the rule means."""
        return self.config.rules.regime

    def prices(self, day: int) -> Prices:
        """Prices of a day, shape (24,) each."""
        hours = slice(day * HOURS, (day + 1) * HOURS)
        return Prices(self._prices.grid[hours], self._prices.feed_in[hours])

    def offers(self, household: int, day: int) -> list[Offer]:
        """What it offers: the generation it expects, at the prices of its strategy (11)-(13)."""
        bidding, prices = self.participants[household].config.bidding, self.prices(day)
        if isinstance(bidding, FixedBids):
            asked = prices_from_kappa(bidding.kappa, prices.feed_in, prices.grid)
        else:
            uniforms = self._uniforms("kappa", day)[:, household]
            learnt = self.propensities.get(household)
            asked, choice = bid_prices(bidding, prices.feed_in, prices.grid, uniforms, learnt)
            if choice >= 0:
                self.chosen.setdefault(day, {})[household] = choice
        return make_offers(household, self._expected_generation(household, day), asked)

    def plan(self, household: int, day: int, offers: Sequence[Offer]) -> list[HourlyNeed]:
        """Schedule its day with the offers that reached it; what it then wants to buy."""
        schedule = self._decide(household, day, offers).schedule
        return needs_from_load(schedule.load_kwh.tolist(), offers, self.prices(day).grid.tolist())

    def plan_alone(self, household: int, day: int) -> None:
        """Schedule its day with its own generation and the grid.

        What it generates costs it what it would earn if it were fed in, and never more than the grid.
        """
        prices = self.prices(day)
        own = make_offers(
            household, self._expected_generation(household, day), np.minimum(prices.feed_in, prices.grid)
        )
        self._decide(household, day, own)

    def appliance_load_kw(self, day: int) -> Array:
        """What the schedules of a day draw in each hour; shape (24, n_households)."""
        load = np.zeros((HOURS, self.size))
        for household, plan in self.plans.get(day, {}).items():
            load[:, household] = plan.energy_kwh.sum(axis=0)
        return load

    def learn(self, day: int, offered: Sequence[Offer], sold_kwh: Array) -> None:
        """Let learners see what their bids earned.

        Parameters
        ----------
        day : int
            A settled day.
        offered : sequence of Offer
            All offers of the day.
        sold_kwh : ndarray, shape (n_households, 24)
            What each delivered to others.
        """
        prices, n = self.prices(day), self.size
        quantity, price = np.zeros((n, HOURS)), np.zeros((n, HOURS))
        for hour, seller, quantity_kwh, asked in offered:
            quantity[seller, hour], price[seller, hour] = quantity_kwh, asked
        for household, choice in sorted(self.chosen.pop(day, {}).items()):
            bidding = self.participants[household].config.bidding
            if not isinstance(bidding, LearningBids) or not quantity[household].any():
                continue
            earned = reward(
                sold_kwh[household], quantity[household], price[household], prices.feed_in, prices.grid
            )
            before = self.propensities[household][None, :]
            self.propensities[household] = learn(bidding, before, np.array([choice]), [earned])[0]

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self.plans.pop(day, None)
        self.chosen.pop(day, None)

    def _decide(self, household: int, day: int, offers: Sequence[Offer]) -> DayPlan:
        participant = self.participants[household]
        plan = plan_day(
            self._appliance_day(household, day),
            participant.preferences,
            offers,
            self.prices(day).grid,
            self._expected_load(household, day),
            self.regime.aim,
            participant.config.solver,
        )
        if not isinstance(plan, DayPlan):
            why = " ".join(str(problem) for problem in plan.problems)
            hint = "" if plan.proved else " The exact solver might find a schedule (`solver: exact`)."
            raise SimulationError(
                f"day {day}: household {self.names[household]} has no feasible schedule: {why}{hint}"
            )
        self.plans.setdefault(day, {})[household] = plan
        return plan

    def _expected_load(self, household: int, day: int) -> Array:
        forecast = self.participants[household].config.load_forecast
        uniforms = self._uniforms("load_forecast", day)[:, household]
        return day_ahead(forecast, self._outlook.load_kwh[household], day, uniforms)

    def _expected_generation(self, household: int, day: int) -> Array:
        forecast = self.participants[household].config.pv_forecast
        uniforms = self._uniforms("pv_forecast", day)[:, household]
        return day_ahead(forecast, self._outlook.generation_kwh[household], day, uniforms)

    def _uniforms(self, purpose: str, day: int) -> Array:
        """Numbers of a day by hour and household, shape (24, n); the last day asked for is kept."""
        kept = self._draws.get(purpose)
        if kept is None or kept[0] != day:
            block = self._streams.field(f"energy_value/{purpose}").block(day * HOURS, HOURS, self.size)
            kept = self._draws[purpose] = (day, block)
        return kept[1]

    def _appliance_day(self, household: int, day: int) -> ApplianceDay:
        if self._appliances[0] != day:
            days = [
                drawn[household]
                for members, config in self._owners
                for drawn in [appliance_days(config, self._streams, day, self.size)]
                for household in members
            ]
            self._appliances = (day, days)
        return self._appliances[1][household]


def build_energy_market(
    scenario: Scenario, folder: Path, population: Population, demand: Demand, streams: Streams
) -> EnergyMarket | None:
    """The energy-value market of a scenario; None for a scenario without one.

    Raises
    ------
    InputError
        If prices cannot be read or do not cover the run, an appliance is not known, or a bid never fits.
    """
    config = scenario.energy_value
    if config is None:
        return None
    prices = check_energy_market(scenario, folder)
    owners = [
        (group.members, (group.config.trading or config.household).appliances) for group in population.groups
    ]
    return EnergyMarket(
        config,
        [each for group in population.groups for each in _participants(config, group, population, streams)],
        owners,
        population.names,
        prices,
        Outlook(_hourly(demand.load_kw, scenario), _hourly(demand.pv_kw, scenario)),
        streams,
    )


def check_energy_market(scenario: Scenario, folder: Path) -> Prices:
    """Read the prices, and bid and draw once, so that what cannot work is known before the run.

    Returns
    -------
    Prices
        Of every hour of the run, feeding in paid by the rule.

    Raises
    ------
    InputError
        If prices cannot be read or do not cover the run, an appliance is not known, or a bid never fits.
    """
    config = scenario.energy_value
    assert config is not None  # only a scenario with this market comes here
    rules, n_hours = config.rules, scenario.time.duration_ms // MS_PER_HOUR
    grid, indexed = hourly_prices(config.prices, scenario.time.start, n_hours, folder)
    feed_in = feed_in_price(rules.regime.feed_in, grid, indexed, rules.feed_in_tariff_eur_per_kwh)
    prices = Prices(grid, feed_in)
    sources = [("energy_value.household", config.household)]
    sources += [
        (f"groups.{number}.trading", group.trading)
        for number, group in enumerate(scenario.groups)
        if group.trading is not None
    ]
    problems = [problem for path, used in sources for problem in _problems(path, used, config, prices)]
    if problems:
        raise InputError(problems)
    return prices


def _problems(path: str, used: TradingConfig, config: EnergyValueConfig, prices: Prices) -> Iterator[Problem]:
    try:
        appliance_days(used.appliances, Streams(0), 0, 1)
    except InputError as error:
        yield from (_below(f"{path}.appliances", problem) for problem in error.problems)
    try:
        if config.rules.regime.trades and isinstance(used.bidding, FixedBids):
            fixed_prices(used.bidding, prices.feed_in, prices.grid)
    except InputError as error:
        yield from (_below(f"{path}.bidding.kappa", problem) for problem in error.problems)


def _participants(
    config: EnergyValueConfig, group: Group, population: Population, streams: Streams
) -> list[Participant]:
    trading = group.config.trading or config.household

    def values(name: str, value: AnyValue) -> Array:
        return household_values(streams, f"trading.{name}", value, group, population.size)

    weighing = trading.values
    rigidity, gamma_b = values("rigidity", weighing.rigidity), values("gamma_b", weighing.gamma_b)
    contracted_kw = values("contracted_power_kw", trading.contracted_power_kw)
    return [
        Participant(trading, Preferences(round(r), weighing.rigidity_max, float(g), float(kw)))
        for r, g, kw in zip(rigidity, gamma_b, contracted_kw, strict=True)
    ]


def _below(path: str, problem: Problem) -> Problem:
    where = f"{path}.{problem.path}" if problem.path else path
    return Problem(problem.message, problem.remedy, where, problem.file, problem.line, problem.value)


def _hourly(series: Series, scenario: Scenario) -> Array:
    """Energy of every hour of the run, kWh; shape (n_takers, n_hours)."""
    slots = slots_of(scenario)
    per_hour = MS_PER_HOUR // slots.slot_ms
    n_days = scenario.time.duration_ms // MS_PER_DAY
    days = []
    for day in range(n_days):
        block = series.block(day * HOURS * per_hour, HOURS * per_hour)
        days.append(block.reshape(HOURS, per_hour, -1).mean(axis=1))
    return np.ascontiguousarray(np.concatenate(days).T)
