"""A device of a user's own file, registered after the models were built: its key, its service, its table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

import cosim
from cosim.comms.record import MESSAGES
from cosim.core.registry import PluginError
from cosim.devices.battery import BatteryConfig
from cosim.devices.interface import DEVICES, Service

DEVICE = '''
from typing import ClassVar

from cosim.config.values import KilowattsValue
from cosim.core.tables import PROSUMER, TIME, Column, Table
from cosim.devices.active_device import NEVER, ActiveDevice
from cosim.devices.interface import DEVICES, Device, Service


class Tank(ActiveDevice):
    """Heats while it is asked to."""

    __slots__ = ("asked_until_ms", "power_kw", "taken_kwh")

    def __init__(self, power_kw):
        super().__init__()
        self.power_kw, self.asked_until_ms, self.taken_kwh = power_kw, 0, 0.0

    def step(self, end_ms, hours, surplus_kw):
        taken = self.power_kw * hours if end_ms <= self.asked_until_ms else 0.0
        self.taken_kwh += taken
        self.until_ms = self.asked_until_ms if self.asked_until_ms > end_ms else NEVER
        return taken

    def close(self):
        taken, self.taken_kwh = self.taken_kwh, 0.0
        return taken, 0.0, 0.0, 0.0, taken, 0.0

    def deliver(self, requested, units, now_ms, step_ms, around):
        self.asked_until_ms = now_ms + step_ms if any(requested) else 0
        self.until_ms = self.asked_until_ms or NEVER
        return [float(want) for want in requested]

    def regulate(self, is_on):
        self.asked_until_ms = 0


@DEVICES.register("tank")
class WaterTank(Device):
    """A tank of hot water."""

    power_kw: KilowattsValue
    """Power of its heater, kW."""
    services: ClassVar = (
        Service("hot_water", "is the heater's power for a step", "a tank", own_unit=True),
    )
    table: ClassVar = Table(
        "tanks", "Tanks.", (TIME, PROSUMER, Column("heat_kwh", "number", "kWh", "heated"))
    )

    def install(self, site):
        return [Tank(power_kw) for power_kw in site.values("power_kw", self.power_kw).tolist()]

    @classmethod
    def rows(cls, values):
        return {"heat_kwh": values["taken_kwh"]}
'''
SCENARIO = """
name: tanks
time: {step_s: 1800, duration_h: 24}
groups:
  - name: homes
    households: 4
    cost: {kind: separable, linear: 6, own_quadratic: 1.0, target: 0.5}
    load: {kind: constant, p_kw: 0.5}
    battery: {capacity_kwh: 5}
    tank: {power_kw: {uniform: [1, 3]}}
communities:
  - name: village
    groups: [homes]
    resources:
      - {name: heat, serves: hot_water, capacity: 2}
      - {name: own_use, serves: own_load, unit_kwh: 0.1, capacity: 2}
    agent: {initial_decision: 0, initial_average: 0.5}
report: {figures: false}
"""
USE = """
from pathlib import Path
from cosim.config.dump import to_yaml
from cosim.core.errors import InputError
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table
try:
    load_scenario("s.yaml")
except InputError as error:
    print("before:", error.problems[0].message)
import my_tank
run_scenario(load_scenario("s.yaml"), Path("run"))
tanks, meters, batteries, decisions = (
    read_table(Path("run"), name) for name in ("tanks", "meters", "batteries", "decisions")
)
heat = decisions[decisions["resource"] == "heat"]["delivered"].sum()
net = meters["net_kwh"].sum() - meters["load_kwh"].sum() - tanks["heat_kwh"].sum()
print("net:", abs(net - batteries["charge_kwh"].sum() + batteries["discharge_kwh"].sum()) < 1e-9)
print("heated:", tanks["heat_kwh"].sum() > 5, 0.5 * heat <= tanks["heat_kwh"].sum() <= 1.5 * heat)
unused = load_scenario("s.yaml", ["groups.homes.tank=null"])
print("unused:", "tank" not in to_yaml(unused.scenario).replace("tanks", ""))
schema = Scenario.model_json_schema()
print("schema:", "WaterTank" in schema["$defs"], "tank" in schema["$defs"]["GroupConfig"]["properties"])
try:
    serves = "communities.village.resources.heat.serves=hot"
    load_scenario("s.yaml", ["groups.homes.tank={powr_kw: 1}", serves])
except InputError as error:
    print(*sorted(problem.remedy for problem in error.problems), sep="\\n")
"""


def test_a_device_in_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "my_tank.py").write_text(DEVICE)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "use.py").write_text(USE)
    ended = subprocess.run(
        [sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert said[0].startswith("before: unknown key 'tank'")
    assert said[1:5] == ["net: True", "heated: True True", "unused: True", "schema: True True"]
    assert any("Did you mean 'power_kw'?" in line for line in said[5:])
    assert any("Choices: own_load, anything, ev_charging, heat_pump, hot_water." in line for line in said[5:])


class CarBattery(BatteryConfig):
    """A second battery."""

    table: ClassVar = None


def test_two_devices_that_serve_the_same_are_refused(registered_here: Callable[[], None]) -> None:
    """Every resource and group that asks for it is told of; where nobody asks, two are no problem."""
    DEVICES.register("car_battery")(CarBattery)
    two = {"groups.homes.car_battery": {"capacity_kwh": 30}, "time.duration_h": 24}
    errors = [each for each in cosim.check("storage_village", two) if each.severity == "error"]
    said = "the group 'homes' has battery and car_battery, each of which serves this"
    assert {each.message for each in errors} == {said}
    wanted = [f"communities.0.resources.{number}.serves" for number in (0, 1)]
    assert [each.path for each in errors] == wanted
    assert "divide the group into one" in errors[0].remedy
    alone = {
        "communities.village.resources.own_use.unit_kwh": 0,
        "communities.village.resources.sale.unit_kwh": 0,
    }
    assert not [each for each in cosim.check("storage_village", two | alone) if each.severity == "error"]


def test_a_service_means_the_same_of_each_kind_and_a_table_is_of_one(
    registered_here: Callable[[], None],
) -> None:
    for attributes, said in (
        ({"services": (Service("own_load", "heats", "a tank"),)}, "means something else by 'own_load'"),
        ({"table": BatteryConfig.table}, "writes the table 'batteries', as the device 'battery' does"),
        (
            {"event_table": MESSAGES},
            "the device 'tank' writes the table 'messages', as the subsystem 'comms' does",
        ),
        (
            {"numbers": (cosim.plugins.Number("energy_load_kwh", "load", "kWh", ""),)},
            "the device 'tank' gives the number 'energy_load_kwh', as the subsystem 'groups' does",
        ),
    ):
        with pytest.raises(PluginError, match=said):
            DEVICES.register("tank")(type("Tank", (CarBattery,), attributes))
