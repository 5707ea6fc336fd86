"""The tables and the figure of docs/mitigations.md: what a platform's mitigations cost and gain.

python docs/mitigations.py                       # tables, twenty seeds; some five minutes
python docs/mitigations.py --figure liars.png    # the aggregate over the number of liars; half a minute
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from completed_run import completed_run, numbers_in

from cosim.regulation.clipped_sum import ClippedSum
from cosim.regulation.heard_reports import Report, initial_reports
from cosim.regulation.mitigations import AgainstFalseReports
from cosim.regulation.platform import Platform, PlatformRules, PlatformState
from cosim.regulation.trimmed_sum import TrimmedSum
from cosim.results.store import read_table

PLATFORM = "communities.market.platform"
CHANGE, BAND, SETTLED = 200, 4.0, 100
PERFECT = ("comms.overrides=[]",)


MEASURED = f"{PLATFORM}.mitigations=[measured_gain]"


def gain(margin: float) -> str:
    """The override of the gain."""
    return f"{PLATFORM}.gain={{margin: {margin}}}"


def predictor(delay: str | float) -> str:
    """The override that compensates the delay."""
    return f"{PLATFORM}.mitigations=[{{kind: smith, delay_steps: {delay}}}]"


def link(direction: str, content: str) -> str:
    """A link of the platform's, the other one being perfect."""
    return f"comms.overrides=[{{direction: {direction}, {content}}}]"


def lost(probability: float) -> str:
    """Independent losses."""
    return f"loss: {{kind: bernoulli, loss_probability: {probability}}}"


LOST_DOWN = link("downlink", f"{lost(0.8)}, latency: {{kind: constant, latency_ms: 2000}}")
HALF_UP = link("uplink", lost(0.5))
RETRIES = link(
    "downlink",
    f"{lost(0.8)}, latency: {{kind: constant, latency_ms: 2000}}, delivery: at_least_once, retries: 3",
)
TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "delay: four steps, a fifth of all messages lost each way": {
        "none, margin 0.4": (gain(0.4),),
        "none, margin 0.8": (gain(0.8),),
        "none, margin 1.6": (gain(1.6),),
        "measured delay, margin 0.4": (
            gain(0.4),
            MEASURED,
        ),
        "measured delay, margin 0.8": (
            gain(0.8),
            MEASURED,
        ),
        "predictor, delay measured, margin 0.2": (gain(0.2), predictor("measured")),
        "predictor, delay measured, margin 0.4": (gain(0.4), predictor("measured")),
        "predictor, delay estimated, margin 0.2": (gain(0.2), predictor("estimated")),
        "predictor, delay 8 (twice too long), margin 0.2": (gain(0.2), predictor(8)),
    },
    "reports: half of them lost, nothing else": {
        "nothing lost": (*PERFECT,),
        "hold_last": (HALF_UP,),
        "hold_last, measured delay": (HALF_UP, gain(0.4), MEASURED),
        "zero": (HALF_UP, f"{PLATFORM}.missing=zero"),
        "scale": (HALF_UP, f"{PLATFORM}.missing=scale"),
    },
    "signals: four of five lost, two seconds on the way, nothing else": {
        "nothing lost": (link("downlink", "latency: {kind: constant, latency_ms: 2000}"),),
        "sent once": (LOST_DOWN,),
        "sent once, measured delay": (LOST_DOWN, gain(0.4), MEASURED),
        "once again": (
            LOST_DOWN,
            f"{PLATFORM}.mitigations=[{{kind: resending, times: 1, interval_ms: 10000}}]",
        ),
        "three times again": (
            LOST_DOWN,
            f"{PLATFORM}.mitigations=[{{kind: resending, times: 3, interval_ms: 10000}}]",
        ),
        "at least once, three retries": (RETRIES,),
    },
    "aggregate: nobody lies, perfect links": {
        "sum": (*PERFECT,),
        "clipped": (*PERFECT, f"{PLATFORM}.mitigations=[clipped]"),
        "trimmed, a tenth at either end": (*PERFECT, f"{PLATFORM}.mitigations=[trimmed]"),
        "trimmed, a fifth at either end": (
            *PERFECT,
            f"{PLATFORM}.mitigations=[{{kind: trimmed, trimmed_share: 0.2}}]",
        ),
    },
}


class Run(NamedTuple):
    """What one run gave: error of the aggregate step by step, messages a step, signals' age at decisions."""

    error: Any
    messages: float
    age_s: float


def run(overrides: tuple[str, ...], seed: int) -> Run:
    """Run the scenario once."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        summary = completed_run("lossy_community", [*overrides, "report.figures=false"], seed, folder).summary
        ticks, decisions = read_table(folder, "regulation"), read_table(folder, "decisions")
    error = ticks["aggregate"].to_numpy()[1:] - ticks["capacity"].to_numpy()[:-1]  # step by step
    (sent,) = numbers_in(summary, ["messages_sent"])
    late = decisions["signal_age_ms"][decisions["step"] > SETTLED]
    return Run(error, sent / ticks["step"].nunique(), float(late.mean()) / 1000)


def row(name: str, overrides: tuple[str, ...], seeds: range) -> str:
    """A line of a table."""
    runs = [run(overrides, seed) for seed in seeds]
    errors = np.array([each.error for each in runs])
    calm = np.concatenate([errors[:, SETTLED:CHANGE], errors[:, CHANGE + SETTLED :]], axis=1)
    rmse = np.sqrt((calm**2).mean(axis=1))
    bias = calm.mean(axis=1)
    messages, age = (float(np.mean([getattr(each, key) for each in runs])) for key in ("messages", "age_s"))
    return (
        f"| {name} | {_interval(rmse)} | {_interval(bias, '+')} | {settling(errors)} "
        f"| {messages:.0f} | {age:.0f} |"
    )


def settling(errors: Any) -> str:
    """Steps from the change of capacity until the mean over the seeds stays in the band for twenty steps."""
    mean = errors[:, CHANGE:].mean(axis=0)
    smooth = np.convolve(mean, np.ones(5) / 5, "valid")
    inside = np.abs(smooth) < BAND
    for step in range(len(inside) - 20):
        if inside[step : step + 20].all():
            return str(step)
    return "never"


def _interval(values: Any, sign: str = "") -> str:
    """Mean and standard error over the seeds."""
    return f"{values.mean():{sign}.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


LIARS = (0, 1, 2, 5, 10, 15, 19, 25, 30, 40, 49)
LIES = {"reports 50 units": 50.0, "reports 1 unit": 1.0}
N_HOUSEHOLDS = 99
AGGREGATES = {"sum": AgainstFalseReports(), "clipped": ClippedSum(), "trimmed": TrimmedSum(trimmed_share=0.2)}


def listener(aggregate: AgainstFalseReports) -> Platform:
    """A platform that makes this aggregate of its reports; its gain is 0, and a step lasts 1 ms."""
    rules = PlatformRules(
        1, (0.0,), "reports", "hold_last", lambda now_ms: (0.0,), against_false_reports=aggregate
    )
    state = PlatformState(
        signals=(0.0,),
        shares=[],
        reports=initial_reports([0] * N_HOUSEHOLDS, (0.0,)),
        members=list(range(N_HOUSEHOLDS)),
        metered=(),
        gains=(0.0,),
        delays=[],
        means=[(0.0,)] * N_HOUSEHOLDS if aggregate.weight else [],
    )
    return Platform(rules, state)


def aggregate_errors(lie: float, n_liars: int, steps: int = 600) -> dict[str, float]:
    """Mean error of each aggregate over the second half of the time.

    99 households take a unit with a probability of their own, from 0.2 to 0.6; liars are spread evenly among
    them, do what they would, and always report `lie`.
    """
    random = np.random.default_rng(1)
    probabilities = np.linspace(0.2, 0.6, N_HOUSEHOLDS)
    liars = set(np.linspace(0, N_HOUSEHOLDS - 1, n_liars).astype(int).tolist())
    platforms = {name: listener(aggregate) for name, aggregate in AGGREGATES.items()}
    errors: dict[str, list[float]] = {name: [] for name in platforms}
    for step in range(steps):
        truth = random.random(N_HOUSEHOLDS) < probabilities
        reports = [Report((lie if i in liars else float(took),), 0) for i, took in enumerate(truth)]
        for name, platform in platforms.items():
            for i, report in enumerate(reports):
                platform.hear_report(i, step, report)
            (measured,) = platform.tick(step).measured
            errors[name].append(measured - float(truth.sum()))
    return {name: float(np.mean(values[steps // 2 :])) for name, values in errors.items()}


def draw(path: Path) -> None:
    """The figure, and the numbers in it."""
    from cosim.report.style import LOOKS, drawing, legend_of_axes, new_figure, save

    with drawing():
        figure, axes = new_figure(3.8, 1, 2)
        for ax, (title, lie) in zip(axes, LIES.items(), strict=True):
            found = {n: aggregate_errors(lie, n) for n in LIARS}
            print(f"each liar {title}\n| liars | {' | '.join(found[0])} |\n|---|---|---|---|")
            for n, errors in found.items():
                print(f"| {n} | {' | '.join(f'{value:+.2f}' for value in errors.values())} |")
            for look, name in zip(LOOKS, found[0], strict=False):
                error = [abs(found[n][name]) for n in LIARS]
                ax.plot(LIARS, error, color=look.color, linestyle=look.line, marker=look.marker, label=name)
            ax.plot(LIARS, LIARS, color="#111111", linewidth=0.8, label="one unit each")
            ax.set_title(f"each liar {title}")
            ax.set_xlabel("liars among 99 households")
            ax.set_ylim(0, 52)
        axes[0].set_ylabel("error of the aggregate [units]")
        legend_of_axes(figure, [axes[0]])
        save(figure, path)


def main() -> None:
    """Print the tables, or draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.figure is not None:
        draw(given.figure)
        return
    for title, cases in TABLES.items():
        print(f"**{title}**\n")
        columns = "RMSE [units] | bias [units] | settles in [steps] | messages a step | signal age [s]"
        print(f"| mitigation | {columns} |")
        print("|---|---|---|---|---|---|")
        for name, overrides in cases.items():
            print(row(name, overrides, range(1, given.seeds + 1)), flush=True)
        print()


if __name__ == "__main__":
    main()
