"""The table of docs/after_paper_a.md: how far from the optimum a change of costs leaves a community.

python docs/changing_costs.py                            # prints the table from docs/changing_costs.csv
python docs/changing_costs.py --seeds 20 --out new.csv   # runs what is missing first; a minute
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import seed_rows
from completed_run import numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

from cosim.engine.load import load_scenario
from cosim.engine.run import summarise

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
KEYS = ("averages", "costs")
BASE = ["time.steps=300", "report.figures=false", "record.decisions=false"]
AVERAGES = {
    "cumulative": "cumulative",
    "exponential, T = 30": "{kind: exponential, time_constant_steps: 30}",
    "window of 60": "{kind: window, window_steps: 60}",
}
LATER = "{kind: section6_community_1, delta: 13}"
COSTS = {
    "constant": LATER,
    "changed": "{kind: stepped, steps: [{from_h: 0, cost: section6_community_1}, "
    f"{{from_h: 3600, cost: {LATER}}}]}}",
}
"""Of the first group: from the start as they are at the end, or after 150 of 300 days."""
NUMBERS = ("market_distance_to_optimum_end", "market_cost_gap_end")


def numbers_of(averages: str, costs: str, seed: int) -> list[float]:
    """The numbers of one run."""
    chosen = f"communities.market.agent.averages={AVERAGES[averages]}"
    settings = [*BASE, chosen, f"groups.community_1.cost={COSTS[costs]}"]
    summary = summarise(load_scenario("section6_additive", settings, seed))
    return numbers_in(summary, NUMBERS)


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    cases = [(averages, costs) for averages in AVERAGES for costs in COSTS]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(*case, seed))


def read(raw: Path) -> dict[tuple[str, ...], Array]:
    """By averages and costs, the numbers by seed; shape (n_seeds, n_numbers)."""
    return seed_rows.read(raw, KEYS, NUMBERS)


def table(runs: dict[tuple[str, ...], Array]) -> str:
    """Distances with their intervals, by averages."""
    lines = ["| averages | constant costs | changed 150 steps before |", "|---|---|---|"]
    for averages in AVERAGES:
        each = [runs[averages, costs][:, 0] for costs in COSTS]
        cells = [f"{values.mean():.2f} ± {half_width(values):.2f}" for values in each]
        lines.append(f"| {averages} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(raw: Path) -> str:
    """The table, below how many seeds it is of."""
    runs = read(raw)
    return f"{len(next(iter(runs.values())))} seeds\n{table(runs)}"


def main() -> None:
    """Run what is asked for, and print the table."""
    seed_rows.command(__doc__, RAW, run_missing, shown)


if __name__ == "__main__":
    main()
