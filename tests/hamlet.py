"""A hamlet of a few homes, some with a roof, that trade with each other: what tests of the market share."""

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


def load_hamlet(scenario: str, folder: Path, *settings: str) -> LoadedScenario:
    """A scenario, written into a folder with its sun, with values changed as by ``--set``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sun.csv").write_text(SUN)
    (folder / "hamlet.yaml").write_text(scenario)
    return load_scenario(str(folder / "hamlet.yaml"), list(settings))


def run_hamlet(scenario: str, folder: Path, *settings: str) -> tuple[Outcome, Path]:
    """Its run, which must reach its end, and the run's folder."""
    outcome = run_scenario(load_hamlet(scenario, folder, *settings), folder / "run")
    assert outcome.status == "done", outcome.cause
    return outcome, folder / "run"
