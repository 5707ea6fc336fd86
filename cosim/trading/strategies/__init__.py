"""Strategies of sellers and of buyers, each registered by its name."""

from cosim.core.registry import import_modules
from cosim.trading.strategies.strategy_interface import BUYING, SELLING, BuyingStrategy, SellingStrategy

__all__ = ["BUYING", "SELLING", "BuyingStrategy", "SellingStrategy"]

import_modules(__name__)
