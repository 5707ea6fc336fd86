"""The table of docs/after_paper_a.md: what private reports cost, by budget, over several seeds.

python docs/private_reports.py                            # prints the table from docs/private_reports.csv
python docs/private_reports.py --seeds 20 --out new.csv   # runs what is missing first; some minutes
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from cosim.engine.load import load_scenario
from cosim.engine.run import summarise

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
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


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every budget with every seed, and write a row for each when it is done; go on where it stopped."""
    is_new = not out.exists()
    done = set() if is_new else {(int(row["seed"]), row["epsilon"]) for row in rows_of(out)}
    with out.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if is_new:
            writer.writerow(["seed", "epsilon", *NUMBERS])
        for seed in range(1, n_seeds + 1):
            for epsilon, settings in BUDGETS.items():
                if (seed, epsilon) not in done:
                    summary = summarise(load_scenario("section6_additive", [*BASE, *settings], seed))
                    writer.writerow(
                        [seed, epsilon, *(f"{float(summary[name] or 0):.10g}" for name in NUMBERS)]
                    )
                    stream.flush()


def rows_of(raw: Path) -> list[dict[str, str]]:
    """The rows of a file of runs."""
    with raw.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read(raw: Path) -> dict[str, Array]:
    """By budget, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every budget has."""
    rows: dict[str, dict[int, list[float]]] = {}
    for row in rows_of(raw):
        rows.setdefault(row["epsilon"], {})[int(row["seed"])] = [float(row[name]) for name in NUMBERS]
    seeds = sorted(set.intersection(*(set(each) for each in rows.values())))
    return {epsilon: np.array([each[seed] for seed in seeds]) for epsilon, each in rows.items()}


def half_width(values: Array) -> float:
    """Half the width of the 95 % interval of a mean, Student's t."""
    n = len(values)
    return float(student.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))


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


def main() -> None:
    """Run what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RAW)
    given = parser.parse_args()
    if given.seeds:
        run_missing(given.seeds, given.out)
    runs = read(given.out)
    print(f"{len(next(iter(runs.values())))} seeds")
    print(table(runs))


if __name__ == "__main__":
    main()
