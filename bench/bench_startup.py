"""Runs of 20 steps without figures, whole processes: without a feeder, on one that was read before, and anew.

    python bench/bench_startup.py

Printed is the median of processor time of some runs that take turns; read anew means that nothing is kept of
the feeder, though of SimBench's grid. Then how much longer the demo takes where no loop is kept. Leaves with
1 if a run of 20 steps on a feeder that was read before, or on none, takes longer than is wanted.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cosim.core.cache_folder import cache_folder

ROUNDS, NEEDED_S = 5, 1.5
STEPS = {
    "no feeder": ("lossy_community", "time.steps=20", "time.warm_up_h=0"),
    "feeder of 129 buses": ("storage_village", "time.duration_h=5"),
}
DEMO = "the demo, without figures"
CASES = STEPS | {DEMO: ("storage_village",)}
FIRST_ROUNDS, FIRST_S = 3, 5


def seconds(case: str, cache: Path) -> float:
    """Processor time of a run of 20 steps, with what is kept in a folder."""
    scenario, *settings = CASES[case]
    options = [option for each in (*settings, "report.figures=false") for option in ("--set", each)]
    environment = os.environ | {"COSIM_CACHE_DIR": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cosim.cli", "run", scenario, *options, "--out", f"{folder}/run"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--quiet"], check=True, env=environment, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def first_run_s(own: Path) -> float:
    """How much longer the demo takes where no loop is kept, and all else is."""
    with tempfile.TemporaryDirectory() as bare:
        for kept in own.iterdir():
            if kept.name != "compiled":
                (Path(bare) / kept.name).symlink_to(kept, target_is_directory=True)
        return seconds(DEMO, Path(bare)) - seconds(DEMO, own)


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    own = cache_folder()
    for case in STEPS:
        seconds(case, own)  # modules are compiled to bytecode, SimBench's grid and the feeder kept
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for case in STEPS:
            times.setdefault(case, []).append(seconds(case, own))
        with tempfile.TemporaryDirectory() as bare:
            for kept in own.glob("simbench-*"):
                (Path(bare) / kept.name).symlink_to(kept, target_is_directory=True)
            times.setdefault("the same, read anew", []).append(seconds("feeder of 129 buses", Path(bare)))
    medians = {case: statistics.median(each) for case, each in times.items()}
    for case, median in medians.items():
        print(f"{case:20} {median:5.2f} s of processor time")
    longest = max(medians[case] for case in STEPS)
    seconds(DEMO, own)
    more_s = statistics.median(first_run_s(own) for _ in range(FIRST_ROUNDS))
    print(f"the demo takes {more_s:.1f} s more where no loop is kept (aim: {FIRST_S})")
    print(f"longest of those on a feeder read before, or none: {longest:.2f} s, needed {NEEDED_S:g}")
    return 0 if longest <= NEEDED_S else 1


if __name__ == "__main__":
    sys.exit(main())
