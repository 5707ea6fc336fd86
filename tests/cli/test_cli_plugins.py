"""Plugins on the command line: loaded by name or file, named in records, and refused or blamed by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

POLICY = '''\
from typing import ClassVar

from cosim import plugins


@plugins.policy("{name}")
class Own(plugins.Policy):
    """A policy of somebody's own."""

    fixed_point: ClassVar[str] = "∇g = Ω"
    signal_unit: ClassVar[str] = "cost/unit"
    rests_at_optimum: ClassVar[bool] = True

    def response(self, signal, average, gradient):
        return {response}

    def slope(self, average, gradient):
        return 0.3 + 0.0 * average
'''
GOOD_RESPONSE = "average + 0.3 * (signal - gradient)"
LATENCY = '''\
import numpy as np

from cosim import plugins


@plugins.latency("{name}")
class Own(plugins.LatencyModel):
    """A latency of somebody's own."""

    def distribution(self, read_trace):
        return plugins.Latency(lambda uniforms: {quantile}, mean_ms=1.0)
'''
SHORT = ["--set", "time.steps=20", "--set", "report.figures=false"]


def policy(name: str, response: str = GOOD_RESPONSE) -> str:
    return POLICY.format(name=name, response=response)


TWICE = """
import sys
from cosim.cli import main

name, *both = sys.argv
for arguments in (both[: both.index("--then")], both[both.index("--then") + 1 :]):
    sys.argv = [name, *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
"""
"""A program that runs two commands, `--then` between them."""


def apart(
    folder: Path, *arguments: str, program: str = "from cosim.cli import main; main()"
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, so that what it registers goes with it."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "lacking",
            policy("lacking").partition("    def slope")[0],
            "the response policy 'lacking' has no slope. Define it in the class.",
        ),
        (
            "taken",
            policy("additive"),
            "the response policy 'additive' already exists (cosim.regulation.policies.additive.Additive)",
        ),
        ("named", policy("Not a name"), "'Not a name' cannot name a response policy"),
        (
            "called",
            policy("called").replace("(self, average, gradient)", "(self, average)"),
            "`slope` must be callable as slope(",
        ),
        (
            "dividing",
            "import math\n\nmath.sqrt(-1)\n",
            "the plugin dividing.py cannot be imported (ValueError",
        ),
        ("broken", "def f(:\n", "the plugin is not valid Python: invalid syntax"),
        ("leaving", "raise SystemExit(0)\n", "the plugin leaving.py cannot be imported (SystemExit: 0)"),
        ("needing", "import not_there_at_all\n", "cannot be imported (ModuleNotFoundError"),
    ],
)
def test_a_bad_module_is_refused_with_its_place(
    name: str, text: str, said: str, cosim: Callable, folder: Path
) -> None:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    ended = cosim("check", "section6_additive", "--plugin", f"{name}.py")
    assert ended.code == 2
    (problem,) = ended.problems
    assert said in problem
    assert f"{name}.py:" in problem
    assert name not in sys.modules


@pytest.mark.parametrize("command", ["run", "check", "explain", "sweep", "list", "schema", "report"])
def test_a_module_that_is_not_there_is_refused(command: str, cosim: Callable, folder: Path) -> None:
    target = {"list": [], "schema": [], "sweep": ["sweep_example"]}.get(command, ["section6_additive"])
    for module, said in (
        ("no_such_module", "there is no module 'no_such_module'"),
        ("no.py", "no such file"),
    ):
        ended = cosim(command, *target, "--plugin", module)
        assert (ended.code, len(ended.problems)) == (2, 1), ended.err
        assert said in ended.err
    assert list(folder.iterdir()) == []


def test_a_plugin_is_loaded_named_and_needed(cosim: Callable, folder: Path) -> None:
    (folder / "own_policy.py").write_text(policy("own"), encoding="utf-8")
    chosen = ["--set", "communities.market.agent.policy=own", *SHORT]
    made = ["run", "section6_additive", "--plugin", "own_policy.py", *chosen, "--out", "own"]
    again = ["run", "own/scenario.yaml", "--plugin", "own_policy.py", "--out", "again"]
    ran = apart(folder, *made, "--then", *again, program=TWICE)
    assert ran.returncode == 0, ran.stderr
    record = json.loads((folder / "own/run.json").read_text())
    assert [each["module"] for each in record["plugins"]] == ["own_policy"]
    assert record["plugins"][0]["version"].startswith("sha256:")
    decisions = [(folder / run / "tables/decisions.parquet").read_bytes() for run in ("own", "again")]
    assert decisions[0] == decisions[1]
    without = cosim("run", "own/scenario.yaml", "--out", "without")
    assert without.code == 2
    assert "'own' is not one of the choices" in without.err
    assert "this run was made with the plugin own_policy, which is not loaded" in without.err
    assert not (folder / "without").exists()


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("policy", policy("own", "average * float('nan')"), "the policy 'own' (own_part.Own) gives nan"),
        (
            "policy",
            policy("own", "average + 1 / 0"),
            "the policy 'own' (own_part.Own) fails with ZeroDivisionError",
        ),
        (
            "latency",
            LATENCY.format(name="own", quantile="uniforms - 5.0"),
            "the latency model 'own' (own_part.Own) gave -",
        ),
        (
            "latency",
            LATENCY.format(name="own", quantile="uniforms * np.nan"),
            "the latency model 'own' (own_part.Own) gave nan ms",
        ),
        (
            "latency",
            LATENCY.format(name="own", quantile="[1][2]"),
            "the plugin own_part failed ({file}:11): IndexError",
        ),
    ],
    ids=["policy of no number", "policy that fails", "negative", "no number", "latency that fails"],
)
@pytest.mark.slow
def test_a_plugin_that_fails_is_blamed(kind: str, text: str, said: str, folder: Path) -> None:
    (folder / "own_part.py").write_text(text, encoding="utf-8")
    path = {"policy": "communities.market.agent.policy", "latency": "comms.default.latency.kind"}[kind]
    arguments = ["section6_additive", "--plugin", "own_part.py", "--set", f"{path}=own", *SHORT]
    ran = apart(folder, "run", *arguments, "--out", "r")
    # A policy is tried before anything runs; what a latency gives, only the run shows.
    assert ran.returncode == {"policy": 2, "latency": 3}[kind], ran.stderr
    wanted = said.format(file=folder / "own_part.py")
    assert wanted in ran.stderr
    assert "internal error" not in ran.stderr
    assert ("writing to" in ran.stderr) == (folder / "r").exists() == (kind == "latency")
    if kind == "latency":
        record = json.loads((folder / "r/run.json").read_text())
        assert record["status"] == "failed"
        assert wanted in record["cause"]


def test_a_kind_that_plugins_alone_bring_is_listed_as_such(cosim: Callable) -> None:
    assert cosim("list", "metric").out == "none of cosim's own; plugins bring them\n"


@pytest.mark.slow
def test_a_plugin_is_listed(folder: Path) -> None:
    (folder / "own_policy.py").write_text(policy("own"), encoding="utf-8")
    listed = apart(folder, "list", "policy", "--plugin", "own_policy.py")
    assert "own              A policy of somebody's own." in listed.stdout


@pytest.mark.slow
def test_workers_of_a_sweep_load_the_same(folder: Path) -> None:
    (folder / "own_policy.py").write_text(policy("own"), encoding="utf-8")
    (folder / "s.yaml").write_text(
        "name: s\nbase: section6_additive\nkeep: summary\n"
        "set: {time.steps: 5, communities.market.agent.policy: own}\nseeds: 2\n"
    )
    arguments = ["sweep", "s.yaml", "--plugin", "own_policy.py", "--workers", "1"]
    swept = apart(folder, *arguments, "--out", "swept")
    assert swept.returncode == 0, swept.stderr
    record = json.loads((folder / "swept/sweep.json").read_text())
    assert (record["done"], record["failed"]) == (2, 0)
    assert [each["module"] for each in record["plugins"]] == ["own_policy"]
    (folder / "own_policy.py").write_text(policy("own") + "\n# changed since\n", encoding="utf-8")
    resumed = apart(folder, *arguments, "--out", "swept", "--resume")
    assert resumed.returncode == 2
    assert "the points were made with other plugins (own_policy sha256:" in resumed.stderr


SWEEP = (
    "name: s\nbase: section6_additive\nkeep: summary\n"
    "set: {time.steps: 5, communities.market.agent.policy: own}\nseeds: 4\n"
)


@pytest.mark.slow
def test_dask_loads_the_same(folder: Path) -> None:
    """Two workers of Dask's own and two of cosim's: the same points, to the byte."""
    pytest.importorskip("distributed")
    (folder / "own_policy.py").write_text(policy("own"), encoding="utf-8")
    (folder / "s.yaml").write_text(SWEEP)
    plugin = ["--plugin", "own_policy.py", "--workers", "2"]
    for where, more in (("dask", ["--dask", "local"]), ("local", [])):
        swept = apart(folder, "sweep", "s.yaml", *plugin, *more, "--out", where)
        assert swept.returncode == 0, swept.stderr
        assert json.loads((folder / where / "sweep.json").read_text())["done"] == 4
    assert (folder / "dask/points.parquet").read_bytes() == (folder / "local/points.parquet").read_bytes()


PACKAGE = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "own-package"
version = "2.5"

[project.entry-points."cosim.plugins"]
own = "own_package"

[tool.setuptools]
py-modules = ["own_package"]
"""


@pytest.mark.slow
def test_workers_load_what_an_installed_package_brings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed by pip into a folder; found by the command and by its workers, cosim's own and Dask's."""
    pytest.importorskip("distributed")
    (folder / "source").mkdir()
    (folder / "source/pyproject.toml").write_text(PACKAGE, encoding="utf-8")
    (folder / "source/own_package.py").write_text(policy("own"), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", "site", "./source"], cwd=folder, check=True, capture_output=True)
    there = [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(there))
    (folder / "s.yaml").write_text(SWEEP)
    for where, more in (("dask", ["--dask", "local"]), ("local", [])):
        swept = apart(folder, "sweep", "s.yaml", "--workers", "2", *more, "--out", where)
        assert swept.returncode == 0, swept.stderr
        record = json.loads((folder / where / "sweep.json").read_text())
        assert (record["done"], record["failed"]) == (4, 0)
        assert record["plugins"] == [{"module": "own_package", "version": "2.5"}]
    assert (folder / "dask/points.parquet").read_bytes() == (folder / "local/points.parquet").read_bytes()


SCRIPT = """
import cosim

{plugin}
try:
    swept = cosim.sweep(
        {{"name": "s", "base": "section6_additive", "keep": "summary", "seeds": 2,
          "set": {{"time.steps": 5, "communities.market.agent.policy": "own"}}}},
        workers=1,
    )
    print(swept.n_done)
except cosim.InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("import own_policy", "2"),
        (policy("own"), "cannot load a class that is defined in the script itself"),
    ],
    ids=["in a module", "in the script"],
)
@pytest.mark.slow
def test_a_script_sweeps_with_what_it_imported(plugin: str, said: str, folder: Path) -> None:
    (folder / "own_policy.py").write_text(policy("own"), encoding="utf-8")
    (folder / "script.py").write_text(SCRIPT.format(plugin=plugin), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.parametrize("is_broken", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_installed_package_brings_its_own(folder: Path, is_broken: bool) -> None:
    """An entry point is loaded wherever a scenario is read, and one that fails is told of."""
    site = folder / "site"
    info = site / "own_package-2.5.dist-info"
    info.mkdir(parents=True)
    (site / "own_package.py").write_text("1 / 0\n" if is_broken else policy("own"), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-package\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[cosim.plugins]\nown = own_package\n")
    (info / "RECORD").write_text("own_package.py,,\n")
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import cosim\n"
        "run = cosim.run('section6_additive', {'time.steps': 3, 'report.figures': False,"
        " 'communities.market.agent.policy': 'own'})\n"
        "print(run.record['plugins'])"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if is_broken:
        assert "the plugin own_package cannot be imported (ZeroDivisionError" in done.stderr
    else:
        assert done.stdout.strip() == "[{'module': 'own_package', 'version': '2.5'}]", done.stderr
