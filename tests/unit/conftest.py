"""What several tests of grids share: a scenario on a net of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario

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
