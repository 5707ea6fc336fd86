"""The table of docs/dimming.md: when an operator limits vehicles, and until when, over several seeds.

python docs/dimming.py                            # prints the table from docs/dimming.csv
python docs/dimming.py --seeds 20 --out new.csv   # runs what is missing first; some two minutes
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
STREET = [
    "communities=[]",
    "groups.homes.ev.charger_kw=22",
    "grid.feedback=true",
    "report.figures=false",
    "record.grid=false",
]
"""What makes the street of the page of `ev_street`."""
FREE = "no operator"
CASES: dict[str, tuple[int, int] | None] = {
    FREE: None,
    "from 70 %, until 50 %": (70, 50),
    "from 70 %, until 35 %": (70, 35),
    "from 70 %, until 20 %": (70, 20),
    "from 50 %, until 50 %": (50, 50),
}
"""What is compared: from which loading on the operator limits, and at which it lifts the limit."""
NUMBERS = ("line_loading_max_percent", "dimming_orders", "dimming_household_h", "ev_missing_kwh")
LOADING, ORDERS, UNDER, MISSING = range(len(NUMBERS))
KEYS = ("case",)


def settings_of(case: str) -> list[str]:
    """What makes a case of the street; orders that nobody hears have no part in it."""
    limits = CASES[case]
    if limits is None:
        return STREET
    silence = "in_silence: {after_s: 3600, max_kw: 4.2}"
    keys = f"from_loading_percent: {limits[0]}, until_loading_percent: {limits[1]}"
    return [*STREET, f"dimming={{{keys}, {silence}}}"]


def numbers_of(case: str, seed: int) -> list[float]:
    """The numbers of one run; without an operator there are no orders."""
    with tempfile.TemporaryDirectory() as folder:
        summary = completed_run("ev_street", settings_of(case), seed, Path(folder) / "run").summary
    return [0.0 if np.isnan(each) else each for each in numbers_in(summary, NUMBERS)]


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    cases = [(case,) for case in CASES]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def read(raw: Path) -> dict[str, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that all have."""
    return {case: values for (case,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: Mapping[str, Array]) -> str:
    """Means with 95 % intervals, and what an operator changes, seed by seed."""
    lines = [
        "| | highest loading of a line [%] | change [points] | in how many seeds higher"
        " | limits ordered | under an order [household hours] |",
        "|---|---|---|---|---|---|",
    ]
    for case, values in runs.items():
        change = values[:, LOADING] - runs[FREE][:, LOADING]
        cells = [_cell(values[:, LOADING], 1), "", "", "", ""]
        if case != FREE:
            cells[1:] = [
                _cell(change, 1, "+"),
                f"{(change > 0).sum()} of {len(change)}",
                _cell(values[:, ORDERS], 1),
                _cell(values[:, UNDER], 0),
            ]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Array, decimals: int, sign: str = "") -> str:
    return f"{values.mean():{sign}.{decimals}f} ± {half_width(values):.{decimals}f}"


def main() -> None:
    """Run what is asked for, and print the table."""
    seed_rows.command(__doc__, RAW, run_missing, lambda raw: table(read(raw)))


if __name__ == "__main__":
    main()
