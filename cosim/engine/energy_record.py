"""What is written down of the energy-value market: offers, schedules, trades, bills, and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.markets.energy_value.day_plan import DayPlan
from cosim.markets.energy_value.offers import GRID, Offer, kappa_of
from cosim.markets.energy_value.settlement import Bill, Prices, Settlement
from cosim.results.metrics import TradingMetrics
from cosim.results.store import Coded, TableStore

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
    names : tuple of str
        Names of the households.
    store : TableStore
        Where the tables go.
    """

    def __init__(self, names: tuple[str, ...], store: TableStore) -> None:
        self._names = names
        self._parties = (*names, "grid")
        self._writers = {name: store.writer(name) for name in ("offers", "schedule", "trades", "bills")}
        self.metrics = TradingMetrics()

    def add_plans(self, day: int, plans: Mapping[int, DayPlan]) -> None:
        """Take the schedules of a day, as they will run."""
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
        self.metrics.energy_value_eur += energy_value_eur
        self._add_offers(day, offered, prices)
        trades = settlement.trades
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
        self._add_bills(settlement.bills)
        self.metrics.offered_kwh += float(sum(offer.quantity_kwh for offer in offered))
        self.metrics.add_trades(
            [(each.buyer == each.seller, each.agreed_kwh, each.delivered_kwh) for each in trades]
        )
        self.metrics.add_bills([bill.total_eur for bill in settlement.bills])
        self.metrics.add_power(*metered, day * HOURS, is_traded=bool(offered))

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
