"""What vehicles and heat pumps add to the peak of forty homes, for docs/impact_studies.md.

python docs/impact_peaks.py                                # prints the table from docs/impact/peaks.csv
python docs/impact_peaks.py --out docs/impact/peaks.csv    # runs each case twenty times first
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from completed_run import completed_run
from scipy.stats import t as student

from cosim.results.store import read_table

RAW = Path(__file__).parent / "impact" / "peaks.csv"
HOMES, SEEDS, INTERVAL_H = 40, 20, 0.25
SESSIONS = {"kind": "drawn", "distance_scaling": 1.5}
PROFILE = {"kind": "simbench", "profile": "Air_Parallel_1", "peak_kw": {"uniform": [2, 4]}}
CASES = {
    "none": {},
    "a vehicle at 3.7 kW": {"groups.homes.ev": {"charger_kw": 3.7, "sessions": SESSIONS}},
    "a vehicle at 11 kW": {"groups.homes.ev": {"charger_kw": 11, "sessions": SESSIONS}},
    "a heat pump": {
        "groups.homes.heat_pump": {
            "power_kw": 4,
            "heat": {"kind": "profile", "load": PROFILE, "ahead_kwh": 2, "behind_kwh": 2},
        }
    },
}
"""What every home has; in the week of `impact_ev`, heat pumps in that of `impact_heat_pump`."""
COLDEST = {"time.start": "2016-02-19T00:00:00Z"}


def peak_kw(settings: dict[str, object], seed: int) -> float:
    """The highest quarter-hourly mean of what all homes together draw in the week; 77 places stay empty."""
    fixed = {"groups.homes.households": HOMES, "record.meters": True, "report.figures": False}
    changes = [f"{path}={json.dumps(value)}" for path, value in (fixed | settings).items()]
    with tempfile.TemporaryDirectory() as temporary:
        completed_run("impact_homes", changes, seed, Path(temporary) / "run")
        meters = read_table(Path(temporary) / "run", "meters")
    return float(meters.groupby("time")["net_kwh"].sum().max() / INTERVAL_H)


def run_all(out: Path) -> None:
    """Run every case with every seed, beside the same homes in the same week without it."""
    rows = []
    for seed in range(1, SEEDS + 1):
        for case, settings in CASES.items():
            if case == "none":
                continue
            week = COLDEST if case == "a heat pump" else {}
            alone, together = (peak_kw({**week, **more}, seed) for more in ({}, settings))
            rows.append({"case": case, "seed": seed, "peak_kw": together, "peak_without_kw": alone})
    pd.DataFrame(rows).round(4).to_csv(out, index=False, lineterminator="\n")


def added(raw: Path) -> pd.DataFrame:
    """By case: what each device adds to the peak, kW, mean and half of its 95 % interval."""
    runs = pd.read_csv(raw)
    each = (runs["peak_kw"] - runs["peak_without_kw"]) / HOMES
    found = each.groupby(runs["case"], sort=False).agg(["mean", "std", "count"])
    found["half"] = student.ppf(0.975, found["count"] - 1) * found["std"] / np.sqrt(found["count"])
    return found


def table(raw: Path) -> str:
    """The table in Markdown."""
    lines = ["| in each of forty homes | adds to their peak [kW each] |", "|---|---|"]
    lines += [f"| {case} | {row['mean']:.2f} ± {row['half']:.2f} |" for case, row in added(raw).iterrows()]
    return "\n".join(lines)


def main() -> None:
    """Run if asked to, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, help="run, and write what each run gave here")
    out = parser.parse_args().out
    if out:
        run_all(out)
    print(table(out or RAW))


if __name__ == "__main__":
    main()
