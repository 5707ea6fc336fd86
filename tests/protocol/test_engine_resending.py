r"""A signal that is sent again within its step.

::

    tick k at t_k ──► Ω(k+1) over the downlink ──► household, at its phase
    t_k + 200 ms  ──► Ω(k+1) again
    t_k + 400 ms  ──► Ω(k+1) again                  t_k + 1 s: tick k+1
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.check import check_configuration
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

STEP_MS = 1000
N = 30


def _loaded(
    folder: Path, downlink: dict[str, Any], platform: dict[str, Any], steps: int, faults: tuple[Any, ...] = ()
) -> LoadedScenario:
    data = {
        "name": "again",
        "time": {"step_s": STEP_MS / 1000, "steps": steps},
        "groups": [
            {
                "name": "homes",
                "households": N,
                "cost": {"kind": "consumption_only", "linear": 1.0, "target": 0.5},
            }
        ],
        "communities": [
            {
                "name": "market",
                "groups": ["homes"],
                "resources": [{"name": "x", "capacity": N / 2}],
                "platform": {"gain": 1e-3, "initial_signal": 1.0, **platform},
            }
        ],
        "comms": {"overrides": [{"direction": "downlink", "ordering": "free", **downlink}]},
        "faults": faults,
    }
    return LoadedScenario(Scenario.model_validate(data), folder, "again.yaml", Document(data, "again.yaml"))


def _run(
    folder: Path, downlink: dict[str, Any], platform: dict[str, Any], steps: int = 40, *faults: dict[str, Any]
) -> Any:
    run_scenario(_loaded(folder, downlink, platform, steps, faults), folder / "run")
    return read_table(folder / "run", "decisions"), read_table(folder / "run", "messages")


def _signals(messages: Any) -> Any:
    return messages[messages["kind"] == "signal"][
        ["sent", "duplicated", "delivered", "lost", "expired", "in_flight"]
    ].sum()


TWICE_MORE = {"mitigations": [{"kind": "resending", "times": 2, "interval_ms": 200}]}


def test_without_loss_repeats_change_nothing_but_the_account(tmp_path: Path) -> None:
    link = {"latency": {"kind": "constant", "latency_ms": 50}}
    once, few = _run(tmp_path / "once", link, {})
    again, many = _run(tmp_path / "again", link, TWICE_MORE)
    assert once.equals(again)
    assert _signals(many)["sent"] == 3 * _signals(few)["sent"] == 3 * 40 * N


@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_fails_to_arrive_with_probability_p_to_the_number_of_sendings(
    tmp_path: Path, times: int
) -> None:
    loss, steps = 0.5, 200
    link = {"loss": {"kind": "bernoulli", "loss_probability": loss}}
    decisions, messages = _run(
        tmp_path, link, {"mitigations": [{"kind": "resending", "times": times, "interval_ms": 100}]}, steps
    )
    later = decisions[decisions["step"] > 1]
    # With no phase, step k is decided at the instant of tick k−1 and before it: from the signal of tick k−2.
    missed = (later["signal_step"] < later["step"] - 1).to_numpy()
    expected = loss ** (1 + times)
    assert missed.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / len(missed)))
    counts = _signals(messages)
    assert counts["sent"] == counts["delivered"] + counts["lost"] + counts["expired"] + counts["in_flight"]


def test_a_repeat_keeps_the_age_of_its_signal(tmp_path: Path) -> None:
    """The first sending falls into an outage of the link, the repeat does not."""
    link = {"outages": [{"start_h": 10 / 3600, "duration_h": 0.1 / 3600}]}
    decisions, _ = _run(tmp_path, link, TWICE_MORE)
    at = decisions[decisions["step"] == 12]
    assert set(at["signal_step"]) == {11}
    assert set(at["signal_age_ms"]) == {STEP_MS}


def test_a_platform_that_is_down_repeats_nothing(tmp_path: Path) -> None:
    """Down from 9.9 s to 10.3 s: no signal at tick 10, and none to repeat once it is up again."""
    crash = {"kind": "platform_crash", "from_h": 9.9 / 3600, "duration_h": 0.4 / 3600}
    decisions, messages = _run(tmp_path, {}, TWICE_MORE, 20, crash)
    assert _signals(messages)["sent"] == N * 3 * 19
    assert 11 not in set(decisions["signal_step"])


@pytest.mark.parametrize(("delivery", "delivered"), [("at_least_once", 60), ("exactly_once", 60)])
def test_repeats_agree_with_every_mode_of_delivery(tmp_path: Path, delivery: str, delivered: int) -> None:
    link = {"delivery": delivery, "latency": {"kind": "constant", "latency_ms": 10}}
    decisions, messages = _run(tmp_path, link, TWICE_MORE, 20)
    assert set(messages[messages["kind"] == "signal"]["delivered"]) == {delivered}
    later = decisions[decisions["step"] > 1]
    assert (later["signal_step"] == later["step"] - 1).all()


def test_repeats_that_do_not_fit_into_a_step_are_refused(tmp_path: Path) -> None:
    loaded = _loaded(
        tmp_path, {}, {"mitigations": [{"kind": "resending", "times": 5, "interval_ms": 200}]}, 10
    )
    problems = [p for p in check_configuration(loaded) if "do not fit" in p.message]
    assert [p.path for p in problems] == ["communities.0.platform.mitigations.0"]
