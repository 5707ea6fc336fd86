"""Whom faults hit and when: drawn by the seed, the same for each household whoever else is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cosim.config.yaml_reader import Document
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.streams import Streams
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.faults.fault_plan import episodes, plan_faults
from cosim.faults.kinds import FaultEvent
from cosim.faults.kinds.failure_times import merged, random_windows
from cosim.faults.subsystem import surroundings
from cosim.households.placement import Placement

HOUR = MS_PER_HOUR


def plan(
    *faults: dict[str, Any], n: int = 10, days: float = 10, seed: int = 1, folder: Path = Path()
) -> tuple[FaultEvent, ...]:
    cost = {"kind": "consumption_only", "linear": 1.0, "target": 0.5}
    data = {
        "name": "planned",
        "seed": seed,
        "time": {"step_s": 3600, "duration_h": 24 * days},
        "groups": [{"name": "homes", "households": n, "cost": cost}],
        "communities": [{"name": "v", "groups": ["homes"], "resources": [{"name": "x", "capacity": 1}]}],
        "faults": list(faults),
    }
    loaded = LoadedScenario(Scenario.model_validate(data), folder, "", Document(data, ""))
    nowhere = Placement(tuple(range(n)), (None,) * n, ((),) * n, ())
    return plan_faults(loaded.scenario.faults, surroundings(loaded.scenario), nowhere, loaded.context)


def test_random_failures_are_exponential() -> None:
    """2,000 failures: gaps and lengths against their exponential distributions (Kolmogorov-Smirnov)."""
    windows = random_windows(Streams(3), "f", 4, (0, 2000 * MS_PER_DAY), 1.0, 2.0)
    starts, ends = np.array(windows).T
    assert np.all(starts[1:] >= ends[:-1])
    lengths, gaps = (ends - starts) / HOUR, np.diff(starts, prepend=0)
    gaps[1:] = starts[1:] - ends[:-1]
    assert stats.kstest(lengths, "expon", args=(0, 2.0)).pvalue > 0.01
    assert stats.kstest(gaps / MS_PER_DAY, "expon", args=(0, 1.0)).pvalue > 0.01
    # Renewal theory: failures a day are 1 / (mean gap + mean length).
    expected = 2000 / (1 + 2 / 24)
    assert abs(len(windows) - expected) < 4 * np.sqrt(expected)


def test_a_household_more_changes_no_other_times() -> None:
    fault = {"kind": "household_crash", "rate_per_day": 1, "mean_duration_h": 2}
    few, many = plan(fault, n=9), plan(fault, n=10)
    assert len(few) > 50
    assert few == tuple(event for event in many if event.target != "h010")
    assert {event.start_ms for event in few if event.target == "h001"}.isdisjoint(
        {event.start_ms for event in few if event.target == "h002"}
    )


def test_other_faults_change_nothing_either() -> None:
    fault = {"kind": "household_crash", "name": "a", "rate_per_day": 1, "mean_duration_h": 2, "share": 0.5}
    alone = plan(fault)
    both = plan({"kind": "liar", "from_h": 3, "share": 0.2}, fault)
    assert alone == tuple(event for event in both if event.name == "a")


def test_a_rate_within_a_time() -> None:
    fault = {"kind": "churn", "rate_per_day": 10, "mean_duration_h": 1, "from_h": 48, "duration_h": 24}
    starts = [event.start_ms for event in plan(fault)]
    assert min(starts) >= 48 * HOUR
    assert max(starts) < 72 * HOUR


def test_shares_are_nested_and_exact() -> None:
    def hit(**whom: Any) -> set[str]:
        return {e.target for e in plan({"kind": "household_crash", "name": "a", "from_h": 1, **whom}, n=40)}

    shares = [hit(share=share) for share in (0.1, 0.25, 0.5, 1.0)]
    assert [len(one) for one in shares] == [4, 10, 20, 40]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert hit(count=10) == shares[1]
    assert hit(count=3, households=["h001", "h002", "h003", "h004"]) <= {"h001", "h002", "h003", "h004"}


def test_links_and_platforms_fail_as_one() -> None:
    events = plan(
        {"kind": "loss_burst", "loss_probability": 1, "rate_per_day": 3, "mean_duration_h": 1, "share": 0.5},
        {"kind": "platform_crash", "rate_per_day": 1, "mean_duration_h": 1},
    )
    bursts = [event for event in events if event.fault.kind == "loss_burst"]
    assert len(bursts) > 4
    assert {event.members for event in bursts} == {bursts[0].members}
    assert bursts[0].target == "links of 5 households of 10 (downlink, uplink, peer)"
    assert {event.target for event in events if event.fault.kind == "platform_crash"} == {"v"}


def test_a_partition_by_buses() -> None:
    (event,) = plan({"kind": "partition", "buses": [2, 5], "households": ["h001"], "from_h": 1})
    assert event.members == (0, 2, 5)
    assert event.end_ms == 240 * HOUR


@pytest.mark.parametrize(
    ("windows", "expected"),
    [([], []), ([(3, 5), (1, 2)], [(1, 2), (3, 5)]), ([(1, 3), (2, 5), (5, 6)], [(1, 6)])],
)
def test_merged(windows: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert merged(windows) == expected


def test_episodes_are_the_times_in_which_anything_is_on() -> None:
    times = [{"from_h": 1, "duration_h": 2}, {"from_h": 5, "duration_h": 1}]
    events = plan({"kind": "household_crash", "name": "a", "windows": times, "count": 3})
    assert len(events) == 6
    assert episodes(events, "a") == [(1 * HOUR, 3 * HOUR), (5 * HOUR, 6 * HOUR)]


def test_what_is_not_enabled_leaves_no_trace() -> None:
    crash = {"kind": "household_crash", "from_h": 1, "duration_h": 1, "count": 3}
    liar = {"kind": "liar", "rate_per_day": 2, "mean_duration_h": 1}
    off = crash | {"enabled": False}
    assert plan(off) == ()
    # Names count those that are off, too, so switching one on changes the draws of no other.
    on = [event for event in plan(crash, crash, liar) if event.name != "household_crash_1"]
    assert list(plan(off, crash, liar)) == on


def test_a_fault_lasts_a_millisecond_at_least(tmp_path: Path) -> None:
    """Else it would end before it begins, and never."""
    moment = {"kind": "household_crash", "from_h": 1, "duration_h": 1e-8}
    (event,) = plan(moment, n=1)
    assert (event.start_ms, event.end_ms) == (HOUR, HOUR + 1)
    (event,) = plan({"kind": "clock", "offset_ms": 1, "windows": [{"from_h": 1, "duration_h": 1e-8}]}, n=1)
    assert (event.start_ms, event.end_ms) == (HOUR, HOUR + 1)
    (tmp_path / "t.csv").write_text("household,leaves_h,joins_h\nh001,1,1.00000001\n")
    (event,) = plan({"kind": "churn", "file": "t.csv"}, n=1, folder=tmp_path)
    assert (event.start_ms, event.end_ms) == (HOUR, HOUR + 1)
