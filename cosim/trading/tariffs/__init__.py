"""Tariffs: retailers by group, local days, grid fees and taxes, and who gets what of a bill."""

from cosim.core.registry import import_modules
from cosim.trading.tariffs.charges import GRID_FEES, TAXES, GridFee, Tax, TaxRate

__all__ = ["GRID_FEES", "TAXES", "GridFee", "Tax", "TaxRate"]

import_modules(f"{__name__}.kinds")
