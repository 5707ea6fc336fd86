"""The analysis of a sweep on made-up points whose answers are known."""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from cosim.core.errors import InputError
from cosim.regulation.mixture_stability import mixture_stability_limit
from cosim.regulation.stability import stability_limit
from cosim.report.page.robustness_report import write_robustness
from cosim.report.robustness_findings import completeness, findings
from cosim.study.robustness.analysis import analyse
from cosim.study.robustness.boundary import find_boundaries
from cosim.study.robustness.cells import cell_estimates
from cosim.study.robustness.estimates import NOT_NEGATIVE, estimate
from cosim.study.robustness.points import read_points

RMSE = "market_x_tracking_rmse_units"
Row = dict[str, Any]


def made_up_sweep(
    folder: Path,
    axes: Mapping[str, Sequence[Any]],
    number: Callable[[Row], Row],
    seeds: int = 5,
    fails: Callable[[Row], str] = lambda row: "",
    n_planned: int | None = None,
) -> Path:
    """A sweep's directory as `cosim sweep` leaves it, with the numbers that `number` gives for each point."""
    rows = []
    for values in itertools.product(*axes.values(), range(1, seeds + 1)):
        row: Row = dict(zip([*axes, "seed"], values, strict=True))
        cause = fails(row)
        row |= {"point": len(rows), "status": "failed" if cause else "done", "cause": cause}
        rows.append(row | ({} if cause else number(row)))
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_parquet(folder / "points.parquet")
    (folder / "sweep.json").write_text(json.dumps({"status": "done", "points": n_planned or len(rows)}))
    config = {
        "name": "made_up",
        "base": "section6_additive",
        "axes": [{"name": name, "path": "seed", "values": list(values)} for name, values in axes.items()],
        "seeds": seeds,
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config))
    return folder


def noise(row: Row, *keys: str) -> float:
    """A number between -1 and 1 that is the same for points that share these values."""
    generator = np.random.default_rng([row["seed"], *(zlib.crc32(repr(row[key]).encode()) for key in keys)])
    return float(generator.uniform(-1, 1))


def loop_point(row: Row) -> Row:
    """An error that climbs from 5 to 50 around the limit: half of 50 exactly at 1.04 times the limit."""
    delay, gain = row["delay_steps"], row["gain"]
    households = [math.floor(delay)] * 4 if delay == int(delay) else [math.floor(delay), math.ceil(delay)]
    limit = mixture_stability_limit(households) / 8.0
    saturation = 1 / (1 + (1.04 * limit / gain) ** 40 * 1.0)
    return {
        "market_loop_delay_steps": delay,
        "market_x_gain_signal_per_unit": 2.0 * gain,
        "market_x_loop_gain_units_per_signal": 4.0,
        "market_x_gain_over_limit": gain / limit,
        "market_x_measured_rmse_units": 50 * saturation,
        RMSE: 5 + 40 * saturation,
    }


def test_boundary_is_found_beside_its_theory(tmp_path: Path) -> None:
    gains = np.geomspace(0.02, 1.0, 80).round(12).tolist()
    axes = {"delay_steps": [0.0, 0.5, 1.0, 3.0], "gain": gains}
    (boundary,) = find_boundaries(read_points(made_up_sweep(tmp_path, axes, loop_point, seeds=2)))
    assert boundary.gain_axis.name == "gain"
    assert [axis.name for axis in boundary.other_axes] == ["delay_steps"]
    assert boundary.threshold_units == pytest.approx(25, rel=1e-3)
    for point, delay in zip(boundary.points, axes["delay_steps"], strict=True):
        assert point.delay_steps == delay
        assert point.formula == pytest.approx(stability_limit(delay) / 8.0)
        assert point.deviation.mean == pytest.approx(0.04, abs=0.01)
    assert boundary.points[1].theory == pytest.approx(2.0 / 8.0)  # half at 0 and half at 1 step
    assert boundary.points[2].theory == pytest.approx(1.0 / 8.0)


def test_a_boundary_needs_no_other_axis(tmp_path: Path) -> None:
    axes = {"gain": np.geomspace(0.02, 1.0, 80).round(12).tolist()}
    folder = made_up_sweep(tmp_path, axes, lambda row: loop_point(row | {"delay_steps": 1.0}), seeds=2)
    said = {each.finding: each.value for each in findings(analyse(folder, []))}
    assert said["within 10 % of the theoretical limit"] == "1 of 1 places"


def test_no_boundary_where_no_gain_is_varied(tmp_path: Path) -> None:
    def point(row: Row) -> Row:
        return loop_point({"delay_steps": row["delay_steps"], "gain": 0.1, "seed": row["seed"]})

    axes = {"delay_steps": [0.0, 1.0], "latency": [1.0, 2.0]}
    assert find_boundaries(read_points(made_up_sweep(tmp_path, axes, point))) == []


def remedy_point(row: Row) -> Row:
    """With the remedy the error is 6 whatever the latency, without it 2 + 2 latency: break-even at 2."""
    without = 2 + 2 * row["latency"]
    by_remedy = {"none": without, "helps": 6.0, "hurts": without + 1, "heals": without - 1}
    error = by_remedy[row["remedy"]] + 5 * row["loss"] + noise(row, "latency", "loss")
    return {RMSE: error, "traded_delivered_kwh": 1000 - 10 * error}


REMEDY_AXES = {
    "latency": [0.0, 1.0, 3.0, 4.0],
    "loss": [0.0, 0.5],
    "remedy": ["none", "helps", "hurts", "heals"],
}


def test_break_even_of_each_remedy(tmp_path: Path) -> None:
    found = analyse(made_up_sweep(tmp_path, REMEDY_AXES, remedy_point, seeds=5), []).break_evens
    along_latency = {(b.quantity.key, b.case, b.held): b for b in found if b.axis.name == "latency"}
    assert len(along_latency) == 2 * 3 * 2
    for key, loss in itertools.product((RMSE, "traded_delivered_kwh"), (0.0, 0.5)):
        helps = along_latency[key, "helps", (loss,)]
        # Noise is shared by all cases, so the break-even is exact; larger trade counts as better.
        assert (helps.value, helps.low, helps.high) == pytest.approx((2.0, 2.0, 2.0))
        assert (helps.n_better, helps.n_worse) == (2, 2)
        hurts = along_latency[key, "hurts", (loss,)]
        assert math.isnan(hurts.value)
        assert (hurts.n_better, hurts.n_worse) == (0, 4)
        heals = along_latency[key, "heals", (loss,)]
        assert (heals.value, heals.n_better) == (0.0, 4)


@pytest.mark.slow
def test_interval_of_a_break_even_holds_it(tmp_path: Path) -> None:
    """Noise that is not shared: the interval holds the true break-even in nearly all of 40 sweeps."""

    def point(row: Row) -> Row:
        error = 6.0 if row["remedy"] == "helps" else 2 + 2 * row["latency"]
        return {RMSE: error + noise(row, "latency", "remedy")}

    axes = {"latency": [0.0, 1.0, 3.0, 4.0], "remedy": ["none", "helps"]}
    held, widths = 0, []
    for number in range(40):

        def shifted(row: Row, number: int = number) -> Row:
            return point(row | {"seed": row["seed"] + 100 * number})

        (found,) = analyse(made_up_sweep(tmp_path / str(number), axes, shifted, seeds=10), []).break_evens
        held += found.low <= 2.0 <= found.high
        widths.append(found.high - found.low)
    assert held >= 35  # of 40
    # Halfway between two places the mean of two differences counts, each of two errors of variance 1/3; the
    # slope is 2, so the break-even's variance is 1/12 a seed. Student's t of nine degrees of freedom.
    expected = 2 * 2.262 * math.sqrt(1 / 12 / 10)
    assert np.mean(widths) == pytest.approx(expected, rel=0.15)


def test_few_seeds_give_no_interval_of_a_break_even(tmp_path: Path) -> None:
    """Two seeds drawn anew never leave what these two gave, which holds the truth half of the time."""
    axes = {"latency": [0.0, 1.0, 3.0, 4.0], "remedy": ["none", "helps"]}

    def point(row: Row) -> Row:
        return remedy_point(row | {"loss": 0.0})

    (few,) = analyse(made_up_sweep(tmp_path / "few", axes, point, seeds=4), [RMSE]).break_evens
    (enough,) = analyse(made_up_sweep(tmp_path / "enough", axes, point, seeds=5), [RMSE]).break_evens
    assert few.value == enough.value == pytest.approx(2.0)
    assert math.isnan(few.low)
    assert math.isnan(few.high)
    assert enough.low == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([None, 5.0], ["null", "5"]),
        ([True, False], ["true", "false"]),
        ([5.0, None, 7.5], ["5", "null", "7.5"]),
    ],
)
def test_null_and_truth_values_are_places_of_their_own(
    tmp_path: Path, values: list[Any], names: list[str]
) -> None:
    def point(row: Row) -> Row:
        missing = row["limit"] is None or row["limit"] is False
        return {RMSE: (9.0 if missing else 4.0) + row["latency"] + noise(row)}

    axes = {"latency": [0.0, 1.0], "limit": values}
    analysis = analyse(made_up_sweep(tmp_path, axes, point), [], names[0])
    (_, limit) = analysis.points.axes
    assert list(limit.values) == names
    assert not limit.is_numeric
    means = {panel.label: panel.mean for panel in analysis.panels[RMSE]}
    apart = means[names[0]] - means[names[1]]
    assert apart.tolist() == pytest.approx([5.0, 5.0] if values[0] is None else [-5.0, -5.0])
    along = next(b for b in analysis.break_evens if b.case == names[1] and b.axis.name == "latency")
    assert [effect.mean for effect in along.effects] == pytest.approx((-apart).tolist())


@pytest.mark.slow
def test_each_resource_has_a_boundary_of_its_own(tmp_path: Path) -> None:
    def point(row: Row) -> Row:
        one = loop_point(row)
        other = loop_point(row | {"gain": row["gain"] / 2})
        return one | {key.replace("_x_", "_y_"): value for key, value in other.items() if "_x_" in key}

    axes = {"delay_steps": [0.0, 1.0, 2.0], "gain": np.geomspace(0.05, 1.0, 20).round(12).tolist()}
    analysis = analyse(made_up_sweep(tmp_path / "sweep", axes, point, seeds=2), [])
    assert [boundary.resource for boundary in analysis.boundaries] == ["market_x", "market_y"]
    (tmp_path / "out").mkdir()
    written = write_robustness(analysis, tmp_path / "out")
    assert len(set(written)) == len(written)
    names = {path.name for path in written}
    assert {f"boundary_market_{r}.{ending}" for r in "xy" for ending in ("png", "csv")} <= names
    first, second = (tmp_path / "out" / f"boundary_market_{r}.png" for r in "xy")
    assert first.read_bytes() != second.read_bytes()


def pair_point(row: Row) -> Row:
    effects = {"crash": 3.0, "liar": 1.0, "burst": 2.0}
    names = [] if row["fault"] == "none" else row["fault"].split(" + ")
    beyond = 4.0 if set(names) == {"crash", "liar"} else 0.0
    return {RMSE: 5 + noise(row) + 0.01 * noise(row, "fault") + sum(effects[n] for n in names) + beyond}


FAULTS = ["none", "crash", "liar", "burst", "crash + liar", "crash + burst", "liar + burst"]


def test_pairs_beyond_their_parts(tmp_path: Path) -> None:
    analysis = analyse(made_up_sweep(tmp_path, {"fault": FAULTS}, pair_point, seeds=6), [])
    (matrix,) = analysis.pair_matrices
    assert analysis.break_evens == ()
    assert matrix.singles == ("crash", "liar", "burst")
    assert matrix.effects["crash",].change.mean == pytest.approx(3, abs=0.05)
    assert matrix.effects["crash", "liar"].change.mean == pytest.approx(8, abs=0.05)
    interactions = {names: e.interaction for names, e in matrix.effects.items() if len(names) == 2}
    beyond = interactions["crash", "liar"]
    assert beyond is not None
    assert beyond.mean == pytest.approx(4, abs=0.05)
    assert beyond.sign == 1
    others = [each for names, each in interactions.items() if names != ("crash", "liar")]
    assert all(each is not None and abs(each.mean) < 0.05 for each in others)
    said = {each.finding: (each.of, each.value) for each in findings(analysis)}
    assert said["the worst case alone: change"][0] == "crash"
    assert said["the worst case alone: change"][1].startswith("+3.0")
    assert said["the worst pair: change"][0] == "crash + liar"
    assert said["the worst pair: change"][1].startswith("+8.0")
    assert said["more harm than the parts together"] == ("crash + liar", "1 of 3 pairs")
    assert said["less harm than the parts together"] == ("", "0 of 3 pairs")


def test_pairs_compare_the_places_that_both_have(tmp_path: Path) -> None:
    """A case that fails where it is hardest does not look better for it."""

    def fails(row: Row) -> str:
        return "diverged" if row["fault"] == "crash" and row["latency"] == 100.0 else ""

    def point(row: Row) -> Row:
        return {RMSE: pair_point(row)[RMSE] + row["latency"]}

    axes = {"latency": [0.0, 100.0], "fault": FAULTS}
    (matrix,) = analyse(made_up_sweep(tmp_path, axes, point, fails=fails), []).pair_matrices
    assert matrix.effects["crash",].change.mean == pytest.approx(3, abs=0.05)
    beyond = matrix.effects["crash", "burst"].interaction
    assert beyond is not None
    assert beyond.mean == pytest.approx(0, abs=0.05)


def test_failed_and_missing_points_are_counted_and_said(tmp_path: Path) -> None:
    def fails(row: Row) -> str:
        return "the power flow diverged" if row["latency"] == 4.0 and row["loss"] == 0.5 else ""

    axes = {"latency": [0.0, 2.0, 4.0], "loss": [0.0, 0.5]}

    def point(row: Row) -> Row:
        return {RMSE: 4.0 + row["latency"] + 2 * row["loss"], "market_loop_delay_steps": 1.0}

    folder = made_up_sweep(tmp_path / "sweep", axes, point, seeds=5, fails=fails, n_planned=32)
    analysis = analyse(folder, [])
    (panel,) = analysis.panels[RMSE]
    np.testing.assert_array_equal(panel.mean, [[4, 5], [6, 7], [8, np.nan]])
    np.testing.assert_array_equal(panel.high - panel.low, [[0, 0], [0, 0], [0, np.nan]])
    assert completeness(analysis.points) == [
        "25 of 32 points succeeded (up to 5 seeds at each place).",
        "5 points failed and are left out: the power flow diverged.",
        "2 points were not run: the sweep is not complete.",
    ]
    name = "x: error (RMS)"
    assert [tuple(each) for each in findings(analysis)] == [
        (name, "latency 0, loss 0", "at the first place", "4 units"),
        (name, "latency 4, loss 0", "latency at its last value, alone", "8 units"),
        (name, "latency 0, loss 0.5", "loss at its last value, alone", "5 units"),
        (name, "latency 4, loss 0", "the worst place", "8 units"),
        (name, "1 place", "no point gave a value", ""),
    ]
    (tmp_path / "out").mkdir()
    write_robustness(analysis, tmp_path / "out")
    cells = pd.read_csv(tmp_path / "out" / "cells.csv")
    assert cells["seeds"].tolist() == [5] * 5
    assert cells["mean"].tolist() == [4, 5, 6, 7, 8]


def test_best_of_several_policies(tmp_path: Path) -> None:
    def point(row: Row) -> Row:
        error = {"a": 5.0, "b": 4.0 + row["latency"], "c": 9.0}[row["policy"]]
        return {RMSE: error + 0.01 * noise(row, "policy", "latency")}

    axes = {"latency": [0.0, 1.0, 2.0, 3.0], "policy": ["a", "b", "c"]}
    said = findings(analyse(made_up_sweep(tmp_path, axes, point), []))
    # At latency 1 both are 5 but for chance.
    assert [each[1:] for each in said[-3:]] == [
        ("policy = a", "the best beyond chance", "at 2 of 4 places"),
        ("policy = b", "the best beyond chance", "at 1 of 4 places"),
        ("policy", "which is best is inconclusive", "at 1 of 4 places"),
    ]


def test_names_with_bars_and_a_quantity_that_is_named_twice(tmp_path: Path) -> None:
    axes = {"p | q": ["none", "a | b"]}
    folder = made_up_sweep(tmp_path / "sweep", axes, lambda row: {RMSE: noise(row, "p | q")})
    (tmp_path / "out").mkdir()
    written = write_robustness(analyse(folder, [RMSE, RMSE]), tmp_path / "out")
    assert len(set(written)) == len(written)
    rows = [line for line in written[0].read_text("utf-8").splitlines() if line.startswith("|")]
    assert [row for row in rows if row.startswith("| quantity | p \\| q | mean |")]
    assert sum("a \\| b" in row for row in rows) == 3, "as a finding, a place and a change"


SWEEPS = {
    "two axes": (REMEDY_AXES, remedy_point, {f"{RMSE}.png", f"effect_{RMSE}.png", "break_even.csv"}),
    "one axis": (
        {"latency": [0.0, 1.0, 4.0], "remedy": ["none", "helps"]},
        lambda row: remedy_point(row | {"loss": 0.0}),
        {f"{RMSE}.png", f"effect_{RMSE}.png", "effects.csv"},
    ),
    "faults": ({"fault": FAULTS}, pair_point, {f"pairs_{RMSE}.png", "pairs.csv"}),
    "gain": (
        {"delay_steps": [0.0, 0.5, 1.0], "gain": np.geomspace(0.05, 1.0, 20).round(12).tolist()},
        loop_point,
        {"boundary.png", "boundary.csv"},
    ),
}
MANY_FIGURES = ("two axes", "gain")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind in MANY_FIGURES else ()) for kind in SWEEPS]
)
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.fast_cases("3-faults")
def test_page_shows_what_it_writes_and_is_the_same_every_time(tmp_path: Path, kind: str, seeds: int) -> None:
    axes, point, expected = SWEEPS[kind]
    folder = made_up_sweep(tmp_path / "sweep", axes, point, seeds=seeds)  # type: ignore[arg-type]
    contents = []
    for name in ("one", "other"):
        out = tmp_path / name
        out.mkdir()
        written = write_robustness(analyse(folder, []), out)
        assert written[0] == out / "robustness.md"
        assert expected <= {path.name for path in written}
        assert sorted(written) == sorted(out.iterdir())
        page = written[0].read_text(encoding="utf-8")
        assert all(path.name in page for path in written[1:])
        assert "nan" not in page
        contents.append([path.read_bytes() for path in sorted(written)])
    assert contents[0] == contents[1]
    if seeds == 1:
        assert "no interval can be given" in page


def refused(folder: Path, wanted: Sequence[str] = (), baseline: str = "") -> str:
    with pytest.raises(InputError) as caught:
        analyse(folder, list(wanted), baseline)
    return str(caught.value)


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    assert "not a sweep directory" in refused(tmp_path)
    axes = {"latency": [0.0, 1.0]}

    def point(row: Row) -> Row:
        return {RMSE: row["latency"], "messages_sent": 7}

    folder = made_up_sweep(tmp_path / "a", axes, point)
    assert f"Did you mean '{RMSE}'" in refused(folder, ["market_x_tracking_rmse"])
    for what_is_no_result in ("cause", "seed", "latency"):
        assert "no point has a number of this name" in refused(folder, [what_is_no_result])
    assert "has a case of this name" in refused(folder, baseline="nothing")
    assert "no axis has two or more values" in refused(
        made_up_sweep(tmp_path / "b", {"latency": [1.0]}, point)
    )
    all_fail = made_up_sweep(tmp_path / "c", axes, point, fails=lambda row: "out of memory")
    assert "no point of this sweep succeeded; the first cause is: out of memory" in refused(all_fail)
    constant = made_up_sweep(tmp_path / "d", axes, lambda row: {RMSE: 1.0})
    assert "--quantity" in refused(constant)
    sweep = (folder / "sweep.yaml").read_text()
    (folder / "sweep.yaml").write_text(sweep.replace("latency", "delay"))
    assert "not a table of this sweep's points" in refused(folder)
    (folder / "sweep.yaml").write_text(sweep)
    (folder / "points.parquet").write_bytes(b"PAR1 no more")
    assert "cannot be read" in refused(folder)


def test_cases_without_a_numeric_axis_are_compared_seed_by_seed(tmp_path: Path) -> None:
    # Seeds differ by far more than the cases do; only differences within a seed can tell these apart.
    change = {"none": 0.0, "crash": 2.0, "nothing": 0.0, "cure": -1.0}

    def point(row: Row) -> Row:
        return {RMSE: 100 * row["seed"] + change[row["fault"]] + 0.1 * noise(row, "fault")}

    analysis = analyse(made_up_sweep(tmp_path / "sweep", {"fault": list(change)}, point, seeds=6), [])
    (matrix,) = analysis.pair_matrices
    assert not matrix.has_pairs
    assert {name: effect.change.sign for (name,), effect in matrix.effects.items()} == {
        "crash": 1,
        "nothing": 0,
        "cure": -1,
    }
    for (name,), effect in matrix.effects.items():
        assert effect.change.mean == pytest.approx(change[name], abs=0.1)
        assert effect.change.high - effect.change.low < 0.4
    base, *said = findings(analysis)
    assert base[1:3] == ("none", "mean")
    assert [each[1:3] for each in said] == [
        ("crash", "change against none"),
        ("nothing", "change against none, within chance"),
        ("cure", "change against none"),
    ]
    assert said[0].value.startswith("+2.0")
    assert said[2].value.startswith("-1.0")
    out = tmp_path / "out"
    out.mkdir()
    files = {path.name for path in write_robustness(analysis, out)}
    assert files == {
        "robustness.md",
        "report.html",
        f"{RMSE}.png",
        f"effect_{RMSE}.png",
        "findings.csv",
        "cells.csv",
        "changes.csv",
    }
    # Where nothing is called none, there is the mean of each case alone.
    other = {name.replace("none", "usual"): value for name, value in change.items()}
    folder = made_up_sweep(
        tmp_path / "other", {"fault": list(other)}, lambda row: {RMSE: other[row["fault"]]}
    )
    assert analyse(folder, []).pair_matrices == ()
    assert len(analyse(folder, [], "usual").pair_matrices) == 1


def test_a_remedy_that_helps_up_to_some_place(tmp_path: Path) -> None:
    def point(row: Row) -> Row:
        change = row["latency"] - 2.5 if row["remedy"] == "more" else 0.0
        return {RMSE: 10 + change + 0.001 * noise(row, "latency", "remedy")}

    axes = {"latency": [0.0, 1.0, 2.0, 3.0, 4.0], "remedy": ["none", "more"]}
    analysis = analyse(made_up_sweep(tmp_path, axes, point), [])
    (found,) = analysis.break_evens
    assert math.isnan(found.value)
    assert found.worse_from == pytest.approx(2.5, abs=0.01)
    assert (found.n_better, found.n_worse) == (3, 2)
    assert (findings(analysis)[-1].finding, findings(analysis)[-1].value) == (
        "worse from there on",
        "latency 2.5",
    )


def test_cases_of_the_same_name_on_two_axes_are_told_apart(tmp_path: Path) -> None:
    def point(row: Row) -> Row:
        return {RMSE: 5 + row["latency"] + 2 * (row["fault"] == "on") - (row["remedy"] == "on")}

    axes = {"latency": [0.0, 1.0], "loss": [0.0, 0.5], "fault": ["none", "on"], "remedy": ["none", "on"]}
    analysis = analyse(made_up_sweep(tmp_path, axes, point), [])
    labels = [panel.label for panel in analysis.panels[RMSE]]
    assert labels[1] == "fault = none, remedy = on"
    effects = {each.case: each.effects[0].mean for each in analysis.break_evens}
    assert effects == {"fault = on": 2.0, "remedy = on": -1.0}
    said = {(each.of, each.finding): each.value for each in findings(analysis)}
    assert said["fault = on against none", "better beyond chance"] == "at 0 of 8 places"
    assert said["fault = on against none", "worse beyond chance"] == "at 8 of 8 places"
    assert said["remedy = on against none", "better beyond chance"] == "at 8 of 8 places"
    assert said["remedy = on against none", "worse beyond chance"] == "at 0 of 8 places"


def test_a_part_that_failed_alone_has_its_place_in_the_pairs(tmp_path: Path) -> None:
    axes = {"fault": [name for name in FAULTS if "burst" not in name]}

    def fails(row: Row) -> str:
        return "it broke" if row["fault"] == "liar" else ""

    analysis = analyse(made_up_sweep(tmp_path / "sweep", axes, pair_point, fails=fails), [])
    (matrix,) = analysis.pair_matrices
    assert matrix.singles == ("crash", "liar")
    assert matrix.effects["crash", "liar"].interaction is None
    (tmp_path / "out").mkdir()
    assert write_robustness(analysis, tmp_path / "out")


def test_a_baseline_of_another_axis_than_the_pairs(tmp_path: Path) -> None:
    axes = {"fault": [*FAULTS[:2], "crash + crash"], "latency": [0.0, 1.0], "policy": ["p", "q"]}

    def point(row: Row) -> Row:
        return {RMSE: 5.0 - (row["policy"] == "q") + row["latency"] + len(row["fault"])}

    analysis = analyse(made_up_sweep(tmp_path, axes, point), [], "p")
    assert {(each.case, each.baseline) for each in analysis.break_evens} == {("q", "p")}


def test_a_place_that_was_drawn_twice_has_its_seeds_once(tmp_path: Path) -> None:
    folder = made_up_sweep(tmp_path, {"policy": ["p", "q"]}, lambda row: {RMSE: float(row["seed"])}, seeds=2)
    table = pd.read_parquet(folder / "points.parquet")
    drawn = pd.concat([table] * 4, ignore_index=True)
    drawn.assign(point=range(len(drawn))).to_parquet(folder / "points.parquet")
    for cell in cell_estimates(read_points(folder), RMSE).values():
        assert cell == estimate([1.0, 2.0], NOT_NEGATIVE)
