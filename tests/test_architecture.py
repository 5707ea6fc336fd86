"""The layers of the design, read off the imports themselves.

    core ◄ config ◄ csv_files ◄ {comms, devices, grid, results} ◄ households ◄ {regulation, trading, dimming}
         ◄ {firm, ties} ◄ faults
         ◄ engine ◄ study ◄ report ◄ plugins ◄ api ◄ {cli, the package's own face}

A wing that only `engine/wings.py` names is a market form: it stands beside `regulation` and `trading`, and
imports neither.

Every import counts, also one inside a function or under TYPE_CHECKING.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cosim"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("config",),
    ("csv_files",),
    ("comms", "devices", "grid", "results"),
    ("households",),
    ("regulation", "trading", "dimming"),
    ("firm", "ties"),
    ("faults",),
    ("engine",),
    ("study",),
    ("report",),
    ("plugins",),
    ("api",),
    ("cli", ""),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MARKETS = LEVEL["trading"]

# SimPy is for the clock, for links, for processes and for where they are put together.
MAY_USE_SIMPY = ("core", "comms", "households", *LAYERS[MARKETS], "ties", "faults", "engine")

# What is not a function of the scenario and its seed, and who may look at it, and why.
IMPURE = {
    ("cosim.engine.run", "datetime.now"): "the stamps of run.json and the name of the run's folder",
    ("cosim.engine.run", "time.perf_counter"): "the seconds of each stage in run.json",
    (
        "cosim.study.sweep.folder",
        "datetime.now",
    ): "the stamps of sweep.json and the name of the sweep's folder",
    ("cosim.study.sweep.sweep_run", "time.monotonic"): "the seconds in sweep.json",
    (
        "cosim.study.sweep.samples",
        "np.random.Philox",
    ): "which points a sample has, from the sample's own seed",
    ("cosim.study.sweep.samples", "np.random.Generator"): "the same: scipy's samplers take a generator",
    ("cosim.cli.progress", "time.monotonic"): "how often the bar is drawn, and the speed it shows",
    ("cosim.grid.network_functions", "random.Random"): "from which pandapower draws Kerber's networks",
    ("cosim.core.streams", "np.random.Philox"): "the counter-based generator that all randomness is made of",
    ("cosim.core.streams", "np.random.Generator"): "turns its bits into floats; holds no state of its own",
}
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}


class Import(NamedTuple):
    """One import of a module of this package."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, parsed."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(file.read_text(encoding="utf-8"), str(file))
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import from one module of the package to another."""
    return tuple(i for name, tree in modules().items() for i in imports_of(name, tree))


PLACE = re.compile(r"(cosim(?:\.\w+)+):\w+")
"""A class by its module and name, as it is imported when the program runs."""


def imports_of(name: str, tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and (place := PLACE.fullmatch(str(node.value))):
            yield Import(name, place[1], node.lineno)
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "cosim":
                    yield Import(name, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cosim":
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield Import(name, below if below in modules() else str(node.module), node.lineno)


def part(module: str) -> str:
    """The layer's member a module belongs to; empty for the root, which is the public face."""
    names = module.split(".")
    return names[1] if len(names) > 1 else ""


def level(module: str) -> int:
    """The layer a module belongs to; that of a wing without one of its own is the market forms'."""
    return LEVEL.get(part(module), MARKETS)


def wings() -> set[str]:
    """The packages whose subsystem a run has."""
    named = {i.imported for i in imports() if i.importer == "cosim.engine.wings"}
    return {part(module) for module in named - {"cosim.core.subsystem"} if module.endswith(".subsystem")}


def test_every_module_has_a_layer() -> None:
    assert {name for name in modules() if part(name) not in LEVEL.keys() | wings()} == set()
    assert len(modules()) > 40, "the walk finds the package"


def test_the_wings_are_imports_too() -> None:
    assert {"regulation", "trading", "comms", "faults"} <= wings()


def test_imports_go_downwards() -> None:
    wrong = [
        str(i)
        for i in imports()
        if part(i.imported) and part(i.importer) != part(i.imported) and level(i.importer) < level(i.imported)
    ]
    assert wrong == []


def test_siblings_do_not_import_each_other() -> None:
    wrong = [
        str(i)
        for i in imports()
        if part(i.imported)
        and part(i.importer) != part(i.imported)
        and level(i.importer) == level(i.imported)
    ]
    assert wrong == []


SAME_ROLE = {"schema", "subsystem", "record", "interface", "messages", "__init__"}
"""What several wings have under one name, since it does the same in each."""


def test_a_file_says_its_subject_without_its_folder() -> None:
    folders: dict[str, list[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        folders.setdefault(file.stem, []).append(str(file.parent.relative_to(PACKAGE)))
    assert {stem: of for stem, of in folders.items() if len(of) > 1 and stem not in SAME_ROLE} == {}


def test_the_engine_keeps_what_is_nobodys() -> None:
    assert len([file for file in (PACKAGE / "engine").rglob("*.py") if file.stem != "__init__"]) <= 12


def test_nothing_imports_the_root() -> None:
    assert [str(i) for i in imports() if i.imported == "cosim"] == []


def test_the_command_line_calls_the_public_face_alone() -> None:
    shown = {"cosim.report.terminal_summary", "cosim.report.compare_table"}
    wrong = [
        str(i)
        for i in imports()
        if part(i.importer) == "cli"
        and part(i.imported) not in ("api", "cli", "core")
        and i.imported not in shown
    ]
    assert wrong == [], "but for what a terminal shows"


WALKS = ("one kWh", "one broadcast", "one key")
STEP = re.compile(r"^(\d+)\. ([·↓↑]) `cosim/([^`]+)`", re.MULTILINE)


def walk_of(walk: str) -> list[tuple[str, str, str]]:
    """Number, arrow and file of each step."""
    return STEP.findall(page().split(f"### The walk of {walk}")[1].split("\n#")[0])


def page() -> str:
    return (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_of_the_page_goes_as_it_says(walk: str) -> None:
    """The files are there, none is passed twice, and the arrows are those of the layers."""
    steps = walk_of(walk)
    files = [file for _, _, file in steps]
    assert [int(number) for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert len(steps) >= 8
    assert len(set(files)) == len(files)
    assert [file for file in files if not (PACKAGE / file).is_file()] == []
    assert steps[0][1] == "·"
    for (_, _, before), (_, arrow, after) in pairwise(steps):
        here, there = (file.split("/")[0] for file in (before, after))
        goes = {"↓": LEVEL[here] > LEVEL[there], "↑": LEVEL[here] < LEVEL[there], "·": here == there}
        assert goes[arrow], f"{before} {arrow} {after}"


def test_the_page_names_every_package_and_shows_the_layers() -> None:
    named = set(
        re.findall(r"`(\w+)`", "".join(line for line in page().splitlines() if line.startswith("| `")))
    )
    assert set(LEVEL) - {""} <= named
    shown = next(line for line in page().splitlines() if line.startswith("    core"))
    layers = [sorted(layer.strip("{} ").split(", ")) for layer in shown.split("◄")]
    assert layers == [sorted(name or "cosim" for name in layer) for layer in LAYERS]


def test_no_cycle_between_modules() -> None:
    assert cycle({(i.importer, i.imported) for i in imports()}) == []


def test_no_cycle_between_packages() -> None:
    pairs = {(package_of(i.importer), package_of(i.imported)) for i in imports()}
    assert cycle({(above, below) for above, below in pairs if above != below and below != "cosim"}) == []


def package_of(module: str) -> str:
    """The folder that a module lies in; of a package, its own."""
    return module if (ROOT / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]


def test_a_cycle_would_be_found() -> None:
    assert cycle({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")}) == ["a", "b", "c", "a"]


def cycle(pairs: set[tuple[str, str]]) -> list[str]:
    """A path that comes back to where it began; empty where there is none."""
    below: dict[str, list[str]] = {}
    for importer, imported in sorted(pairs):
        below.setdefault(importer, []).append(imported)
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for next_ in below.get(node, ()):
            found = walk(next_, [*path, node])
            if found:
                return found
        done.add(node)
        return []

    return next((found for start in sorted(below) if (found := walk(start, []))), [])


def test_imports_are_absolute() -> None:
    relative = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_simpy_stays_where_processes_are() -> None:
    users = {
        part(name)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "simpy" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "simpy")
    }
    assert users <= {*MAY_USE_SIMPY, *wings() - LEVEL.keys()}


@pytest.mark.parametrize("heavy", ["pandapower", "simbench", "matplotlib", "distributed"])
def test_heavy_packages_are_imported_inside_functions(heavy: str) -> None:
    at_top = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)])
        if module.split(".")[0] == heavy
    ]
    # A module that only a function imports may itself import matplotlib at its top: then it is in report.
    assert [place for place in at_top if not place.startswith("cosim.report.")] == []


def test_nothing_depends_on_the_clock_of_the_computer_or_on_global_randomness() -> None:
    found = {(name, use) for name, tree in modules().items() for use in impure_uses(tree)}
    assert found == set(IMPURE)


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("import random as r\nr.random()", "random.random"),
        ("import numpy as n\nn.random.default_rng(1)", "np.random.default_rng"),
        ("from numpy import random\nrandom.normal()", "np.random.normal"),
        ("from numpy.random import default_rng", "np.random.default_rng"),
        ("from random import choice", "random.choice"),
        ("import time\ntime.time()", "time.time"),
        ("from time import monotonic", "time.monotonic"),
        ("import datetime\ndatetime.datetime.now()", "datetime.now"),
        ("from datetime import date\ndate.today()", "date.today"),
        ("import os\nos.urandom(3)", "os.urandom"),
        ("import uuid", "uuid"),
    ],
)
def test_impure_uses_would_be_found(source: str, use: str) -> None:
    assert use in set(impure_uses(ast.parse(source)))


def impure_uses(tree: ast.Module) -> Iterator[str]:
    """Uses of clocks and of generators with a state, by the names they have in their own modules."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                aliases[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    named = {ast.Name, ast.Attribute}
    dotted = {dotted_name(node, aliases) for node in ast.walk(tree) if type(node) in named}
    for full in sorted({*dotted, *aliases.values()} - {""}):
        head, _, last = full.rpartition(".")
        if head == "random":
            yield full
        elif head == "numpy.random":
            yield f"np.random.{last}"
        elif (head == "time" and last in CLOCKS) or full == "os.urandom":
            yield full
        elif head in ("datetime.datetime", "datetime.date") and last in ("now", "utcnow", "today"):
            yield f"{head.rpartition('.')[2]}.{last}"
        elif full in ("uuid", "secrets"):
            yield full


def dotted_name(node: ast.AST, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    if isinstance(node, ast.Attribute):
        head = dotted_name(node.value, aliases)
        return f"{head}.{node.attr}" if head else ""
    return ""
