"""Co-simulation of prosumer communities, their messages and their low-voltage feeder.

::

    import cosim

    run = cosim.run("storage_village", {"time.duration_h": 48}, seed=3)
    run.summary["voltage_min_pu"]
    run.tables.bus_voltage

What stands here is loaded when it is first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cosim.core.version import VERSION

if TYPE_CHECKING:
    from cosim import plugins
    from cosim.api.checking import check
    from cosim.api.comparisons import compare
    from cosim.api.impacts import Impact, impact
    from cosim.api.run_results import Run
    from cosim.api.runs import open, run
    from cosim.api.sweeps import Sweep, sweep
    from cosim.api.watcher import Watcher
    from cosim.core.errors import InputError, Problem, SimulationError
    from cosim.engine.scenario import Scenario

__all__ = [
    "Impact",
    "InputError",
    "Problem",
    "Run",
    "Scenario",
    "SimulationError",
    "Sweep",
    "Watcher",
    "__version__",
    "check",
    "compare",
    "impact",
    "open",
    "plugins",
    "run",
    "sweep",
]

__version__ = VERSION

_HOMES = {
    "Impact": "cosim.api.impacts",
    "InputError": "cosim.core.errors",
    "Problem": "cosim.core.errors",
    "Run": "cosim.api.run_results",
    "Scenario": "cosim.engine.scenario",
    "SimulationError": "cosim.core.errors",
    "Sweep": "cosim.api.sweeps",
    "Watcher": "cosim.api.watcher",
    "check": "cosim.api.checking",
    "compare": "cosim.api.comparisons",
    "impact": "cosim.api.impacts",
    "open": "cosim.api.runs",
    "run": "cosim.api.runs",
    "sweep": "cosim.api.sweeps",
}

# Arrow's own allocator keeps what it took, and grows for a year of batches; the system's gives it back. Arrow
# reads this once, when it is loaded, and its parquet writer heeds no other way of saying it.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def __getattr__(name: str) -> Any:
    if name == "plugins":
        return import_module("cosim.plugins")
    if name not in _HOMES:
        raise AttributeError(f"module 'cosim' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "plugins"})
