"""After every kind of fault the tracking error returns to its level before: `additive`, averages that forget.

Which policies cannot, and after what, docs/faults.md says.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

STEP_H = 0.25
FROM_H, DURATION_H = 30, 8
AT_MOST_STEPS = 24
"""The time that all of them may take to recover: twice the time constant of the averages."""

FAULTS = {
    "household_crash_lost": "{kind: household_crash, share: 0.4, WHEN}",
    "household_crash_kept": "{kind: household_crash, share: 0.4, state: kept, WHEN}",
    "platform_crash_saved": "{kind: platform_crash, WHEN}",
    "platform_crash_nothing": "{kind: platform_crash, restart_from: nothing, WHEN}",
    "churn": "{kind: churn, share: 0.3, WHEN}",
    "clock": "{kind: clock, share: 0.5, offset_ms: 600000, drift_ppm: 2000, jitter_ms: 200000, WHEN}",
    "partition": "{kind: partition, share: 0.6, WHEN}",
    "loss_burst": "{kind: loss_burst, loss_probability: 0.8, WHEN}",
    "duplication": "{kind: duplication, duplication_probability: 0.8, WHEN}",
    "replay": "{kind: replay, replay_probability: 0.8, delay_ms: 3600000, WHEN}",
    "stuck_meter": "{kind: stuck_meter, share: 0.5, WHEN}",
    "feeder_meter": "{kind: stuck_meter, meter: feeder, WHEN}",
    "liar": "{kind: liar, share: 0.3, reports: inverted, WHEN}",
    "non_complier": "{kind: non_complier, share: 0.3, WHEN}",
}
MUST_HURT = {"household_crash_lost", "household_crash_kept", "loss_burst", "feeder_meter", "liar"}
"""Those whose worst error must be more than three times the level before, so that there is something to
recover from. The others are absorbed: a receiver keeps the freshest message, and the integrator corrects."""


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.fast_cases("household_crash_kept", "partition", "liar")
def test_the_error_returns_to_its_level(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name].replace("WHEN", f"from_h: {FROM_H}, duration_h: {DURATION_H}, name: broken")
    settings = [f"faults=[{fault}]", "time.steps=260", "groups.homes.households=48", "report.figures=false"]
    settings += [f"communities.village.resources.{n}.capacity={c}" for n, c in enumerate((26, 22))]
    if name == "feeder_meter":
        settings.append("communities.village.platform.measurement=meter")
    outcome = run_scenario(load_scenario("faulty_community", settings), tmp_path / "run")
    effects = read_table(tmp_path / "run", "fault_effects")
    assert outcome.status == "done"
    assert (effects["recovery_h"] / STEP_H <= AT_MOST_STEPS).all(), effects["recovery_h"]
    if name in MUST_HURT:
        assert (effects["worst_deviation"].abs() / effects["rmse_before"]).max() > 3
    assert outcome.summary["fault_broken_village_production_episodes"] == 1
    assert set(read_table(tmp_path / "run", "faults")["fault"]) == {"broken"}
