"""The table of docs/after_paper_a.md: what private reports cost, by budget, over several seeds.

python docs/private_reports.py                            # prints the table from docs/private_reports.csv
python docs/private_reports.py --seeds 20 --out new.csv   # runs what is missing first; some minutes
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
KEYS = ("epsilon",)
BASE = ["time.steps=300", "time.warm_up_h=2400", "report.figures=false", "record.decisions=false"]
REPORTS = "communities.market.agent.reports"
BUDGETS = {
    "exact": [],
    "8": [f"{REPORTS}={{kind: laplace, epsilon: 8}}"],
    "2": [f"{REPORTS}={{kind: laplace, epsilon: 2}}"],
    "0.5": [f"{REPORTS}={{kind: laplace, epsilon: 0.5}}"],
}
"""Budgets ε of a report, with the settings that make them."""
NUMBERS = {
    "market_consumption_tracking_rmse_units": ("tracking error of consumption, RMS [units]", 2),
    "market_cost_gap_end": ("cost gap at the end [cost]", 2),
}
"""What is compared, by its name in summary.json: its name in the table, and decimals."""


def numbers_of(epsilon: str, seed: int) -> list[float]:
    """The numbers of one run."""
    summary = summarise(load_scenario("section6_additive", [*BASE, *BUDGETS[epsilon]], seed))
    return numbers_in(summary, NUMBERS)


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every budget with every seed; go on where it stopped."""
    cases = [(epsilon,) for epsilon in BUDGETS]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def read(raw: Path) -> dict[str, Array]:
    """By budget, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every budget has."""
    return {epsilon: values for (epsilon,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: dict[str, Array]) -> str:
    """Means with their intervals, by budget."""
    lines = ["| ε of a report | " + " | ".join(runs) + " |", "|---" * (len(runs) + 1) + "|"]
    for column, (words, decimals) in enumerate(NUMBERS.values()):
        cells = [
            f"{values[:, column].mean():.{decimals}f} ± {half_width(values[:, column]):.{decimals}f}"
            for values in runs.values()
        ]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
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
