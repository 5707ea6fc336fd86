r"""What happens at one instant of a run, in which order.

::

    platform ──signal──► h001, h002 ──report──► platform
                             │ meters close every hour
                             ▼
                      Kerber feeder, solved in the loop

Arrivals, then decisions, then the tick, then the meters, then the power flow; what a tick sends with zero
latency arrives in the same instant, after the decisions already taken.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.config.yaml_reader import Document
from cosim.core.clock import MS_PER_HOUR
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.engine.simulation import Simulation
from cosim.grid.coupling import Coupling
from cosim.households.meters import Meters
from cosim.regulation.agent import Agent
from cosim.regulation.platform import Platform
from cosim.results.store import RunStore

Entry = tuple[float, str]


@pytest.fixture
def happenings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Entry]]:
    """Runs a scenario and gives (hour, what) in the order of what was called."""

    def run(latency_ms: int, **home: Any) -> list[Entry]:
        data = _scenario(latency_ms, home)
        loaded = LoadedScenario(
            Scenario.model_validate(data), tmp_path, "test.yaml", Document(data, "test.yaml")
        )
        parts = build(loaded)
        log: list[Entry] = []

        def note(owner: type, method: str, label: Callable[..., str]) -> None:
            original = getattr(owner, method)

            def noted(self: Any, *args: Any) -> Any:
                log.append((parts.env.now / MS_PER_HOUR, label(self, *args)))
                return original(self, *args)

            monkeypatch.setattr(owner, method, noted)

        note(Agent, "wake", lambda agent, now: f"h{agent.household + 1} decides x({agent.state.step + 1})")
        note(Agent, "hear", lambda agent, m: f"h{agent.household + 1} hears Ω({m.sequence})")
        note(Agent, "leave", lambda agent, now: f"h{agent.household + 1} leaves")
        note(
            Platform,
            "hear_report",
            lambda _, sender, step, value: f"platform hears x({step}) of h{sender + 1}",
        )
        note(Platform, "tick", lambda _, now: "tick")
        note(Platform, "join", lambda _, household, *rest: f"h{household + 1} joins")
        note(Platform, "hear_feeder", lambda _, step, reading: f"platform hears of interval {step}")
        note(Meters, "close", lambda _, interval: f"meters close interval {interval}")
        note(Coupling, "add", lambda *_: "power flow")
        Simulation(parts, RunStore(tmp_path / "run"), lambda now, events: None).run()
        return log

    return run


def _scenario(latency_ms: int, home: dict[str, Any]) -> dict[str, Any]:
    group = {
        "households": 1,
        "cost": {"kind": "consumption_only", "linear": 1.0, "target": 0.5},
        "load": {"kind": "constant", "p_kw": 1.0},
    }
    return {
        "name": "order",
        "time": {"step_s": 3600, "steps": 3},
        "groups": [{"name": "a", **group}, {"name": "b", **group, **home}],
        "communities": [
            {
                "name": "market",
                "groups": ["a", "b"],
                "resources": [{"name": "x", "capacity": 1}],
                "platform": {"gain": 0.1},
            }
        ],
        "comms": {"default": {"latency": {"kind": "constant", "latency_ms": latency_ms}}},
        "grid": {"network": "kerber_landnetz_kabel_1", "feedback": True},
    }


def _at(log: list[Entry], hour: float) -> list[str]:
    return [what for when, what in log if when == hour]


def test_without_latency(happenings: Callable[..., list[Entry]]) -> None:
    log = happenings(0)
    assert _at(log, 0) == [
        "h1 decides x(1)",
        "h2 decides x(1)",
        "platform hears x(0) of h1",
        "platform hears x(0) of h2",
        "tick",
        "h1 hears Ω(1)",
        "h2 hears Ω(1)",
    ]
    for k in (1, 2):
        assert _at(log, k) == [
            f"h1 decides x({k + 1})",
            f"h2 decides x({k + 1})",
            f"platform hears x({k}) of h1",
            f"platform hears x({k}) of h2",
            "tick",
            f"h1 hears Ω({k + 1})",
            f"h2 hears Ω({k + 1})",
            f"meters close interval {k - 1}",
            "power flow",
            f"platform hears of interval {k - 1}",
        ]
    # At the end nobody decides or ticks any more, but the last interval is closed and solved.
    assert _at(log, 3) == ["meters close interval 2", "power flow", "platform hears of interval 2"]


def test_what_was_sent_a_step_ago_arrives_before_the_decisions(
    happenings: Callable[..., list[Entry]],
) -> None:
    log = happenings(MS_PER_HOUR)
    assert _at(log, 0) == ["h1 decides x(1)", "h2 decides x(1)", "tick"]
    assert _at(log, 2) == [
        "platform hears x(1) of h1",
        "platform hears x(1) of h2",
        "h1 hears Ω(2)",
        "h2 hears Ω(2)",
        "platform hears of interval 0",
        "h1 decides x(3)",
        "h2 decides x(3)",
        "tick",
        "meters close interval 1",
        "power flow",
    ]


def test_who_joins_is_there_before_the_decisions_of_that_instant(
    happenings: Callable[..., list[Entry]],
) -> None:
    log = happenings(1000, membership={"joins_h": 1})
    assert _at(log, 0) == ["h1 decides x(1)", "tick"]
    assert _at(log, 1)[:3] == ["h2 joins", "h1 decides x(2)", "h2 decides x(2)"]


def test_who_leaves_decides_no_more_at_that_instant(happenings: Callable[..., list[Entry]]) -> None:
    log = happenings(1000, membership={"leaves_h": 2})
    assert _at(log, 2)[:2] == ["h2 leaves", "h1 decides x(3)"]
    assert not any(what.startswith("h2 decides") for when, what in log if when >= 2)
