"""The tables of docs/trading_rules.md: what each rule does to bills and to the feeder, over several seeds.

python docs/trading_rules.py                            # prints the tables from docs/trading_rules.csv
python docs/trading_rules.py --seeds 7 --out new.csv    # runs each rule with seven seeds first; ten minutes
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import seed_rows
from completed_run import numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

from cosim.engine.load import load_scenario
from cosim.engine.run import summarise
from cosim.trading.tariff_rules import TARIFF_RULES

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
FIRST = "trading"
RULES = (FIRST, *(rule for rule in TARIFF_RULES if rule != FIRST))
NUMBERS = {
    "bills_households_eur": ("bills of all households [EUR]", 0),
    "energy_value_eur": ("energy value [EUR]", 0),
    "welfare_eur": ("welfare [EUR]", 0),
    "net_import_at_grid_price_eur": ("energy from outside, at the grid's price [EUR]", 0),
    "traded_delivered_kwh": ("traded [kWh]", 0),
    "self_consumption_fraction": ("self-consumption [-]", 3),
    "load_peak_kw": ("load peak [kW]", 1),
    "net_import_peak_kw": ("import peak [kW]", 1),
    "net_export_peak_kw": ("export peak [kW]", 1),
    "voltage_min_pu": ("lowest voltage [pu]", 4),
    "voltage_max_pu": ("highest voltage [pu]", 4),
    "line_loading_max_percent": ("line loading [%]", 1),
    "trafo_loading_max_percent": ("transformer loading [%]", 1),
    "energy_lost_in_feeder_kwh": ("losses [kWh]", 1),
}
"""What is compared, by its name in summary.json: its name in the table, and decimals."""
KEYS = ("rule",)
TOGETHER = "welfare of households and grid together [EUR]"
"""The row in which payments between them cancel: welfare plus what the grid is paid, less what the energy
from outside costs it at its own price."""


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every rule with every seed; go on where it stopped."""
    cases = [(rule,) for rule in RULES]
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases, n_seeds, lambda case, seed: numbers_of(case[0], seed))


def numbers_of(rule: str, seed: int) -> list[float]:
    """The numbers of one run of `trading_village` under a rule."""
    summary = summarise(load_scenario("trading_village", [f"energy_value.rules.rule={rule}"], seed))
    return numbers_in(summary, NUMBERS)


def read(raw: Path) -> dict[str, Array]:
    """By rule, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every rule has."""
    return {rule: values for (rule,), values in seed_rows.read(raw, KEYS, NUMBERS).items()}


def cell(values: Array, decimals: int, stress: bool) -> str:
    """Mean and half width; a difference whose interval does not hold 0 stands out.

    One seed has no interval, and nothing of it stands out. NaN stands for what a run did not say.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return "–"
    mean, half = values.mean(), half_width(values)
    if np.isnan(half):
        return f"{mean:.{decimals}f}"
    text = f"{mean:.{decimals}f} ± {half:.{decimals}f}" if values.any() else "0"
    return f"**{text}**" if stress and abs(mean) > half else text


def together(results: Array) -> Array:
    """Welfare of households and grid together, by seed, EUR."""
    names = list(NUMBERS)
    welfare, paid, supplied = (
        results[:, names.index(name)]
        for name in ("welfare_eur", "bills_households_eur", "net_import_at_grid_price_eur")
    )
    return np.asarray(welfare + paid - supplied)


def table(results: dict[str, Array], rules: Iterable[str], stress: bool) -> str:
    """A table in Markdown, a line for each number."""
    rules = list(rules)
    lines = [f"| | {' | '.join(f'`{rule}`' for rule in rules)} |", f"|---|{'---|' * len(rules)}"]
    for number, (key, (name, decimals)) in enumerate(NUMBERS.items()):
        lines.append(_line(name, [results[rule][:, number] for rule in rules], decimals, stress))
        if key == "net_import_at_grid_price_eur":
            lines.append(_line(TOGETHER, [together(results[rule]) for rule in rules], decimals, stress))
    return "\n".join(lines)


def _line(name: str, columns: list[Array], decimals: int, stress: bool) -> str:
    known = min(int(np.isfinite(values).sum()) for values in columns)
    of_seeds = "" if known == len(columns[0]) else f", {known} seed{'s' * (known != 1)}"
    cells = [cell(values, decimals, stress) for values in columns]
    return f"| {name}{of_seeds} | {' | '.join(cells)} |"


def tables(results: dict[str, Array]) -> str:
    """What was measured, and what trading changes against each other rule."""
    n, measured = len(results[FIRST]), [rule for rule in RULES if len(results[rule])]
    others = [rule for rule in measured if rule != FIRST]
    less = {rule: results[FIRST] - results[rule] for rule in others}
    of_seeds = f"mean of {n} seeds ± 95 % confidence" if n > 1 else "one seed"
    paired = "seed by seed; bold where the interval does not hold 0" if n > 1 else "one seed"
    return (
        f"**As measured, {of_seeds}**\n\n{table(results, measured, False)}\n\n"
        f"**`{FIRST}` less each other rule, {paired}**\n\n"
        f"{table(less, others, True)}\n"
    )


def main() -> None:
    """Run if asked to, and print the tables."""
    seed_rows.command(__doc__, RAW, run_missing, lambda raw: tables(read(raw)))


if __name__ == "__main__":
    main()
