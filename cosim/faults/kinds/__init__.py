"""Kinds of faults, a module each, or one for those that do the same: their keys, and what they do."""

from cosim.core.registry import import_modules
from cosim.faults.kinds.interface import FAULTS, Effect, Fault, FaultEvent, Site

__all__ = ["FAULTS", "Effect", "Fault", "FaultEvent", "Site"]

import_modules(__name__)
