"""What pages and figures show of devices: as each kind declares it, also one from outside."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.core.registry import PluginError
from cosim.core.tables import Column, Table
from cosim.devices.interface import DEVICES, Device, Shown
from cosim.report.device_data import panels, shown_columns
from cosim.report.figures.device_figure import devices
from cosim.report.page.run_charts import time_charts
from cosim.report.run_data import RunData
from tests.unit.small_run import SmallRun


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    small = SmallRun(tmp_path_factory.mktemp("devices") / "run", grid=True).prosumers().batteries()
    return RunData(small.end().folder)


def test_flows_are_shown_as_power_and_levels_at_the_end(run: RunData) -> None:
    table = run.tables["batteries"]
    first, second = list(panels(run))
    (charging, at_ms, kw), *_ = first.curves
    (stored, ends_ms, kwh) = second.curves[0]
    assert (first.unit, second.unit, charging, stored) == ("kW", "kWh", "charging", "stored")
    sums = table.groupby("time")[["charge_kwh", "soc_kwh"]].sum()
    hours = run.scenario.interval_ms / 3_600_000
    assert kw == pytest.approx(sums.charge_kwh.to_numpy() / hours, abs=1e-12)
    assert kwh == pytest.approx(sums.soc_kwh.to_numpy(), abs=1e-12)
    assert np.all(ends_ms - at_ms == run.scenario.interval_ms)


def test_the_page_and_a_figure_have_them(run: RunData) -> None:
    assert {"battery_power", "battery_energy"} <= {chart["id"] for chart in time_charts(run)}
    figure = devices(run)
    assert figure is not None
    assert [ax.get_title() for ax in figure.axes] == ["Batteries: power", "Batteries: energy (stored)"]


def test_a_column_of_which_nothing_is_said_is_shown_as_it_stands(
    run: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DEVICES["battery"], "shown", ())
    assert [(each.label, each.unit, each.factor) for each in shown_columns(run, "battery")][:2] == [
        ("soc", "kWh", 1.0),
        ("charge", "kWh", 1.0),
    ]


def test_what_is_shown_stands_in_the_table() -> None:
    class Kettle(Device):
        """Boils."""

        table = Table("kettles", "What each took.", (Column("taken_kwh", "number", "kWh", "taken"),))
        shown = (Shown("steam_kwh", "steam"),)

    with pytest.raises(PluginError, match="shows 'steam_kwh', which is not a column of its table"):
        DEVICES.register("kettle")(Kettle)
    assert "kettle" not in DEVICES
