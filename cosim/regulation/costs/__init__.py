"""Private cost functions: what a household's averages cost it (paper A: Alam et al., 2019)."""

from importlib import import_module
from pkgutil import iter_modules

from cosim.regulation.costs.interface import COSTS, Cost

__all__ = ["COSTS", "Cost"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
