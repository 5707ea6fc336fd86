"""The numbers of docs/section6.md: the three policies beside the exact optimum.

python docs/section6.py                 # K = 1000 from the printed signal, then from near the gradients
python docs/section6.py --steps 100000  # the long runs; about eight minutes
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from cosim.config.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

SCENARIOS = ("section6", "section6_proportional", "section6_additive")


def row(scenario: str, signal: str, steps: int) -> str:
    """Run one scenario and give its line of the table."""
    overrides = [
        f"time.steps={steps}",
        f"communities.market.platform.initial_signal={signal}",
        "record.decisions=" + ("true" if steps <= 10_000 else "false"),
        "report.figures=false",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        summary = run_scenario(load_scenario(scenario, overrides), folder).summary
        ticks = read_table(folder, "regulation")
        locked = "-"
        if steps <= 10_000:
            decisions = read_table(folder, "decisions")
            late = decisions[decisions.step > steps // 2]
            locked = str(int((late.groupby("prosumer").probability.max() == 0).sum()))
    consumption = ticks[ticks.resource == "consumption"]
    last = consumption.iloc[-1]
    tail = consumption.iloc[-200:]
    error = tail["aggregate"] - tail.capacity
    return (
        f"| `{scenario}` | {signal} | {summary['market_cost_gap_end']:.4g} | {last.distance:.3g} "
        f"| {last.gradient_spread:.3g} | {locked} | {last.average_sum:.2f} | {last.signal:.4g} "
        f"| {error.mean():+.2f} ± {np.std(error):.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    steps = parser.parse_args().steps
    print(f"K = {steps}")
    print(
        "| scenario | Ω(0) | cost above optimum | ‖x̄ − x*‖ | spread of ∇g | locked out | Σx̄ (C = 90) "
        "| Ω at the end | Σx − C, last 200 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for signal in ("0.06", "gradient"):
        for scenario in SCENARIOS:
            print(row(scenario, signal, steps), flush=True)


if __name__ == "__main__":
    main()
