"""A few homes, some with a solar roof, that trade with each other: what tests of the market share."""

from __future__ import annotations

from pathlib import Path

from cosim.engine.load import LoadedScenario, load_scenario
from cosim.engine.run import Outcome, run_scenario

SUN = "time,roof [kW/kWp]\n" + "".join(
    f"2016-06-{13 + hour // 24:02d}T{hour % 24:02d}:00Z,{max(0, 6 - abs(12 - hour % 24)) / 8}\n"
    for hour in range(72)
)
"""Three days alike, as the file ``sun.csv`` beside a scenario."""
BAD_LINKS = [
    "comms.default.latency={kind: exponential, mean_ms: 4000}",
    "comms.default.loss={kind: bernoulli, loss_probability: 0.3}",
    "comms.default.duplication_probability=0.1",
]
CRASHES = "{kind: household_crash, rate_per_day: 6, mean_duration_h: 0.3, from_h: 9.5, duration_h: 4}"


def two_groups(
    n_solar: int,
    n_other: int,
    household: str,
    other_kw: str = "[0.8, 2.8]",
    solar_has: str = "",
    duration_h: int = 48,
) -> str:
    """A scenario of homes with a roof and others, at prices that vary by the hour and are once below 0."""
    return f"""
name: homes
seed: 5
time: {{start: 2016-06-13T00:00:00Z, duration_h: {duration_h}}}
report: {{figures: false}}
groups:
  - name: solar
    households: {n_solar}
    load: {{kind: constant, p_kw: {{uniform: [0.2, 0.8]}}}}
    pv: {{kind: csv, file: sun.csv, kwp: {{uniform: [3, 6]}}}}
    {solar_has}
  - name: other
    households: {n_other}
    load: {{kind: constant, p_kw: {{uniform: {other_kw}}}}}
energy_value:
  prices:
    grid: {{by_hour: [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.35, 0.3, 0.3, 0.3, 0.3,
                     0.2, 0.2, 0.25, 0.25, 0.3, 0.35, 0.4, 0.4, 0.35, 0.3, 0.2, -0.1]}}
  household: {{contracted_power_kw: 15, {household}}}
"""


def load_homes(scenario: str, folder: Path, *settings: str) -> LoadedScenario:
    """A scenario, written into a folder with its sun, with values changed as by ``--set``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sun.csv").write_text(SUN)
    (folder / "homes.yaml").write_text(scenario)
    return load_scenario(str(folder / "homes.yaml"), list(settings))


def run_homes(scenario: str, folder: Path, *settings: str) -> tuple[Outcome, Path]:
    """Its run, which must reach its end, and the run's folder."""
    outcome = run_scenario(load_homes(scenario, folder, *settings), folder / "run")
    assert outcome.status == "done", outcome.cause
    return outcome, folder / "run"
