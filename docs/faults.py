"""The tables of docs/faults.md: how long after each fault the tracking error is back, for each policy.

python docs/faults.py              # faults of some households for half a day, six ways to answer
python docs/faults.py --hard       # of nearly all of them for a whole day; each takes about five minutes
python docs/faults.py --windup     # what signal_limits are for
python docs/faults.py --seeds 1 --faults platform_crash
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
from completed_run import completed_run

from cosim.results.store import read_table

STEP_H = 0.25
FAULTS = {
    "household_crash, lost": "kind: household_crash, share: 0.3",
    "household_crash, kept": "kind: household_crash, share: 0.3, state: kept",
    "platform_crash, saved": "kind: platform_crash",
    "platform_crash, nothing": "kind: platform_crash, restart_from: nothing",
    "churn": "kind: churn, share: 0.3",
    "clock": "kind: clock, share: 0.5, offset_ms: 600000, jitter_ms: 200000",
    "partition": "kind: partition, share: 0.5",
    "loss_burst": "kind: loss_burst, loss_probability: 0.7",
    "duplication": "kind: duplication, duplication_probability: 0.7",
    "replay": "kind: replay, replay_probability: 0.7, delay_ms: 3600000",
    "stuck_meter": "kind: stuck_meter, share: 0.3",
    "liar": "kind: liar, share: 0.2, reports: inverted",
    "non_complier, nothing": "kind: non_complier, share: 0.3",
    "non_complier, everything": "kind: non_complier, share: 0.3, takes: everything",
    "non_complier, as_before": "kind: non_complier, share: 0.5, takes: as_before",
}
HARD_FAULTS = {
    "all crash, kept": "kind: household_crash, state: kept",
    "all crash, lost": "kind: household_crash",
    "all cut off": "kind: partition",
    "all meters stuck": "kind: stuck_meter",
    "60 % lie: always 1": "kind: liar, share: 0.6, value: 1",
    "90 % take nothing": "kind: non_complier, share: 0.9",
}
WINDUP_LIMITS = ("", "[0, 12]")
WINDUP_HOURS = (4, 12, 24)
ANSWERS = [
    (policy, averages)
    for policy in ("additive", "proportional", "inverse_average")
    for averages in ("exponential", "cumulative")
]
POLICIES = {"additive": "{kind: additive, kappa: 0.15}"}
"""Policies with keys of their own: a name alone means their defaults, and not the scenario's κ."""
AVERAGES = {
    "exponential": "{kind: exponential, time_constant_steps: 12}",
    "cumulative": "{kind: cumulative}",
}


class Outcome:
    """What one fault did in one run: the worse of the two resources."""

    def __init__(self, settings: list[str], seed: int) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "run"
            completed_run("faulty_community", [*settings, "report.figures=false"], seed, folder)
            effects = read_table(folder, "fault_effects")
        self.worst_over_before = float((effects["worst_deviation"].abs() / effects["rmse_before"]).max())
        self.recovery_steps = float(effects["recovery_h"].to_numpy().max() / STEP_H)
        if effects["recovery_h"].isna().any():
            self.recovery_steps = math.inf


def outcomes(fault: str, settings: list[str], seeds: int) -> list[Outcome]:
    """The same fault with each seed."""
    return [Outcome([f"faults=[{{{fault}}}]", *settings], seed) for seed in range(1, seeds + 1)]


def cell(found: list[Outcome]) -> str:
    """Median steps to recover, and how often never; in brackets the worst error over the level before."""
    steps = np.array([one.recovery_steps for one in found])
    lost = int(np.isinf(steps).sum())
    worst = np.median([one.worst_over_before for one in found])
    if lost == len(found):
        return f"never ({worst:.1f})"
    text = f"{np.median(steps[np.isfinite(steps)]):.0f}"
    return f"{text}{f', {lost} of {len(found)} never' if lost else ''} ({worst:.1f})"


def answer_settings(policy: str, averages: str) -> list[str]:
    """A policy with a kind of averages."""
    agent = "communities.village.agent"
    return [f"{agent}.policy={POLICIES.get(policy, policy)}", f"{agent}.averages={AVERAGES[averages]}"]


def kinds_by_policy(faults: dict[str, str], when: str, steps: int, seeds: int) -> None:
    """Print the table kind x policy."""
    print("| fault | " + " | ".join(f"{policy}, {averages}" for policy, averages in ANSWERS) + " |")
    print("|---|" + "---|" * len(ANSWERS))
    for name, fault in faults.items():
        cells = []
        for policy, averages in ANSWERS:
            settings = [*answer_settings(policy, averages), f"time.steps={steps}"]
            cells.append(cell(outcomes(f"{fault}, {when}", settings, seeds)))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def windup(seeds: int) -> None:
    """Print the table of crashes that leave too few households for the capacities."""
    print("| signal_limits | 4 h down | 12 h down | 24 h down |")
    print("|---|---|---|---|")
    for limits in WINDUP_LIMITS:
        cells = [
            spread([wound_up(limits, hours, seed) for seed in range(1, seeds + 1)]) for hours in WINDUP_HOURS
        ]
        print(f"| {limits or 'none'} | {' | '.join(cells)} |", flush=True)


def wound_up(limits: str, hours: int, seed: int) -> float:
    """Steps to recover after 70 % were down and counted as zero for some hours."""
    fault = f"kind: household_crash, share: 0.7, from_h: 40, duration_h: {hours}, state: kept"
    settings = [f"faults=[{{{fault}}}]", "communities.village.platform.missing=zero", "time.steps=600"]
    settings += [f"communities.village.platform.signal_limits={limits}"] if limits else []
    return Outcome(settings, seed).recovery_steps


def spread(steps: list[float]) -> str:
    """Median and range of those that recover within a hundred steps, and how many later.

    Then a window of 24 steps has left the band once more long after the fault, by chance.
    """
    soon = [one for one in steps if one <= 100]
    later = f"; {len(steps) - len(soon)} of {len(steps)} later" if len(soon) < len(steps) else ""
    return f"{np.median(steps):.0f} ({min(soon):.0f} to {max(soon):.0f}{later})"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--faults", default="", help="only faults whose name contains this")
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--windup", action="store_true")
    given = parser.parse_args()
    if given.windup:
        windup(given.seeds)
        return
    faults = {n: fault for n, fault in (HARD_FAULTS if given.hard else FAULTS).items() if given.faults in n}
    if given.hard:
        kinds_by_policy(faults, "from_h: 40, duration_h: 24", 700, given.seeds)
    else:
        kinds_by_policy(faults, "from_h: 40, duration_h: 12", 400, given.seeds)


if __name__ == "__main__":
    main()
