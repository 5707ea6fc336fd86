"""Settlement of a delivery day: every metered kWh is paid once, and all bills add up to nothing.

Money is positive where a household pays. What is generated and used in the same hour, and not traded with
others, passes no meter and is not billed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.protocol.purchase_book import FailedAttempt, FailedStatus
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.settlement.delivered import Delivered, deliver
from cosim.trading.valuation.price_list import Retail
from cosim.trading.valuation.prices import Prices

Array = NDArray[np.float64]

TradeStatus = Literal["delivered", "seller_short", "buyer_short", "unclaimed"] | FailedStatus
"""What became of energy that was asked for: delivered whole; cut because the seller generated too little, or
else because the buyer used too little; sold by the seller's book alone; or not agreed, and why."""


class TradeRow(NamedTuple):
    """A row of the table ``trades``."""

    day: int
    hour: int
    buyer: int
    seller: int
    requested_kwh: float
    agreed_kwh: float
    delivered_kwh: float
    price: float
    status: TradeStatus


class Bill(NamedTuple):
    """A row of the table ``bills``; the grid has one too."""

    day: int
    """Delivery day."""
    prosumer: int
    """Household, or below 0 its supplier: `GRID`."""
    load_kwh: float
    generation_kwh: float
    """Metered. ``load = self_consumed + bought + from_grid``, ``generation = self_consumed + sold +
    to_grid``."""
    self_consumed_kwh: float
    """Generated and used by the household itself, self-transactions included."""
    bought_kwh: float
    sold_kwh: float
    """From and to other households, as delivered."""
    from_grid_kwh: float
    to_grid_kwh: float
    """The rest; never both in one hour."""
    purchases_eur: float
    sales_eur: float
    """Paid to other households; received from them (negative)."""
    from_grid_eur: float
    to_grid_eur: float
    """Paid to the grid at P^G; received for what was fed in (negative, unless the price is)."""
    compensation_eur: float
    """Paid for own deviations less received for others', where the rule has it so."""
    total_eur: float
    """The sum, with the two that follow."""
    grid_fees_eur: float = 0.0
    taxes_eur: float = 0.0
    """Paid to the grid operator and to the state, where there are tariffs."""


class Losses(NamedTuple):
    """What the partners of a trade lose, EUR/kWh."""

    of_buyer: float
    """By each kWh that the seller does not give: what it costs from the grid beyond the trade, where that is
    more."""
    of_seller: float
    """By each kWh that the buyer does not take: what the trade earns beyond feeding in, where that is
    more."""


class ChargeRow(NamedTuple):
    """A row of the table ``charges``: what a household pays of one fee or tax on a day."""

    day: int
    prosumer: int
    """Delivery day and household."""
    charge: str
    """Its name."""
    receiver: Literal["grid_operator", "state"]
    """Who gets it."""
    on_grid_eur: float
    on_peers_eur: float
    """On what was bought from the grid, and from other households."""


@dataclass(frozen=True)
class Settlement:
    """A settled day."""

    trades: list[TradeRow]
    """By hour, seller and buyer; what came to nothing too."""
    bills: list[Bill]
    """Of every household in order, then the suppliers'."""
    from_grid_kwh: Array
    to_grid_kwh: Array
    """What each draws from and feeds into the grid, beyond its trades. Shape (n_households, 24)."""
    charges: tuple[ChargeRow, ...] = ()
    """Fees and taxes one by one."""


def settle(
    day: int,
    agreements: Iterable[Agreement],
    failed: Iterable[FailedAttempt],
    load_kwh: Array,
    generation_kwh: Array,
    suppliers: Sequence[Retail],
    losses: Callable[[Agreement], Losses] | None = None,
) -> Settlement:
    """Settle a day.

    Parameters
    ----------
    day : int
        Delivery day.
    agreements : iterable of Agreement
        From `reconcile`; none without trading.
    failed : iterable of FailedAttempt
        For the table of trades alone.
    load_kwh, generation_kwh : ndarray, shape (n_households, 24)
        Metered in each hour, at least 0: all that a household used, and all that it generated.
    suppliers : sequence of Retail
        Who supplies whom, at what prices; every household has one supplier.
    losses : callable, optional
        What buyer and seller of a trade lose by what it lacks, where whoever caused that makes it good. By
        default each side settles with its supplier at its own cost.

    Raises
    ------
    InputError
        If a reading is negative or not finite, or a shape is wrong.
    """
    _check(load_kwh, generation_kwh, suppliers)
    delivered = deliver(agreements, load_kwh, generation_kwh)
    accounts = _Accounts(load_kwh.shape)
    supplied_at = _prices_of(suppliers, len(load_kwh))
    for each in delivered:
        accounts.book(each)
        if losses is not None:
            accounts.compensate(each, losses(each.agreement))
    bills, from_grid, to_grid = _bills(day, accounts, load_kwh, generation_kwh, supplied_at)
    bills += [_suppliers_bill(day, from_grid, to_grid, each) for each in suppliers]
    rows = [_row(day, each) for each in delivered]
    rows += [
        TradeRow(
            day, each.hour, each.buyer, each.seller, each.requested_kwh, 0.0, 0.0, each.price, each.status
        )
        for each in failed
    ]
    rows.sort(key=lambda row: (row.hour, row.seller, row.buyer))
    return Settlement(rows, bills, from_grid, to_grid)


class _Accounts:
    """Amounts by household (and hour), each added up once at the end, so that no order of trades shows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.bought: dict[tuple[int, int], list[float]] = {}
        self.sold: dict[tuple[int, int], list[float]] = {}
        self.purchases: dict[int, list[float]] = {}
        self.sales: dict[int, list[float]] = {}
        self.compensation: dict[int, list[float]] = {}

    def book(self, trade: Delivered) -> None:
        """Enter a trade on both sides, by one and the same amount."""
        agreement, _, taken_kwh = trade
        if agreement.buyer == agreement.seller:
            return  # Paid to oneself: it nets out with the rest of what passes no meter.
        self.bought.setdefault((agreement.buyer, agreement.hour), []).append(taken_kwh)
        self.sold.setdefault((agreement.seller, agreement.hour), []).append(taken_kwh)
        amount = agreement.price * taken_kwh
        self.purchases.setdefault(agreement.buyer, []).append(amount)
        self.sales.setdefault(agreement.seller, []).append(-amount)

    def compensate(self, trade: Delivered, losses: Losses) -> None:
        """Let who caused that a trade lacks something make good what its partner loses by that."""
        agreement, sent_kwh, taken_kwh = trade
        if agreement.buyer == agreement.seller:
            return
        by_seller = agreement.agreed_kwh - sent_kwh
        by_buyer = sent_kwh - taken_kwh
        due = losses.of_buyer * by_seller - losses.of_seller * by_buyer
        self.compensation.setdefault(agreement.seller, []).append(due)
        self.compensation.setdefault(agreement.buyer, []).append(-due)

    def by_hour(self, entries: dict[tuple[int, int], list[float]]) -> Array:
        """Sums by household and hour, of the shape of the readings."""
        table = np.zeros(self.shape)
        for key, amounts in entries.items():
            table[key] = fsum(amounts)
        return table


def _bills(
    day: int, accounts: _Accounts, load: Array, generation: Array, supplied_at: Sequence[Prices]
) -> tuple[list[Bill], Array, Array]:
    bought, sold = accounts.by_hour(accounts.bought), accounts.by_hour(accounts.sold)
    # What is neither bought nor sold is metered at one point, where one's own use comes before the grid.
    rest_of_load, rest_of_generation = load - bought, generation - sold
    own = np.maximum(np.minimum(rest_of_load, rest_of_generation), 0.0)
    from_grid = np.maximum(rest_of_load - own, 0.0)
    to_grid = np.maximum(rest_of_generation - own, 0.0)
    bills = []
    for household, prices in enumerate(supplied_at):
        money = (
            fsum(accounts.purchases.get(household, ())),
            fsum(accounts.sales.get(household, ())),
            fsum((prices.grid * from_grid[household]).tolist()),
            -fsum((prices.feed_in * to_grid[household]).tolist()),
            fsum(accounts.compensation.get(household, ())),
        )
        bills.append(
            Bill(
                day,
                household,
                fsum(load[household].tolist()),
                fsum(generation[household].tolist()),
                fsum(own[household].tolist()),
                fsum(bought[household].tolist()),
                fsum(sold[household].tolist()),
                fsum(from_grid[household].tolist()),
                fsum(to_grid[household].tolist()),
                *money,
                fsum(money),
            )
        )
    return bills, from_grid, to_grid


def _suppliers_bill(day: int, from_grid: Array, to_grid: Array, supplier: Retail) -> Bill:
    """A supplier's side, from what it gave and took in each hour: not from the households' bills."""
    members, prices = supplier.members, supplier.prices
    given, taken = from_grid[members].sum(axis=0), to_grid[members].sum(axis=0)
    receives, pays = -float(given @ prices.grid), float(taken @ prices.feed_in)
    energy = (0.0, 0.0, 0.0, 0.0, 0.0, -float(given.sum()), -float(taken.sum()))
    return Bill(day, supplier.party, *energy, 0.0, 0.0, receives, pays, 0.0, receives + pays)


def _prices_of(suppliers: Sequence[Retail], n_households: int) -> list[Prices]:
    """The prices of each household's supplier."""
    found = {household: each.prices for each in suppliers for household in each.members.tolist()}
    return [found[household] for household in range(n_households)]


def _row(day: int, trade: Delivered) -> TradeRow:
    agreement, sent_kwh, taken_kwh = trade
    status: TradeStatus = "delivered"
    if agreement.status == "unclaimed":
        status = "unclaimed"
    elif agreement.agreed_kwh - sent_kwh > GRAIN_KWH:
        status = "seller_short"
    elif sent_kwh - taken_kwh > GRAIN_KWH:
        status = "buyer_short"
    return TradeRow(
        day, agreement.hour, agreement.buyer, agreement.seller, agreement.requested_kwh, agreement.agreed_kwh,
        taken_kwh, agreement.price, status,
    )  # fmt: skip


def _check(load_kwh: Array, generation_kwh: Array, suppliers: Sequence[Retail]) -> None:
    problems = []
    shape, n_hours = load_kwh.shape, load_kwh.shape[1:]
    tables: Sequence[tuple[str, Array, tuple[int, ...]]] = (
        ("load_kwh", load_kwh, shape),
        ("generation_kwh", generation_kwh, shape),
        *(("grid price", each.prices.grid, n_hours) for each in suppliers),
        *(("feed-in price", each.prices.feed_in, n_hours) for each in suppliers),
    )
    for name, table, expected in tables:
        if table.shape != expected:
            remedy = "Give every household as many hours as there are prices."
            problems.append(Problem(f"{name} has shape {table.shape}, not {expected}", remedy))
        elif not np.all(np.isfinite(table)):
            problems.append(
                Problem(f"{name} has values that are not finite", "Give a number for every hour.")
            )
        elif name.endswith("kwh") and np.any(table < 0):
            remedy = (
                "Load and generation are both positive; give what a battery takes and gives to one of them."
            )
            problems.append(Problem(f"{name} is negative somewhere", remedy, value=f"{table.min():g}"))
    if problems:
        raise InputError(problems)
