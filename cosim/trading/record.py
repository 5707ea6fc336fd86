"""What is written down of the energy-value market: offers, schedules, trades, bills, and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.core.clock import MS_PER_DAY
from cosim.core.tables import Coded, TableStore
from cosim.engine.scenario import Scenario
from cosim.results.metrics import TradingMetrics
from cosim.trading.scheduling.day_plan import DayPlan
from cosim.trading.settlement.bills import Bill, Settlement, TradeRow
from cosim.trading.valuation.offers import GRID, Offer, kappa_of
from cosim.trading.valuation.prices import Prices

Array = NDArray[np.float64]


class MeteredDay(NamedTuple):
    """What meters have counted of a day, kWh; shape (n_households, 24) each.

    A battery counts as load while it takes, and as generation while it gives.
    """

    load_kwh: Array
    generation_kwh: Array


class EnergyRecorder:
    """Writes the tables day by day and keeps the sums.

    Parameters
    ----------
    scenario : Scenario
        Says what is written and counted.
    names : tuple of str
        Names of the households.
    store : TableStore
        Where the tables go.
    """

    def __init__(self, scenario: Scenario, names: tuple[str, ...], store: TableStore) -> None:
        self._names = names
        self._parties = (*names, "grid")
        record = scenario.record
        large = ("offers", "schedule", "trades") if record.trading else ()
        self._writers = {name: store.writer(name) for name in (*large, "bills", "prices")}
        self._with_rejected = record.rejected_requests
        self._first_counted_day = scenario.time.warm_up_ms // MS_PER_DAY
        self.metrics = TradingMetrics()

    def add_plans(self, day: int, plans: Mapping[int, DayPlan]) -> None:
        """Take the schedules of a day, as they will run."""
        if day >= self._first_counted_day:
            self.metrics.add_gaps([plans[household].schedule.gap for household in sorted(plans)])
        if "schedule" in self._writers:
            for household in sorted(plans):
                self._add_plan(day, household, plans[household])

    def _add_plan(self, day: int, household: int, plan: DayPlan) -> None:
        row, hour = np.nonzero(plan.schedule.on)
        appliances = tuple(appliance.name for appliance in plan.appliances.appliances)
        energy = plan.energy_kwh
        self._writers["schedule"].append(
            {
                "day": np.full(len(row), day),
                "hour": hour,
                "prosumer": Coded(np.full(len(row), household), self._names),
                "appliance": Coded(row, appliances),
                "energy_kwh": energy[row, hour],
                "value": plan.values[row, hour],
            }
        )

    def add_day(
        self,
        day: int,
        offered: Sequence[Offer],
        settlement: Settlement,
        prices: Prices,
        metered: MeteredDay,
        energy_value_eur: float,
    ) -> None:
        """Take a settled day: what was offered, traded, paid, metered, and worth to the households."""
        self._add_prices(day, prices)
        if "offers" in self._writers:
            self._add_offers(day, offered, prices)
        if "trades" in self._writers:
            self._add_trades(day, settlement.trades)
        self._add_bills(settlement.bills)
        if day < self._first_counted_day:
            return
        self.metrics.energy_value_eur += energy_value_eur
        self.metrics.offered_kwh += float(sum(offer.quantity_kwh for offer in offered))
        self.metrics.add_trades(
            (each.status, each.buyer == each.seller, each.agreed_kwh, each.delivered_kwh)
            for each in settlement.trades
        )
        self.metrics.add_bills([bill.total_eur for bill in settlement.bills])
        self.metrics.add_power(*metered, prices.grid, day * HOURS, is_traded=bool(offered))

    def _add_trades(self, day: int, rows: Sequence[TradeRow]) -> None:
        trades = [each for each in rows if self._with_rejected or each.status != "rejected"]
        self._writers["trades"].append(
            {
                "day": np.full(len(trades), day),
                "hour": np.array([each.hour for each in trades], int),
                "buyer": self._party([each.buyer for each in trades]),
                "seller": self._party([each.seller for each in trades]),
                "requested_kwh": np.array([each.requested_kwh for each in trades], float),
                "agreed_kwh": np.array([each.agreed_kwh for each in trades], float),
                "delivered_kwh": np.array([each.delivered_kwh for each in trades], float),
                "price": np.array([each.price for each in trades], float),
                "status": [each.status for each in trades],
            }
        )

    def _add_prices(self, day: int, prices: Prices) -> None:
        columns = {"grid_price": prices.grid, "feed_in_price": prices.feed_in}
        self._writers["prices"].append({"day": np.full(HOURS, day), "hour": np.arange(HOURS), **columns})

    def _add_offers(self, day: int, offered: Sequence[Offer], prices: Prices) -> None:
        hour = np.array([offer.hour for offer in offered], int)
        price = np.array([offer.price for offer in offered], float)
        self._writers["offers"].append(
            {
                "day": np.full(len(hour), day),
                "hour": hour,
                "seller": self._party([offer.seller for offer in offered]),
                "quantity_kwh": np.array([offer.quantity_kwh for offer in offered], float),
                "price": price,
                "kappa": kappa_of(price, prices.grid[hour]),
            }
        )

    def _add_bills(self, bills: Sequence[Bill]) -> None:
        columns = {name: np.array([getattr(bill, name) for bill in bills]) for name in Bill._fields}
        self._writers["bills"].append(columns | {"prosumer": self._party([bill.prosumer for bill in bills])})

    def _party(self, parties: Sequence[int]) -> Coded:
        """Households and the grid by name."""
        codes = np.array(parties, dtype=np.int64)
        return Coded(np.where(codes == GRID, len(self._names), codes), self._parties)
