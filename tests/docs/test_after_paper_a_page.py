"""docs/after_paper_a.md says what the runs gave that docs/private_reports.csv and changing_costs.csv hold."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cosim.regulation.report_privacy import LaplaceReports

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("private_reports")


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_private_reports_cost(script: ModuleType) -> None:
    runs = script.read(script.RAW)
    assert list(runs) == list(script.BUDGETS)
    assert all(len(values) >= 20 for values in runs.values())
    assert script.table(runs) in (DOCS / "after_paper_a.md").read_text(encoding="utf-8")
    more = {budget: (values - runs["exact"])[:, 0] for budget, values in runs.items()}
    for budget, said in (("8", 0.2), ("2", 2.1)):
        assert more[budget].mean() == pytest.approx(said, abs=0.05)
        assert more[budget].mean() > script.half_width(more[budget])
    assert runs["0.5"][:, 0].mean() / runs["exact"][:, 0].mean() == pytest.approx(4, abs=0.3)
    for budget in ("8", "2", "0.5"):
        gap = (runs[budget] - runs["exact"])[:, 1]
        assert gap.mean() < script.half_width(gap), "no larger with noise"
    noise = [LaplaceReports(epsilon=epsilon).noise_std(2) * np.sqrt(99) for epsilon in (8, 2, 0.5)]
    assert np.allclose(noise, [3.5, 14, 56], rtol=0.02)


def test_what_a_change_of_costs_leaves() -> None:
    script = loaded("changing_costs")
    runs = script.read(script.RAW)
    assert list(runs) == [(averages, costs) for averages in script.AVERAGES for costs in script.COSTS]
    assert all(len(values) >= 20 for values in runs.values())
    assert script.table(runs) in (DOCS / "after_paper_a.md").read_text(encoding="utf-8")
    farther = {
        averages: (runs[averages, "changed"] - runs[averages, "constant"])[:, 0]
        for averages in script.AVERAGES
    }
    cumulative = farther.pop("cumulative")
    assert cumulative.mean() == pytest.approx(0.16, abs=0.01)
    assert cumulative.mean() > script.half_width(cumulative)
    for difference in farther.values():
        assert abs(difference.mean()) < script.half_width(difference), "no trace"
