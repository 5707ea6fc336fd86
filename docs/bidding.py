"""Tables and figure of bidding.md: what strategies do when few or all use them, over several seeds.

python docs/bidding.py                        # prints the tables from docs/bidding.csv
python docs/bidding.py --figure bidding.png   # draws the figure
python docs/bidding.py --seeds 20 --out new.csv   # runs what is missing first; some ten minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import seed_rows
from completed_run import numbers_in
from numpy.typing import NDArray
from seed_rows import half_width

from cosim.core.clock import MS_PER_DAY
from cosim.core.numbers import Summary
from cosim.core.tables import Coded, ColumnData, RowSink, Table
from cosim.engine.builder import build
from cosim.engine.load import load_scenario
from cosim.engine.simulation import Simulation

Array = NDArray[np.float64]

RAW = Path(__file__).with_name("bidding.csv")
MARKETS = {"posted_offers": "posted offers", "double_auction_uniform": "double auction"}
STRATEGIES = {
    "fixed": ("{kind: fixed, kappa: 0.5}", "{kind: fixed, share: 0.5}"),
    "roth_erev": ("{kind: roth_erev, choices: 5}",) * 2,
    "exp3": ("{kind: exp3, choices: 5}",) * 2,
    "zip": ("zip",) * 2,
}
"""What sellers and buyers use; everybody else draws (`zero_intelligence`)."""
REST = ("zero_intelligence", "zero_intelligence")
SHARES = ("few", "all")
N_SELLERS, N_HOMES = 10, 16
KEYS = ("market", "strategy", "users")
NUMBERS = {
    "few_sellers_eur": ("bills of the first 2 sellers", 2),
    "other_sellers_eur": ("bills of the other 8 sellers", 2),
    "few_buyers_eur": ("bill of the first buyer", 2),
    "other_buyers_eur": ("bills of the other 5 buyers", 2),
    "bills_eur": ("bills of all 16 homes", 2),
    "price_eur_per_kwh": ("mean price between homes [EUR/kWh]", 4),
    "traded_kwh": ("traded between homes [kWh]", 1),
    "import_peak_kw": ("import peak [kW]", 2),
    "export_peak_kw": ("export peak [kW]", 2),
    "trafo_loading_max_percent": ("highest loading of the transformer [%]", 2),
}
"""What is compared: its words, and decimals. Bills are of a week, EUR."""
FEEDER = ("net_import_peak_kw", "net_export_peak_kw", "trafo_loading_max_percent")
"""Numbers of the summary, the last of `NUMBERS`."""
FEW = "appliances: {kind: generated}, values: {rigidity: {uniform_int: [1, 5]}}, contracted_power_kw: 20"


def cases() -> list[seed_rows.Case]:
    """Everybody at random, then each strategy of few and of all, in each market."""
    return [
        case
        for market in MARKETS
        for case in [
            (market, "zero_intelligence", "all"),
            *((market, strategy, users) for strategy in STRATEGIES for users in SHARES),
        ]
    ]


def settings_of(case: seed_rows.Case) -> list[str]:
    """The values of a case."""
    market, strategy, users = case
    selling, buying = STRATEGIES.get(strategy, REST)
    everybody = (selling, buying) if users == "all" else REST
    set_to = [
        "report.figures=false",
        f"energy_value.rules.clearing={market}",
        f"energy_value.household.bidding={everybody[0]}",
        f"energy_value.household.buying={everybody[1]}",
    ]
    if users == "few":
        own = f"{{{FEW}, solver: greedy, bidding: {selling}, buying: {buying}}}"
        set_to += [f"groups.few_solar.trading={own}", f"groups.few_other.trading={own}"]
    return set_to


class Kept:
    """A store of tables that keeps rows of two of them in memory, and those of the others not."""

    keeps_rows = True

    def __init__(self) -> None:
        self.rows: dict[str, list[Mapping[str, ColumnData]]] = {"bills": [], "trades": []}

    def writer(self, table: Table) -> RowSink:
        """Takes the rows of a table."""
        return Rows(self.rows.get(table.name, []))

    def write_table(self, table: Table, data: Mapping[str, ColumnData]) -> None:
        """Lets a whole table go."""

    def save(self) -> None:
        """Has nothing to save."""

    def column(self, table: str, name: str) -> Array:
        """A column; of texts their numbers."""
        parts = [rows[name] for rows in self.rows[table]]
        return np.concatenate([part.codes if isinstance(part, Coded) else np.asarray(part) for part in parts])


class Rows:
    """Rows of one table."""

    def __init__(self, rows: list[Mapping[str, ColumnData]]) -> None:
        self.append = rows.append


def numbers_of(case: seed_rows.Case, seed: int) -> list[float]:
    """The numbers of one run: of the week that counts."""
    store, summary = Kept(), Summary()
    loaded = load_scenario("bidding_hamlet", settings_of(case), seed)
    simulation = Simulation(build(loaded), store, lambda now_ms, events: None)
    simulation.run()
    simulation.close()
    simulation.add_summary(summary)
    first_day = loaded.scenario.time.warm_up_ms // MS_PER_DAY
    paid = np.zeros(N_HOMES + 1)  # the grid comes last
    counts = store.column("bills", "day") >= first_day
    np.add.at(paid, store.column("bills", "prosumer")[counts], store.column("bills", "total_eur")[counts])
    buyer, seller, day = (store.column("trades", name) for name in ("buyer", "seller", "day"))
    between = (buyer != seller) & (day >= first_day)
    kwh, price = (store.column("trades", name)[between] for name in ("delivered_kwh", "price"))
    parts = (paid[:2], paid[2:N_SELLERS], paid[N_SELLERS : N_SELLERS + 1], paid[N_SELLERS + 1 : N_HOMES])
    return [
        *(float(part.sum()) for part in parts),
        float(paid[:N_HOMES].sum()),
        float(kwh @ price / kwh.sum()) if kwh.sum() else float("nan"),
        float(kwh.sum()),
        *numbers_in(summary, FEEDER),
    ]


def read(raw: Path) -> dict[seed_rows.Case, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every case has."""
    return seed_rows.read(raw, KEYS, NUMBERS)


def differences(runs: dict[seed_rows.Case, Array], case: seed_rows.Case) -> Array:
    """What a case differs by from everybody at random, seed by seed; shape (n_seeds, n_numbers)."""
    return runs[case] - runs[case[0], "zero_intelligence", "all"]


def table(runs: dict[seed_rows.Case, Array], market: str, numbers: Collection[str]) -> str:
    """Means of everybody at random, and what each strategy changes, of few and of all who use it."""
    lines = ["| strategy | used by | " + " | ".join(NUMBERS[name][0] for name in numbers) + " |"]
    lines.append("|---" * (len(numbers) + 2) + "|")
    columns = {name: list(NUMBERS).index(name) for name in numbers}
    for case in runs:
        if case[0] != market:
            continue
        cells = []
        for name, column in columns.items():
            decimals = NUMBERS[name][1]
            if case[1] == "zero_intelligence":
                cells.append(f"{runs[case][:, column].mean():,.{decimals}f}")
            else:
                change = differences(runs, case)[:, column]
                cells.append(f"{change.mean():+,.{decimals}f} ± {half_width(change):,.{decimals}f}")
        lines.append(f"| `{case[1]}` | {case[2]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


MONEY, OTHERS = tuple(NUMBERS)[:5], tuple(NUMBERS)[5:]
"""What stands in the first table of a market, and in the second."""
CURVES = {
    "sellers, of the few who use it": ("few", "few_sellers_eur", 2, "o", True),
    "sellers who do not, beside them": ("few", "other_sellers_eur", 8, "o", False),
    "sellers, where all use it": ("all", None, 10, "s", True),
    "buyers, where all use it": ("all", None, 6, "^", False),
}
"""Of each mark of the figure: who uses the strategy, whose bill, how many they are, marker, filled."""


def change_of(runs: dict[seed_rows.Case, Array], market: str, strategy: str, curve: str) -> Array:
    """Change of the weekly bill of a home of those that a mark stands for, EUR, seed by seed."""
    users, name, n, *_ = CURVES[curve]
    change = differences(runs, (market, strategy, users))
    names = list(NUMBERS)
    if name is not None:
        return np.asarray(change[:, names.index(name)] / n)
    first = names.index("few_sellers_eur" if n == N_SELLERS else "few_buyers_eur")
    return np.asarray(change[:, first : first + 2].sum(axis=1) / n)


def draw(runs: dict[seed_rows.Case, Array], path: Path) -> None:
    """What each strategy changes in the bill of a home, by market."""
    from cosim.report.style import DARK, STRONG, WARM, drawing, legend_of_axes, new_figure, save

    colors = [STRONG, STRONG, DARK, WARM]
    with drawing():
        figure, axes = new_figure(5.6, 2, sharex=True)
        for ax, (market, words) in zip(axes, MARKETS.items(), strict=True):
            for offset, (curve, color) in enumerate(zip(CURVES, colors, strict=True)):
                *_, marker, filled = CURVES[curve]
                changes = [change_of(runs, market, strategy, curve) for strategy in STRATEGIES]
                ax.errorbar(
                    [change.mean() for change in changes],
                    np.arange(len(changes)) + 0.18 * (offset - 1.5),
                    xerr=[half_width(change) for change in changes],
                    fmt=marker, color=color, mfc=color if filled else "white", label=curve, capsize=2,
                )  # fmt: skip
            ax.axvline(0, color=DARK, linewidth=0.8)
            ax.set_yticks(np.arange(len(STRATEGIES)), list(STRATEGIES))
            ax.invert_yaxis()
            ax.set_title(f"{words.capitalize()}: change of a home's weekly bill, against everybody at random")
        n_seeds = len(next(iter(runs.values())))
        axes[-1].set_xlabel(
            f"EUR a week; below 0 the home pays less (mean of {n_seeds} seeds, 95 % interval)"
        )
        legend_of_axes(figure, axes[:1], 2)
        save(figure, path)


def main() -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RAW)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.seeds:
        seed_rows.run_missing(given.out, (KEYS, NUMBERS), cases(), given.seeds, numbers_of)
    runs = read(given.out)
    print(f"{len(next(iter(runs.values())))} seeds")
    for market in MARKETS:
        for numbers in (MONEY, OTHERS):
            print(f"\n{market}\n" + table(runs, market, numbers))
    if given.figure is not None:
        draw(runs, given.figure)


if __name__ == "__main__":
    main()
