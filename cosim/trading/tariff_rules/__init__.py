"""Tariff rules: what trading with others and feeding in earn, and what appliances are scheduled for."""

from cosim.core.registry import import_modules
from cosim.trading.tariff_rules.interface import TARIFF_RULES, TariffRule

__all__ = ["TARIFF_RULES", "TariffRule"]

import_modules(__name__)
