"""Peak memory of `storage_year`: under 1 GiB, and hardly more for a year than for a quarter of one.

    python bench/bench_memory.py

Each run is a process of its own, which does what `cosim run` does. Prints the peak of resident memory that
the system counted, once the tables are whole and once the figures are drawn, the seconds of each stage, and
by how many MB (of 1,048,576 bytes) both peaks grow with a month more of simulated time. Leaves with 1 if a
year's peak is above 1 GiB, or a peak grows by more than it may.

SimBench's data is read once before, so that it lies in the user's cache; reading it takes 775 MB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_GIB = 1.0
MAX_MB_PER_MONTH = {"tables": 1.5, "figures": 3.0}
HOURS = {"a quarter": 2184, "a year": 8760}
HOURS_PER_MONTH = 730

PROGRAM = """
import json, resource, sys
from pathlib import Path
from cosim.cli import runs
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight
from cosim.engine.run import run_scenario

peaks = {}
def note(stage):
    peaks[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

def draw(folder):
    note("tables")
    runs.draw(folder)

folder, hours = sys.argv[1:]
loaded = load_scenario("storage_year", [f"time.duration_h={hours}"])
preflight(loaded)
outcome = run_scenario(loaded, Path(folder), after=draw)
assert (outcome.status, outcome.report) == ("done", "done"), (outcome.cause, outcome.report)
note("figures")
print(json.dumps(peaks))
"""


def measure(hours: int) -> tuple[dict[str, float], dict[str, float]]:
    """Peaks of memory (MB) up to the tables and up to the figures, and the seconds of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        output = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(run), str(hours)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        seconds = json.loads((run / "run.json").read_text())["seconds"]
    return json.loads(output), seconds


def main() -> int:
    """Measure, print, and say whether memory is small enough and stays so."""
    measure(24)
    peaks = {}
    for name, hours in HOURS.items():
        peaks[name], seconds = measure(hours)
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
        reached = ", ".join(f"{stage} {peak:.0f} MB" for stage, peak in peaks[name].items())
        print(f"storage_year, {name:<10} ({hours} h)  peak: {reached}   {stages}", flush=True)
    months = (HOURS["a year"] - HOURS["a quarter"]) / HOURS_PER_MONTH
    is_good = peaks["a year"]["figures"] <= MAX_GIB * 1024
    for stage, most in MAX_MB_PER_MONTH.items():
        growth = (peaks["a year"][stage] - peaks["a quarter"][stage]) / months
        is_good = is_good and growth <= most
        print(f"growth up to the {stage:<8} {growth:5.2f} MB a month, at most {most:g}")
    print(f"peak at most {MAX_GIB:g} GiB")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
