"""The table of docs/trading_batteries.md: what batteries that the market plans do, over several seeds.

python docs/trading_batteries.py                            # prints the table from docs/trading_batteries.csv
python docs/trading_batteries.py --seeds 20 --out new.csv   # runs what is missing first; some ten minutes
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
BASE = [
    "time.duration_h=72",
    "report.figures=false",
    "record.grid=false",
    "groups.solar.households=24",
    "groups.other.households=16",
]
"""Of `trading_village_batteries` two traded days, with 40 homes, 24 of them with a roof and a battery."""
BATTERY = "groups.solar.battery"
CASES: dict[str, list[str]] = {
    "no battery": [f"{BATTERY}=null"],
    "for its home": [f"{BATTERY}.scheduled_by=null", f"{BATTERY}.charge_from=surplus"],
    "stores and sells": [f"{BATTERY}.charge_from=surplus"],
    "and buys": [],
    "no battery, auction": [f"{BATTERY}=null", "energy_value.rules.clearing=double_auction_uniform"],
    "and buys, auction": ["energy_value.rules.clearing=double_auction_uniform"],
}
"""What is compared, with the settings that make it."""
AGAINST = {
    "for its home": "no battery",
    "stores and sells": "no battery",
    "and buys": "no battery",
    "and buys, auction": "no battery, auction",
}
"""With what each is compared; others are shown as they are."""
NUMBERS = {
    "bills_households_eur": ("bills of all households [EUR]", 1),
    "energy_value_eur": ("energy value [EUR]", 1),
    "welfare_eur": ("welfare [EUR]", 1),
    "net_import_at_grid_price_eur": ("energy from outside, at the grid's price [EUR]", 1),
    "traded_delivered_kwh": ("traded between households [kWh]", 0),
    "self_sufficiency_fraction": ("self-sufficiency of the homes together [-]", 3),
    "net_import_peak_kw": ("import peak [kW]", 1),
    "net_export_peak_kw": ("export peak [kW]", 1),
    "trafo_loading_max_percent": ("highest loading of the transformer [%]", 1),
    "voltage_min_pu": ("lowest voltage [pu]", 4),
}
"""What is compared: its name in summary.json, its name in the table, and decimals."""
KEYS = ("case",)


def numbers_of(case: str, seed: int) -> list[float]:
    """The numbers of one run."""
    with tempfile.TemporaryDirectory() as folder:
        settings = [*BASE, *CASES[case]]
        outcome = completed_run("trading_village_batteries", settings, seed, Path(folder) / "run")
    return numbers_in(outcome.summary, NUMBERS)


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    cases = [(case,) for case in CASES]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def read(raw: Path) -> dict[str, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that all have."""
    return {case: values for (case,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: Mapping[str, Array]) -> str:
    """Means without batteries, and what batteries change, seed by seed, with 95 % intervals."""
    lines = ["| | " + " | ".join(CASES) + " |", "|---" * (len(CASES) + 1) + "|"]
    for column, (words, decimals) in enumerate(NUMBERS.values()):
        cells = []
        for case in CASES:
            values, other = runs[case][:, column], AGAINST.get(case)
            if other is None:
                cells.append(f"{values.mean():,.{decimals}f}")
                continue
            change = values - runs[other][:, column]
            cells.append(f"{change.mean():+,.{decimals}f} ± {half_width(change):,.{decimals}f}")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for, and print the table."""
    seed_rows.command(__doc__, RAW, run_missing, lambda raw: table(read(raw)))


if __name__ == "__main__":
    main()
