"""What energy costs each household, from the grid and from others, and what it earns: one price for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.csv_files.found import CsvFound
from cosim.trading.schemas.market_slots import HOURLY, MarketSlots
from cosim.trading.valuation.offers import GRID, Offer
from cosim.trading.valuation.prices import Prices


class Retail(NamedTuple):
    """Who sells what others do not, and to whom."""

    party: int
    """Its number in the bills, below 0; `GRID` for the grid itself."""
    members: NDArray[np.int64]
    """Its customers."""
    prices: Prices
    """What it takes and pays, without fees and taxes; shape (24,) each."""


class PriceList(ABC):
    """Prices of a run as households see them; a day's have shape (24,), EUR/kWh."""

    parties: tuple[str, ...]
    """Who has bills besides the households: number -1, -2 and so on."""
    files: tuple[CsvFound, ...]
    """How the CSV files of its prices were understood."""

    @abstractmethod
    def base(self, day: int) -> Prices:
        """P^G and what feeding in earns, of households that have nothing else."""

    @abstractmethod
    def of(self, household: int, day: int) -> Prices:
        """What a kWh from the grid costs a household, all included, and what one fed in earns it."""

    @abstractmethod
    def asking(self, household: int, day: int) -> Prices:
        """Between which prices it may find a buyer: the most that its nearest could pay, and its feed-in."""

    @abstractmethod
    def bidding(self, household: int, day: int) -> Prices:
        """The same for bids whose seller is not known: with the highest price it loses to no seller."""

    @abstractmethod
    def reference(self, day: int) -> Prices:
        """Between which prices an operator clears: the widest of all households."""

    @abstractmethod
    def charges(self, household: int, day: int, offers: Sequence[Offer]) -> list[float]:
        """What a kWh of each offer costs a household on top of its price, EUR/kWh."""

    @abstractmethod
    def retail(self, day: int) -> list[Retail]:
        """Who supplies whom; every household has one supplier."""

    def landed(self, household: int, day: int, offers: Sequence[Offer]) -> Sequence[Offer]:
        """Offers at what they cost a household."""
        charges = self.charges(household, day, offers)
        return [
            each._replace(price=each.price + more) if more else each
            for each, more in zip(offers, charges, strict=True)
        ]


class OnePriceList(PriceList):
    """The same prices for all, and nothing on top.

    Parameters
    ----------
    prices : Prices
        Of every hour of the run; the feed-in price is the rule's.
    n_households : int
        Size of the population.
    slots : MarketSlots
        What the prices are of.
    """

    parties = ("grid",)

    def __init__(self, prices: Prices, n_households: int, slots: MarketSlots = HOURLY) -> None:
        self._prices, self._slots = prices, slots
        self.files = prices.files
        self._everybody = np.arange(n_households)

    def base(self, day: int) -> Prices:
        """See `PriceList.base`."""
        hours = self._slots.of_day(day)
        return Prices(self._prices.grid[hours], self._prices.feed_in[hours])

    def of(self, household: int, day: int) -> Prices:
        """The grid's."""
        return self.base(day)

    def asking(self, household: int, day: int) -> Prices:
        """The grid's."""
        return self.base(day)

    def bidding(self, household: int, day: int) -> Prices:
        """The grid's."""
        return self.base(day)

    def reference(self, day: int) -> Prices:
        """The grid's."""
        return self.base(day)

    def charges(self, household: int, day: int, offers: Sequence[Offer]) -> list[float]:
        """None."""
        return [0.0] * len(offers)

    def landed(self, household: int, day: int, offers: Sequence[Offer]) -> Sequence[Offer]:
        """The offers."""
        return offers

    def retail(self, day: int) -> list[Retail]:
        """The grid supplies everybody."""
        return [Retail(GRID, self._everybody, self.base(day))]
