"""Fees and taxes of a settled day: who owes how much of each, and who gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.trading.settlement.bills import Bill, ChargeRow, Settlement, TradeRow
from cosim.trading.tariffs.tariff_prices import TariffPriceList

Array = NDArray[np.float64]


class Owed(NamedTuple):
    """What one household owes."""

    on_grid: Array
    """On what it bought from the grid, EUR. Shape (n_charges, 24)."""
    on_peers: Array
    """On what it bought from others, EUR. Shape (n_charges, n_trades)."""


def with_charges(settlement: Settlement, prices: TariffPriceList, day: int) -> Settlement:
    """A settlement with fees and taxes in its bills, and bills of those who get them.

    Parameters
    ----------
    settlement : Settlement
        Of energy and trades alone.
    prices : TariffPriceList
        What comes on top.
    day : int
        Delivery day.
    """
    bought = _bought(settlement.trades)
    n = len(settlement.from_grid_kwh)
    owed = [_owed(settlement, prices, day, household, bought.get(household, ())) for household in range(n)]
    n_fees = len(prices.charging.fees)
    bills = [_charged(bill, owed[bill.prosumer], n_fees) for bill in settlement.bills if bill.prosumer >= 0]
    others = [bill for bill in settlement.bills if bill.prosumer < 0]
    bills += [*others, *_receivers(day, owed, n_fees, len(prices.parties))]
    receivers: list[Literal["grid_operator", "state"]] = ["grid_operator"] * n_fees
    receivers += ["state"] * len(prices.charging.taxes)
    rows = tuple(
        ChargeRow(day, household, name, receiver, fsum(each.on_grid[number]), fsum(each.on_peers[number]))
        for household, each in enumerate(owed)
        for number, (name, receiver) in enumerate(zip(prices.charging.names, receivers, strict=True))
    )
    return replace(settlement, bills=bills, charges=rows)


def _bought(trades: Sequence[TradeRow]) -> dict[int, list[TradeRow]]:
    """What each household bought from others, as delivered."""
    found: dict[int, list[TradeRow]] = {}
    for trade in trades:
        if trade.delivered_kwh > 0 and trade.buyer != trade.seller:
            found.setdefault(trade.buyer, []).append(trade)
    return found


def _owed(
    settlement: Settlement, prices: TariffPriceList, day: int, household: int, trades: Sequence[TradeRow]
) -> Owed:
    charging, ground = prices.charging, prices.ground(day)
    on_grid = charging.on_grid(ground, household, prices.energy(household, day).grid)
    on_peers = charging.on_peers(
        ground,
        household,
        np.array([trade.seller for trade in trades], dtype=np.int64),
        np.array([trade.hour for trade in trades], dtype=np.int64),
        np.array([trade.price for trade in trades], dtype=np.float64),
    )
    delivered_kwh = np.array([trade.delivered_kwh for trade in trades], dtype=np.float64)
    return Owed(on_grid * settlement.from_grid_kwh[household], on_peers * delivered_kwh)


def _charged(bill: Bill, owed: Owed, n_fees: int) -> Bill:
    fees = fsum([*owed.on_grid[:n_fees].flat, *owed.on_peers[:n_fees].flat])
    taxes = fsum([*owed.on_grid[n_fees:].flat, *owed.on_peers[n_fees:].flat])
    return bill._replace(grid_fees_eur=fees, taxes_eur=taxes, total_eur=fsum([bill.total_eur, fees, taxes]))


def _receivers(day: int, owed: Sequence[Owed], n_fees: int, n_parties: int) -> list[Bill]:
    """What the grid operator and the state get: summed hour by hour and trade by trade, not from bills."""
    by_charge = sum(
        (each.on_grid.sum(axis=1) + each.on_peers.sum(axis=1) for each in owed),
        np.zeros(len(owed[0].on_grid)),
    )
    fees, taxes = -float(by_charge[:n_fees].sum()), -float(by_charge[n_fees:].sum())
    nothing = (0.0,) * 12
    return [
        Bill(day, 1 - n_parties, *nothing, fees, grid_fees_eur=fees),
        Bill(day, -n_parties, *nothing, taxes, taxes_eur=taxes),
    ]
