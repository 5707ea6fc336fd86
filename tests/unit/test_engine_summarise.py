"""A run that keeps nothing has the summary of one that keeps everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario, summarise


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("section6_additive", ["time.steps=20"]),
        ("storage_village_lossy", ["time.duration_h=6", "grid.verify_power_flow=3", "grid.feedback=true"]),
        ("lotfi_case", []),
    ],
)
@pytest.mark.fast_cases("section6_additive-settings0", "lotfi_case-settings2")
def test_same_summary(name: str, settings: list[str], tmp_path: Path) -> None:
    loaded = load_scenario(name, settings)
    assert summarise(loaded) == run_scenario(loaded, tmp_path / "run").summary
