"""How a platform makes one aggregate of its households' reports, a way a module."""

from importlib import import_module
from pkgutil import iter_modules

from cosim.regulation.aggregates.interface import AGGREGATES, Aggregate

__all__ = ["AGGREGATES", "Aggregate"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
