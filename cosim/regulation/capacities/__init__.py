"""Capacity rules, a module each: how many units a community takes together, over time."""

from importlib import import_module
from pkgutil import iter_modules

from cosim.regulation.capacities.interface import CAPACITIES, Capacity

__all__ = ["CAPACITIES", "Capacity"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
