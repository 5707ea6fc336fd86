"""A kind of fault of a user's own: its keys in a scenario, and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

import cosim
from cosim.core.registry import PluginError
from cosim.engine.scenario import Scenario
from cosim.faults.kinds import FAULTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
RUN = {"time.steps": 12, "report.figures": False}
pytestmark = pytest.mark.filterwarnings("ignore:.*Assumption 1 of paper A:UserWarning")


def test_its_keys_and_what_it_does(tmp_path: Path, registered_here: Callable[[], None]) -> None:
    """What the platform adds up is late from the fault's start to its end, and nothing else changes."""
    (text,) = re.findall(r"```python file=late_reports.py\n(.*?)```", PAGE, re.S)
    (tmp_path / "late_reports.py").write_text(text, encoding="utf-8")
    cosim.plugins.load(str(tmp_path / "late_reports.py"))
    late = {"kind": "late_reports", "from_h": 96, "duration_h": 72}
    run = cosim.run("section6_additive", RUN | {"faults": [late]})
    assert set(run.tables.faults.kind) == {"late_reports"}
    assert run.tables.faults.target.tolist() == run.tables.prosumers.prosumer.tolist()
    regulation = run.tables.regulation.query("resource == 'consumption'")
    aggregate, measured = (regulation[name].tolist() for name in ("aggregate", "measured"))
    on_time = [k for k in range(1, 12) if measured[k] == aggregate[k]]
    late_by_one = [k for k in range(2, 12) if measured[k] == aggregate[k - 1]]
    assert late_by_one == [4, 5, 6]
    assert on_time == [1, 2, 3, *range(7, 12)]
    problems = cosim.check("section6_additive", RUN | {"faults": [late | {"shares": 0.5}]})
    assert "Did you mean 'share'?" in [problem.remedy for problem in problems]
    assert "LateReports" in Scenario.model_json_schema()["$defs"]


def test_one_without_an_effect_is_refused(registered_here: Callable[[], None]) -> None:
    class Idle(cosim.plugins.HouseholdFault):
        """Does nothing."""

        needs_community: ClassVar = True

    with pytest.raises(PluginError, match="the fault 'idle' has no effect"):
        FAULTS.register("idle")(Idle)


def test_a_name_alone_is_no_fault() -> None:
    """The schema offers no short form of what needs a time."""
    options = Scenario.model_json_schema()["properties"]["faults"]["items"]
    assert not [option for option in options.get("anyOf", ()) if option.get("type") == "string"]
