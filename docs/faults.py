"""The tables of docs/faults.md: how long after a fault the tracking error is back, over several seeds.

python docs/faults.py                            # prints the table from docs/faults.csv
python docs/faults.py --seeds 20 --out new.csv   # runs what is missing first; some four minutes
python docs/faults.py --windup                   # what signal_limits are for, twenty seeds; two minutes
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import seed_rows
from numpy.typing import NDArray
from scipy.stats import binom
from seed_rows import Case
from whole_run import whole_run

from cosim.results.store import read_table

Array = NDArray[np.float64]

RAW = Path(__file__).with_suffix(".csv")
KEYS, NUMBERS = ("fault", "policy"), ("recovery_steps", "worst_over_before")
STEP_H = 0.25
FAULTS = {
    "all crash, kept": "kind: household_crash, state: kept",
    "all crash, lost": "kind: household_crash",
    "60 % lie: always 1": "kind: liar, share: 0.6, value: 1",
    "90 % take nothing": "kind: non_complier, share: 0.9",
}
"""Of nearly all households, for a whole day."""
WINDUP = "kind: household_crash, share: 0.7, state: kept"
WINDUP_HOURS = (4, 12, 24)
WINDUP_LIMITS = {"none": [], "[0, 12]": ["communities.village.platform.signal_limits=[0, 12]"]}
AGENT = "communities.village.agent"
FORGET = f"{AGENT}.averages={{kind: exponential, time_constant_steps: 12}}"
ANSWERS = {
    "additive": [f"{AGENT}.policy={{kind: additive, kappa: 0.15}}", FORGET],
    "proportional": [f"{AGENT}.policy=proportional", FORGET],
}
"""Policies, with averages that forget."""


class Outcome(NamedTuple):
    """What one fault did in one run: the worse of the two resources.

    Attributes
    ----------
    recovery_steps : float
        From the fault's end until the error is back; infinite where it is not.
    worst_over_before : float
        The largest error over the level before.
    """

    recovery_steps: float
    worst_over_before: float


def cases() -> list[Case]:
    """Fault, and the policy that answers it."""
    return [(fault, policy) for fault in FAULTS for policy in ANSWERS]


def outcome_of(case: Case, seed: int) -> Outcome:
    """Run one case with one seed."""
    fault, policy = case
    return outcome(f"{FAULTS[fault]}, duration_h: 24", [*ANSWERS[policy], "time.steps=700"], seed)


def outcome(fault: str, settings: list[str], seed: int) -> Outcome:
    """Run a fault that begins after 40 hours."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        changes = [f"faults=[{{{fault}, from_h: 40}}]", *settings, "report.figures=false"]
        whole_run("faulty_community", changes, seed, folder)
        effects = read_table(folder, "fault_effects")
    steps = np.nan_to_num(effects["recovery_h"].to_numpy() / STEP_H, nan=np.inf)
    return Outcome(
        float(steps.max()), float((effects["worst_deviation"].abs() / effects["rmse_before"]).max())
    )


def wound_up(limits: str, hours: int, seed: int) -> float:
    """Steps to recover after 70 % were down and counted as zero for some hours."""
    settings = [*WINDUP_LIMITS[limits], "communities.village.platform.missing=zero", "time.steps=600"]
    return outcome(f"{WINDUP}, duration_h: {hours}", settings, seed).recovery_steps


def run_missing(n_seeds: int, out: Path) -> None:
    """Run every case with every seed; go on where it stopped."""
    seed_rows.run_missing(out, (KEYS, NUMBERS), cases(), n_seeds, outcome_of)


def read(raw: Path) -> dict[Case, Array]:
    """By case, the numbers by seed; shape (n_seeds, 2)."""
    return seed_rows.read(raw, KEYS, NUMBERS)


def median_text(steps: Array) -> str:
    """The median; in brackets its 95 % interval, between two of the values, where that is not the same."""
    ordered = np.sort(steps)
    first = int(binom.ppf(0.025, len(steps), 0.5)) - 1
    low, high = ordered[first], ordered[-1 - first]
    texts = ["never" if np.isinf(each) else f"{each:.0f}" for each in (np.median(steps), low, high)]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} [{texts[1]}, {texts[2]}]"


def cell(found: Array) -> str:
    """Steps to recover, and how often never; in brackets the worst error over the level before."""
    steps, worst = found.T
    never = int(np.isinf(steps).sum())
    some = f", {never} of {len(steps)} never" if 0 < never < len(steps) else ""
    return f"{median_text(steps)}{some} ({np.median(worst):.1f})"


def table(raw: Path) -> str:
    """Faults by the policy that answers them."""
    runs = read(raw)
    lines = ["| fault | " + " | ".join(ANSWERS) + " |", "|---" * (len(ANSWERS) + 1) + "|"]
    for fault in FAULTS:
        lines.append(f"| {fault} | {' | '.join(cell(runs[fault, policy]) for policy in ANSWERS)} |")
    return "\n".join(lines)


def windup(n_seeds: int) -> str:
    """Crashes that leave too few households for the capacities."""
    lines = ["| signal_limits | 4 h down | 12 h down | 24 h down |", "|---|---|---|---|"]
    for limits in WINDUP_LIMITS:
        cells = [
            spread([wound_up(limits, hours, seed) for seed in range(1, n_seeds + 1)])
            for hours in WINDUP_HOURS
        ]
        lines.append(f"| {limits} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(steps: list[float]) -> str:
    """Median and range of those that recover within a hundred steps, and how many later.

    Then a window of 24 steps has left the band once more long after the fault, by chance.
    """
    soon = [one for one in steps if one <= 100]
    later = f"; {len(steps) - len(soon)} of {len(steps)} later" if len(soon) < len(steps) else ""
    return f"{np.median(steps):.0f} ({min(soon):.0f} to {max(soon):.0f}{later})"


def main() -> None:
    """Run what is asked for, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RAW)
    parser.add_argument("--windup", action="store_true")
    given = parser.parse_args()
    if given.windup:
        print(windup(given.seeds or 20))
        return
    if given.seeds:
        run_missing(given.seeds, given.out)
    print(table(given.out))


if __name__ == "__main__":
    main()
