"""The points of a sweep: every combination, or a sample that fills the axes evenly."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.config.dump import flow_yaml
from cosim.config.library import names
from cosim.config.yaml_reader import parse_yaml
from cosim.core.errors import SimulationError
from cosim.engine.load import load_scenario
from cosim.study.sweep.folder import SweepFolder
from cosim.study.sweep.load_sweep import load_sweep
from cosim.study.sweep.point import PointResult
from cosim.study.sweep.points_table import points_columns, write_points
from cosim.study.sweep.samples import unit_points
from cosim.study.sweep.schema import NumberRange, SampleConfig, SweepConfig
from cosim.study.sweep.sweep_check import check_points
from cosim.study.sweep.sweep_plan import SweepPlan, plan_sweep


def plan(tmp_path: Path, text: str) -> SweepPlan:
    (tmp_path / "s.yaml").write_text("name: s\nbase: section6_additive\n" + text, encoding="utf-8")
    return plan_sweep(load_sweep("s.yaml", tmp_path))


def test_every_combination_the_first_axis_slowest_the_seeds_within(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "axes:\n  - {path: time.steps, values: [3, 4]}\n"
        "  - {name: resource, cases: {a: {communities.0.resources.0.capacity: 7}, b: {}}}\n"
        "seeds: {first: 8, count: 3}\n",
    )
    seen = [(*point.combination.cells, point.seed) for point in made.points]
    assert seen == list(itertools.product([3, 4], ["a", "b"], [8, 9, 10]))
    for point in made.points:
        steps, case, seed = *point.combination.cells, point.seed
        scenario = made.scenario(point).scenario
        assert (scenario.time.steps, scenario.seed) == (steps, seed)
        assert scenario.communities[0].resources[0].capacity == (7 if case == "a" else 90)


def test_without_axes_and_seeds_it_is_the_base_itself(tmp_path: Path) -> None:
    made = plan(tmp_path, "keep: summary\n")
    (point,) = made.points
    assert made.scenario(point).scenario == load_scenario("section6_additive").scenario
    assert made.command(point) == "cosim run section6_additive"
    assert points_columns(made, {0: PointResult(0, "done")})["seed"] == [1]


def test_later_values_go_over_earlier_ones_and_none_leaks_into_another_point(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "set: {comms.default.latency: {kind: constant, latency_ms: 5}}\n"
        "axes: [{path: comms.default.latency.latency_ms, values: [6, 7]}]\n",
    )
    latencies = [made.scenario(point).scenario.comms.default.latency.latency_ms for point in made.points]
    assert latencies == [6, 7]
    assert [made.scenario(p).scenario.comms.default.latency.latency_ms for p in reversed(made.points)] == [
        7,
        6,
    ]


@pytest.mark.parametrize(
    ("given_", "numbers"),
    [
        ({"start": 0, "stop": 4, "count": 5}, [0, 1, 2, 3, 4]),
        ({"start": 0, "stop": 0.5, "count": 6}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"start": 0, "stop": 1, "count": 3}, [0.0, 0.5, 1.0]),
        ({"start": 1, "stop": 1000, "count": 4, "scale": "log"}, [1, 10, 100, 1000]),
        ({"start": 4, "stop": 1, "count": 1}, [4]),
    ],
)
def test_ranges(given_: dict[str, Any], numbers: list[float]) -> None:
    made = NumberRange.model_validate(given_).numbers()
    assert made == numbers
    assert [type(number) for number in made] == [type(number) for number in numbers]


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_a_sample_has_one_point_in_every_slice_of_every_axis(method: Any) -> None:
    points = unit_points(SampleConfig(method=method, points=64, seed=5), 3)
    for column in points.T:
        assert sorted(np.floor(64 * column)) == list(range(64))
    again = unit_points(SampleConfig(method=method, points=64, seed=5), 3)
    other = unit_points(SampleConfig(method=method, points=64, seed=6), 3)
    assert np.array_equal(points, again)
    assert not np.array_equal(points, other)


def test_a_sample_of_numbers_whole_numbers_and_cases(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "axes:\n"
        "  - {path: comms.default.loss.loss_probability, between: [0.001, 0.1], scale: log}\n"
        "  - {path: time.steps, between: [3, 6], integer: true}\n"
        "  - {name: policy, cases: {a: {communities.0.agent.policy: additive}, p: {}}}\n"
        "set: {comms.default.loss: {kind: bernoulli, loss_probability: 0}}\n"
        "sample: {method: latin_hypercube, points: 40}\n"
        "seeds: [1, 2]\n",
    )
    cells = [combination.cells for combination in made.combinations]
    assert len(cells) == 40
    assert len(made.points) == 80
    losses, steps, policies = zip(*cells, strict=True)
    assert Counter(policies) == {"a": 20, "p": 20}
    assert Counter(steps) == dict.fromkeys((3, 4, 5, 6), 10)
    assert sum(loss < 0.01 for loss in losses) == 20, "as many below the geometric mean as above"
    assert not check_points(made).problems


def test_columns_of_one_type(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "axes:\n"
        "  - {name: mixed, path: communities.0.platform.gain, values: [1, {margin: 0.2}]}\n"
        "  - {name: messages_sent, path: time.steps, values: [2, 3]}\n",
    )
    results = {n: PointResult(n, "done", "", {"messages_sent": n, "b": None}) for n in (3, 1, 0)}
    columns = points_columns(made, results)
    assert list(columns) == [
        "point",
        "mixed",
        "messages_sent",
        "seed",
        "status",
        "cause",
        "b",
        "summary_messages_sent",
    ]
    assert columns["point"] == [0, 1, 3]
    assert columns["mixed"] == ["1", "1", '{"margin": 0.2}']
    assert columns["summary_messages_sent"] == [0, 1, 3]


def test_a_cause_may_hold_any_character(tmp_path: Path) -> None:
    """A line of what is finished ends where it was ended, and not at what some readers take for an end."""
    made = plan(tmp_path, "axes: [{path: time.steps, values: [2, 3]}]\n")
    odd = PointResult(1, "failed", "one\u2028two\x85three\x0bfour ü")
    began = SweepFolder.create(tmp_path / "out", made, ())
    began.add(odd)
    began.close("done", 1.0)
    again = SweepFolder.reopen(tmp_path / "out", made, ())
    again.close("done", 1.0)
    assert again.results == {1: odd}


def test_a_run_that_stays_on_another_machine_is_said(tmp_path: Path) -> None:
    """`keep: runs` with workers that do not share the sweep's folder must not lose the runs in silence."""
    began = SweepFolder.create(tmp_path / "out", plan(tmp_path, "keep: runs\n"), ())
    with pytest.raises(SimulationError, match="must share the sweep's folder"):
        began.add(PointResult(0, "done", folder=str(tmp_path / "elsewhere")))
    assert began.results == {}
    began.close("failed", 1.0)


def test_whole_numbers_beyond_64_bits_go_into_the_table(tmp_path: Path) -> None:
    made = plan(
        tmp_path, "axes: [{path: comms.default.latency.mean_ms, values: [2, 1000000000000000000000]}]\n"
    )
    write_points(tmp_path / "p.parquet", made, {n: PointResult(n, "failed", "") for n in (0, 1)})
    assert pd.read_parquet(tmp_path / "p.parquet")["comms.default.latency.mean_ms"].tolist() == [2, 1e21]


def test_the_hash_tells_sweeps_apart_by_their_points_alone(tmp_path: Path) -> None:
    axes = "axes: [{path: time.steps, values: [2, 3]}]\n"
    first = plan(tmp_path, axes)
    assert plan(tmp_path, "title: x\n" + axes).hash == first.hash
    assert plan(tmp_path, axes + "keep: summary\n").hash != first.hash
    assert plan(tmp_path, axes + "seeds: 2\n").hash != first.hash
    assert plan(tmp_path, axes.replace("3", "4")).hash != first.hash
    assert plan(tmp_path, axes + "set: {record.decisions: false}\n").hash != first.hash


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab:#-{1e. 'é"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    max_leaves=6,
)


@given(value=values)
def test_a_value_reads_back_from_a_command_line(value: Any) -> None:
    assert parse_yaml(flow_yaml(value), "").data == value


@given(
    summary=st.dictionaries(
        st.text("ab"), st.none() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e100, 1e100)
    )
)
def test_a_result_reads_back_to_the_bit(summary: dict[str, float | int | None]) -> None:
    result = PointResult(3, "done", "", summary)
    again = PointResult.from_line(result.line())
    assert repr(again.summary) == repr(summary)


@pytest.mark.parametrize("name", names("sweeps"))
@pytest.mark.fast_cases("robustness_faults", "robustness_trading", "sweep_example")
def test_built_in_sweeps_are_good(name: str) -> None:
    loaded = load_sweep(name)
    assert loaded.config.name == name
    assert loaded.config.title
    assert not check_points(plan_sweep(loaded)).problems


def test_built_in_scenarios_and_sweeps_are_told_apart() -> None:
    assert "sweep_example" in names("sweeps")
    assert not {*names("sweeps")} & {*names("scenarios")}


def test_counting_needs_no_list() -> None:
    config = SweepConfig(name="s", base="b", seeds=20)
    assert config.n_points == len(config.seed_list) == 20
