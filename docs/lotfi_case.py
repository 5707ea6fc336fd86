"""Tables and figure of docs/lotfi_case.md: more rigidity, less shifting; and what the sellers' sun decides.

python docs/lotfi_case.py                        # twenty seeds; a minute
python docs/lotfi_case.py --figure picture.png   # and draws the first table
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from completed_run import completed_run
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import t as student

from cosim.results.store import read_table
from cosim.trading.schemas.appliances import TableIAppliances
from cosim.trading.valuation.energy_values import normalised_preferences
from cosim.trading.valuation.participants import listed_day

Array = NDArray[np.float64]

RIGIDITIES = (1, 2, 3, 4, 5)
SELLERS_KWP = ("[3, 7]", "[2, 5]", "[0.4, 1.2]")
MIDDAY = slice(10, 15)
"""Paper B's hours 11:00 to 15:00 (its hours are 1 ... 24)."""
HOUSEHOLD, DAY = "h001", 1
APPLIANCES = [appliance.name for appliance in listed_day(TableIAppliances()).appliances]
PREFERENCE = normalised_preferences(listed_day(TableIAppliances()).preferences)
"""μ of (4), shape (9, 24): Table III, scaled to [0, 1]."""


class Outcome(NamedTuple):
    """The household's traded day in one run.

    Attributes
    ----------
    energy_kwh : ndarray, shape (9, 24)
        Of each appliance in each hour.
    kept_eur : float
        Σ A c μ P^G: what the preferences of the chosen hours weigh in the objective at R = R_max (γ_b = 1).
    saved_eur : float
        What its load would cost at the grid's price, less what it paid.
    bill_eur : float
        What it paid.
    bought_kwh : ndarray, shape (24,)
        What others delivered in each hour.
    """

    energy_kwh: Array
    kept_eur: float
    saved_eur: float
    bill_eur: float
    bought_kwh: Array

    @property
    def shifted_kwh(self) -> float:
        """Energy outside the hours that its appliance likes best; not counted where one likes all alike."""
        picky = np.ptp(PREFERENCE, axis=1) > 0
        less_liked = PREFERENCE.max(axis=1, keepdims=True) > PREFERENCE
        return float(self.energy_kwh[picky][less_liked[picky]].sum())

    @property
    def load_kwh(self) -> Array:
        """Its load in each hour."""
        return np.asarray(self.energy_kwh.sum(axis=0))

    @property
    def supplied_by_households(self) -> NDArray[np.bool_]:
        """Whether an hour's load came from other households alone (to a milliwatt-hour for each of them)."""
        return np.asarray(self.bought_kwh > self.load_kwh - 1e-4)

    def hours_of(self, appliance: str) -> list[int]:
        """Hours in which an appliance runs."""
        return [int(hour) for hour in np.flatnonzero(self.energy_kwh[APPLIANCES.index(appliance)])]


def outcome(seed: int, *settings: str) -> Outcome:
    """Run the case once, with values of the scenario changed as by ``--set``."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        completed_run("lotfi_case", ["report.figures=false", *settings], seed, folder)
        schedule, prices, trades, bills = (
            read_table(folder, name).query(f"day == {DAY}")
            for name in ("schedule", "prices", "trades", "bills")
        )
    energy = np.zeros((len(APPLIANCES), 24))
    rows = pd.Categorical(schedule["appliance"], APPLIANCES).codes
    energy[rows, schedule["hour"]] = schedule["energy_kwh"]
    price = prices["grid_price"].to_numpy()
    bill = bills.set_index("prosumer").loc[HOUSEHOLD]
    return Outcome(
        energy,
        float(np.sum(energy * PREFERENCE * price)),
        float(np.sum(energy * price)) - bill["total_eur"],
        bill["total_eur"],
        np.bincount(trades["hour"], trades["delivered_kwh"], 24),
    )


def sweep(seeds: Sequence[int]) -> list[list[Outcome]]:
    """Every rigidity with every seed, which draws the sun of the sellers' roofs and their κ."""
    return [
        [outcome(seed, f"energy_value.household.values.rigidity={rigidity}") for seed in seeds]
        for rigidity in RIGIDITIES
    ]


def table(results: list[list[Outcome]]) -> str:
    """A line for each rigidity: means over the seeds, and the heater's hours in seed 1."""
    lines = [
        "| R | preference kept [%] | energy outside the best-liked hours [kWh] | saved against the grid's "
        "price [EUR] | bill [EUR] | from households [kWh] | the heater runs (seed 1) |",
        "|---|---|---|---|---|---|---|",
    ]
    for rigidity, row in zip(RIGIDITIES, results, strict=True):
        numbers = [
            mean_text(kept_percent(results, row), 1),
            mean_text([one.shifted_kwh for one in row], 1),
            mean_text([one.saved_eur for one in row], 2),
            mean_text([one.bill_eur for one in row], 2),
            mean_text([float(one.bought_kwh.sum()) for one in row], 1),
        ]
        hours = row[0].hours_of("space_heaters")
        lines.append(f"| {rigidity} | {' | '.join(numbers)} | {hours[0]} to {hours[-1] + 1} h |")
    return "\n".join(lines)


def mean_text(values: Sequence[float] | Array, decimals: int) -> str:
    """Mean with half the width of its 95 % interval (Student's t), where the values differ."""
    n, spread = len(values), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    half = student.ppf(0.975, n - 1) * spread / np.sqrt(n) if n > 1 else 0.0
    text = f"{np.mean(values):.{decimals}f}"
    return f"{text} ± {half:.{decimals}f}" if spread > 1e-9 else text


def share_text(n_hits: int, n: int) -> str:
    """How many of all, with Clopper and Pearson's 95 % interval for the share."""
    interval = binomtest(n_hits, n).proportion_ci(0.95, method="exact")
    return f"{n_hits} of {n} ({100 * interval.low:.0f} to {100 * interval.high:.0f} %)"


def sun_table(seeds: Sequence[int]) -> str:
    """A line for each size of the sellers' roofs, at the scenario's own rigidity."""
    n = len(seeds)
    lines = [
        "| sellers' roofs [kWp] | the heater leaves its preferred hours | 10 to 15 h from households alone "
        "| hours from households alone | highest load [kW] |",
        "|---|---|---|---|---|",
    ]
    for kwp in SELLERS_KWP:
        results = [outcome(seed, f"groups.sellers.pv.kwp={{uniform: {kwp}}}") for seed in seeds]
        preferred = set(range(15, 21))
        leaves = sum(not preferred & set(one.hours_of("space_heaters")) for one in results)
        covered = sum(bool(one.supplied_by_households[MIDDAY].all()) for one in results)
        alone = [int(one.supplied_by_households.sum()) for one in results]
        peak = max(float(one.load_kwh.max()) for one in results)
        lines.append(
            f"| {kwp[1:-1].replace(', ', ' to ')} | {share_text(leaves, n)} | {share_text(covered, n)} "
            f"| {min(alone)} to {max(alone)} | {peak:.1f} |"
        )
    return "\n".join(lines)


def kept_percent(results: list[list[Outcome]], row: list[Outcome]) -> Array:
    """Preference kept in each run, in percent of that at the greatest rigidity with the same seed."""
    most = [one.kept_eur for one in results[-1]]
    return np.array([100 * one.kept_eur / best for one, best in zip(row, most, strict=True)])


def draw(results: list[list[Outcome]], path: Path) -> None:
    """Hours of each appliance by rigidity with the first seed; preference kept and bill over the seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from cosim.report.style import drawing, save

    with drawing():
        figure = Figure(figsize=(9.5, 6.4))
        FigureCanvasAgg(figure)
        axes = figure.subplot_mosaic([["hours", "kept"], ["hours", "bill"]], width_ratios=[1.75, 1])
        draw_hours(axes["hours"], [row[0] for row in results])
        kept = np.array([kept_percent(results, row) for row in results])
        draw_lines(axes["kept"], kept, "Preference kept", "% of that at R = 5")
        bill = np.array([[one.bill_eur for one in row] for row in results])
        draw_lines(axes["bill"], bill, "Bill of the day", "bill [EUR]")
        axes["bill"].set_xlabel("rigidity R")
        save(figure, path)


def draw_hours(ax, outcomes: list[Outcome]) -> None:  # type: ignore[no-untyped-def]
    """A strip of five lines for each appliance that has a preference; the best-liked hours are framed."""
    from matplotlib.patches import Rectangle

    shown = [number for number in range(len(APPLIANCES)) if np.ptp(PREFERENCE[number]) > 0]
    n = len(RIGIDITIES)
    for place, number in enumerate(shown):
        first = place * (n + 1)
        for line, one in enumerate(outcomes):
            for hour in np.flatnonzero(one.energy_kwh[number]):
                ax.add_patch(Rectangle((hour, first + line), 1, 1, facecolor="#0b3c5d", edgecolor="white"))
        liked = PREFERENCE[number] == PREFERENCE[number].max()
        starts = np.flatnonzero(np.diff(liked.astype(int), prepend=0) == 1)
        ends = np.flatnonzero(np.diff(liked.astype(int), append=0) == -1) + 1
        for start, end in zip(starts, ends, strict=True):
            place_of_frame = ((start, first), end - start, n)
            ax.add_patch(Rectangle(*place_of_frame, facecolor="#f3d9b8", zorder=0.5))
            ax.add_patch(Rectangle(*place_of_frame, fill=False, edgecolor="#d9822b", linewidth=1.8, zorder=3))
    ax.set_xlim(0, 24)
    ax.set_xticks(range(0, 25, 3))
    ax.set_ylim(len(shown) * (n + 1) - 1, 0)
    ax.set_yticks(
        [place * (n + 1) + n / 2 for place in range(len(shown))],
        [f"{APPLIANCES[number].replace('_', ' ')}\nR = 1 ... 5 ↓" for number in shown],
    )
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("hour of the day (UTC)")
    ax.set_title("When appliances run (seed 1); framed: the hours they like best")


def draw_lines(ax, values: Array, title: str, label: str) -> None:  # type: ignore[no-untyped-def]
    """Each seed as a thin line, the mean as a thick one; values have shape (n_rigidities, n_seeds)."""
    ax.plot(RIGIDITIES, values, color="#7d7d7d", linewidth=0.7)
    ax.lines[0].set_label("one seed")
    ax.plot(RIGIDITIES, values.mean(axis=1), color="#0b3c5d", marker="o", linewidth=2.2, label="mean")
    ax.set_xticks(RIGIDITIES)
    ax.set_title(title)
    ax.set_ylabel(label)
    ax.legend(loc="lower right")


def main() -> None:
    """Run, print, and draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--figure", type=Path, help="where to draw to")
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    results = sweep(seeds)
    print(f"{table(results)}\n\n{sun_table(seeds)}")
    if arguments.figure:
        draw(results, arguments.figure)


if __name__ == "__main__":
    main()
