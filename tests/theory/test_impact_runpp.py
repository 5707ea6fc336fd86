"""Hosting capacities against a plain script: pandapower's `runpp` over the same injections, one by one."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandapower as pp
import pandapower.networks as pn
import pytest

import cosim
from cosim.engine.load import ScenarioSource
from cosim.study.impact.impact_analysis import ImpactAnalysis
from cosim.study.impact.impact_folder import open_study, read_impact
from cosim.study.impact.impact_plan import ImpactPlan, ImpactSearch, plan_impact
from cosim.study.impact.load_impact import load_impact
from cosim.study.sweep.folder import open_folder
from cosim.study.sweep.point import PointResult, PointTask, run_point
from cosim.study.sweep.sweep_run import More, run_sweep

STREET = """
name: street
time: {start: 2016-06-06T11:00:00Z, duration_h: 2}
groups:
  - name: homes
    households: 57
    load: {kind: simbench, profile: H0-A, peak_kw: 1.5}
grid:
  network: kerber_dorfnetz
  interval_min: 60
  limits: {vm_min_pu: 0.9, vm_max_pu: 1.03, line_loading_max_percent: 11, trafo_loading_max_percent: 16}
"""
STUDY = """
name: roofs
base: street.yaml
technologies:
  - {group: homes, device: pv, parameters: {kind: simbench, kwp: {uniform: [5, 40]}}}
penetrations: [0, 0.3, 0.5, 0.7, 0.9]
modes:
  uncontrolled: {}
  inductive: {groups.homes.pv.cos_phi: 0.9}
seeds: 3
"""


class Here:
    """Runs points in this process."""

    n_workers, where = 1, "here"

    def run(self, base: ScenarioSource, tasks: Sequence[PointTask], more: More) -> Iterator[PointResult]:
        """One after the other."""
        waiting = list(tasks)
        while waiting:
            result = run_point(base, waiting.pop(0))
            yield result
            waiting += more(result)


def studied(folder: Path, full: bool = False) -> ImpactAnalysis:
    """The study, run here."""
    (folder / "street.yaml").write_text(STREET)
    (folder / "study.yaml").write_text(STUDY)
    plan: ImpactPlan = plan_impact(load_impact(str(folder / "study.yaml")), full)
    sweep = open_folder(plan.sweep, (), folder / ("full" if full else "searched"), False, folder)
    open_study(plan, sweep)
    outcome = run_sweep(sweep, Here(), search=ImpactSearch(plan))
    assert (outcome.status, outcome.n_failed) == ("done", 0)
    return ImpactAnalysis(*read_impact(sweep.folder))


def is_violated(net: Any, injections: Any) -> bool:
    """Whether some limit is exceeded in some interval."""
    for _, at in injections.groupby("time"):
        net.load.drop(net.load.index, inplace=True)
        pp.create_loads(net, at.bus.to_numpy(), at.p_mw.to_numpy(), at.q_mvar.to_numpy())
        pp.runpp(net, tolerance_mva=1e-9, numba=False)
        if (
            (net.res_bus.vm_pu < 0.9).any()
            or (net.res_bus.vm_pu > 1.03).any()
            or (net.res_line.loading_percent > 11).any()
            or (net.res_trafo.loading_percent > 16).any()
        ):
            return True
    return False


@pytest.mark.slow
def test_the_search_finds_what_a_plain_loop_finds(tmp_path: Path) -> None:
    analysis = studied(tmp_path)
    found = analysis.hosting_capacities().set_index(["mode", "seed"])
    assert analysis.n_runs < analysis.n_grid, "the search leaves some out"
    random.seed(0)  # pandapower draws the types of house connections; cosim takes this draw
    expected, net = {}, pn.create_kerber_dorfnetz()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mode, q in (("uncontrolled", 1.0), ("inductive", 0.9)):
            for seed in (1, 2, 3):
                capacity = float("nan")
                for penetration in (0, 0.3, 0.5, 0.7, 0.9):
                    # The study's own points, each by itself.
                    pv = {"kind": "simbench", "kwp": {"uniform": [5, 40]}, "cos_phi": q, "share": penetration}
                    run = cosim.run(
                        str(tmp_path / "street.yaml"),
                        {"groups.homes.pv": pv, "report.figures": False},
                        seed=seed,
                    )
                    if is_violated(net, run.tables.injections):
                        break
                    capacity = penetration
                expected[mode, seed] = capacity
    assert found["hosting_capacity"].to_dict() == expected
    assert len(set(expected.values())) > 1, "modes and seeds differ, or nothing was shown"


@pytest.mark.slow
def test_the_whole_grid_finds_the_same(tmp_path: Path) -> None:
    searched, whole = studied(tmp_path), studied(tmp_path, full=True)
    assert whole.n_runs == whole.n_grid
    columns = ["mode", "seed", "hosting_capacity", "bound", "binding", "element"]
    assert searched.hosting_capacities()[columns].equals(whole.hosting_capacities()[columns])
