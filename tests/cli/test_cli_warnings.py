"""What is doubtful is told with its place, and does not keep a scenario from running."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.api.built_in import without_folder
from cosim.config.library import shelf_folder
from cosim.core.context import TimeAxis
from cosim.regulation import energy_balance
from cosim.regulation.design import capacities_at_times
from cosim.regulation.schema import CommunityConfig

WITH_BATTERIES = (
    "{kind: constant, p_kw: 0.4}",
    "{kind: constant, p_kw: 0.4}\n    pv: {kind: csv, file: sun.csv, kwp: 1}\n    battery: {capacity_kwh: 5}",
)


def sun(folder: Path, kw: float) -> None:
    rows = [f"2016-01-01T{hour:02d}:00:00Z,{kw}\n" for hour in range(4)]
    (folder / "sun.csv").write_text("time,roof [kW]\n" + "".join(rows))


def warnings(cosim: Callable, source: str, *arguments: str) -> list[str]:
    ended = cosim("check", source, *arguments)
    assert ended.code == 0, ended.err
    n = len(ended.problems)
    assert ended.out == f"{source}: no errors, {n} warning{'s' * (n != 1)}\n"
    assert all(line.startswith("warning ") for line in ended.problems)
    return [line.removeprefix("warning ") for line in ended.problems]


def test_assumption_1_names_who_breaks_it_where_a_policy_multiplies(cosim: Callable, write: Callable) -> None:
    cost = "{kind: section6_community_2, a: 0, b: {each: [0, 15, 15]}}"
    costs = ("{kind: separable, linear: 6, own_quadratic: 1, target: 0.5}", cost)
    assert warnings(cosim, write(costs)) == [], "an additive policy needs no costs that increase"
    policy = (
        "groups: [homes]",
        "groups: [homes]\n    agent: {policy: proportional}\n    platform: {gain: 0.01}",
    )
    warning, *_ = warnings(cosim, write(costs, policy))
    assert warning.startswith("s.yaml:12: communities.0.groups: Assumption 1 of paper A fails on (0, 1] ")
    assert "for 2 households (h002, h003); " in warning


def test_a_gain_beyond_the_stable_limit(cosim: Callable, write: Callable) -> None:
    source = write(("groups: [homes]", "groups: [homes]\n    platform: {gain: {margin: 1.5}}"))
    told = warnings(cosim, source)
    assert len(told) == 2
    assert all(line.startswith("s.yaml:13: communities.0.platform.gain: the gain ") for line in told)
    assert "is 1.50 times the largest stable one" in told[0]
    assert "'use'" in told[0]
    assert "'sale'" in told[1]
    assert told[0].endswith("or `gain: {margin: 0.3}`.")


FROM_REST = ("groups: [homes]", "groups: [homes]\n    agent: {initial_decision: 0}")


def test_batteries_before_the_first_decision(cosim: Callable, write: Callable, folder: Path) -> None:
    sun(folder, 0.5)
    ended = cosim(
        "check", write(WITH_BATTERIES, ("{name: use, capacity: 1}", "{name: use, capacity: 2, unit_kwh: 1}"))
    )
    assert ended.code == 2
    assert "before the first decision no device delivers anything" in ended.err


def test_batteries_that_are_too_weak(cosim: Callable, write: Callable, folder: Path) -> None:
    sun(folder, 3)
    large = ("{name: use, capacity: 1}", "{name: use, capacity: 1, unit_kwh: 50}")
    assert any(
        "can give that much" in warning
        for warning in warnings(cosim, write(WITH_BATTERIES, FROM_REST, large))
    )


def test_batteries_that_will_stand_empty(cosim: Callable, write: Callable, folder: Path) -> None:
    sun(folder, 0.5)
    source = write(
        WITH_BATTERIES, FROM_REST, ("{name: use, capacity: 1}", "{name: use, capacity: 2, unit_kwh: 1}")
    )
    (warning,) = warnings(cosim, source)
    assert warning.startswith("s.yaml:16: communities.0.resources: in 1 of 1 week the batteries will")
    assert "take 48 kWh a day" in warning
    assert "will be empty" in warning


def test_steps_of_a_tenth_of_a_second_are_judged_in_bundles(
    cosim: Callable, write: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sun(folder, 0.5)
    asked: list[int] = []
    told = []
    for step_s, unit_kwh in ((3600, 1.0), (0.1, 1.0 / 36_000)):
        use = ("{name: use, capacity: 1}", f"{{name: use, capacity: 2, unit_kwh: {unit_kwh!r}}}")
        source = write(
            WITH_BATTERIES, FROM_REST, use, ("step_s: 3600\n  steps: 4", f"step_s: {step_s}\n  duration_h: 4")
        )
        told += warnings(cosim, source)[-1:]
        monkeypatch.setattr(energy_balance, "capacities_at_times", counted(asked))
    assert "take 48 kWh a day" in told[0]
    assert told[1] == told[0]
    assert 0 < len(asked) <= 24 * 360


def counted(asked: list[int]) -> Callable:
    """Capacities at given times, which are noted."""

    def at_times(community: CommunityConfig, times_ms: Any, time: TimeAxis) -> Any:
        asked.extend(times_ms)
        return capacities_at_times(community, times_ms, time)

    return at_times


@pytest.mark.parametrize(("grid_kw", "is_enough"), [(0.1, False), (1.0, True)])
def test_the_grid_may_fill_the_batteries(
    cosim: Callable, write: Callable, folder: Path, grid_kw: float, is_enough: bool
) -> None:
    sun(folder, 0.5)
    use = ("{name: use, capacity: 1}", "{name: use, capacity: 1, unit_kwh: 0.5}")
    battery = (
        "capacity_kwh: 5",
        f"capacity_kwh: 20, charge_from: surplus_and_grid, grid_charge_kw: {grid_kw}",
    )
    told = warnings(cosim, write(WITH_BATTERIES, FROM_REST, use, battery))
    assert len(told) == (not is_enough)
    assert is_enough or "PV surplus and grid together" in told[0]


def test_batteries_that_will_stand_full(cosim: Callable, write: Callable, folder: Path) -> None:
    sun(folder, 3)
    small = ("{name: use, capacity: 1}", "{name: use, capacity: 1, unit_kwh: 0.001}")
    source = write(WITH_BATTERIES, FROM_REST, small)
    (warning,) = warnings(cosim, source)
    assert "be full" in warning


def test_batteries_that_never_charge(cosim: Callable, write: Callable) -> None:
    battery = "{kind: constant, p_kw: 0.4}\n    battery: {capacity_kwh: 5}"
    (warning,) = warnings(cosim, write(("{kind: constant, p_kw: 0.4}", battery)))
    assert warning.startswith("s.yaml:10: groups.0.battery: a battery that charges only from surplus")


def test_charging_from_a_grid_that_was_not_asked_for(cosim: Callable, write: Callable, folder: Path) -> None:
    sun(folder, 3)
    battery = ("capacity_kwh: 5", "capacity_kwh: 5, grid_charge_kw: 2")
    told = warnings(cosim, write(WITH_BATTERIES, FROM_REST, battery))
    assert any("battery.grid_charge_kw: grid_charge_kw does nothing while" in warning for warning in told)


def test_warnings_do_not_keep_from_running_and_quiet_leaves_them_out(
    cosim: Callable, write: Callable
) -> None:
    source = write(("groups: [homes]", "groups: [homes]\n    platform: {gain: {margin: 1.5}}"))
    ended = cosim("run", source, "--out", "loud")
    assert (ended.code, len(ended.problems)) == (0, 2)
    ended = cosim("run", source, "--out", "quiet", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_all_built_in_scenarios_are_without_error(cosim: Callable, every: int) -> None:
    listed = cosim("scenarios").out.partition("\n\n")[0].splitlines()  # below the blank line: sweeps
    assert len(listed) >= 7
    for line in listed[::every]:
        ended = cosim("check", line.split()[0])
        assert ended.code == 0, ended.err


def test_own_use_beyond_what_the_load_takes(cosim: Callable, write: Callable, folder: Path) -> None:
    """Three homes of 0.4 kW take 1.2 kWh an hour; the sun covers all of it where it gives 0.5 kW."""
    own = "{name: use, capacity: 2, unit_kwh: 1, serves: own_load}"
    sun(folder, 0.5)
    source = write(WITH_BATTERIES, FROM_REST, ("{name: use, capacity: 1}", own))
    told = [warning for warning in warnings(cosim, source) if "own use" in warning]
    assert len(told) == 1
    assert (
        "in week 1 capacities ask 48 kWh a day for it, 48 of which the households cannot take at the time"
        in told[0]
    )
    sun(folder, 0.1)
    told = [warning for warning in warnings(cosim, source) if "own use" in warning]
    assert "ask 48 kWh a day for it, 26 of which the households cannot take at the time" in told[0]


LOST = "{kind: bernoulli, loss_probability: 1}"
FINE = "{kind: none}"


def of_links(cosim: Callable, write: Callable, comms: str, *exchanges: tuple[str, str]) -> list[str]:
    """What is doubted of the links of three members and, where a second group is added, two others."""
    told = warnings(cosim, write(("report:", f"comms: {comms}\nreport:"), *exchanges))
    assert all(".comms." in line.replace(" ", ".") for line in told), told
    return [line.partition(": ")[2] for line in told]


METERED = ("groups: [homes]", "groups: [homes]\n    platform: {measurement: meter}")
SECOND = (
    "communities:",
    "  - {name: others, households: 2, load: {kind: constant, p_kw: 0.4}}\ncommunities:",
)


@pytest.mark.parametrize(
    ("comms", "exchanges", "expected"),
    [
        (
            f"{{default: {{loss: {LOST}}}}}",
            [],
            "comms.default.loss: every message is lost on downlinks of 3 households and uplinks of "
            "3 households. Lower",
        ),
        (
            f"{{default: {{loss: {LOST}}}, overrides: [{{household: h002, loss: {FINE}}}]}}",
            [METERED],
            "comms.default.loss: every message is lost on downlinks of 2 households, uplinks of 2 households "
            "and the meter's link. ",
        ),
        (
            f"{{default: {{loss: {LOST}}}, overrides: [{{loss: {FINE}}}]}}",
            [],
            "comms.default.loss: the default link loses every message, and overrides undo that on all links",
        ),
        (
            f"{{default: {{loss: {LOST}}}, overrides: [{{direction: downlink, loss: {FINE}}}, "
            f"{{direction: uplink, group: homes, loss: {FINE}}}]}}",
            [SECOND],
            "comms.default.loss: the default link loses every message, and overrides undo that on all links",
        ),
        (
            "{default: {loss: {kind: gilbert_elliott, probability_good_to_bad: 0.1, "
            "probability_bad_to_good: 0}}}",
            [],
            "comms.default.loss: every message is lost on",
        ),
        (
            "{default: {loss: {kind: gilbert_elliott, probability_good_to_bad: 0, "
            "probability_bad_to_good: 1, loss_probability_good: 1, loss_probability_bad: 0}}}",
            [],
            "comms.default.loss: every message is lost on downlinks of 3",
        ),
        (
            f"{{overrides: [{{direction: uplink, household: h003, loss: {LOST}}}]}}",
            [],
            "comms.overrides.0.loss: every message is lost on uplinks of 1 household. ",
        ),
        (
            "{overrides: [{direction: peer, retries: 1}]}",
            [],
            "comms.overrides.0: this override has no effect: no message is sent over a link that it covers. "
            "Remove it; messages go over downlinks and uplinks.",
        ),
        (
            "{overrides: [{direction: meter, retries: 1}]}",
            [],
            "comms.overrides.0: this override has no effect: no message is sent",
        ),
        (
            "{overrides: [{group: others, retries: 1}]}",
            [SECOND],
            "comms.overrides.0: this override has no effect: no message is sent",
        ),
        (
            "{overrides: [{group: others, household: h001, retries: 1}]}",
            [SECOND],
            "comms.overrides.0: h001 is in the group 'homes', so this override never applies. ",
        ),
        (
            "{overrides: [{group: homes, retries: 1}, {direction: uplink, retries: 2}, "
            "{group: homes, retries: 4}]}",
            [],
            "comms.overrides.1: this override has no effect: more specific or later ones replace all",
        ),
        (
            "{default: {latency: {kind: exponential, mean_ms: 9}}, "
            "overrides: [{latency: {kind: constant, latency_ms: 5}}]}",
            [],
            "comms.default.latency: overrides replace this on every link in use, so that no link has it. ",
        ),
    ],
)
def test_links_that_cannot_be_meant(
    cosim: Callable, write: Callable, comms: str, exchanges: list[tuple[str, str]], expected: str
) -> None:
    told = of_links(cosim, write, comms, *exchanges)
    assert [line for line in told if line.startswith(expected)], told


@pytest.mark.parametrize(
    "comms",
    [
        "{default: {loss: {kind: bernoulli, loss_probability: 0.999}}}",
        "{default: {retries: 3}, overrides: [{retries: 2}]}",  # as without the key
        "{default: {retries: 5}, overrides: [{direction: uplink, retries: 2}]}",
        "{overrides: [{direction: uplink, retries: 2}, {household: h001, retries: 4}]}",
        "{default: {loss: {kind: gilbert_elliott, probability_good_to_bad: 0.1, "
        "probability_bad_to_good: 0, loss_probability_bad: 0.9}}}",
    ],
)
def test_links_that_can_be_meant(cosim: Callable, write: Callable, comms: str) -> None:
    assert of_links(cosim, write, comms) == []


def test_what_is_said_of_links_does_not_depend_on_how_they_are_written(
    cosim: Callable, write: Callable, folder: Path
) -> None:
    """The scenario that a run leaves gives every value; the doubts are the same."""
    overrides = "[{direction: peer, retries: 1}, {retries: 2}]"
    comms = f"{{default: {{loss: {LOST}, retries: 5}}, overrides: {overrides}}}"
    told = of_links(cosim, write, comms)
    assert cosim("run", "s.yaml", "--out", "ran", "--quiet").code == 0
    again = [line.split(": ", 2)[1:] for line in warnings(cosim, "ran/scenario.yaml")]
    assert again == [line.split(": ", 1) for line in told]
    assert len(again) == 3


def test_a_built_in_scenario_is_told_by_the_name_of_its_file() -> None:
    told = "storage_village.yaml:53: grid.network: something"
    assert without_folder(f"{shelf_folder('scenarios')}/{told}") == told
    assert without_folder(f"/home/me/{told}") == f"/home/me/{told}"
