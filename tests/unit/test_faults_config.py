"""What can be wrong with faults in a scenario, and what the checks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.check import check_configuration
from cosim.engine.load import LoadedScenario
from cosim.engine.run import preflight
from cosim.engine.scenario import Scenario
from cosim.faults.kinds.interface import FAULTS
from cosim.faults.schema import FaultConfig, fault_names

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
CRASH = {"kind": "household_crash", "from_h": 1, "duration_h": 1}


def loaded(folder: Path, *faults: dict[str, Any], **more: Any) -> LoadedScenario:
    cost = {"kind": "consumption_only", "linear": 1.0, "target": 0.5}
    data: dict[str, Any] = {
        "name": "checked",
        "time": {"step_s": 3600, "steps": 24},
        "groups": [
            {"name": "homes", "households": 4, "cost": cost},
            {"name": "shops", "households": 2},
        ],
        "communities": [
            {"name": "village", "groups": ["homes"], "resources": [{"name": "x", "capacity": 1}]}
        ],
        "faults": list(faults),
    } | more
    return LoadedScenario(Scenario.model_validate(data), folder, "f.yaml", Document(data, "f.yaml"))


def problems(folder: Path, *faults: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    found = check_configuration(loaded(folder, *faults, **more))
    return [(problem.severity, problem.path, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"kind": "household_crash"}, "nothing says when"),
        (CRASH | {"rate_per_day": 1}, "belong together"),
        (CRASH | {"windows": [{"from_h": 1, "duration_h": 1}]}, "exclude each other"),
        ({"kind": "liar", "windows": [], "from_h": -1}, "at least 0"),
        (CRASH | {"share": 0.5, "count": 3}, "share and count exclude"),
        (CRASH | {"share": 0}, "more than 0"),
        (CRASH | {"state": "gone"}, "'kept' or 'lost'"),
        ({"kind": "platform_crash", "from_h": 1, "households": ["h001"]}, "Extra inputs"),
        ({"kind": "clock", "from_h": 1}, "changes nothing"),
        ({"kind": "churn", "file": "t.csv", "from_h": 1}, "the file gives the times"),
        ({"kind": "churn", "from_h": 1, "separator": ";"}, "no file for separator"),
        ({"kind": "loss_burst", "from_h": 1}, "loss_probability"),
        ({"kind": "loss_burst", "from_h": 1, "loss_probability": 1.2}, "at most 1"),
        ({"kind": "earthquake", "from_h": 1}, "earthquake"),
    ],
)
def test_what_a_fault_must_fulfil_by_itself(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FAULT.validate_python(raw)


def test_names_are_given_or_made() -> None:
    faults = [CRASH, CRASH | {"name": "storm"}, {"kind": "churn", "from_h": 1}, CRASH]
    made = fault_names(tuple(FAULT.validate_python(fault) for fault in faults))
    assert made == ("household_crash_1", "storm", "churn_1", "household_crash_2")


@pytest.mark.parametrize(
    ("fault", "severity", "path", "message"),
    [
        (CRASH | {"households": ["h009"]}, "error", "faults.0.households.0", "no household of this name"),
        (CRASH | {"groups": ["homs"]}, "error", "faults.0.groups.0", "no group of this name"),
        (
            {"kind": "platform_crash", "from_h": 1, "communities": ["town"]},
            "error",
            "faults.0.communities.0",
            "no community",
        ),
        (CRASH | {"count": 7}, "error", "faults.0.count", "7 households of 6"),
        ({"kind": "liar", "from_h": 1, "count": 5}, "error", "faults.0.count", "5 households of 4"),
        (
            {"kind": "liar", "from_h": 1, "groups": ["shops"]},
            "error",
            "faults.0",
            "none of the households it names belongs to a community",
        ),
        (CRASH | {"from_h": 24}, "warning", "faults.0.from_h", "the run ends at 24 h"),
        (
            {"kind": "churn", "windows": [{"from_h": 2, "duration_h": 3}, {"from_h": 30, "duration_h": 1}]},
            "warning",
            "faults.0.windows.1.from_h",
            "begins at 30 h",
        ),
        (
            {"kind": "churn", "windows": [{"from_h": 2, "duration_h": 3}, {"from_h": 4, "duration_h": 1}]},
            "warning",
            "faults.0.windows",
            "overlap at 4 h",
        ),
        (
            {"kind": "clock", "from_h": 1, "offset_ms": -3_600_000},
            "error",
            "faults.0.offset_ms",
            "a whole step",
        ),
        (
            {"kind": "clock", "from_h": 1, "duration_h": 10, "drift_ppm": 110_000},
            "error",
            "faults.0.drift_ppm",
            "off by 3960000 ms at the fault's end",
        ),
        (
            {"kind": "clock", "from_h": 20, "drift_ppm": -1_000_000},
            "error",
            "faults.0.drift_ppm",
            "off by 14400000 ms",
        ),
        (
            {"kind": "clock", "rate_per_day": 1, "mean_duration_h": 2, "drift_ppm": 600_000},
            "error",
            "faults.0.drift_ppm",
            "at the end of its mean length",
        ),
        (
            {"kind": "clock", "from_h": 1, "offset_ms": 2e6, "jitter_ms": 2e6},
            "error",
            "faults.0.jitter_ms",
            "off by 4000000 ms",
        ),
        ({"kind": "partition", "from_h": 1, "buses": [3]}, "error", "faults.0.buses", "no grid"),
        (
            {"kind": "stuck_meter", "from_h": 1, "meter": "feeder"},
            "error",
            "faults.0.meter",
            "nothing reads",
        ),
        (
            {"kind": "stuck_meter", "from_h": 1, "meter": "feeder", "count": 1},
            "error",
            "faults.0",
            "belongs to no household",
        ),
        (
            {"kind": "loss_burst", "from_h": 1, "loss_probability": 1, "directions": ["peer"]},
            "warning",
            "faults.0.directions.0",
            "nothing is sent",
        ),
        ({"kind": "churn", "file": "absent.csv"}, "error", "faults.0.file", "no such file"),
    ],
)
def test_what_a_check_finds(
    tmp_path: Path, fault: dict[str, Any], severity: str, path: str, message: str
) -> None:
    found = problems(tmp_path, fault)
    assert any(s == severity and p == path and message in m for s, p, m in found), found


def test_a_market_that_is_not_there(tmp_path: Path) -> None:
    for kind in ("household_crash", "platform_crash", "liar"):
        found = problems(tmp_path, {"kind": kind, "from_h": 1}, communities=[])
        assert found == [("error", "faults.0", "there is no market that it could affect")]


def test_false_reports_to_a_platform_that_measures_by_meter(tmp_path: Path) -> None:
    community = {
        "name": "village",
        "groups": ["homes"],
        "resources": [{"name": "x", "capacity": 1}],
        "platform": {"measurement": "meter"},
    }
    found = problems(tmp_path, {"kind": "liar", "from_h": 1}, communities=[community])
    assert [(s, p) for s, p, _ in found] == [("warning", "faults.0")]


def test_churn_of_a_group_that_has_its_own_times(tmp_path: Path) -> None:
    cost = {"kind": "consumption_only", "linear": 1.0, "target": 0.5}
    groups = [{"name": "homes", "households": 4, "cost": cost, "membership": {"leaves_h": 4}}]
    found = problems(tmp_path, {"kind": "churn", "from_h": 1}, groups=groups)
    assert [(s, p) for s, p, _ in found] == [("error", "faults.0")]


def test_two_of_a_kind_at_one_time(tmp_path: Path) -> None:
    other = CRASH | {"from_h": 1.5}
    assert [(s, p) for s, p, _ in problems(tmp_path, CRASH, other)] == [("warning", "faults.1")]
    assert problems(tmp_path, CRASH, CRASH | {"from_h": 2}) == []
    assert problems(tmp_path, CRASH | {"groups": ["homes"]}, other | {"groups": ["shops"]}) == []
    # what adds up may be on together
    loss = {"kind": "loss_burst", "from_h": 1, "loss_probability": 0.5}
    assert problems(tmp_path, loss, loss) == []


def test_a_clock_within_a_step_is_none_of_the_problems(tmp_path: Path) -> None:
    """Offset and drift against each other count at their largest; after the run's end nothing drifts."""
    fine = [
        {"offset_ms": -3.5e6, "drift_ppm": 1e5, "duration_h": 10},
        {"offset_ms": -3.5e6, "jitter_ms": 3.5e6},
        {"from_h": 23.5, "duration_h": 1000, "drift_ppm": 1e6},
    ]
    for clock in fine:
        assert problems(tmp_path, {"kind": "clock", "from_h": 1} | clock) == [], clock


def test_a_household_cannot_wake_a_whole_step_late(tmp_path: Path) -> None:
    def found(jitter_ms: float) -> list[tuple[str, str]]:
        community = {"name": "v", "groups": ["homes"], "resources": [{"name": "x", "capacity": 1}]}
        given = problems(tmp_path, communities=[community | {"agent": {"jitter_ms": jitter_ms}}])
        return [(severity, path) for severity, path, _ in given]

    assert found(3_600_000) == [("error", "communities.0.agent.jitter_ms")]
    assert found(3_599_999) == []


def test_what_is_off_on_purpose_needs_no_warning(tmp_path: Path) -> None:
    late, loss = CRASH | {"from_h": 24}, {"kind": "loss_burst", "from_h": 1, "loss_probability": 1}
    warned = [late, CRASH, CRASH, loss | {"directions": ["peer"]}]
    assert {severity for severity, _, _ in problems(tmp_path, *warned)} == {"warning"}
    assert problems(tmp_path, *(fault | {"enabled": False} for fault in warned)) == []
    # one that is on does not overlap with one that is off
    assert problems(tmp_path, CRASH, CRASH | {"enabled": False}) == []
    # but a name that is not there is wrong either way
    wrong = problems(tmp_path, CRASH | {"enabled": False, "groups": ["homs"]})
    assert [(severity, path) for severity, path, _ in wrong] == [("error", "faults.0.groups.0")]


def test_one_name_for_two(tmp_path: Path) -> None:
    found = problems(tmp_path, CRASH | {"name": "a"}, {"kind": "churn", "from_h": 9, "name": "a"})
    assert [(s, p) for s, p, _ in found] == [("error", "faults.1.name")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("household,leaves_h\nh001,1\n", 1, "no column 'joins_h'"),
        ("household,leaves_h,joins_h\nh001,one,2\n", 2, "not valid times"),
        ("household,leaves_h,joins_h\nh001,3,2\n", 2, "not valid times"),
        ("household,leaves_h,joins_h\nh001,1,2\nh0010,1,2\n", 3, "no household"),
        ("household,leaves_h,joins_h\nh001\n", 2, "not valid times"),
    ],
)
def test_a_trace_that_cannot_be_read(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / "trace.csv").write_text(text)
    given = loaded(tmp_path, {"kind": "churn", "file": "trace.csv"})
    with pytest.raises(InputError) as raised:
        build(given)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line, problem.path) == ("trace.csv", line, "faults.0.file")
    assert message in problem.message
    # `cosim check` says the same.
    assert [one for one in preflight(given) if one.severity == "error"] == [problem]


@pytest.mark.parametrize(
    "content", [b"household,leaves_h,joins_h\nh\xfc01,1,2\n", b"household\x00,leaves_h\n"]
)
def test_a_trace_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trace.csv").write_bytes(content)
    with pytest.raises(InputError) as raised:
        build(loaded(tmp_path, {"kind": "churn", "file": "trace.csv"}))
    (problem,) = raised.value.problems
    assert problem.path == "faults.0.file"
    assert "trace.csv" in (problem.file, problem.value)


def test_a_file_of_latencies_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "ping.csv").write_bytes(b"latency_ms\n1\xfc\n")
    link = {"default": {"latency": {"kind": "trace", "file": "ping.csv", "column": "latency_ms"}}}
    with pytest.raises(InputError, match=r"not encoded as UTF-8 \(byte 0xFC\)"):
        build(loaded(tmp_path, comms=link))
    # what a spreadsheet puts in front is no part of the first column's name
    (tmp_path / "ping.csv").write_bytes(b"\xef\xbb\xbflatency_ms\n12\n")
    build(loaded(tmp_path, comms=link))


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_fault_written_out_with_every_key_is_the_same_fault(kind: str) -> None:
    """As a run's own scenario.yaml holds it."""
    needed: dict[str, Any] = {
        "loss_burst": {"loss_probability": 0.5},
        "duplication": {"duplication_probability": 0.5},
        "replay": {"replay_probability": 0.5, "delay_ms": 1e8},
        "liar": {"count": 3, "reports": "inverted"},
        "clock": {"share": 0.3, "jitter_ms": 3e6},
        "partition": {"share": 0.3},
        "non_complier": {"share": 0.1},
    }
    adapter: TypeAdapter[Any] = TypeAdapter(FaultConfig)
    made = adapter.validate_python({"kind": kind, "from_h": 1, "duration_h": 2, **needed.get(kind, {})})
    assert adapter.validate_python(made.model_dump(mode="json")) == made
