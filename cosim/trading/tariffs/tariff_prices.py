"""What energy costs each household by its retailer's tariff, with grid fees and taxes on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.trading.charges.charge_interface import GridFee, Ground, Ints, Source, Tax
from cosim.trading.schemas.market_slots import HOURLY, MarketSlots
from cosim.trading.valuation.offers import GRID, Offer
from cosim.trading.valuation.price_list import PriceList, Retail
from cosim.trading.valuation.prices import Prices

Array = NDArray[np.float64]


class Supplier(NamedTuple):
    """Who sells to some households what others do not: name, customers, prices of every hour of the run."""

    name: str
    members: Ints
    prices: Prices


class Charging(NamedTuple):
    """All that comes on top of a price."""

    fees: tuple[GridFee, ...]
    """For the grid operator."""
    taxes: tuple[Tax, ...]
    """For the state; each may count what was before it."""

    @property
    def names(self) -> tuple[str, ...]:
        """How bills call them: fees, then taxes."""
        return tuple(each.called for each in (*self.fees, *self.taxes))

    def rates(self, source: Source, price: Array, fee_rates: Sequence[Array]) -> Array:
        """What each charge is on a kWh.

        Parameters
        ----------
        source : {"grid", "peers"}
            From whom it is bought.
        price : ndarray, shape (k,)
            Its price, EUR/kWh.
        fee_rates : sequence of ndarray, each of shape (k,)
            The grid fees, EUR/kWh.

        Returns
        -------
        ndarray, shape (n_charges, k)
            EUR/kWh: fees, then taxes.
        """
        rows = list(fee_rates)
        for tax in self.taxes:
            rate = tax.rate(source)
            before = np.sum(rows, axis=0) if rows else np.zeros_like(price)
            rows.append(rate.eur_per_kwh + rate.of_price * price + rate.of_charges * before)
        return np.array(rows).reshape(len(rows), len(price))

    def on_grid(self, ground: Ground, household: int, price: Array) -> Array:
        """The charges on what a household buys from the grid, shape (n_charges, n_hours)."""
        return self.rates("grid", price, [fee.from_grid(ground, household) for fee in self.fees])

    def on_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints, price: Array) -> Array:
        """The charges on what it buys from others, shape (n_charges, k)."""
        fees = [fee.from_peers(ground, buyer, sellers, hours) for fee in self.fees]
        return self.rates("peers", price, fees)

    def highest_price(self, worth: Array, fee_rates: Sequence[Array]) -> Array:
        """The price of a kWh from others that costs with all charges as much as it is worth, EUR/kWh."""
        free = self.rates("peers", np.zeros_like(worth), fee_rates).sum(axis=0)
        one = self.rates("peers", np.ones_like(worth), fee_rates).sum(axis=0)
        return np.asarray((worth - free) / (1 + (one - free)))


class TariffPriceList(PriceList):
    """Prices by retailer, and what comes on top.

    Parameters
    ----------
    base : Prices
        P^G and feed-in of every hour of the run, of households without a retailer.
    suppliers : sequence of Supplier
        The grid first, which may have no customers, then the retailers.
    charging : Charging
        Fees and taxes.
    grounds : callable
        What fees know of the feeder on a day.
    slots : MarketSlots
        What the prices are of.
    """

    def __init__(
        self,
        base: Prices,
        suppliers: Sequence[Supplier],
        charging: Charging,
        grounds: Callable[[int], Ground],
        slots: MarketSlots = HOURLY,
    ) -> None:
        self.files = base.files
        self.parties = (*(each.name for each in suppliers), "grid_operator", "state")
        self.suppliers = suppliers
        self.charging = charging
        self._base = base
        self._grounds = grounds
        self._slots = slots
        self._n_households = sum(len(each.members) for each in suppliers)
        self._of = {int(member): each for each in suppliers for member in each.members}
        self._reference: tuple[int, Prices] | None = None

    def base(self, day: int) -> Prices:
        """See `PriceList.base`."""
        return self._on(self._base, day)

    def ground(self, day: int) -> Ground:
        """What fees know of the feeder on a day."""
        return self._grounds(day)

    def supplier_names(self) -> list[str]:
        """The supplier of each household."""
        return [self._of[household].name for household in range(self._n_households)]

    def energy(self, household: int, day: int) -> Prices:
        """What its supplier takes and pays, without fees and taxes."""
        return self._on(self._of[household].prices, day)

    def of(self, household: int, day: int) -> Prices:
        """See `PriceList.of`."""
        energy = self.energy(household, day)
        more = self.charging.on_grid(self._grounds(day), household, energy.grid).sum(axis=0)
        return Prices(energy.grid + more, energy.feed_in)

    def asking(self, household: int, day: int) -> Prices:
        """Up to what a household next door with the same tariff could pay: no fee by the way comes on top."""
        ground, hours = self._grounds(day), np.arange(self._slots.per_day)
        nobody = np.full(len(hours), household)
        own = self.of(household, day)
        fees = [
            np.zeros(len(hours)) if fee.by_seller else fee.from_peers(ground, household, nobody, hours)
            for fee in self.charging.fees
        ]
        return Prices(self.charging.highest_price(own.grid, fees), own.feed_in)

    def bidding(self, household: int, day: int) -> Prices:
        """Up to what it could pay its dearest seller, the grid operator's fees on the way included."""
        own, ground = self.of(household, day), self._grounds(day)
        fees = [self._highest(fee, ground, household) for fee in self.charging.fees]
        return Prices(self.charging.highest_price(own.grid, fees), own.feed_in)

    def _highest(self, fee: GridFee, ground: Ground, household: int) -> Array:
        """The most that a fee can be on what a household buys from any other, hour by hour."""
        hours = np.arange(self._slots.per_day)
        n = len(hours)
        if not fee.by_seller or self._n_households == 1:
            return fee.from_peers(ground, household, np.full(n, household), hours)
        others = np.delete(np.arange(self._n_households), household)
        rates = fee.from_peers(ground, household, np.repeat(others, n), np.tile(hours, len(others)))
        return np.asarray(rates.reshape(len(others), n).max(axis=0))

    def reference(self, day: int) -> Prices:
        """The widest of all suppliers' tariffs, with fees and taxes that do not depend on a place."""
        if self._reference is None or self._reference[0] != day:
            bands = [self.asking(int(each.members[0]), day) for each in self.suppliers if len(each.members)]
            grid = reduce(np.maximum, (band.grid for band in bands))
            feed_in = reduce(np.minimum, (band.feed_in for band in bands))
            self._reference = (day, Prices(grid, feed_in))
        return self._reference[1]

    def charges(self, household: int, day: int, offers: Sequence[Offer]) -> list[float]:
        """See `PriceList.charges`; nothing on what a household takes of its own."""
        if not offers:
            return []
        sellers = np.array([each.seller for each in offers], dtype=np.int64)
        hours = np.array([each.hour for each in offers], dtype=np.int64)
        price = np.array([each.price for each in offers], dtype=np.float64)
        more = self.charging.on_peers(self._grounds(day), household, sellers, hours, price).sum(axis=0)
        return [float(each) for each in np.where(sellers == household, 0.0, more)]

    def retail(self, day: int) -> list[Retail]:
        """See `PriceList.retail`."""
        return [
            Retail(GRID - number, each.members, self._on(each.prices, day))
            for number, each in enumerate(self.suppliers)
            if len(each.members)
        ]

    def _on(self, prices: Prices, day: int) -> Prices:
        """A day's part of the prices of a run."""
        hours = self._slots.of_day(day)
        return Prices(prices.grid[hours], prices.feed_in[hours])
