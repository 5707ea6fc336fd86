"""A sweep of paper A's lossy market with one worker and with two: time a point, efficiency, first point.

    python bench/bench_sweep.py                 # 200 points each way, and what 2,000 would take
    python bench/bench_sweep.py --points 2000   # all of them

Each point is 99 households for 200 steps with latency and loss; only summaries are kept. One worker and two
take turns in blocks, so that other work on the machine meets both. The efficiency is the time of one worker
over twice that of two, both without what a sweep needs once (starting, reading, checking, writing the table),
which is measured by a sweep of two points. It needs two idle cores; where others use them, the times say more
of these, and the processor time a point, printed beside, says how much more work two workers make of it.

Leaves with 1 if 2,000 points would take more than 10 minutes on two cores, the efficiency is below 0.85, or
the first point has not ended within 5 s of the start of the command, its own run included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from cosim.core.errors import count

N_STUDY = 2000
MOST_MINUTES = 10.0
LEAST_EFFICIENCY = 0.85
MOST_SECONDS_TO_FIRST = 5.0
N_BLOCKS = 2

SWEEP = """
name: bench
base: section6_additive
set:
  time.step_s: 3600
  time.steps: 200
  record.decisions: false
  communities.market.platform.initial_signal: gradient
  comms.default.latency: {{kind: exponential, mean_ms: 300}}
  comms.default.loss: {{kind: bernoulli, loss_probability: 0.02}}
axes:
  - {{path: comms.default.latency.mean_ms, values: [300, 1200]}}
seeds: {n_seeds}
keep: summary
"""


def run(n_points: int, n_workers: int, folder: Path) -> tuple[float, float, float]:
    """Seconds for a whole `cosim sweep`, until its first point had ended, and of the processors in all."""
    folder.mkdir()
    (folder / "bench.yaml").write_text(SWEEP.format(n_seeds=n_points // 2), encoding="utf-8")
    words = ["sweep", "bench.yaml", "--out", "out", "--workers", str(n_workers), "--quiet"]
    began, cpu_before_s = time.perf_counter(), cpu_of_children_s()
    command = [sys.executable, "-c", "from cosim.cli import main; main()", *words]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    finished = folder / "out" / "finished.jsonl"
    while process.poll() is None and not (finished.exists() and finished.stat().st_size):
        time.sleep(0.01)
    first_s = time.perf_counter() - began
    assert process.wait() == 0
    seconds = time.perf_counter() - began
    table = pd.read_parquet(folder / "out" / "points.parquet")
    assert len(table) == n_points
    assert (table.status == "done").all()
    return seconds, first_s, cpu_of_children_s() - cpu_before_s


def cpu_of_children_s() -> float:
    """Processor time of all processes that were started here and have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure by turns, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--points", type=int, default=200, help="points with one worker, and with two [200]")
    n_points = max(N_BLOCKS * 2, parser.parse_args().points) // (N_BLOCKS * 2) * (N_BLOCKS * 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = {n: run(2, n, folder / f"once_{n}") for n in (1, 2)}
        firsts, seconds, cpu_s = [], {1: 0.0, 2: 0.0}, {1: 0.0, 2: 0.0}
        for block in range(N_BLOCKS):
            for n in (1, 2) if block % 2 == 0 else (2, 1):
                took_s, first_s, used_s = run(n_points // N_BLOCKS, n, folder / f"{block}_{n}")
                seconds[n] += took_s - once[n][0]
                cpu_s[n] += used_s - once[n][2]
                firsts.append(first_s)
    n_timed = n_points - 2 * N_BLOCKS
    each_s = {n: seconds[n] / n_timed for n in (1, 2)}
    efficiency = each_s[1] / (2 * each_s[2])
    study_min = (once[2][0] + N_STUDY * each_s[2]) / 60
    for n in (1, 2):
        times = f"{1000 * each_s[n]:6.0f} ms a point, {1000 * cpu_s[n] / n_timed:6.0f} ms of processor time"
        print(f"{count(n, 'worker'):<10} {times}; {once[n][0]:.1f} s for a sweep of two points")
    print(f"{N_STUDY} points with two workers: {study_min:.1f} min, at most {MOST_MINUTES:g}")
    print(f"efficiency from one to two: {efficiency:.2f}, at least {LEAST_EFFICIENCY:g}")
    print(f"first point ended after {max(firsts):.1f} s at the latest, at most {MOST_SECONDS_TO_FIRST:g}")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {count(os.cpu_count() or 1, 'core')}")
    ok = study_min <= MOST_MINUTES and efficiency >= LEAST_EFFICIENCY and max(firsts) <= MOST_SECONDS_TO_FIRST
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
