"""Audiences: to whom a household's offers go, a kind a module."""

from cosim.core.registry import import_modules
from cosim.trading.audiences.interface import AUDIENCES, Audience

__all__ = ["AUDIENCES", "Audience"]

import_modules(__name__)
