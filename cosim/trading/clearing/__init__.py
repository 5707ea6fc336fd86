"""Ways to clear a market of households, a module each: who trades how much with whom, at what price."""

from cosim.core.registry import import_modules
from cosim.trading.clearing.interface import CLEARINGS, Clearing, Match, Order

__all__ = ["CLEARINGS", "Clearing", "Match", "Order"]

import_modules(__name__)
