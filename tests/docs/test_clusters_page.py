"""The commands of docs/clusters.md for a scheduler of one's own give the bytes of a sweep without Dask."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clusters.md"


@pytest.mark.slow
def test_the_commands_for_one_machine_sweep_to_the_same_bytes(tmp_path: Path) -> None:
    commands = re.search(r"^```sh\n(dask scheduler .*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert commands is not None
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-ec", commands[1]],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=300)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the scheduler and the workers, which go on
    assert code == 0, (tmp_path / "log").read_text()
    alone = ["cosim", "sweep", "sweep_example", "--out", "alone", "--workers", "1", "--quiet"]
    assert subprocess.run(alone, cwd=tmp_path, env=environment, check=False).returncode == 0
    tried, same = ((tmp_path / name / "points.parquet").read_bytes() for name in ("tried", "alone"))
    assert tried == same
