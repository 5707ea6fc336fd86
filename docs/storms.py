"""The table of docs/storms.md: an island through a week of storms, over several seeds.

python docs/storms.py                            # prints the table from docs/storms.csv
python docs/storms.py --seeds 20 --out new.csv   # runs what is missing first; some ten minutes
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import seed_rows
from completed_run import completed_run, numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
QUIET = ["report.figures=false", "record.decisions=false", "record.grid=false", "grid.verify_power_flow=0"]
LITTLE_SUN = [f"groups.{side}.pv.kwp={{uniform: [0.25, 1]}}" for side in ("east", "west")]
"""A quarter of the power of every roof, which is what a quarter of the sun does."""
FAILURE = ["faults=[{kind: generator_failure, from_h: 66, duration_h: 36}]"]
"""From Wednesday evening to Friday morning."""
LOST = ["comms.default.loss={kind: bernoulli, loss_probability: 0.5}"]
FUEL = ["firm.generator.fuel_l=400"]
"""Twice as much as the scenario has."""
CASES: dict[str, list[str]] = {
    "calm": [],
    "messages lost": LOST,
    "generator fails": FAILURE,
    "little sun": LITTLE_SUN,
    "all three": [*LITTLE_SUN, *FAILURE, *LOST],
    "little sun, 400 l": [*LITTLE_SUN, *FUEL],
    "all three, 400 l": [*LITTLE_SUN, *FAILURE, *LOST, *FUEL],
}
"""What is compared, with the settings that make it of `island_village`."""
NUMBERS = {
    "firm_unserved_kwh": ("load not served [kWh]", 1),
    "firm_unserved_intervals": ("hours in which some was not", 1),
    "intervals_skipped": ("hours without voltage", 1),
    "firm_curtailed_kwh": ("generation given up [kWh]", 1),
    "firm_fuel_l": ("fuel [l]", 0),
    "firm_bills_eur": ("bills of all homes [EUR]", 0),
    "firm_margin_eur": ("margin of the firm [EUR]", 0),
}
"""What is compared: its name in summary.json, its name in the table, and decimals."""
KEYS = ("case",)


def numbers_of(case: str, seed: int) -> list[float]:
    """The numbers of one run."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = completed_run("island_village", [*QUIET, *CASES[case]], seed, Path(folder) / "run")
    return numbers_in(outcome.summary, NUMBERS)


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    cases = [(case,) for case in CASES]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def read(raw: Path) -> dict[str, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that all have."""
    return {case: values for (case,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: Mapping[str, Array]) -> str:
    """Means with 95 % intervals."""
    lines = ["| | " + " | ".join(CASES) + " |", "|---" * (len(CASES) + 1) + "|"]
    for column, (words, decimals) in enumerate(NUMBERS.values()):
        cells = [
            f"{values.mean():,.{decimals}f} ± {half_width(values):,.{decimals}f}"
            for values in (runs[case][:, column] for case in CASES)
        ]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for, and print the table."""
    seed_rows.command(__doc__, RAW, run_missing, lambda raw: table(read(raw)))


if __name__ == "__main__":
    main()
