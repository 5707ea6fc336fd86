"""The table of docs/architectures.md: paper A's four architectures on the same homes, over several seeds.

python docs/architectures.py                            # prints the tables from docs/architectures.csv
python docs/architectures.py --seeds 20 --out new.csv   # runs what is missing first; some ten minutes
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import seed_rows
from completed_run import completed_run, numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

from cosim.results.store import read_table

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
SCENARIOS = ("firm_village", "island_village", "tied_villages", "peers_village")
WITH_FIRM = ("firm_village", "island_village")
BILLS = {**dict.fromkeys(WITH_FIRM, "firm_bills_eur"), "peers_village": "bills_households_eur"}
EXCHANGED = {"tied_villages": "tie_cable_energy_kwh", "peers_village": "traded_delivered_kwh"}
"""Where numbers are that not all four have: a firm has fuel, and nobody trades through it."""
LOSSES = (0.0, 0.3)
"""Of every message, on every link."""
KEYS = ("scenario", "loss")
DRAWN, FED_IN, BOUGHT, SOLD = 0.30, 0.08, 0.22, 0.05
"""EUR/kWh: of the households' tariff, and of the main grid's contract, in all four."""
NUMBERS = {
    "bills_eur": ("bills of all homes [EUR]", 1),
    "grid_eur": ("paid to the main grid for all [EUR]", 1),
    "fuel_eur": ("paid for fuel [EUR]", 1),
    "grid_import_kwh": ("drawn from the main grid [kWh]", 0),
    "grid_export_kwh": ("fed into it [kWh]", 0),
    "losses_kwh": ("lost in lines and transformer [kWh]", 1),
    "outside": ("intervals outside limits", 1),
    "self_sufficiency": ("self-sufficiency of the homes [-]", 3),
    "unserved_kwh": ("load not served [kWh]", 1),
    "curtailed_kwh": ("generation given up [kWh]", 1),
    "exchanged_kwh": ("sold between homes or communities [kWh]", 0),
    "messages": ("messages", 0),
}
"""What is compared: its name in the table, and decimals."""


def numbers_of(scenario: str, loss: float, seed: int) -> list[float]:
    """The numbers of one run."""
    settings = [
        "report.figures=false",
        "record.decisions=false",
        "record.grid=false",
        "grid.verify_power_flow=0",
        f"comms.default.loss={{kind: bernoulli, loss_probability: {loss}}}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        outcome = completed_run(scenario, settings, seed, out)
        found = dict(zip(outcome.summary, numbers_in(outcome.summary, outcome.summary), strict=True))
        bills = bills_over_tie(out) if scenario == "tied_villages" else found[BILLS[scenario]]
    is_island = scenario == "island_village"
    imported, exported = (
        0.0 if is_island else found[f"energy_feeder_{way}_kwh"] for way in ("imported", "exported")
    )
    # Only on an island can anything be left unserved or be curtailed: elsewhere the main grid is there.
    unserved, curtailed = (
        found[f"firm_{what}_kwh"] if is_island else 0.0 for what in ("unserved", "curtailed")
    )
    numbers = {
        "bills_eur": bills,
        "grid_eur": BOUGHT * imported - SOLD * exported,
        "fuel_eur": found["firm_fuel_eur"] if scenario in WITH_FIRM else 0.0,
        "grid_import_kwh": imported,
        "grid_export_kwh": exported,
        "losses_kwh": found["energy_lost_in_feeder_kwh"],
        "outside": found["intervals_outside_limits"],
        "self_sufficiency": found["self_sufficiency_fraction"],
        "unserved_kwh": unserved,
        "curtailed_kwh": curtailed,
        "exchanged_kwh": found[EXCHANGED[scenario]] if scenario in EXCHANGED else 0.0,
        "messages": found["messages_sent"],
    }
    return [numbers[name] for name in NUMBERS]


def bills_over_tie(out: Path) -> float:
    """Bills at the households' tariff, but for what passes over the tie while one side gives and one needs.

    Such a kWh is neither fed in nor drawn: one community pays the other, and together they pay nothing.
    """
    meters, ties = read_table(out, "meters"), read_table(out, "ties")
    prosumers = read_table(out, "prosumers").set_index("prosumer").group
    net = meters.assign(side=meters.prosumer.map(prosumers))
    drawn = net.net_kwh.clip(lower=0).groupby([net.time, net.side]).sum().unstack()
    fed_in = (-net.net_kwh).clip(lower=0).groupby([net.time, net.side]).sum().unstack()
    passed = np.minimum(ties.energy_kwh.to_numpy(), np.minimum(fed_in["east"], drawn["west"]).to_numpy())
    at_tariff = DRAWN * drawn.to_numpy().sum() - FED_IN * fed_in.to_numpy().sum()
    return float(at_tariff - (DRAWN - FED_IN) * passed.sum())


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every scenario with every seed and loss; go on where it stopped."""
    cases = [(scenario, str(loss)) for scenario, loss in product(SCENARIOS, LOSSES)]
    seed_rows.run_missing(
        out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], float(case[1]), seed)
    )


def read(raw: Path) -> dict[tuple[str, float], Array]:
    """By scenario and loss, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that all have."""
    found = seed_rows.read(raw, KEYS, NUMBERS)
    return {(scenario, float(loss)): values for (scenario, loss), values in found.items()}


def table(runs: Mapping[tuple[str, float], Array], is_change: bool) -> str:
    """Means without loss; or what a loss of 30 % changes, seed by seed; with 95 % intervals."""
    lines = [
        "| | " + " | ".join(f"`{name}`" for name in SCENARIOS) + " |",
        "|---" * (len(SCENARIOS) + 1) + "|",
    ]
    for column, (words, decimals) in enumerate(NUMBERS.values()):
        cells = []
        for name in SCENARIOS:
            values = runs[name, 0.0][:, column]
            if is_change:
                values = runs[name, 0.3][:, column] - values
            sign = "+" if is_change else ""
            cells.append(f"{values.mean():{sign},.{decimals}f} ± {half_width(values):,.{decimals}f}")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown(raw: Path) -> str:
    """Both tables, below how many seeds they are of."""
    runs = read(raw)
    n_seeds = len(next(iter(runs.values())))
    return f"{n_seeds} seeds\n{table(runs, is_change=False)}\n\n{table(runs, is_change=True)}"


def main() -> None:
    """Run what is asked for, and print the tables."""
    seed_rows.command(__doc__, RAW, run_missing, shown)


if __name__ == "__main__":
    main()
