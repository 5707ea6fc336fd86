"""The energy-value market (paper B) as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Self

from cosim.comms.schema import CommsConfig
from cosim.comms.subsystem import Comms
from cosim.config.library import file_problems
from cosim.core.clock import MS_PER_DAY
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.numbers import Summary
from cosim.core.subsystem import Run, Setup, Subsystem, Uses
from cosim.core.tables import Parameters
from cosim.csv_files.found import file_lines
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households.subsystem import Households
from cosim.trading import delivery_days, tariff_record, totals
from cosim.trading.build import build_energy_market
from cosim.trading.delivery_days import DeliveryDays
from cosim.trading.feeder_places import FeederPlaces
from cosim.trading.latency_doubts import latency_problems
from cosim.trading.market import EnergyMarket
from cosim.trading.market_checks import TradingGroup, market_problems
from cosim.trading.record import (
    BIDS,
    BILLS,
    BILLS_WITH_CHARGES,
    CLEARING,
    OFFERS,
    PRICES,
    SCHEDULE,
    TRADES,
    EnergyRecorder,
    participant_parameters,
)
from cosim.trading.schemas.energy_value import EnergyValueConfig
from cosim.trading.schemas.retailers import tariff_files
from cosim.trading.schemas.tariffs import price_files
from cosim.trading.tariff_build import price_list
from cosim.trading.tariff_record import CHARGES, RETAIL_PRICES, TariffDays
from cosim.trading.tariffs.tariff_lines import tariff_lines
from cosim.trading.tariffs.tariff_prices import TariffPriceList


class Traded(Protocol):
    """What it reads of a scenario."""

    @property
    def energy_value(self) -> EnergyValueConfig | None:
        """The market."""

    @property
    def groups(self) -> Sequence[TradingGroup]:
        """The households."""

    @property
    def comms(self) -> CommsConfig:
        """The links."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""


class Trading(Subsystem[Traded]):
    """The energy-value market of a run.

    Attributes
    ----------
    market : EnergyMarket
        What households decide.
    days : DeliveryDays
        The days in motion, and the floor on which they trade; there once the run has started.
    """

    tables = (PRICES, OFFERS, BIDS, CLEARING, SCHEDULE, TRADES, BILLS_WITH_CHARGES, RETAIL_PRICES, CHARGES)
    numbers = (*totals.NUMBERS, *tariff_record.NUMBERS, *delivery_days.NUMBERS)
    days: DeliveryDays

    def __init__(
        self,
        market: EnergyMarket,
        config: CommsConfig,
        comms: Comms,
        households: Households,
        context: Context,
        listeners: list[tuple[int, ...]] | None = None,
    ) -> None:
        self.market = market
        self._listeners = listeners
        self._links = config
        self._comms = comms
        self._households = households
        self._context = context

    @classmethod
    def uses(cls, source: Traded) -> Uses:
        """Meters and appliances of all households, and the links over which they trade."""
        market = source.energy_value
        if market is None:
            return Uses()
        everyone = frozenset(group.name for group in source.groups)
        ways = ("uplink", "downlink") if market.rules.clearing.has_operator else ("peer",)
        links = dict.fromkeys(ways, everyone) if market.rules.rule.trades else {}
        steers = ("the energy-value market changes what devices see",)
        return Uses(links, meters=True, brings_load=True, one_by_one=steers)

    @classmethod
    def files(cls, source: Traded) -> Iterator[tuple[str, str]]:
        """Files of prices."""
        if source.energy_value is not None:
            for file, key in price_files(source.energy_value.prices).items():
                yield f"energy_value.prices.{key}", file
            for file, key in tariff_files(source.energy_value.tariffs).items():
                yield f"energy_value.tariffs.{key}", file

    @classmethod
    def check(cls, source: Traded, context: Context, uses: Uses) -> Iterator[Problem]:
        """Whole days, households, prices, and what fits into memory."""
        yield from market_problems(source.energy_value, source.groups, context, source.grid is not None)
        for path, file in cls.files(source):
            yield from file_problems(context, path, file)

    @classmethod
    def build(cls, source: Traded, setup: Setup) -> Self | None:
        """The market before its first day."""
        config, context = source.energy_value, setup.context
        if config is None:
            return None
        households, comms = setup.of(Households), setup.of(Comms)
        demand = None if households is None else households.demand
        own = [group.trading for group in source.groups]
        grid = setup.of(PowerGrid)
        columns = None
        if grid is not None and households is not None:
            columns = grid.feeder.bus_positions(households.placement.buses)
        market, doubts = build_energy_market(
            config, own, demand, context, lambda base: price_list(config, base, context, grid, columns)
        )
        setup.warn(doubts)
        if households is None or comms is None:  # they have errors, and there will be no run
            return None
        households.know_meters_at_once()
        listeners = _listeners(config, households, grid)
        return cls(market, source.comms, comms, households, context, listeners)

    def doubts(self) -> Iterator[Problem]:
        """Messages that are too slow for the timetable."""
        rules, population = self.market.config.rules, self._context.population
        yield from latency_problems(rules, self._links, population, self._comms.read_trace)

    def parameters(self) -> Parameters:
        """The preferences of each household."""
        texts, numbers = participant_parameters(self.market.participants)
        if isinstance(self.market.prices, TariffPriceList):
            texts = {**texts, "supplier": self.market.prices.supplier_names()}
        return Parameters(texts, numbers)

    def explain(self) -> Iterator[str]:
        """The files of its prices, and how many hear each household's offers, where not everybody does."""
        yield from file_lines(self.market.prices.files)
        if isinstance(self.market.prices, TariffPriceList):
            yield from tariff_lines(self.market.prices, self.market.names)
        if self._listeners is not None:
            yield "# offers: household, number of those who hear them, and who"
            names = self.market.names
            for name, heard_by in zip(names, self._listeners, strict=True):
                yield f"{name}  {len(heard_by)}  {', '.join(names[other] for other in heard_by)}"

    def start(self, run: Run) -> None:
        """Begin with the first delivery day."""
        meters, equipment, time = self._households.meters, self._households.equipment, self._context.time
        assert meters is not None  # it asks for them
        assert equipment is not None
        self._run = run
        self.market.pause = run.pause
        prices, tariffs = self.market.prices, None
        if isinstance(prices, TariffPriceList):
            first_counted_day = time.warm_up_ms // MS_PER_DAY
            tariffs = TariffDays(prices, run.store, self.market.names, self.market.slots, first_counted_day)
        self.days = DeliveryDays(
            run.env,
            self._comms.network,
            self.market,
            meters.book,
            self._context.streams,
            time.duration_ms,
            time.interval_ms,
            EnergyRecorder(
                self._context,
                run.store,
                self.market.has_operator,
                self.market.prices.parties,
                BILLS if tariffs is None else BILLS_WITH_CHARGES,
                slots=self.market.slots,
            ),
            equipment.households,
            self._listeners,
            tariffs,
        )
        self.days.start()

    def meter(self, interval: int) -> None:
        """Count what was metered; settle the day if it is over."""
        if not self._households.waits_for_voltages:
            self._count(interval)

    def flow(self, interval: int) -> None:
        """The same where meters are known only now, when the feeder has been solved."""
        if self._households.waits_for_voltages:
            self._count(interval)

    def _count(self, interval: int) -> None:
        self._run.events += self.days.meter(interval, self._households.reading)

    def summary(self) -> Summary:
        """Money, energy and messages of all settled days."""
        return self.days.summary()

    @classmethod
    def result_doubts(cls, summary: Summary) -> Iterable[Problem]:
        """Schedules that may not be the best."""
        return totals.doubts(summary)


def _listeners(
    config: EnergyValueConfig, households: Households, grid: PowerGrid | None
) -> list[tuple[int, ...]] | None:
    """Who hears the offers of each household; None for everybody, where nobody trades, and of a broker."""
    audience = config.rules.offers_to
    if not config.rules.rule.trades or not audience.needs_feeder:
        return None
    assert grid is not None  # else it was refused
    columns = grid.feeder.bus_positions(households.placement.buses)
    return audience.listeners(FeederPlaces(grid.feeder.bus.tree, columns.tolist()))
