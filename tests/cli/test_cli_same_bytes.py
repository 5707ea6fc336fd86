"""A run through Python and one through the command line leave the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cosim.api.runs import run
from cosim.api.watcher import Watcher


class Silent(Watcher):
    """Says nothing."""

    def doubts(self, problems: object) -> None:
        """Nothing is said."""


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("tables/*.parquet"), folder / "scenario.yaml", folder / "summary.json"]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("storage_village_lossy", {"time.duration_h": 12}),
        ("section6", {"time.steps": 20, "seed": 5}),
        ("trading_village", {"time.duration_h": 48}),
        ("faulty_community", {"time.steps": 30}),
    ],
)
@pytest.mark.fast_cases("storage_village_lossy-settings0", "section6-settings1")
def test_by_python_and_by_the_command_line(
    scenario: str, settings: dict[str, float], cosim: Callable, folder: Path
) -> None:
    settings = settings | {"report.figures": False}
    options = [f"--set={path}={str(value).lower()}" for path, value in settings.items()]
    ended = cosim("run", scenario, *options, "--out", "by_command", "--quiet")
    assert ended.code == 0, ended.err
    made = run(scenario, settings, out="by_python", watcher=Silent())
    assert len(contents(made.folder)) > 5
    assert contents(made.folder) == contents(folder / "by_command")
