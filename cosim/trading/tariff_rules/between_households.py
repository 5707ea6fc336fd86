"""Paper B's rule, and what is left of it when one thing is taken away."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from cosim.trading.tariff_rules.interface import TARIFF_RULES, Array, TariffRule


@TARIFF_RULES.register("trading")
class Trading(TariffRule):
    """Households trade; surplus that nobody bought earns the indexed price."""

    trades: ClassVar = True
    own_generation: ClassVar = "asked"

    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """The indexed price."""
        return indexed


@TARIFF_RULES.register("iep_zero")
class WorthlessFeedIn(Trading):
    """Trading, and feeding in earns nothing."""

    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """Nothing."""
        return np.zeros_like(grid)


@TARIFF_RULES.register("cost_only")
class CostOnly(Trading):
    """Trading, and preferences do not count (γ = 0)."""

    aim: ClassVar = "cost"


@TARIFF_RULES.register("no_trading")
class NoTrading(Trading):
    """As trading, but no offer reaches another household."""

    trades: ClassVar = False
