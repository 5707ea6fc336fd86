"""How a household turns what it knows into what it takes of a resource, a kind a module."""

from cosim.core.registry import import_modules
from cosim.regulation.decisions.interface import DECISIONS, Decision

__all__ = ["DECISIONS", "Decision"]

import_modules(__name__)
