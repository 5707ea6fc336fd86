"""The numbers of docs/section6.md: three policies from two first signals, over many seeds, and the lock-out.

python docs/section6.py                            # prints the tables from docs/section6.csv
python docs/section6.py --seeds 40 --out new.csv   # runs every case with forty seeds; a quarter of an hour
python docs/section6.py --seeds 1 --steps 100000 --out long.csv   # the long runs; about ten minutes
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from completed_run import completed_run, numbers_in
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from cosim.results.store import read_table

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
STEPS = 1000
SIGNALS = ("0.06", "gradient")


class Case(NamedTuple):
    """What is run with every seed: a scenario, its Ω(0), and what else is changed."""

    scenario: str
    signal: str
    change: str = ""


CHANGES = {
    "": [],
    "memory of 100 steps": [
        "communities.market.agent.averages={kind: exponential, time_constant_steps: 100}"
    ],
    "b = 0": ["groups.community_2.cost.b=0"],
}
"""What is changed to find the cause: averages that never hold few samples; costs without the fourth power."""
POLICIES = {
    "section6": "(22), as printed",
    "section6_proportional": "(20)",
    "section6_additive": "additive",
}
CASES = (
    *(Case(scenario, signal) for signal in SIGNALS for scenario in POLICIES),
    *(Case("section6", signal, change) for change in CHANGES if change for signal in SIGNALS),
)


class Outcome(NamedTuple):
    """What one run gave.

    Attributes
    ----------
    cost_gap, distance, gradient_spread : float
        At the end: cost above the optimum for the sums, ‖x̄ − x*‖, spread of ∇g by consumption.
    locked_out : int
        Prosumers whose probability was 0 in every step of the second half of the run, for both resources.
    locked_step_median, locked_step_last : float
        The step from which on their probabilities were 0: of half of them, and of the last one; NaN for none.
    locked_sum_highest : float
        Largest x̄ + ȳ that one of them had in that step.
    locked_b_least : float
        Least b among them, the weight of the fourth power.
    average_sum_consumption, average_sum_production : float
        Σ x̄ at the end.
    signal_consumption, signal_production : float
        Ω at the end.
    error_mean, error_std : float
        Of Σ x − C of the consumption over the last 200 steps.
    """

    cost_gap: float
    distance: float
    gradient_spread: float
    locked_out: int
    locked_step_median: float
    locked_step_last: float
    locked_sum_highest: float
    locked_b_least: float
    average_sum_consumption: float
    average_sum_production: float
    signal_consumption: float
    signal_production: float
    error_mean: float
    error_std: float


def outcome_of(case: Case, seed: int, steps: int = STEPS) -> Outcome:
    """Run one case with one seed."""
    overrides = [
        f"time.steps={steps}",
        f"communities.market.platform.initial_signal={case.signal}",
        f"record.decisions={'true' if steps <= 10_000 else 'false'}",
        "report.figures=false",
        *CHANGES[case.change],
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        done = completed_run(case.scenario, overrides, seed, folder)
        ticks = read_table(folder, "regulation").set_index("resource")
        locked = locked_out(folder, steps) if steps <= 10_000 else pd.DataFrame()
    consumption, production = ticks.loc["consumption"], ticks.loc["production"]
    last = consumption.iloc[-1]
    error = (consumption["aggregate"] - consumption.capacity.shift(1)).iloc[-200:]
    numbers = [float("nan")] * 4
    if len(locked):
        steps_of = locked["step"]
        numbers = [steps_of.median(), steps_of.max(), locked["sum"].max(), locked["b"].min()]
    return Outcome(
        *numbers_in(done.summary, ["market_cost_gap_end"]),
        last.distance,
        last.gradient_spread,
        len(locked),
        *(float(number) for number in numbers),
        last.average_sum,
        production.iloc[-1].average_sum,
        last.signal,
        production.iloc[-1].signal,
        error.mean(),
        float(np.std(error)),
    )


def locked_out(folder: Path, steps: int) -> pd.DataFrame:
    """Who never had a chance again in the second half: from which step on, x̄ + ȳ then, and b."""
    decisions = read_table(folder, "decisions")
    by_step = decisions.groupby(["prosumer", "step"])[["probability", "average"]].agg(
        {"probability": "max", "average": "sum"}
    )
    open_steps = by_step[by_step.probability > 0].reset_index().groupby("prosumer").step.max()
    b = read_table(folder, "prosumers").set_index("prosumer").cost_quartic / 1.25
    rows = [
        {"step": last + 1, "sum": by_step.loc[(prosumer, last + 1), "average"], "b": b[prosumer]}
        for prosumer, last in open_steps.items()
        if last <= steps // 2
    ]
    return pd.DataFrame(rows)


def run_all(n_seeds: int, out: Path, steps: int = STEPS) -> None:
    """Run every case with every seed, and write a row for each when it is done; go on where it stopped."""
    is_new = not out.exists()
    with out.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if is_new:
            writer.writerow(["seed", *Case._fields, *Outcome._fields])
        done = set() if is_new else set(read(out).index)
        for seed in range(1, n_seeds + 1):
            for case in CASES if steps == STEPS else CASES[: 2 * len(POLICIES)]:
                if (seed, *case) not in done:
                    outcome = outcome_of(case, seed, steps)
                    writer.writerow([seed, *case, *(f"{number:.9g}" for number in outcome)])
                    stream.flush()


def read(raw: Path = RAW) -> pd.DataFrame:
    """The rows of a file of runs, by seed, scenario, signal and change."""
    keys = ["seed", *Case._fields]
    return pd.read_csv(raw, dtype={"signal": str}, keep_default_na=False, na_values=["nan"]).set_index(keys)


def of_case(runs: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The rows of one case, by seed."""
    rows: pd.DataFrame = runs.xs(tuple(case), level=list(Case._fields))
    return rows.sort_index()


def median_interval(values: Array) -> tuple[float, float, float]:
    """Median, and an interval that holds the true one in at least 95 of 100 cases.

    Its ends are two of the values themselves, the j-th from below and from above; how many lie below the true
    median is binomial, whatever the distribution (David and Nagaraja, Order Statistics, 7.1).
    """
    ordered = np.sort(values)
    n = len(ordered)
    rank = int(binom.ppf(0.025, n, 0.5))
    return float(np.median(ordered)), float(ordered[rank - 1]), float(ordered[n - rank])


def share_interval(n_hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval for a probability, from hits of n."""
    interval = binomtest(n_hits, n).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def median_text(values: Array) -> str:
    """Median with its interval."""
    if len(values) < 6:  # too few for an 95 % interval
        return rounded(float(np.median(values)))
    median, low, high = map(rounded, median_interval(values))
    return f"{median} ({low} to {high})"


def rounded(value: float) -> str:
    """A number to three digits, without powers of ten."""
    return f"{float(f'{value:.3g}'):,.6g}"


def share_text(hits: NDArray[np.bool_]) -> str:
    """How many of all, with the interval of the share."""
    n_hits, n = int(hits.sum()), len(hits)
    low, high = share_interval(n_hits, n)
    return f"{n_hits} of {n} ({100 * low:.0f} to {100 * high:.0f} %)"


def outcome_table(runs: pd.DataFrame) -> str:
    """How each policy ends from each first signal."""
    lines = [
        "| policy | Ω(0) | cost above optimum | largest | ‖x̄ − x*‖ | seeds with a lock-out "
        "| locked out: mean, most "
        "| Σx̄ (C = 90) | Ω at the end | Σx − C, last 200 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES[: 2 * len(POLICIES)]:
        rows = of_case(runs, case)
        locked = rows.locked_out
        lines.append(
            f"| {POLICIES[case.scenario]} | {case.signal} | {median_text(rows.cost_gap)} "
            f"| {rounded(rows.cost_gap.max())} | {rows.distance.median():.3g} | {share_text(locked > 0)} "
            f"| {locked.mean():.2g}, {locked.max()} | {rows.average_sum_consumption.median():.2f} "
            f"| {rows.signal_consumption.median():.4g} "
            f"| {rows.error_mean.mean():+.2f} ± {rows.error_std.mean():.2f} |"
        )
    return "\n".join(lines)


def cause_table(runs: pd.DataFrame) -> str:
    """What the lock-out under (22) depends on."""
    lines = [
        "| (22) with | Ω(0) | seeds with a lock-out | locked out: mean, most "
        "| shut from step: median, latest "
        "| highest x̄ + ȳ when shut | least b |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        if case.scenario != "section6":
            continue
        rows = of_case(runs, case)
        shut = rows[rows.locked_out > 0]
        more = "| – | – | – |"
        if len(shut):
            more = (
                f"| {shut.locked_step_median.median():.0f}, {shut.locked_step_last.max():.0f} "
                f"| {shut.locked_sum_highest.max():.2f} | {shut.locked_b_least.min():.0f} |"
            )
        lines.append(
            f"| {case.change or 'nothing changed'} | {case.signal} | {share_text(rows.locked_out > 0)} "
            f"| {rows.locked_out.mean():.2g}, {rows.locked_out.max()} {more}"
        )
    return "\n".join(lines)


def long_table(runs: pd.DataFrame) -> str:
    """The long runs of one seed."""
    lines = [
        "| policy | Ω(0) | cost above optimum | ‖x̄ − x*‖ | spread of ∇g | Σx̄ (C = 90) | Ω at the end "
        "| Σx − C, last 200 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES[: 2 * len(POLICIES)]:
        for row in of_case(runs, case).itertuples():
            lines.append(
                f"| {POLICIES[case.scenario]} | {case.signal} | {row.cost_gap:.4g} | {row.distance:.3g} "
                f"| {row.gradient_spread:.3g} | {row.average_sum_consumption:.2f} "
                f"| {row.signal_consumption:.4g} | {row.error_mean:+.2f} ± {row.error_std:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run if asked to, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0, help="run this many seeds of every case")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"length of the runs; {STEPS} by default")
    parser.add_argument("--out", type=Path, default=RAW, help="where the rows of the runs go")
    arguments = parser.parse_args()
    if arguments.seeds:
        run_all(arguments.seeds, arguments.out, arguments.steps)
    runs = read(arguments.out)
    if arguments.steps == STEPS:
        print(outcome_table(runs), cause_table(runs), sep="\n\n")
    else:
        print(long_table(runs))


if __name__ == "__main__":
    main()
