"""Peak memory and time of `storage_year`: under 1 GiB, and no more for a year than for a quarter of one.

    python bench/bench_memory.py

Each run is a process of its own, without figures. Prints the peak of resident memory that the system
counted, and the seconds of each stage; leaves with 1 if a year's peak is above 1 GiB, or a tenth above a
quarter's.

SimBench's data is read once before, so that it lies in the user's cache; reading it takes 775 MB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_GIB = 1.0
MAX_GROWTH = 1.1
HOURS = {"a quarter": 2184, "a year": 8760}

PROGRAM = """
import json, resource, sys
from pathlib import Path
from cosim.config.load import load_scenario
from cosim.engine.run import run_scenario
folder, hours = sys.argv[1:]
outcome = run_scenario(load_scenario("storage_year", [f"time.duration_h={hours}"]), Path(folder))
assert outcome.status == "done", outcome.cause
print(json.dumps({"peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def measure(hours: int) -> tuple[float, dict[str, float]]:
    """Peak memory (GiB) and the seconds of each stage of a run of this length."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        output = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(run), str(hours)], check=True, capture_output=True, text=True
        ).stdout
        seconds = json.loads((run / "run.json").read_text())["seconds"]
    return json.loads(output)["peak_kib"] / 2**20, seconds


def main() -> int:
    """Measure, print, and say whether memory is small enough and stays so."""
    measure(24)
    peaks = {}
    for name, hours in HOURS.items():
        peaks[name], seconds = measure(hours)
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
        print(f"storage_year, {name:<10} ({hours} h)  peak {peaks[name]:.3f} GiB   {stages}", flush=True)
    growth = peaks["a year"] / peaks["a quarter"]
    print(f"a year over a quarter {growth:.3f}, at most {MAX_GROWTH}; peak at most {MAX_GIB:g} GiB")
    return 0 if peaks["a year"] <= MAX_GIB and growth <= MAX_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
