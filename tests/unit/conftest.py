"""What several tests share: a scenario on a net of the test's own; registries that a test may add to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest

from cosim.config.added_keys import set_keys
from cosim.config.yaml_reader import Document
from cosim.core import registry
from cosim.core.plugin_modules import plugins
from cosim.devices.interface import DEVICES
from cosim.engine import scenario
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import GroupConfig, Scenario
from cosim.engine.wings import SUBSYSTEMS
from cosim.faults.kinds import FAULTS
from cosim.report.figures import FIGURES
from cosim.results.metrics import METRICS

ONE_HOME = ({"name": "homes", "households": 1, "load": {"kind": "feeder"}},)


@pytest.fixture
def on_net(tmp_path: Path) -> Callable[..., LoadedScenario]:
    """Makes a scenario of two hours on a pandapower net that it saves as JSON.

    Called with the net, and by keyword `groups` (one household that draws what the first load does), keys of
    the `grid` section, and `network` for keys of the network file.
    """

    def make(net: pp.pandapowerNet, groups: Any = ONE_HOME, **grid: Any) -> LoadedScenario:
        number = len(list(tmp_path.glob("n*.json")))
        pp.to_json(net, str(tmp_path / f"n{number}.json"))
        (tmp_path / f"n{number}.yaml").write_text(
            f"name: n{number}\ntitle: t\norigin: o\nlicence: l\n"
            f"source: {{kind: json, file: n{number}.json}}\n"
        )
        content = {
            "name": "s",
            "time": {"start": "2016-07-04T10:00:00Z", "step_s": 3600, "steps": 2},
            "groups": list(groups),
            "grid": {"network": f"n{number}.yaml"} | grid,
        }
        return LoadedScenario(
            Scenario.model_validate(content), tmp_path, "s.yaml", Document(content, "s.yaml")
        )

    return make


_REGISTRIES = (SUBSYSTEMS, DEVICES, FAULTS, METRICS, FIGURES)


@pytest.fixture
def registered_here(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """What a test registers of subsystems, devices, metrics and figures goes when called, and at its end."""
    classes = [dict(each._classes) for each in _REGISTRIES]
    outside, added = dict(registry._outside), set(scenario._added_keys)
    keys = {model: dict(model.model_fields) for model in (Scenario, GroupConfig)}

    def forget() -> None:
        for plugin in plugins():
            if Path(plugin.file).is_relative_to(tmp_path):
                del sys.modules[plugin.module]
        for each, own in zip(_REGISTRIES, classes, strict=True):
            each._classes = dict(own)
        registry._outside, scenario._added_keys = dict(outside), set(added)
        for model, fields in keys.items():
            if list(model.model_fields) != list(fields):
                set_keys(model, fields)
        registry._registered += 1  # what was read off the models since is out of date

    yield forget
    forget()
