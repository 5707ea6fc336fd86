"""The tables of docs/devices.md: vehicles charged at once, by a community and by prices, over several seeds.

python docs/charging.py                            # prints the tables from docs/charging.csv
python docs/charging.py --seeds 20 --out new.csv   # runs what is missing first; some three minutes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any

import seed_rows
from completed_run import numbers_in
from numpy import float64
from numpy.typing import NDArray
from ruamel.yaml import YAML
from seed_rows import half_width

import cosim

Array = NDArray[float64]

RAW = Path(__file__).with_suffix(".csv")
PAGE = Path(__file__).with_name("devices.md")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "street, at once": ("ev_street", {"communities": []}),
    "street, regulated": ("ev_street", {}),
    "night, at once": ("night_charging", {"groups.homes.ev.scheduled_by": None}),
    "night, scheduled": ("night_charging", {}),
}
"""What is compared: a scenario, built in or of the page, and what is changed of it."""
SUMMED_UP = (
    "ev_charged_kwh",
    "ev_missing_kwh",
    "ev_still_needed_kwh",
    "line_loading_max_percent",
    "bills_households_eur",
    "load_peak_kw",
)
NUMBERS = (*SUMMED_UP, "taken_kwh", "most_vehicles", "charged_eur_per_kwh")
"""Those of `summary.json`; what all vehicles took, most at a time in an interval, the price of a kWh."""
KEYS = ("case",)
COLUMN = {name: column for column, name in enumerate(NUMBERS)}
STREET = {
    "most vehicles at a time (mean of a quarter hour)": ("most_vehicles", 1),
    "highest line loading [%]": ("line_loading_max_percent", 1),
    "energy missing at departure [kWh]": ("ev_missing_kwh", 1),
}
NIGHT = {
    "charged in sessions that ended [kWh]": ("ev_charged_kwh", 0),
    "missing of it [kWh]": ("ev_missing_kwh", 1),
    "taken in all (`evs`) [kWh]": ("taken_kwh", 0),
    "still needed by batteries at the end (`ev_still_needed_kwh`) [kWh]": ("ev_still_needed_kwh", 0),
    "bills of the households [EUR]": ("bills_households_eur", 0),
    "price of a kWh that was charged [EUR]": ("charged_eur_per_kwh", 3),
    "peak load (mean of an hour) [kW]": ("load_peak_kw", 1),
}
"""Rows of each table: number and decimals."""


def scenario(name: str) -> Any:
    """A built-in one by its name, or what the page shows under this name."""
    shown = re.search(rf"^```yaml\n(name: {name}\n.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return name if shown is None else YAML(typ="safe").load(shown[1])


def numbers_of(case: str, seed: int) -> list[float]:
    """The numbers of one run."""
    name, changes = CASES[case]
    run = cosim.run(scenario(name), {"report.figures": False, **changes}, seed=seed)
    vehicles = run.tables.evs
    times = vehicles["time"].drop_duplicates()
    hours = (times.iloc[1] - times.iloc[0]).total_seconds() / 3600
    most_kw = vehicles.groupby("time")["charge_kwh"].sum().max() / hours
    taken_kwh = vehicles["charge_kwh"].sum()
    group: Any
    (group,) = run.scenario.groups
    price = nan
    if "prices" in run.tables:  # the rest of the load is the same at every hour
        rest_eur = group.households * group.load.p_kw * run.tables.prices["grid_price"].sum()
        price = (run.summary["bills_households_eur"] - rest_eur) / taken_kwh
    return [*numbers_in(dict(run.summary), SUMMED_UP), taken_kwh, most_kw / group.ev.charger_kw, price]


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    cases = [(case,) for case in CASES]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def read(raw: Path) -> dict[str, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that all have."""
    return {case: values for (case,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: Mapping[str, Array], rows: Mapping[str, tuple[str, int]], cases: tuple[str, str]) -> str:
    """Two cases side by side, and the second less the first, seed by seed; means with 95 % intervals."""
    names = [case.split(", ")[1].replace("at once", "charged at once") for case in cases]
    lines = ["| | " + " | ".join(names) + " | change |", "|---|---|---|---|"]
    for words, (number, decimals) in rows.items():
        first, other = (runs[case][:, COLUMN[number]] for case in cases)
        cells = [_cell(first, decimals), _cell(other, decimals), _cell(other - first, decimals, "+")]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Array, decimals: int, sign: str = "") -> str:
    if not values.any():
        return "0"
    return f"{values.mean():{sign}.{decimals}f} ± {half_width(values):.{decimals}f}"


def tables(runs: Mapping[str, Array]) -> list[str]:
    """Both tables, as they stand on the page."""
    return [
        table(runs, STREET, ("street, at once", "street, regulated")),
        table(runs, NIGHT, ("night, at once", "night, scheduled")),
    ]


def main() -> None:
    """Run what is asked for, and print the tables."""
    seed_rows.command(__doc__, RAW, run_missing, lambda raw: "\n\n".join(tables(read(raw))))


if __name__ == "__main__":
    main()
