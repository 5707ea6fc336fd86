"""An impact study from its file to its page: what is refused, resumed, counted and said."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cosim
from cosim.api.checking import study_size
from cosim.api.given import given_study
from cosim.api.impacts import evaluate_impact
from cosim.config.library import names
from cosim.core.errors import InputError
from cosim.core.shown import number_text
from cosim.engine.load import ScenarioSource
from cosim.engine.wings import catalogue
from cosim.report.impact_figures import impact_figures
from cosim.report.impact_page import commands, feeders_of
from cosim.report.impact_words import (
    _listed,
    change_text,
    messages_text,
    place_text,
    sentences,
    times_of_day,
)
from cosim.report.page.impact_report import write_impact
from cosim.report.style import drawing
from cosim.study.impact.impact_analysis import USUAL_COSTS, ImpactAnalysis, analyse_impact
from cosim.study.impact.impact_folder import open_study, read_impact
from cosim.study.impact.impact_plan import ImpactSearch, check_impact, plan_impact
from cosim.study.impact.load_impact import load_impact
from cosim.study.robustness.estimates import ANY, Limits, paired_difference
from cosim.study.sweep.folder import SweepFolder, open_folder
from cosim.study.sweep.point import PointResult, PointTask, run_point
from cosim.study.sweep.sweep_run import More, SweepOutcome, run_sweep

STREET = """
name: street
time: {start: 2016-07-05T11:00:00Z, duration_h: 1}
groups:
  - name: homes
    households: 8
    load: {kind: constant, p_kw: 0.5}
grid:
  network: kerber_landnetz_kabel_1
  interval_min: 60
"""
STUDY: dict[str, Any] = {
    "name": "roofs",
    "title": "Roofs <b>",
    "base": "street.yaml",
    "set": {"grid.limits": {"trafo_loading_max_percent": 30}},
    "technologies": [
        {
            "group": "homes",
            "device": "pv",
            "parameters": {"kind": "simbench", "kwp": {"uniform": [10, 30]}},
        }
    ],
    "penetrations": {"start": 0, "stop": 1, "count": 9},
    "modes": {"uncontrolled": {}, "inductive": {"groups.homes.pv.cos_phi": 0.8}},
    "seeds": 4,
    "risk": 0.25,
}

LOSS = {
    "name": "loss",
    "path": "comms.default.loss",
    "values": [{"kind": "bernoulli", "loss_probability": share} for share in (0, 0.5)],
    "column_values": [0, 0.5],
}
LATENCY = {
    "name": "latency_h",
    "path": "comms.default.latency",
    "values": [{"kind": "constant", "latency_ms": each} for each in (0, 3_600_000)],
    "column_values": [0, 1],
}


class Here:
    """Runs points in this process; ends as if by Ctrl-C once so many have ended."""

    n_workers, where = 1, "here"

    def __init__(self, ends_after: int = 10**9) -> None:
        self.left = ends_after

    def run(self, base: ScenarioSource, tasks: Sequence[PointTask], more: More) -> Iterator[PointResult]:
        """The last of those that wait first: the order must not matter."""
        waiting = list(tasks)
        while waiting:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            result = run_point(base, waiting.pop())
            yield result
            waiting += more(result)


def test_a_study_is_made_small_from_outside(tmp_path: Path) -> None:
    with given_study(saved(tmp_path), 2, ["time.duration_h=3", "grid.limits.vm_max_pu=1.05"]) as study:
        assert study.config.seed_list == [1, 2]
        plan = plan_impact(study)
    assert study.config.set["time.duration_h"] == 3
    assert study_size(STUDY | {"base": yaml.safe_load(STREET)}) == (
        plan_impact(study).n_expected * 2,
        {"": 8},
    )
    assert plan.sweep.scenario(plan.sweep.points[0]).scenario.time.duration_ms == 3 * 3_600_000
    for override, message in (
        (
            "groups.homes.pv.cos_phi=1",
            "'inductive' under `modes` sets groups.homes.pv.cos_phi, which would win",
        ),
        ("groups.homes.pv.share=1", "the penetration sets this share"),
        ("time.duratoin_h=3", "unknown key"),
        ("nonsense", "this is not a path and a value"),
    ):
        found = check_of(tmp_path, override)
        assert any(message in problem for problem in found), found


def check_of(folder: Path, override: str) -> list[str]:
    """What is wrong with the study with a value set from outside."""
    try:
        with given_study(saved(folder), None, [override]) as study:
            return [problem.message for problem in check_impact(plan_impact(study)).problems]
    except InputError as error:
        return [problem.message for problem in error.problems]


def test_a_difference_of_capacities_is_told_with_both_means_and_stays_within_what_is_possible() -> None:
    one, other = pd.Series([0.0, 1.0, 1.0, 1.0, 1.0]), pd.Series([0.5, 0.0, 0.0, 0.0, 0.0])
    free, kept = (paired_difference(one, other, limits) for limits in (ANY, Limits(-1, 1)))
    assert free.high > 1 == kept.high
    assert change_text(kept, (0.8, 0.1), "none") == (
        "on average over the seeds 80 %, against 10 % for none: +70 percentage points (-13.3 to +100), "
        "which may be chance"
    )
    assert change_text(paired_difference(one[:4], other[:4]), (0.75, 0.125), "none") == (
        "on average over the seeds 75 %, against 12.5 % for none: +62.5 percentage points, from 4 seeds, "
        "too few for an interval"
    )


def test_one_step_above_a_capacity_is_told_run_by_run(finished: Path) -> None:
    analysis = analysed(finished)
    table = pd.read_csv(finished / "impact/overloads.csv")
    bound = sum(each.binding is not None for curve in analysis.curves for each in curve.known)
    assert len(table) == bound > 0
    for row in table.to_dict("records"):
        summary = analysis.table.set_index("point").loc[row["point"]]
        assert row["at worst"] == pytest.approx(30 * summary.trafo_overload_use_max)
        assert row["at worst"] > row["limit at"] == 30
        assert row["unit"] == "%"
        assert row["households with pv"] == round(8 * row["penetration [%]"] / 100 + 1e-9)
        assert row["outside for [h]"] == summary.trafo_overload_intervals == 1
    curve = analysis.curves[0]
    worst = max(analysis.overloads(curve), key=lambda each: each.binding.use)
    assert (
        f"At worst, with seed {worst.found.chain.seed} at {100 * worst.penetration:.4g} %, the first "
        f"penetration at which that seed exceeds a limit, transformer trafo 1 reaches "
        f"{30 * worst.binding.use:.4g} % by current (limit 30 % of 100 kVA) on "
        "2016-07-05 11:00 UTC. Then households' loads took 4 kW and PV "
        "systems gave "
    ) in next(sentences(analysis, feeders_of(analysis)))
    where, command = commands(analysis)[0]
    assert where.startswith("uncontrolled, ")
    assert command.startswith("cosim run inputs/street.yaml --set")


def saved(folder: Path, **changes: Any) -> str:
    """The study as a file, with its scenario beside it."""
    (folder / "street.yaml").write_text(STREET)
    file = folder / "study.yaml"
    content = {key: value for key, value in (STUDY | changes).items() if value is not None}
    file.write_text(json.dumps(content))
    return str(file)


def studied(
    file: str, out: Path, ends_after: int = 10**9, resume: bool = False
) -> tuple[SweepFolder, SweepOutcome]:
    plan = plan_impact(load_impact(file))
    folder = open_folder(plan.sweep, (), out, resume, out)
    open_study(plan, folder)
    return folder, run_sweep(folder, Here(ends_after), search=ImpactSearch(plan))


def analysed(folder: Path) -> ImpactAnalysis:
    return analyse_impact(folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has been run."""
    folder = tmp_path_factory.mktemp("study")
    _, outcome = studied(saved(folder), folder / "out")
    assert (outcome.status, outcome.n_failed) == ("done", 0)
    write_impact(analysed(folder / "out"), folder / "out/impact")
    return folder / "out"


def test_interrupted_and_resumed_it_gives_the_same_bytes(tmp_path: Path, finished: Path) -> None:
    file = saved(tmp_path)
    folder, outcome = studied(file, tmp_path / "again", ends_after=5)
    assert outcome.status == "interrupted"
    _, outcome = studied(file, tmp_path / "again", resume=True)
    assert outcome.status == "done"
    write_impact(analysed(folder.folder), folder.folder / "impact")
    for path in [*sorted(finished.glob("impact/*")), finished / "points.parquet"]:
        other = folder.folder / path.relative_to(finished)
        assert other.read_bytes() == path.read_bytes(), path.name


def test_owners_are_nested_so_that_a_larger_penetration_generates_more(finished: Path) -> None:
    table = pd.read_parquet(finished / "points.parquet").sort_values("penetration")
    for _, chain in table.groupby(["mode", "seed"]):
        assert chain["energy_generated_kwh"].is_monotonic_increasing
    of_modes = table.pivot_table("energy_generated_kwh", ["penetration", "seed"], "mode").dropna()
    assert len(of_modes) >= 4, "modes are compared at the middle by every seed"
    assert (of_modes["uncontrolled"] == of_modes["inductive"]).all(), "modes share all draws"


def test_the_page_says_the_answer_first(finished: Path) -> None:
    page = (finished / "impact/impact.md").read_text()
    assert page.startswith("# Roofs &lt;b>\n\n- **uncontrolled**: the feeder hosts PV systems in ")
    assert " % of the households" in page.splitlines()[2]
    assert "Limit exceeded first: transformer trafo 1 is overloaded in 4 of 4 seeds; worst at " in page
    assert "Limits: voltages at least 0.9 and at most 1.1 pu, lines up to 100 % of their rating, " in page
    assert "percentage points" in page
    shown = (finished / "impact/report.html").read_text()
    assert "Roofs &lt;b&gt;" in shown
    assert '"kind":"feeder"' in shown
    assert shown.index("Uncontrolled: the feeder hosts ") < shown.index("is overloaded in 4 of 4")
    found = analysed(finished).hosting_capacities()
    assert (found.groupby("mode").hosting_capacity.mean().diff().dropna() > 0).all(), "inductive hosts less"
    for name in ("violation_probability", "hosting_capacity", "first_violations"):
        assert (finished / f"impact/{name}.png").stat().st_size > 5000
    costs = pd.read_csv(finished / "impact/costs.csv")
    losses = costs[costs.number.str.startswith("losses")]
    assert set(losses["penetration [%]"]) == {50}
    assert losses.change.dropna().gt(0).all(), "reactive power costs losses"


def test_a_mode_is_told_beside_the_first_where_that_exceeds_a_limit_with_the_powers_of_both(
    finished: Path,
) -> None:
    analysis = analysed(finished)
    told = list(sentences(analysis, feeders_of(analysis)))
    assert " and this mode " not in told[0], "the first is beside nothing"
    beside = analysis.beside_first(analysis.curves[1])
    assert beside is not None
    points = analysis.table.set_index("point").loc[[beside.first, beside.own]]
    assert points["mode"].tolist() == ["uncontrolled", "inductive"]
    assert points["seed"].tolist() == [beside.seed] * 2
    assert points["penetration"].tolist() == [beside.penetration] * 2
    first, own = 30 * points["trafo_overload_use_max"]
    assert first < 30 < own, "the other one exceeds the limit"
    made = points["trafo_overload_use_max_generated_kw"]
    assert made.iloc[0] == made.iloc[1], "the same roofs under the same sun"
    assert (
        f" Side by side on the same seed, seed {beside.seed} at {100 * beside.penetration:.4g} %: "
        f"uncontrolled takes transformer trafo 1 to {first:.4g} % by current on 2016-07-05 11:00 UTC, "
        "and this mode transformer trafo 1 to "
        f"{own:.4g} % by current on 2016-07-05 11:00 UTC. Then households' loads took 4 kW "
        "and PV systems gave "
    ) in told[1]


def test_a_study_of_an_older_version_has_no_powers_and_opens_all_the_same(
    finished: Path, tmp_path: Path
) -> None:
    plan, table = read_impact(finished)
    old = ImpactAnalysis(plan, table[[name for name in table if not name.endswith("_kw")]])
    assert all(" Then " not in sentence for sentence in sentences(old, feeders_of(old)))
    assert "and this mode transformer trafo 1 to" in write_impact(old, tmp_path)[0].read_text()


def test_what_is_inferred_at_a_penetration_is_marked_in_table_and_legend(finished: Path) -> None:
    analysis = analysed(finished)
    table = pd.read_csv(finished / "impact/probabilities.csv")
    points = analysis.table.groupby(["mode", "penetration"]).size()
    for row in table.to_dict("records"):
        run = points.get((row["mode"], row["penetration [%]"] / 100), 0)
        assert row["seeds run at it"] == run
    assert {0, 4} <= set(table["seeds run at it"]), "the middle is run with all seeds, others with none"
    page = (finished / "impact/impact.md").read_text()
    assert (
        "## Probability of a violation (\\*: inferred" in page
        or "## Probability of a violation (*: inf" in page
    )
    assert page.count(" \\* |") + page.count(" * |") == (table["seeds run at it"] < 4).sum()
    assert "**inferred" in page
    assert "hollow" in (finished / "impact/report.html").read_text()


def test_the_page_says_where_it_comes_from(finished: Path) -> None:
    shown = (finished / "impact/report.html").read_text()
    origin = shown[shown.index('id="origin"') :]
    when = "2016-07-05 11:00 UTC, 1 h"
    for fact in ("inputs/street.yaml", "kerber_landnetz_kabel_1", "1, 2, 3, 4", when, "pandapower"):
        assert f"<td>{fact}" in origin or f">{fact}<" in origin, fact
    assert "uniform: [10, 30]" in origin
    record = json.loads((finished / "sweep.json").read_text())
    assert record["hash"] in origin
    assert record["start"][:10] not in origin, "two runs of one study have the same page"


def test_what_became_of_a_modes_messages_is_said_whether_some_were_lost_or_none(finished: Path) -> None:
    plan, table = read_impact(finished)
    sent = table.assign(messages_sent=1000.0, messages_lost=0.0, messages_expired=0.0)
    curve = ImpactAnalysis(plan, sent).curves[0]
    n_runs = int((table["mode"] == "uncontrolled").sum())
    assert messages_text(ImpactAnalysis(plan, sent), curve).replace("\u2009", " ") == (
        f" Of the {n_runs} 000 messages of its {n_runs} runs none was lost."
    )
    some = ImpactAnalysis(plan, sent.assign(messages_lost=250.0, messages_expired=3.0))
    assert (
        messages_text(some, curve)
        .replace("\u2009", " ")
        .endswith(
            f" {number_text(250 * n_runs)} (25 %) were lost, {3 * n_runs} came too late.".replace(
                "\u2009", " "
            )
        )
    )
    assert messages_text(analysed(finished), curve) == "", "it sends none"


def test_a_limit_that_nothing_can_exceed_is_listed(finished: Path, tmp_path: Path) -> None:
    study = yaml.safe_load((finished / "impact.yaml").read_text())
    folder = shutil.copytree(finished, tmp_path / "study")
    (folder / "impact.yaml").write_text(json.dumps(study | {"limits": ["trafo3w_overload"]}))
    page = evaluate_impact(folder)[0].read_text()
    assert "No element of the feeder can exceed 'three-winding transformer overloaded'" in page


def test_what_modes_usually_cost_are_numbers_that_runs_have() -> None:
    assert [key for key in USUAL_COSTS if catalogue().find(key) is None] == []


def test_a_cost_that_is_the_same_in_all_runs_is_told_unless_it_is_0(finished: Path) -> None:
    plan, table = read_impact(finished)
    same = table.assign(ev_missing_kwh=5.0, messages_sent=0.0, pv_curtailed_kwh=float("nan"))
    told = {cost.key: cost.mean.mean for cost in ImpactAnalysis(plan, same).costs}
    assert told["ev_missing_kwh"] == 5
    assert not {"messages_sent", "pv_curtailed_kwh"} & told.keys()


def test_evaluating_a_directory_again_gives_the_same(finished: Path, tmp_path: Path) -> None:
    for path in evaluate_impact(finished, tmp_path / "anew"):
        assert path.read_bytes() == (finished / "impact" / path.name).read_bytes()
    with pytest.raises(cosim.InputError, match="not the directory of an impact study"):
        evaluate_impact(tmp_path)


@pytest.mark.parametrize(
    ("limit", "bound", "said"),
    [
        (1000, "above", "hosts PV systems in at least 100 % of the households"),
        (0.01, "below", "hosts PV systems in not even 0 % of the households"),
    ],
)
def test_a_bound_is_called_a_bound(tmp_path: Path, limit: float, bound: str, said: str) -> None:
    limits = {"trafo_loading_max_percent": limit, "line_loading_max_percent": 1000}
    limits |= {"vm_min_pu": 0.5, "vm_max_pu": 1.5}
    file = saved(tmp_path, set={"grid.limits": limits}, modes={"uncontrolled": {}}, seeds=2, risk=0)
    studied(file, tmp_path / "out")
    analysis = analysed(tmp_path / "out")
    assert set(analysis.hosting_capacities()["bound"]) == {bound}
    page = write_impact(analysis, tmp_path / "page")[0].read_text()
    assert said in page
    assert "worst of 2 seeds" in page
    is_above = bound == "above"
    assert ("Some seeds exceed no limit even at 100 %, where the study ends" in page) == is_above
    assert ("exceeded even at 0 % in some seeds of uncontrolled" in page) != is_above
    told = page.split(" Nearest to its limit, ")
    assert (len(told) == 2) == is_above
    if is_above:
        points = analysis.table[analysis.table.penetration == 1]
        worst = points.loc[points.trafo_overload_use_max.idxmax()]
        assert told[1].startswith(
            f"seed {worst.seed} at 100 % takes transformer trafo 1 to "
            f"{100 * worst.trafo_overload_use_max:.4g} % of its limit on "
            "2016-07-05 11:00 UTC. Then households' loads took 4 kW and PV systems gave "
            f"{number_text(worst.trafo_overload_use_max_generated_kw, 3)} kW. "
            "Over all seeds, voltages at 100 % are "
        )


def test_a_hosted_seed_close_to_a_limit_and_what_a_share_is_of(finished: Path) -> None:
    plan, table = read_impact(finished)
    analysis = ImpactAnalysis(plan, table)
    feeders, chain = feeders_of(analysis), analysis.curves[0].found[0].chain
    made = table[table["point"].isin(chain.points)].iloc[:1]
    others = [made.assign(point=point) for point in chain.points if point not in set(table["point"])]
    table = pd.concat([table, *others], ignore_index=True)  # every penetration of seed 1, as if it was run
    seed_1 = table["point"].isin(chain.points)

    def first(use: float) -> str:
        """The answer of the first mode if its seed 1 kept its limits, the transformer's this far."""
        other = table.copy()
        other.loc[seed_1, [name for name in table if name.endswith("_use_max")]] = 0.5
        other.loc[seed_1, "trafo_overload_use_max"] = use
        other.loc[seed_1, [name for name in table if name.endswith("_intervals")]] = 0
        return next(sentences(ImpactAnalysis(plan, other), feeders))

    said = " is overloaded in 3 of 4 seeds, nothing in the other 1; worst at 11:00 UTC."
    close = (
        " Of the seeds that exceed none, seed 1 at 100 % takes transformer trafo 1 to 99.2 % of its limit on "
    )
    assert f"{said}{close}" in first(0.992)
    assert said in first(0.97)
    assert " Of the seeds that exceed none" not in first(0.97)


def test_only_modes_over_communication_are_run_for_each_quality(tmp_path: Path) -> None:
    communication = {"modes": ["inductive"], "axes": [LOSS]}
    chains = plan_impact(load_impact(saved(tmp_path, communication=communication))).chains
    assert [(chain.mode, chain.communication) for chain in chains[::4]] == [
        ("uncontrolled", ()),
        ("inductive", (0,)),
        ("inductive", (0.5,)),
    ]


def test_interrupted_before_any_quality_was_run_it_has_figures(tmp_path: Path) -> None:
    communication = {"modes": ["inductive"], "axes": [LOSS, LATENCY]}
    studied(saved(tmp_path, communication=communication, penetrations=[0, 1], seeds=1), tmp_path / "out")
    plan, table = read_impact(tmp_path / "out")
    begun = ImpactAnalysis(plan, table[table["mode"] == "uncontrolled"])
    words = [place_text(begun, curve) for curve in begun.curves]
    assert (words[0], words[-1]) == ("uncontrolled", "inductive with loss 0.5, latency 1 h")
    with drawing():
        names = [name for name, _ in impact_figures(begun, {})]
    assert names == ["hosting_capacity", "violation_probability"]


def test_each_feeder_has_its_own_answer(tmp_path: Path) -> None:
    small = {"grid.network": "kerber_landnetz_kabel_1", "groups.homes.households": 8}
    larger = {"grid.network": "kerber_landnetz_kabel_2", "groups.homes.households": 14}
    file = saved(tmp_path, feeders={"small": small, "larger": larger}, seeds=1, risk=0)
    studied(file, tmp_path / "out")
    analysis = analysed(tmp_path / "out")
    found = analysis.hosting_capacities()
    assert found[["feeder", "mode", "seed"]].values.tolist() == [
        [feeder, mode, 1] for feeder in ("small", "larger") for mode in ("uncontrolled", "inductive")
    ]
    alone = saved(tmp_path, set=STUDY["set"] | larger, seeds=1, risk=0)
    studied(alone, tmp_path / "alone")
    columns = ["mode", "seed", "hosting_capacity", "binding", "element"]
    of_larger = found[found.feeder == "larger"][columns].reset_index(drop=True)
    assert of_larger.equals(analysed(tmp_path / "alone").hosting_capacities()[columns])
    files = {path.name for path in write_impact(analysis, tmp_path / "page")}
    assert {"first_violations_small.png", "first_violations_larger.png"} <= files
    page = (tmp_path / "page/impact.md").read_text()
    assert "**larger, inductive**: the feeder hosts" in page


def over(path: str, values: list[Any]) -> dict[str, Any]:
    """A study of a mode over what is no quality of its communication."""
    return {"communication": {"modes": ["inductive"], "axes": [{"path": path, "values": values}]}}


PV = STUDY["technologies"][0]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"penetrations": [0, 1.2]}, "within 0 ... 1|from 0 to 1"),
    ({"penetrations": {"start": 0, "stop": 1.2, "count": 3}}, "and 1.2 is none. Write numbers from 0 to 1"),
    ({"penetrations": [0.5, 0.2]}, "must rise"),
    ({"modes": {"a": {"grid.network": "kerber_dorfnetz"}}}, "a mode changes the feeder"),
    ({"modes": {"a": {"grid.limits.vm_max_pu": 1.3}}}, "grid.limits.vm_max_pu: a mode changes the feeder"),
    ({"costs": ["ev_mising_kwh"]}, "costs.0: no summary has .* Did you mean 'ev_missing_kwh'"),
    ({"modes": {"a": {"groups.homes.households": 3}}}, "number of connection points"),
    ({"modes": {"a": {"seed": 3}}}, "modes share 'seed'"),
    ({"modes": {"a": {"groups.homes.pv.share": 0.3}}}, "the penetration sets this share"),
    ({"modes": {}}, "modes"),
    ({"technologies": []}, "technologies"),
    ({"technologies": [PV | {"group": "nobody"}]}, "nobody"),
    ({"technologies": [{"group": "homes", "device": "windmill", "parameters": {}}]}, "windmill"),
    ({"technologies": [PV, PV]}, "listed twice"),
    ({"technologies": [PV | {"parameters": {"kind": "simbench", "kwp": 3, "share": 1}}]}, "share"),
    ({"set": {"grid": None}}, "grid"),
    (
        {"set": {"grid.copies": 2}},
        "grid.copies: a study says what one feeder hosts, and with 2 copies the first to exceed",
    ),
    ({"compare_at": [0.3]}, "not one of the penetrations"),
    ({"communication": {"modes": ["nope"], "axes": [{"path": "a", "values": [1]}]}}, "no mode 'nope'"),
    (over("grid.network", ["kerber_landnetz_kabel_1", "kerber_dorfnetz"]), "changes the feeder"),
    (over("groups.homes.pv.cos_phi", [0.8, 0.9]), "the first of these values would hold for uncontrolled"),
    ({"modes": {"a": {"groups.homes.pv": PV["parameters"] | {"share": 1}}}}, "penetration sets this share"),
    ({"base": "missing.yaml"}, "no such file"),
    ({"risk": 2}, "from 0 to 1"),
    ({"modes": {"a": {"groups.homes.pv.kwp": -3}}}, "kwp"),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_studies_are_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    problems = cosim.check(saved(tmp_path, **changes))
    errors = [problem for problem in problems if problem.severity == "error"]
    assert errors
    assert any(pd.Series([str(problem) for problem in errors]).str.contains(said)), [*map(str, errors)]
    with pytest.raises(cosim.InputError):
        cosim.impact(str(tmp_path / "study.yaml"), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    file = saved(tmp_path)
    assert cosim.check(file) == []
    for command, other in ((cosim.run, "run"), (cosim.sweep, "sweep")):
        with pytest.raises(cosim.InputError, match="`cosim impact` runs it"):
            command(file)  # type: ignore[operator]
        assert other
    with pytest.raises(cosim.InputError, match="`cosim run` runs it"):
        cosim.impact("storage_village")
    with pytest.raises(cosim.InputError, match="`cosim sweep` runs it"):
        cosim.impact("sweep_example")


def test_a_run_that_fails_leaves_its_seed_out_and_is_listed(tmp_path: Path, finished: Path) -> None:
    table = pd.read_parquet(finished / "points.parquet")
    plan, _ = read_impact(finished)
    first = plan.chains[0]
    table.loc[table.point.isin(first.points), "status"] = "failed"
    analysis = ImpactAnalysis(plan, table)
    assert analysis.curves[0].found[0].capacity is None
    assert len(analysis.curves[0].known) == 3
    page = write_impact(analysis, tmp_path)[0].read_text()
    assert "1 seed not run to the end; the others alone count" in page


@pytest.mark.parametrize("name", names("studies"))
@pytest.mark.fast_cases("impact_signals")
def test_built_in_studies_are_in_order(name: str) -> None:
    assert [problem for problem in cosim.check(name) if problem.severity == "error"] == []


@pytest.mark.slow
def test_workers_of_this_machine_and_of_dask_give_the_same_bytes(tmp_path: Path, finished: Path) -> None:
    file = saved(tmp_path)
    local = cosim.impact(file, out=tmp_path / "local", workers=2)
    on_dask = cosim.impact(file, out=tmp_path / "dask", workers=2, dask="local")
    assert local.status == on_dask.status == "done"
    for path in [*sorted(finished.glob("impact/*")), finished / "points.parquet"]:
        name = path.relative_to(finished)
        assert (local.folder / name).read_bytes() == path.read_bytes(), path.name
        assert (on_dask.folder / name).read_bytes() == path.read_bytes(), path.name
    assert local.hosting_capacities.equals(analysed(finished).hosting_capacities())


@pytest.mark.slow
def test_interrupted_by_ctrl_c_it_goes_on(tmp_path: Path, finished: Path) -> None:
    """The command itself: interrupted once some runs have ended, resumed, the same page as in one go."""
    file, out = saved(tmp_path), tmp_path / "out"
    command = [sys.executable, "-m", "cosim.cli", "impact", file, "--out", str(out), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        lines = out / "finished.jsonl"
        while not lines.exists() or lines.read_text().count("\n") < 3:
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"continue with: cosim impact {file} --out {out} --resume" in told.replace("\n", " ")
    ended = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert "uncontrolled: the feeder hosts" in ended.stdout
    assert (out / "points.parquet").read_bytes() == (finished / "points.parquet").read_bytes()
    assert (out / "impact/impact.md").read_bytes() == (finished / "impact/impact.md").read_bytes()


def test_nothing_is_written_through_a_link(finished: Path, tmp_path: Path) -> None:
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    shutil.copytree(finished, copy, ignore=shutil.ignore_patterns("impact"))
    elsewhere.mkdir()
    (copy / "impact").symlink_to(elsewhere)
    with pytest.raises(cosim.InputError, match="link"):
        evaluate_impact(copy)
    assert not any(elsewhere.iterdir())


def test_of_many_modes_the_first_the_best_and_the_worst_are_listed(finished: Path) -> None:
    curve = ImpactAnalysis(*read_impact(finished)).curves[0]
    many = [
        replace(curve, found=tuple(each._replace(capacity=n) for each in curve.found))
        for n in (1, 0, 1, 2, -1, 1)
    ]
    assert [id(each) for each in _listed(many)] == [id(many[place]) for place in (0, 3, 4)]
    assert _listed(many[:5]) == many[:5]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([(18, 45), (18, 45)], "at 18:45 UTC"),
        ([(11, 0), (9, 30), (10, 0)], "between 09:30 and 11:00 UTC"),
        ([(23, 30), (0, 15), (22, 0)], "between 22:00 and 00:15 UTC"),
        ([], ""),
    ],
)
def test_times_of_day_are_the_shortest_stretch_that_holds_them(
    times: list[tuple[int, int]], said: str
) -> None:
    days = enumerate(times, start=4)
    assert times_of_day([datetime(2016, 7, day, *time, tzinfo=UTC) for day, time in days]) == said
