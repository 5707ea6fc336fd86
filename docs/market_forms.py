"""Tables of market_clearing.md and trading_audiences.md: what ways of trading do, over several seeds.

python docs/market_forms.py                            # prints the table from docs/market_clearing.csv
python docs/market_forms.py --study trading_audiences  # that from docs/trading_audiences.csv
python docs/market_forms.py --seeds 20 --out new.csv   # runs what is missing first; some ten minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import seed_rows
from completed_run import numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

from cosim.engine.load import load_scenario
from cosim.engine.run import summarise

Array = NDArray[np.float64]

BASE = ["time.duration_h=48", "report.figures=false"]
"""Of `trading_village` one traded day, its second."""
CLEARING, OFFERS_TO = "energy_value.rules.clearing", "energy_value.rules.offers_to"
STUDIES: dict[str, dict[str, list[str]]] = {
    "market_clearing": {
        "posted_offers": [],
        "in rounds": ["energy_value.rules.rounds={every_h: 1}"],
        "in turns of 2": ["energy_value.rules.windows={turns: 2}"],
        "in turns of 4": ["energy_value.rules.windows={turns: 4}"],
        "double_auction_uniform": [f"{CLEARING}=double_auction_uniform"],
        "pay_as_bid": [f"{CLEARING}=pay_as_bid"],
        "mid_market_rate": [f"{CLEARING}=mid_market_rate"],
        "bill_sharing": [f"{CLEARING}=bill_sharing"],
    },
    "trading_audiences": {
        name: [*settings, "groups.solar.households=24", "groups.other.households=16"]
        for name, settings in {
            "everybody": [],
            "same_branch": [f"{OFFERS_TO}=same_branch"],
            "5 nearest": [f"{OFFERS_TO}={{kind: nearest, peers: 5}}"],
            "10 nearest": [f"{OFFERS_TO}={{kind: nearest, peers: 10}}"],
            "broker": [f"{OFFERS_TO}=broker"],
        }.items()
    },
}
"""What is compared on each page, with the settings that make it; others are compared with the first."""
NUMBERS = {
    "wanted_unserved_share": ("wanted from offers and not served [-]", 3),
    "traded_delivered_kwh": ("traded between households [kWh]", 0),
    "self_sufficiency_fraction": ("self-sufficiency of the homes together [-]", 3),
    "bills_households_eur": ("bills of all households [EUR]", 1),
    "energy_value_eur": ("energy value [EUR]", 1),
    "welfare_eur": ("welfare [EUR]", 1),
    "net_import_peak_kw": ("import peak [kW]", 1),
    "trading_messages": ("messages", 0),
    "trading_message_bytes": ("bytes of messages", 0),
}
"""What is compared, by its name in summary.json: its name in the table, and decimals."""
KEYS = ("variant",)


def raw_of(study: str) -> Path:
    """The file with the runs of a study."""
    return Path(__file__).with_name(f"{study}.csv")


def numbers_of(settings: Sequence[str], seed: int) -> list[float]:
    """The numbers of one run."""
    summary = summarise(load_scenario("trading_village", [*BASE, *settings], seed))
    return numbers_in(summary, NUMBERS)


def run_missing(study: str, n_seeds: int, out: Path) -> None:
    """Run every variant with every seed; go on where it stopped."""
    variants = STUDIES[study]
    cases = [(variant,) for variant in variants]
    seed_rows.run_missing(
        out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(variants[case[0]], seed)
    )


def read(raw: Path) -> dict[str, Array]:
    """By variant, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every variant has."""
    return {variant: values for (variant,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def table(runs: dict[str, Array]) -> str:
    """Means of the first, and the difference of each other from it, pair by pair with the same seed."""
    first, *others = runs
    lines = ["| | " + " | ".join(f"`{name}`" for name in runs) + " |", "|---" * (len(runs) + 1) + "|"]
    for column, (words, decimals) in enumerate(NUMBERS.values()):
        cells = [f"{runs[first][:, column].mean():,.{decimals}f}"]
        for name in others:
            difference = runs[name][:, column] - runs[first][:, column]
            if np.isnan(difference).all():  # an auction knows no requests
                cells.append("–")
            else:
                width = half_width(difference)
                cells.append(f"{difference.mean():+,.{decimals}f} ± {width:,.{decimals}f}")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", choices=STUDIES, default="market_clearing")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or raw_of(given.study)
    if given.seeds:
        run_missing(given.study, given.seeds, out)
    runs = read(out)
    print(f"{len(next(iter(runs.values())))} seeds")
    print(table(runs))


if __name__ == "__main__":
    main()
