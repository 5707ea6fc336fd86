"""Many feeders, each with households of its own: processor time and memory of a day.

    python bench/bench_copies.py                 100 feeders with 100 households each
    python bench/bench_copies.py 8000 125        a million households

The same feeder of 18 buses so many times (`grid.copies`); the households follow SimBench's load, are one
community with a step of a quarter of an hour, and hear and report over links with latency and loss; each hour
all feeders are solved. Tables are written; of decisions and meters none, of elements those of one feeder.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cosim.core.numbers import Summary
from cosim.engine.builder import build
from cosim.engine.load import scenario_of_data
from cosim.engine.simulation import Simulation
from cosim.results.store import RunStore

N_LOAD_BUSES = 6


def scenario(n_feeders: int, n_each: int) -> dict[str, Any]:
    """A day of so many feeders with so many households each."""
    n = n_feeders * n_each
    resources = [{"name": "x", "capacity": 0.9 * n}, {"name": "y", "capacity": 0.8 * n}]
    load = {"kind": "simbench", "profile": "H0-A", "peak_kw": {"uniform": [0.2, 0.6]}}
    loss = {"kind": "bernoulli", "loss_probability": 0.02}
    return {
        "name": "many_feeders",
        "time": {"start": "2016-07-04T00:00:00Z", "duration_h": 24, "step_s": 900},
        "groups": [
            {"name": "homes", "households": n, "cost": {"kind": "section6_community_1"}, "load": load}
        ],
        "communities": [
            {
                "name": "market",
                "groups": ["homes"],
                "resources": resources,
                "agent": {"policy": {"kind": "additive", "kappa": 0.1}},
                "platform": {"gain": 0.495 / n, "initial_signal": "gradient"},
            }
        ],
        "comms": {"default": {"latency": {"kind": "exponential", "mean_ms": 300}, "loss": loss}},
        "grid": {
            "network": "kerber_landnetz_kabel_1",
            "copies": n_feeders,
            "background": "none",
            "placement": {
                "kind": "list",
                "buses": [f"loadbus_1_{1 + home % N_LOAD_BUSES}" for home in range(n_each)],
            },
        },
        "record": {"decisions": False, "meters": False, "grid": {"copies": [1]}},
    }


def measure(n_feeders: int, n_each: int) -> tuple[float, float]:
    """Processor time, s, and peak of memory, GiB."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        store = RunStore(Path(name) / "run")
        parts = build(scenario_of_data(scenario(n_feeders, n_each), Path(name)).varied())
        simulation = Simulation(parts, store, lambda now_ms, events: None)
        simulation.run()
        simulation.close()
        store.finish_tables()
        numbers = Summary()
        simulation.add_summary(numbers)
    assert numbers["feeders"] == n_feeders
    return time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> int:
    """Measure and print."""
    n_feeders, n_each = (int(given) for given in (sys.argv[1:] or ("100", "100")))
    seconds, peak_gib = measure(n_feeders, n_each)
    n = n_feeders * n_each
    print(
        f"{n_feeders:,} feeders, {n:,} households, a day: {seconds:.1f} s of processor time, peak "
        f"{peak_gib:.2f} GiB, {peak_gib * 2**30 / n / 1e3:.1f} kB for each household"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
