"""Taxes: so much for each kWh, or a share of its price."""

from __future__ import annotations

from cosim.config.base import FractionBelowOne, Price
from cosim.trading.charges.charge_interface import TAXES, Source, Tax, TaxRate


@TAXES.register("levy")
class Levy(Tax):
    """A fixed amount for each kWh, whatever the energy costs: an electricity tax, a concession levy."""

    eur_per_kwh: Price
    """Of what is bought from the grid [EUR/kWh]."""
    peers_eur_per_kwh: Price | None = None
    """Of what is bought from other households [EUR/kWh]; the same by default."""

    def rate(self, source: Source) -> TaxRate:
        """See `Tax.rate`."""
        own = source == "peers" and self.peers_eur_per_kwh is not None
        return TaxRate(float(self.peers_eur_per_kwh or 0.0) if own else self.eur_per_kwh)


@TAXES.register("vat")
class ValueAddedTax(Tax):
    """A share of the price, and of fees and taxes before it."""

    share: FractionBelowOne
    """0.19 for 19 %."""
    on_peers_price: bool = True
    """Whether it is due on what peers pay each other; on fees and taxes of their trades it is in any case."""

    def rate(self, source: Source) -> TaxRate:
        """See `Tax.rate`."""
        counts = source == "grid" or self.on_peers_price
        return TaxRate(0.0, self.share if counts else 0.0, self.share)
