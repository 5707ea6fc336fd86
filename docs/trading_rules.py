"""The table of docs/trading_rules.md: what each rule does to bills and to the feeder, over several seeds.

python docs/trading_rules.py             # eight rules, three seeds; about nine minutes
python docs/trading_rules.py --seeds 10
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from cosim.config.load import load_scenario
from cosim.engine.run import run_scenario

RULES = (
    "trading",
    "no_coordination",
    "no_trading",
    "self_supply",
    "cost_only",
    "net_metering",
    "feed_in_tariff",
    "iep_zero",
)
NUMBERS = {
    "bills_households_eur": "bills [EUR]",
    "welfare_eur": "welfare [EUR]",
    "traded_delivered_kwh": "traded [kWh]",
    "load_peak_kw": "load peak [kW]",
    "self_consumption_fraction": "self-consumption",
    "voltage_min_pu": "lowest voltage [pu]",
    "voltage_max_pu": "highest voltage [pu]",
    "line_loading_max_percent": "line loading [%]",
    "trafo_loading_max_percent": "transformer loading [%]",
    "energy_lost_in_feeder_kwh": "losses [kWh]",
}


def numbers_of(rule: str, seed: int) -> list[float]:
    """The numbers of one run of `trading_village` under a rule."""
    overrides = [f"energy_value.rules.rule={rule}", "report.figures=false"]
    with tempfile.TemporaryDirectory() as temporary:
        summary = run_scenario(
            load_scenario("trading_village", overrides, seed), Path(temporary) / "run"
        ).summary
    return [float(summary.get(name) or 0.0) for name in NUMBERS]


def interval(values: np.ndarray) -> str:
    """Mean and half the width of its 95 % confidence interval (Student's t)."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.4g} ± {half:.2g}"


def main() -> None:
    """Run everything and print two tables: the numbers, and their differences to no trading, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    results = {rule: np.array([numbers_of(rule, seed) for seed in seeds]) for rule in RULES}
    head = f"| rule | {' | '.join(NUMBERS.values())} |\n|---|{'---|' * len(NUMBERS)}"
    for title, base in (("as measured", 0.0), ("difference to no_trading", results["no_trading"])):
        print(f"{title}, {len(seeds)} seeds\n{head}")
        for rule, values in results.items():
            cells = [interval(column) for column in (values - base).T]
            if np.any(values != base):
                print(f"| `{rule}` | {' | '.join(cells)} |")
        print()


if __name__ == "__main__":
    main()
