"""How long an impact study takes: 11 penetrations, 4 modes, 20 seeds, a week in hours, two workers.

    python bench/bench_impact.py

The feeder is that of the demo (SimBench's `rural3`, 99 homes). The study is run in one go, then interrupted
as by Ctrl-C and resumed, then on a local Dask cluster; each of them must give the same bytes. It needs two
idle cores; where others use them, the processor time says more than the seconds.

Leaves with 1 if the study takes more than 15 minutes, or if bytes differ.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from cosim.core.errors import count

MOST_MINUTES = 15.0
INTERRUPTED_AFTER = 100
N_POINTS = 11 * 4 * 20

HOMES = """
name: homes
time: {start: 2016-05-20T00:00:00Z, duration_h: 168, step_s: 3600}
groups:
  - {name: homes, households: 99, load: {kind: feeder}}
grid: {network: simbench_rural3, replace_generators: true, interval_min: 60}
record: {devices: false, meters: false, grid: false}
"""
STUDY = """
name: bench
base: homes.yaml
technologies:
  - {group: homes, device: pv, parameters: {kind: simbench, kwp: {uniform: [10, 30]}}}
modes:
  uncontrolled: {}
  q_of_v: {groups.homes.pv.control: {reactive: {kind: q_of_v, standard: vde_ar_n_4105}}}
  feed_in_limit: {groups.homes.pv.control: {feed_in_limit: {at: connection_point, share: 0.5}}}
  batteries: {groups.homes.battery: {capacity_kwh: 10, charge_kw: 5, discharge_kw: 5}}
seeds: 20
"""


def run(folder: Path, out: str, *options: str, interrupt: bool = False) -> tuple[float, float]:
    """Seconds that `cosim impact` takes, and those of all its processes' processors."""
    command = [sys.executable, "-c", "from cosim.cli import main; main()", "impact", "study.yaml"]
    words = ["--out", out, "--workers", "2", "--quiet", *options]
    began, cpu_before_s = time.perf_counter(), cpu_of_children_s()
    process = subprocess.Popen([*command, *words], cwd=folder, stdout=subprocess.DEVNULL)
    if interrupt:
        while process.poll() is None and n_finished(folder / out) < INTERRUPTED_AFTER:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    assert process.wait() == (130 if interrupt else 0)
    return time.perf_counter() - began, cpu_of_children_s() - cpu_before_s


def n_finished(out: Path) -> int:
    """How many runs have ended."""
    lines = out / "finished.jsonl"
    return lines.read_bytes().count(b"\n") if lines.exists() else 0


def cpu_of_children_s() -> float:
    """Processor time of all processes that were started here and have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def different(one: Path, other: Path) -> Iterator[str]:
    """Files of what was found that differ."""
    for path in [one / "points.parquet", *sorted((one / "impact").iterdir())]:
        name = path.relative_to(one)
        if (other / name).read_bytes() != path.read_bytes():
            yield str(name)


def main() -> int:
    """Run the study in three ways, print, and say whether it is fast enough and the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "homes.yaml").write_text(HOMES, encoding="utf-8")
        (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
        seconds, cpu_s = run(folder, "whole")
        table = pd.read_parquet(folder / "whole/points.parquet")
        assert (table["status"] == "done").all()
        print(
            f"{len(table)} of {N_POINTS} runs: {seconds:.0f} s, {cpu_s:.0f} s of processor time", flush=True
        )
        run(folder, "resumed", interrupt=True)
        n_before = n_finished(folder / "resumed")
        run(folder, "resumed", "--resume")
        run(folder, "dask", "--dask", "local")
        found = {way: [*different(folder / "whole", folder / way)] for way in ("resumed", "dask")}
    print(f"interrupted after {count(n_before, 'run')} and resumed; on Dask: ", end="")
    print("the same bytes" if not any(found.values()) else f"other bytes: {found}")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {count(os.cpu_count() or 1, 'core')}")
    return 0 if seconds <= 60 * MOST_MINUTES and not any(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
