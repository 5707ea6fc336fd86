r"""How late the platform sees the answer to a signal, by an impulse sent through a run.

::

    tick 5: Ω = +100, once ──► one household decides 1, once ──► ticks 5 + d + 1 measure it
    other ticks: Ω = −100  ──► it decides 0

`loop_delay_steps` must say the same for every phase, latency, way of reporting and way of measuring.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.regulation.loop_delay import loop_delay_steps
from cosim.regulation.platform import Platform, Tick
from cosim.regulation.platform_schema import PlatformConfig
from cosim.results.store import read_table

STEP_MS = 1000
IMPULSE = 5
N_STEPS = 20


@pytest.fixture(autouse=True)
def _impulse(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = Platform.tick
    count = iter(range(N_STEPS))

    def tick_with_impulse(self: Platform, now_ms: int) -> Tick:
        result = tick(self, now_ms)
        self.state.signals = (100.0,) if next(count) == IMPULSE else (-100.0,)
        return result

    monkeypatch.setattr(Platform, "tick", tick_with_impulse)


def _measured(
    folder: Path, platform: dict[str, str], phase_ms: int, latency_ms: dict[str, int]
) -> np.ndarray:
    data = {
        "name": "impulse",
        "time": {"step_s": STEP_MS / 1000, "steps": N_STEPS},
        "groups": [
            {
                "name": "home",
                "households": 1,
                "cost": {"kind": "consumption_only", "linear": 1.0, "target": 0.5},
            }
        ],
        "communities": [
            {
                "name": "market",
                "groups": ["home"],
                "resources": [{"name": "x", "capacity": 0.5}],
                "agent": {"initial_decision": 0, "phase": {"kind": "given", "phase_ms": phase_ms}},
                "platform": {"gain": 1e-9, "initial_signal": -100.0, **platform},
            }
        ],
        "comms": {
            "overrides": [
                {"direction": direction, "latency": {"kind": "constant", "latency_ms": ms}}
                for direction, ms in latency_ms.items()
            ]
        },
    }
    loaded = LoadedScenario(Scenario.model_validate(data), folder, "test.yaml", Document(data, "test.yaml"))
    run_scenario(loaded, folder / "run")
    return read_table(folder / "run", "regulation")["measured"].to_numpy()


PHASES = [0, *(pytest.param(phase, marks=pytest.mark.slow) for phase in (1, 400)), 999]


@pytest.mark.parametrize("report", ["at_step_end", "at_decision"])
@pytest.mark.parametrize("phase_ms", PHASES)
@pytest.mark.parametrize(
    ("down_ms", "up_ms"),
    [(0, 0), (1, 0), (400, 0), (399, 601), (600, 1), (1000, 0), (1001, 2000), (2400, 3600)],
)
def test_by_reports(tmp_path: Path, report: str, phase_ms: int, down_ms: int, up_ms: int) -> None:
    measured = _measured(tmp_path, {"report": report}, phase_ms, {"downlink": down_ms, "uplink": up_ms})
    config = PlatformConfig.model_validate({"report": report})
    delay = loop_delay_steps(config, STEP_MS, *map(np.array, ([phase_ms], [down_ms], [up_ms])), 0.0)
    expected = np.zeros(N_STEPS)
    expected[IMPULSE + 1 + int(delay[0])] = 1.0
    assert np.array_equal(measured, expected)


@pytest.mark.parametrize("phase_ms", PHASES)
@pytest.mark.parametrize(("down_ms", "meter_ms"), [(0, 0), (1, 1), (399, 999), (1000, 1000), (2400, 3600)])
def test_by_meter(tmp_path: Path, phase_ms: int, down_ms: int, meter_ms: int) -> None:
    measured = _measured(
        tmp_path, {"measurement": "meter"}, phase_ms, {"downlink": down_ms, "meter": meter_ms}
    )
    config = PlatformConfig(measurement="meter")
    delay = loop_delay_steps(config, STEP_MS, *map(np.array, ([phase_ms], [down_ms], [0])), meter_ms)
    assert measured.sum() == pytest.approx(1.0)
    assert np.count_nonzero(measured) == (1 if phase_ms == 0 else 2)
    assert measured @ np.arange(N_STEPS) == pytest.approx(IMPULSE + 1 + delay[0])
