"""Response policies, a module each: with what probability a household takes a unit, given the signal."""

from importlib import import_module
from pkgutil import iter_modules

from cosim.regulation.policies.interface import POLICIES, Policy

__all__ = ["POLICIES", "Policy"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
