"""A regulation loop whose aggregate is linear in the signal, as tests of its stability run it.

The averages move so slowly (a time constant of 1e9 steps) that every household's response stays
0.5 + κ(Ω − ∇g): the aggregate has the slope G = κN, and the noise of N coins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

N = 60
KAPPA = 0.02
STEP_MS = 60_000


def aggregate(folder: Path, platform: dict[str, Any], links: dict[str, Any], n_steps: int) -> Any:
    """Σx step by step, with keys of the platform, and of the links by direction; the run is in ``run``."""
    data = {
        "name": "loop",
        "time": {"step_s": STEP_MS / 1000, "steps": n_steps},
        "groups": [
            {
                "name": "homes",
                "households": N,
                "cost": {"kind": "consumption_only", "linear": 5.0, "quadratic": 1.0, "target": 0.5},
            }
        ],
        "communities": [
            {
                "name": "market",
                "groups": ["homes"],
                "resources": [{"name": "x", "capacity": N / 2}],
                "agent": {
                    "policy": {"kind": "additive", "kappa": KAPPA},
                    "averages": {"kind": "exponential", "time_constant_steps": 1e9},
                    "initial_average": 0.5,
                },
                "platform": {"initial_signal": 5.0, **platform},
            }
        ],
        "comms": {"overrides": [{"direction": direction, **link} for direction, link in links.items()]},
        "record": {"decisions": False},
    }
    loaded = LoadedScenario(Scenario.model_validate(data), folder, "loop.yaml", Document(data, "loop.yaml"))
    run_scenario(loaded, folder / "run")
    return read_table(folder / "run", "regulation")["aggregate"].to_numpy()


def constant_latency(steps: int) -> dict[str, Any]:
    """Of a link on which every message takes so many steps."""
    return {"latency": {"kind": "constant", "latency_ms": steps * STEP_MS}}
