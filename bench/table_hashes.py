"""The hash of every table of every built-in scenario, shortened: what a change of the code leaves as it was.

``python bench/table_hashes.py > before.json`` on one state of the code, the same on another, and
``python bench/table_hashes.py --compare before.json after.json`` names what differs. With a folder
(``--keep DIR``) the runs stay there, to look at.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

from cosim.config.library import names
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

LONGEST_H = 48


def shortened(name: str) -> list[str]:
    """Overrides that cut a scenario to two days, or to 200 steps where these are shorter."""
    time = load_scenario(name).scenario.time
    if time.duration_ms <= LONGEST_H * 3_600_000:
        return []
    if time.duration_h is not None:
        return [f"time.duration_h={LONGEST_H}", "time.warm_up_h=0"]
    return [f"time.steps={min(200, LONGEST_H * 3_600_000 // time.step_ms)}", "time.warm_up_h=0"]


def hashes(folder: Path) -> dict[str, dict[str, str]]:
    """Of each scenario, the hash of each of its tables."""
    found: dict[str, dict[str, str]] = {}
    for name in names("scenarios"):
        loaded = load_scenario(name, [*shortened(name), "report.figures=false"])
        run_scenario(loaded, folder / name)
        tables = sorted((folder / name / "tables").glob("*.parquet"))
        found[name] = {table.stem: hashlib.sha256(table.read_bytes()).hexdigest()[:16] for table in tables}
        print(name, file=sys.stderr)
    return found


def compare(before: Path, after: Path) -> int:
    """Print what differs; the number of tables that do."""
    first, second = (json.loads(file.read_text(encoding="utf-8")) for file in (before, after))
    differing = 0
    for name in sorted(first.keys() | second.keys()):
        old, new = first.get(name, {}), second.get(name, {})
        tables = [table for table in sorted(old.keys() | new.keys()) if old.get(table) != new.get(table)]
        differing += len(tables)
        if tables:
            marks = {t: "+" if t not in old else "-" if t not in new else "" for t in tables}
            print(f"{name}: {', '.join(marks[table] + table for table in tables)}")
    print(f"{differing} tables differ")
    return differing


def main() -> None:
    """Print the hashes as JSON, or compare two such files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="where the runs go")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    options = parser.parse_args()
    if options.compare:
        sys.exit(bool(compare(*options.compare)))
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(hashes(options.keep or Path(temporary)), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
