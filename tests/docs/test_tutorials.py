"""The tutorials: what they show is what is printed, by their notebooks and by the blocks of their pages."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest

from cosim.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = ["first_run", "hosting_capacity", "own_network", "robustness_study"]


def _notebooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_notebooks", DOCS / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


notebooks: Any = _notebooks()


def page(name: str) -> str:
    return (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")


def steps(name: str) -> list[Any]:
    return [piece for piece in notebooks.pieces(page(name)) if not isinstance(piece, str)]


def assert_shown(step: Any, printed: str) -> None:
    """What a page shows is what was printed, where the page leaves nothing out."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    same = doctest.OutputChecker().check_output(step.shown.rstrip() + "\n", printed.rstrip() + "\n", flags)
    assert same, f"{step.source}\nprints\n{printed[-3000:]}\nand the page shows\n{step.shown}"


def test_there_is_a_notebook_of_each_tutorial_and_it_is_current() -> None:
    assert [path.stem for path in notebooks.PAGES] == NAMES
    for name in NAMES:
        written = nbformat.read(DOCS / "tutorials" / f"{name}.ipynb", as_version=4)
        assert written == notebooks.notebook(page(name)), "run `make docs`"
        nbformat.validate(written)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_and_number_of_the_text_comes_from_what_is_run(name: str) -> None:
    """Figures are there; a number with a decimal point or in percent is one that the page shows or sets."""
    run = "\n".join(step.source + step.shown for step in steps(name))
    assert all((DOCS / "images" / f"{step.figure}.png").is_file() for step in steps(name) if step.figure)
    text = "\n".join(piece for piece in notebooks.pieces(page(name)) if isinstance(piece, str))
    numbers = {one or two for one, two in re.findall(r"(?<![\w.])(\d+\.\d+)\b|(?<![\w.])(\d+) [%k]", text)}
    assert not {number for number in numbers if not re.search(rf"(?<![\d.]){number}(?!\d)", run)}


def test_the_first_tutorial_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block by block in this process, all but its last; notebooks run with the slow tests."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for step in steps("first_run")[:-1]:  # the last runs ten seeds
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            if step.language == "console":
                monkeypatch.setattr(sys, "argv", shlex.split(step.source))
                with pytest.raises(SystemExit) as left:
                    main()
                assert not left.value.code
            else:
                exec(step.source, names)
        assert_shown(step, said.getvalue())
        assert len(plt.get_fignums()) == bool(step.figure)
        plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_prints_and_draws_what_its_page_shows(name: str, tmp_path: Path) -> None:
    for step, cell in notebooks.executed(page(name), tmp_path):
        if step.language != "yaml":  # says that it wrote a file
            assert_shown(step, notebooks.printed(cell))
        assert len(notebooks.drawn(cell)) == bool(step.figure)
