"""Help and checks come at once: they load neither pandapower nor matplotlib."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("pandapower", "matplotlib", "simbench", "numba", "distributed")

PROGRAM = """
import atexit, json, sys
from pathlib import Path
arguments = json.loads(sys.argv[2])
target = Path(sys.argv[1])
atexit.register(lambda: target.write_text(json.dumps(sorted(sys.modules))))
sys.argv = ["cosim", *arguments]
from cosim.cli import main
main()
"""


def modules_after(arguments: list[str], folder: Path) -> set[str]:
    """Names of the top-level packages that a command has loaded when it is done."""
    target = folder / "modules.json"
    command = [sys.executable, "-c", PROGRAM, str(target), json.dumps(arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(target.read_text())}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["check", "section6"],
        ["check", "lossy_community", "--set", "seed=2"],
        ["check", "car_sharing"],
        ["schema"],
        ["schema", "--sweep"],
        ["check", "sweep_example"],
        ["sweep", "sweep_example", "--dry-run"],
        ["scenarios"],
        ["networks"],
    ],
    ids=" ".join,
)
@pytest.mark.fast_cases("check section6")
def test_loads_neither_pandapower_nor_matplotlib(arguments: list[str], tmp_path: Path) -> None:
    assert modules_after(arguments, tmp_path).isdisjoint(HEAVY)


def test_help_loads_no_number_crunching_at_all(tmp_path: Path) -> None:
    loaded = modules_after(["--help"], tmp_path)
    assert loaded.isdisjoint({*HEAVY, "numpy", "pandas", "scipy", "pyarrow", "pydantic", "simpy"})


def test_help_is_fast(tmp_path: Path) -> None:
    """Within a few times what Python itself takes to start; pandapower alone would take seconds."""

    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
        return time.perf_counter() - began

    bare = min(seconds("pass") for _ in range(3))
    help_ = min(
        seconds("import sys; sys.argv = ['cosim', '--help']; from cosim.cli import main; main()")
        for _ in range(3)
    )
    assert help_ < 1.0 + 10 * bare
