"""Households on their own, whose generation costs them what feeding in would have earned."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from cosim.config.base import MAX_PRICE, Number, Range
from cosim.trading.tariff_rules.interface import TARIFF_RULES, Array, TariffRule


@TARIFF_RULES.register("self_supply")
class SelfSupply(TariffRule):
    """No trading; surplus earns the indexed price."""

    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """The indexed price."""
        return indexed


@TARIFF_RULES.register("feed_in_tariff")
class FeedInTariff(TariffRule):
    """No trading; surplus earns a flat tariff."""

    tariff_eur_per_kwh: Annotated[Number, Range(0, MAX_PRICE)] = 0.08
    """Flat price of what is fed in [EUR/kWh]."""

    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """The tariff."""
        return np.full_like(grid, self.tariff_eur_per_kwh)


@TARIFF_RULES.register("net_metering")
class NetMetering(TariffRule):
    """No trading; surplus earns the grid's price."""

    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """The grid's price."""
        return grid


@TARIFF_RULES.register("no_coordination")
class NoCoordination(SelfSupply):
    """No trading; appliances run when preferred, whatever it costs."""

    aim: ClassVar = "preferences"
