r"""What each kind of fault does, step by step, in a community of three.

::

                    ┌──Ω──► h001 ──x──┐
      platform ─────┼──Ω──► h002 ──x──┼───► platform       a minute each way
      ticks at k h  └──Ω──► h003 ──x──┘
                            decide at k h, report x(k) then

Signals are so high that everybody always wants a unit, and x(0) = 0. So x(k) = 1 from k = 1 on, but for the
faults.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cosim.comms.subsystem import Comms
from cosim.config.yaml_reader import Document
from cosim.core.clock import MS_PER_HOUR, Priority, to_ms, wait_until
from cosim.core.delivery import PARTS
from cosim.engine.builder import Parts, build
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.engine.simulation import Simulation
from cosim.regulation.agent import Agent
from cosim.regulation.community import Community
from cosim.regulation.platform import Platform
from cosim.regulation.subsystem import Regulation
from cosim.results.store import RunStore

N_STEPS = 8
UNIT_HOUR = PARTS * MS_PER_HOUR
MINUTE_H = 1 / 60


class Log(NamedTuple):
    """What happened; hours since the start."""

    decided: dict[int, list[float]]
    reported: dict[int, list[tuple[int, float]]]
    ticks: list[int]
    measured: list[float]
    parts: Parts
    seen: dict[float, Any]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Log]:
    """Runs the community with faults; `look` is called with the parts at the hours `at`."""
    numbers = count()

    def run(
        *faults: dict[str, Any],
        at: tuple[float, ...] = (),
        look: Callable[[Parts], Any] = lambda parts: None,
        agent: dict[str, Any] | None = None,
        platform: dict[str, Any] | None = None,
        link: dict[str, Any] | None = None,
    ) -> Log:
        loaded = scenario(tmp_path, list(faults), agent or {}, platform or {}, link or {})
        parts = build(loaded)
        env = parts.env
        log = Log({0: [], 1: [], 2: []}, {0: [], 1: [], 2: []}, [], [], parts, {})

        def hours() -> float:
            return round(env.now / MS_PER_HOUR, 4)

        decide, hear, tick = Agent._decide, Platform.hear_report, Platform.tick

        def deciding(self: Agent, step: int) -> Any:
            log.decided[self.household].append(hours())
            return decide(self, step)

        def hearing(self: Platform, household: int, step: int, report: Any) -> None:
            log.reported[household].append((step, report.delivered[0]))
            hear(self, household, step, report)

        def ticking(self: Platform, now_ms: int) -> Any:
            log.ticks.append(int(hours()))
            result = tick(self, now_ms)
            log.measured.append(result.measured[0])
            return result

        def looking() -> Any:
            for hour in at:
                yield wait_until(env, to_ms(hour, MS_PER_HOUR), Priority.END)
                log.seen[hour] = look(parts)

        store = RunStore(tmp_path / f"run_{next(numbers)}")
        simulation = Simulation(parts, store, lambda now, events: None)
        env.process(looking())
        with monkeypatch.context() as patch:
            patch.setattr(Agent, "_decide", deciding)
            patch.setattr(Platform, "hear_report", hearing)
            patch.setattr(Platform, "tick", ticking)
            simulation.run()
        return log

    return run


def community_of(parts: Parts) -> Community:
    """The community."""
    return parts.of(Regulation).communities[0]


def scenario(
    folder: Path, faults: list[Any], agent: dict[str, Any], platform: dict[str, Any], link: dict[str, Any]
) -> LoadedScenario:
    cost = {"kind": "consumption_only", "linear": 1.0, "target": 0.5}
    data = {
        "name": "faulty",
        "time": {"step_s": 3600, "steps": N_STEPS},
        "groups": [{"name": "homes", "households": 3, "cost": cost}],
        "communities": [
            {
                "name": "market",
                "groups": ["homes"],
                "resources": [{"name": "x", "capacity": 1}],
                "agent": {"initial_decision": 0, "initial_average": 0.25, **agent},
                "platform": {"gain": 0.001, "initial_signal": 100.0, **platform},
            }
        ],
        "comms": {"default": {"latency": {"kind": "constant", "latency_ms": 60_000}, **link}},
        "faults": faults,
    }
    return LoadedScenario(Scenario.model_validate(data), folder, "t.yaml", Document(data, "t.yaml"))


def one(kind: str, from_h: float = 2.5, duration_h: float = 3.0, **more: Any) -> dict[str, Any]:
    """A fault of the first household."""
    return {"kind": kind, "households": ["h001"], "from_h": from_h, "duration_h": duration_h, **more}


ALWAYS = [(0, 0.0), *((step, 1.0) for step in range(1, N_STEPS))]
"""What a household without fault reports."""


def test_without_faults(play: Callable[..., Log]) -> None:
    log = play()
    assert log.reported == {0: ALWAYS, 1: ALWAYS, 2: ALWAYS}
    assert log.ticks == list(range(N_STEPS))
    # What is reported at k arrives after the tick at k.
    assert log.measured == [0, 0, 3, 3, 3, 3, 3, 3]


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_household_that_is_down_misses_its_steps(play: Callable[..., Log], state: str) -> None:
    log = play(
        one("household_crash", state=state),
        at=(2.4, 2.6, 5.6, 6.5),
        look=lambda parts: community_of(parts).agents[0].state,
    )
    assert log.decided[0] == [0, 1, 2, 6, 7]
    assert log.decided[1] == list(range(N_STEPS))
    # Its unit of step 3 was promised at 2 h and delivered; then nothing, and the report of step 6 says so.
    assert log.reported[0] == [(0, 0.0), (1, 1.0), (2, 1.0), (6, 0.0), (7, 1.0)]
    # The platform holds its last report, 1, until the new one is there.
    assert log.measured == [0, 0, 3, 3, 3, 3, 3, 2]
    assert community_of(log.parts).total.integral(N_STEPS * MS_PER_HOUR, 0) == (3 * 8 - 3) * UNIT_HOUR


def test_a_household_that_keeps_its_state_has_the_averages_of_what_it_did(play: Callable[..., Log]) -> None:
    def look(parts: Parts) -> tuple[int, int, list[float], int]:
        state = community_of(parts).agents[0].state
        return state.step, state.taken, list(state.averages), state.signal_step

    # x̄(0) = 0.25, then x = 1, 1 by 2 h, 1 by 3 h, and 0, 0 by 5 h: (17) is their mean.
    log = play(one("household_crash", state="kept"), at=(2.4, 5.4, 5.6), look=look)
    assert log.seen[2.4] == (3, 3, [pytest.approx(2.25 / 3)], 3)
    assert log.seen[5.4] == (6, 6, [pytest.approx(3.25 / 6)], 3)  # no signal was heard meanwhile
    assert log.seen[5.6] == log.seen[5.4]


def test_a_household_that_loses_its_state_begins_anew_but_for_the_time(play: Callable[..., Log]) -> None:
    def look(parts: Parts) -> tuple[int, int, list[float], int, float]:
        state = community_of(parts).agents[0].state
        return state.step, state.taken, list(state.averages), state.signal_step, state.signals[0]

    log = play(one("household_crash", state="lost"), at=(5.6, 6.5), look=look)
    assert log.seen[5.6] == (6, 0, [0.25], 0, 100.0)
    assert log.seen[6.5][:4] == (7, 1, [0.25], 7)  # its first decision was taken from x̄(0) and Ω(0)


def test_who_is_down_acknowledges_nothing_and_forgets_what_it_would_repeat(play: Callable[..., Log]) -> None:
    """Reports get lost from 1.9 h on; each is repeated after 20 minutes, at most three times."""
    link = {"delivery": "at_least_once", "timeout_ms": 1_200_000, "retries": 3}
    burst = one("loss_burst", 1.9, 0.5, directions=["uplink"], loss_probability=1.0)

    def sent(log: Log) -> dict[str, tuple[int, int, int]]:
        rows = log.parts.of(Comms).network.tallies()
        counts = {row.link_name: (row.retransmitted, row.abandoned) for row in rows if row.kind != "ack"}
        total = {r.link: r.sent for r in log.parts.of(Comms).network.accounting() if r.kind != "ack"}
        return {name: (total[name], *counts[name]) for name in ("uplink/h001", "downlink/h001")}

    # Without a crash the report of 2 h gets through at its third repetition, and nothing is abandoned. Its
    # acknowledgements travel on the downlink; those for the signals, on the uplink, get lost too.
    assert sent(play(burst, link=link))["uplink/h001"] == (10, 2, 0)
    crashed = sent(play(burst, one("household_crash", 2.1, 0.5), link=link))
    # It has sent the report once, and went down before it was repeated.
    assert crashed["uplink/h001"] == (8, 0, 1)


def test_signals_to_a_household_that_is_down_are_repeated_in_vain(play: Callable[..., Log]) -> None:
    link = {"delivery": "at_least_once", "timeout_ms": 1_200_000, "retries": 1}
    log = play(one("household_crash", 2.5, 3.0), link=link)
    rows = {row.link_name: row for row in log.parts.of(Comms).network.tallies() if row.kind == "signal"}
    assert (rows["downlink/h001"].retransmitted, rows["downlink/h001"].abandoned) == (3, 3)
    assert (rows["downlink/h002"].retransmitted, rows["downlink/h002"].abandoned) == (0, 0)


@pytest.mark.parametrize("restart_from", ["saved_signal", "nothing"])
def test_a_platform_that_is_down(play: Callable[..., Log], restart_from: str) -> None:
    fault = {"kind": "platform_crash", "from_h": 2.5, "duration_h": 3, "restart_from": restart_from}
    log = play(
        fault,
        at=(1.5, 2.4, 4.0, 5.6),
        look=lambda parts: community_of(parts).platform.state.signals[0],
    )
    assert log.ticks == [0, 1, 2, 6, 7]
    assert [step for step, _ in log.reported[0]] == [0, 1, 2, 6, 7]
    assert log.seen[2.4] == pytest.approx(100 + 0.001 * (1 + 1 - 2))
    assert log.seen[4.0] == log.seen[2.4]
    if restart_from == "saved_signal":
        assert log.seen[5.6] == log.seen[2.4]
        # The reports of 2 h came after the tick that was saved: the newest known are x(1), all 1.
        assert log.measured == [0, 0, 3, 3, 3]
    else:
        assert log.seen[5.6] == 100.0
        assert log.measured == [0, 0, 3, 0, 3]  # nobody is known to do anything but x(0)


def test_a_platform_that_is_down_twice_at_once_is_up_when_both_have_ended(play: Callable[..., Log]) -> None:
    """Down from 1.5 h to 5.5 h; the one that ends first loses the state."""
    log = play(
        {"kind": "platform_crash", "from_h": 1.5, "duration_h": 2, "restart_from": "nothing"},
        {"kind": "platform_crash", "from_h": 2.5, "duration_h": 3, "restart_from": "saved_signal"},
        at=(4.0, 5.6),
        look=lambda parts: (
            community_of(parts).is_down,
            community_of(parts).platform.state.signals[0],
        ),
    )
    assert log.ticks == [0, 1, 6, 7]
    assert log.seen[4.0][0]
    assert log.seen[5.6] == (False, 100.0)
    assert log.measured[2] == 0


def test_signals_after_a_restart_from_nothing_are_taken(play: Callable[..., Log]) -> None:
    fault = {"kind": "platform_crash", "from_h": 2.5, "duration_h": 3, "restart_from": "nothing"}
    log = play(fault, at=(5.9, 6.5), look=lambda parts: community_of(parts).agents[0].state.signal_step)
    assert log.seen == {5.9: 3, 6.5: 7}


def test_who_leaves_and_comes_back_is_a_newcomer(play: Callable[..., Log]) -> None:
    def look(parts: Parts) -> tuple[int, float]:
        return len(community_of(parts).platform.state.members), parts.of(Regulation).communities[0].agents[
            0
        ].state.averages[0]

    log = play(one("churn"), at=(2.4, 2.6, 5.6), look=look)
    assert log.decided[0] == [0, 1, 2, 6, 7]
    assert log.seen == {2.4: (3, pytest.approx(0.75)), 2.6: (2, pytest.approx(0.75)), 5.6: (3, 0.25)}
    # The half step from 2 h is over when it leaves at 2.5 h.
    assert community_of(log.parts).total.integral(N_STEPS * MS_PER_HOUR, 0) == (3 * 8 - 4 + 0.5) * UNIT_HOUR


def test_who_is_away_for_less_than_a_step_still_decides_once_a_step(play: Callable[..., Log]) -> None:
    log = play(one("churn", 2.2, 0.3))
    assert log.decided[0] == list(range(N_STEPS))


def test_a_trace_says_who_leaves_when(play: Callable[..., Log], tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text(
        "household, leaves_h, joins_h\nh002, 1.5, 3.5\nh003, 4.5,\nh002, 0, 0.5\n"
    )
    log = play({"kind": "churn", "file": "trace.csv"})
    assert log.decided == {0: list(range(N_STEPS)), 1: [1, 4, 5, 6, 7], 2: [0, 1, 2, 3, 4]}


def test_a_clock_that_is_late_is_right_again_afterwards(play: Callable[..., Log]) -> None:
    log = play(one("clock", 2.5, 3, offset_ms=600_000))
    # The alarm of 3 h was set before the fault, that of 6 h 10 min before its end.
    assert log.decided[0] == pytest.approx([0, 1, 2, 3, 4 + 1 / 6, 5 + 1 / 6, 6 + 1 / 6, 7], abs=1e-3)


def test_a_clock_that_drifts(play: Callable[..., Log]) -> None:
    log = play(one("clock", 2.0, 4, drift_ppm=-20_000))  # it is fast: 72 s an hour
    assert log.decided[0] == pytest.approx([0, 1, 2, 2.98, 3.96, 4.94, 5.92, 6.9], abs=1e-3)


def test_a_clock_that_jitters(play: Callable[..., Log]) -> None:
    log = play(one("clock", 0.5, 6, jitter_ms=600_000))
    late = [when - k for k, when in enumerate(log.decided[0])]
    assert late[:2] == [0, 0]  # set before
    assert all(0 <= one <= 1 / 6 for one in late)
    assert len(set(late[2:6])) == 4


def test_a_partition_cuts_both_ways(play: Callable[..., Log]) -> None:
    log = play(
        one("partition"),
        at=(5.4,),
        look=lambda parts: community_of(parts).agents[0].state.signal_step,
    )
    assert log.decided[0] == list(range(N_STEPS))  # it goes on with what it knows
    assert log.seen[5.4] == 3
    assert [step for step, _ in log.reported[0]] == [0, 1, 2, 6, 7]
    lost = {r.link: r.lost for r in log.parts.of(Comms).network.accounting()}
    assert lost == {name: 3 * (name[-1] == "1") for name in lost}


def test_messages_that_come_twice_or_again_change_nothing(play: Callable[..., Log]) -> None:
    twice = {"kind": "duplication", "from_h": 2.5, "duration_h": 3, "duplication_probability": 1.0}
    again = {"kind": "replay", "from_h": 2.5, "duration_h": 3, "replay_probability": 1.0, "delay_ms": 7.2e6}
    log = play(twice, again)
    # Of the three reports sent meanwhile each comes three times, the third time two hours later.
    assert [step for step, _ in log.reported[0]] == [0, 1, 2, 3, 3, 4, 4, 3, 5, 5, 4, 6, 5, 7]
    assert log.measured == [0, 0, 3, 3, 3, 3, 3, 3]
    rows = log.parts.of(Comms).network.accounting()
    assert {(row.sent, row.duplicated, row.delivered) for row in rows} == {(8, 6, 14)}


@pytest.mark.parametrize(
    ("fault", "reported"),
    [
        (one("liar", reports="constant", value=50.0), [50.0] * 3),
        (one("liar", reports="inverted"), [0.0] * 3),
        (one("liar", reports="scaled", factor=-2.0), [-2.0] * 3),
        (one("stuck_meter", value=0.5), [0.5] * 3),
        (one("stuck_meter", 0.5, 5.0), [0.0] * 5),
    ],
)
def test_false_reports_change_what_is_measured_and_not_what_is_done(
    play: Callable[..., Log], fault: dict[str, Any], reported: list[float]
) -> None:
    log = play(fault)
    values = [value for _, value in log.reported[0]]
    first = 6 - len(reported)
    assert values[first:6] == reported
    assert values[6:] == [1.0, 1.0]
    assert log.measured[first + 1 : 7] == [2 + value for value in reported]
    assert community_of(log.parts).total.integral(N_STEPS * MS_PER_HOUR, 0) == 3 * 8 * UNIT_HOUR


def test_a_feeder_meter_that_sticks_shows_the_same_to_the_platform(play: Callable[..., Log]) -> None:
    stuck = {"kind": "stuck_meter", "meter": "feeder", "from_h": 2.5, "duration_h": 3}
    crash = {"kind": "household_crash", "from_h": 3.5, "duration_h": 9}
    log = play(stuck, crash, platform={"measurement": "meter"})
    # The meter is read at each full hour, and its message is there at the next tick.
    assert log.measured == [0, 0, 3, 3, 3, 3, 3, 0]
    assert play(crash, platform={"measurement": "meter"}).measured[-8:] == [0, 0, 3, 3, 3, 3, 0, 0]


@pytest.mark.parametrize(("takes", "values"), [("nothing", [0.0] * 3), ("everything", [1.0] * 3)])
def test_who_does_not_comply(play: Callable[..., Log], takes: str, values: list[float]) -> None:
    log = play(one("non_complier", takes=takes))
    assert log.reported[0] == [*ALWAYS[:4], *((4 + k, value) for k, value in enumerate(values)), (7, 1.0)]


def test_who_goes_on_as_before_takes_no_new_signal(play: Callable[..., Log]) -> None:
    log = play(
        one("non_complier", takes="as_before"),
        at=(5.4, 6.4),
        look=lambda parts: community_of(parts).agents[0].state.signal_step,
    )
    assert log.seen == {5.4: 3, 6.4: 7}


def test_faults_of_one_household_overlap(play: Callable[..., Log]) -> None:
    """Down from 1.5 h to 5.5 h by two crashes, one of which loses the state; nobody hears a lie meanwhile."""
    log = play(
        one("household_crash", 1.5, 2, state="lost"),
        one("household_crash", 2.5, 3, state="kept"),
        one("liar", 3, 1, value=9.0),
        at=(5.6,),
        look=lambda parts: community_of(parts).agents[0].state.taken,
    )
    assert log.decided[0] == [0, 1, 6, 7]
    assert log.reported[0] == [(0, 0.0), (1, 1.0), (6, 0.0), (7, 1.0)]
    assert log.seen[5.6] == 0
