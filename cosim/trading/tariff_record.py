"""What is written down of tariffs: prices of retailers, fees and taxes one by one, and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import PROSUMER, Coded, Column, Table, TableStore
from cosim.trading.record import MINUTE, as_written, when
from cosim.trading.schemas.market_slots import MarketSlots
from cosim.trading.settlement.bills import Bill, ChargeRow, Settlement
from cosim.trading.tariffs.charged_bills import with_charges
from cosim.trading.tariffs.tariff_prices import TariffPriceList
from cosim.trading.totals import SECTION
from cosim.trading.valuation.price_list import Retail

RETAIL_PRICES = Table(
    "retail_prices",
    "Where there are tariffs: what each supplier takes and pays, hour by hour, without fees and taxes.",
    (
        Column("day", "integer", "", "delivery day of the run, from 0"),
        Column("hour", "integer", "", "hour of the day (UTC), from 0"),
        MINUTE,
        Column("supplier", "text", "", "the retailer; grid for those who have none"),
        Column("grid_price", "number", "EUR/kWh", "what a kWh costs its customers"),
        Column("feed_in_price", "number", "EUR/kWh", "what one that is fed in earns them, under the rule"),
    ),
)
CHARGES = Table(
    "charges",
    "Where there are tariffs: one row per day, household, and fee or tax.",
    (
        Column("day", "integer", "", "delivery day of the run, from 0"),
        PROSUMER,
        Column("charge", "text", "", "name of the fee or tax"),
        Column("receiver", "text", "", "grid_operator or state"),
        Column("on_grid_eur", "number", "EUR", "on what was bought from the grid"),
        Column("on_peers_eur", "number", "EUR", "on what was bought from other households"),
    ),
)
NUMBERS = declared(SECTION, "table `bills`, where there are tariffs",
    Number("bills_suppliers_eur", "paid to suppliers", "EUR",
        "what the grid and retailers took for energy, less what they paid for what was fed in",
        "less", least=-float("inf")),
    Number("bills_grid_fees_eur", "grid fees", "EUR", "what the grid operator got",
        "less", least=-float("inf")),
    Number("bills_taxes_eur", "taxes", "EUR", "what the state got", "less", least=-float("inf")),
    Number("bills_charges_on_trades_eur", "fees and taxes on trades", "EUR",
        "of both, on what households bought from each other", "less", least=-float("inf")),
)  # fmt: skip


@dataclass
class TariffSums:
    """Money of all counted days, EUR."""

    suppliers: float = 0.0
    fees: float = 0.0
    taxes: float = 0.0
    on_trades: float = 0.0

    def add(self, bills: Sequence[Bill], charges: Sequence[ChargeRow]) -> None:
        """Take a settled day."""
        homes = [bill for bill in bills if bill.prosumer >= 0]
        self.suppliers += fsum(part for bill in homes for part in (bill.from_grid_eur, bill.to_grid_eur))
        self.fees += fsum(bill.grid_fees_eur for bill in homes)
        self.taxes += fsum(bill.taxes_eur for bill in homes)
        self.on_trades += fsum(row.on_peers_eur for row in charges)

    def result(self) -> Summary:
        """The sums."""
        return {
            "bills_suppliers_eur": self.suppliers,
            "bills_grid_fees_eur": self.fees,
            "bills_taxes_eur": self.taxes,
            "bills_charges_on_trades_eur": self.on_trades,
        }


class TariffRecorder:
    """Writes the tables day by day.

    Parameters
    ----------
    store : TableStore
        Where the tables go.
    names, parties : tuple of str
        Of the households, and of whoever else has bills.
    slots : MarketSlots
        What is traded.
    """

    def __init__(
        self, store: TableStore, names: tuple[str, ...], parties: tuple[str, ...], slots: MarketSlots
    ) -> None:
        self._names, self._parties, self._slots = names, parties, slots
        self._prices, self._charges = store.writer(as_written(RETAIL_PRICES, slots)), store.writer(CHARGES)

    def add_day(self, day: int, retail: Sequence[Retail], charges: Sequence[ChargeRow]) -> None:
        """Take a settled day."""
        for each in retail:
            n = len(each.prices.grid)
            self._prices.append(
                {
                    "day": np.full(n, day),
                    **when(self._slots, np.arange(n)),
                    "supplier": Coded(np.full(n, -1 - each.party), self._parties),
                    "grid_price": each.prices.grid,
                    "feed_in_price": each.prices.feed_in,
                }
            )
        self._charges.append(
            {
                "day": np.full(len(charges), day),
                "prosumer": Coded(np.array([each.prosumer for each in charges], dtype=np.int64), self._names),
                "charge": [each.charge for each in charges],
                "receiver": [each.receiver for each in charges],
                "on_grid_eur": np.array([each.on_grid_eur for each in charges], dtype=np.float64),
                "on_peers_eur": np.array([each.on_peers_eur for each in charges], dtype=np.float64),
            }
        )


class TariffDays:
    """Settles fees and taxes day by day, and writes them down.

    Parameters
    ----------
    prices : TariffPriceList
        What comes on top.
    store : TableStore
        Where the tables go.
    names : tuple of str
        Of the households.
    slots : MarketSlots
        What is traded.
    first_counted_day : int
        The first whose money counts in the sums.

    Attributes
    ----------
    sums : TariffSums
        Of all counted days.
    """

    def __init__(
        self,
        prices: TariffPriceList,
        store: TableStore,
        names: tuple[str, ...],
        slots: MarketSlots,
        first_counted_day: int,
    ) -> None:
        self._prices = prices
        self._first_counted_day = first_counted_day
        self._recorder = TariffRecorder(store, names, prices.parties, slots)
        self.sums = TariffSums()

    def settled(self, day: int, settlement: Settlement) -> Settlement:
        """A day's settlement, with fees and taxes."""
        result = with_charges(settlement, self._prices, day)
        self._recorder.add_day(day, self._prices.retail(day), result.charges)
        if day >= self._first_counted_day:
            self.sums.add(result.bills, result.charges)
        return result
