"""A subsystem of a user's own: its key in a scenario, its table and numbers, and how a bad one is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import cosim
from cosim.core.registry import PluginError
from cosim.engine.scenario import Scenario
from cosim.engine.wings import SUBSYSTEMS
from cosim.study.json_schema import scenario_schema

Forget = Callable[[], None]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")


def hourly(values: list[float], name: str) -> pd.DataFrame:
    hours = pd.date_range("2016-07-04", periods=len(values), freq="h", tz="UTC")
    return pd.DataFrame({f"{name}_kw": values}, index=hours)


STREET: dict[str, Any] = {
    "name": "street",
    "time": {"start": "2016-07-04", "step_s": 3600, "duration_h": 3, "warm_up_h": 1},
    "groups": [
        {"name": "homes", "households": 3, "load": {"kind": "constant", "p_kw": {"each": [1, 2, 3]}}},
        {"name": "roofs", "households": 2, "pv": {"kind": "csv", "file": hourly([0, 3, 4], "pv"), "kwp": 1}},
    ],
    "report": {"figures": False},
}
"""Three hours in which 0, 6 and 8 kWh are fed in and 6 kWh are drawn; the first is not counted."""


@pytest.fixture
def local_price(tmp_path: Path, registered_here: Forget) -> str:
    """The file of the documentation's example, loaded."""
    (text,) = re.findall(r"```python file=local_price.py\n(.*?)```", PAGE, re.S)
    (tmp_path / "local_price.py").write_text(text, encoding="utf-8")
    cosim.plugins.load(str(tmp_path / "local_price.py"))
    return text


def test_its_key_table_and_numbers(local_price: str, tmp_path: Path) -> None:
    run = cosim.run(STREET, {"local_price.price": 0.25}, out=str(tmp_path / "run"))
    assert run.status == "done"
    trades = run.tables.local_trades
    wide = {name: trades.pivot(index="time", columns="prosumer", values=name).to_numpy() for name in trades}
    assert wide["bought_kwh"] == pytest.approx(np.array([[0, 0, 0, 0, 0], [1, 2, 3, 0, 0], [1, 2, 3, 0, 0]]))
    assert wide["sold_kwh"] == pytest.approx(np.array([[0] * 5, [0, 0, 0, 3, 3], [0, 0, 0, 3, 3]]))
    assert wide["cost_eur"] == pytest.approx(0.25 * (wide["bought_kwh"] - wide["sold_kwh"]))
    assert (run.summary["local_traded_kwh"], run.summary["local_share"]) == pytest.approx((12.0, 1.0))
    assert run.summary.describe().loc["local_share", "section"] == "Local price"
    assert run.scenario.model_dump()["local_price"] == {"price": 0.25}
    # Other tests register classes of their own in this process.
    named = [each["module"] for each in run.record["plugins"] if not each["module"].startswith("tests.")]
    assert named == ["local_price"]
    again = cosim.run(run.folder / "scenario.yaml")
    assert again.tables.local_trades.equals(trades)


def test_a_run_names_the_plugin_that_it_lacks(
    local_price: str, registered_here: Forget, tmp_path: Path
) -> None:
    run = cosim.run(STREET, {"local_price.price": 0.25}, out=str(tmp_path / "run"))
    registered_here()
    for look in (lambda: cosim.open(run.folder).scenario, lambda: cosim.run(run.folder / "scenario.yaml")):
        with pytest.raises(cosim.InputError) as caught:
            look()
        first, second = caught.value.problems
        assert first.message == "this run was made with the plugin local_price, which is not loaded"
        assert "--plugin local_price.py" in first.remedy
        assert second.message == "unknown key 'local_price'"
    assert len(cosim.open(run.folder).tables.local_trades) == 15


def test_a_run_that_does_not_use_it_does_not_need_it(local_price: str, tmp_path: Path) -> None:
    run = cosim.run(STREET, out=str(tmp_path / "run"))
    assert "local_price" not in (run.folder / "scenario.yaml").read_text()
    assert "local_trades" not in run.tables
    assert run.record["scenario_hash"] == cosim.run(STREET, {"local_price": None}).record["scenario_hash"]


def test_its_keys_are_checked_and_in_the_schema(local_price: str) -> None:
    (problem,) = cosim.check(STREET, ["local_price.prise=0.2"])
    assert (problem.path, problem.remedy) == (
        "local_price.prise",
        "Did you mean 'price'?",
    )
    (problem,) = cosim.check(STREET, {"local_price": {"price": "much"}})
    assert "a number is expected" in str(problem)
    schema = scenario_schema()
    key = schema["properties"]["local_price"]
    assert (
        key["description"] == "Energy that is fed in is sold to the others at a fixed price; none by default."
    )
    assert "price" in schema["$defs"]["LocalPriceKeys"]["properties"]
    assert "local_price" in {entry.name for entry in cosim.plugins.entries("subsystem")}


class Keys(cosim.plugins.Model):
    """Keys of one."""


class Own(cosim.plugins.Subsystem):
    """One of somebody's own."""

    schema: ClassVar = Keys

    @classmethod
    def build(cls, source: Any, setup: Any) -> Any:
        return None if source.own is None else cls()


class Loose(BaseModel):
    """Keys that let any other pass."""


def changed(**members: Any) -> type:
    return type("Changed", (Own,), members)


@pytest.mark.parametrize(
    ("name", "members", "said"),
    [
        ("own", {"schema": None}, "the subsystem 'own' has no `schema`"),
        ("own", {"schema": Loose}, "the subsystem 'own' has no `schema`"),
        ("seed", {}, "a scenario has something else of the name 'seed'. Choose another name."),
        ("population", {}, "a scenario has something else of the name 'population'"),
        ("base", {}, "a scenario has something else of the name 'base'"),
        ("axes", {}, "a scenario has something else of the name 'axes'"),
        ("grid", {}, "the subsystem 'grid' already exists (cosim.grid.subsystem.PowerGrid)"),
        ("own", {"build": classmethod(lambda cls, source: None)}, "`build` must be callable as build("),
        (
            "own",
            {"tables": (cosim.plugins.Table("meters", "", ()),)},
            "the subsystem 'own' writes the table 'meters', as the subsystem 'groups' does",
        ),
        (
            "own",
            {"numbers": (cosim.plugins.Number("messages_sent", "own", "", "of its own"),)},
            "the subsystem 'own' gives the number 'messages_sent', as the subsystem 'comms' does",
        ),
    ],
)  # fmt: skip
def test_a_bad_one_is_refused(name: str, members: dict[str, Any], said: str, registered_here: Forget) -> None:
    before = SUBSYSTEMS.names(), list(Scenario.model_fields)
    with pytest.raises(PluginError) as caught:
        cosim.plugins.subsystem(name)(changed(**members))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert (SUBSYSTEMS.names(), list(Scenario.model_fields)) == before


def test_one_may_come_again_with_other_keys(registered_here: Forget) -> None:
    """As when a notebook's cell is run again."""

    class Other(cosim.plugins.Model):
        limit: float = 1.0

    cosim.plugins.subsystem("own")(Own)
    again = type("Own", (Own,), {"schema": Other, "__module__": __name__, "__qualname__": "Own"})
    cosim.plugins.subsystem("own")(again)
    assert Scenario.model_validate({**minimal(), "own": {"limit": 2}}).model_dump()["own"] == {"limit": 2.0}


def minimal() -> dict[str, Any]:
    return {"name": "s", "time": {"steps": 1}}


@pytest.mark.parametrize(
    ("numbers", "given", "said"),
    [
        ((), {"own_kwh": 1.0}, "gives a number that it does not declare: own_kwh"),
        (("own_kwh",), {"own_kwh": float("nan")}, "gives own_kwh = nan, which its declaration does not"),
    ],
)
def test_bad_numbers_fail_the_run(
    numbers: tuple[str, ...], given: dict[str, Any], said: str, tmp_path: Path, registered_here: Forget
) -> None:
    declared = tuple(cosim.plugins.Number(name, "own", "kWh", "of its own") for name in numbers)
    cosim.plugins.subsystem("own")(changed(numbers=declared, summary=lambda self: given))
    with pytest.raises(cosim.SimulationError, match="Changed"):
        cosim.run(STREET, {"own": {}}, out=str(tmp_path / "run"))
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert record["status"] == "failed"
    assert said in record["cause"]
    assert "energy_load_kwh" in summary, "what the run had is kept"
    assert "own_kwh" not in summary
