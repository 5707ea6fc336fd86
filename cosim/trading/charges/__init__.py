"""What comes on top of a price: grid fees and taxes, each registered by its name."""

from cosim.core.registry import import_modules
from cosim.trading.charges.charge_interface import GRID_FEES, TAXES, GridFee, Tax, TaxRate

__all__ = ["GRID_FEES", "TAXES", "GridFee", "Tax", "TaxRate"]

import_modules(__name__)
