"""The command line as a user meets it: arguments in; exit code, texts and files out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cosim.cli import main

GOOD = """\
name: good
time:
  step_s: 3600
  steps: 4
groups:
  - name: homes
    households: 3
    cost: {kind: separable, linear: 6, own_quadratic: 1, target: 0.5}
    load: {kind: constant, p_kw: 0.4}
communities:
  - name: village
    groups: [homes]
    resources:
      - {name: use, capacity: 1}
      - {name: sale, capacity: 1}
report: {figures: false}
"""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """The errors and warnings it told of, one a line."""
        return [line for line in self.err.splitlines() if line.startswith(("error ", "warning "))]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder with its size and time of change."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cosim(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command in the working directory, as the console script does."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["cosim", *arguments])
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        captured = capsys.readouterr()
        assert isinstance(code, int)
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def refused(cosim: Callable[..., Ended], folder: Path) -> Callable[..., list[str]]:
    """`cosim check` and `cosim run` of a scenario that must be refused: the errors told.

    Both must leave with 2, say the same, write nothing, and word it for a user.
    """

    def check(source: str, *arguments: str) -> list[str]:
        before = snapshot(folder)
        checked, ran = cosim("check", source, *arguments), cosim("run", source, *arguments)
        assert snapshot(folder) == before, "bad input leaves nothing behind"
        assert (checked.code, ran.code) == (2, 2), checked.err + ran.err
        assert checked.problems == ran.problems
        errors = [line.removeprefix("error ") for line in checked.problems if line.startswith("error ")]
        assert errors, checked.err
        for error in errors:
            assert_readable(error)
        return errors

    return check


@pytest.fixture
def refused_sweep(cosim: Callable[..., Ended], folder: Path) -> Callable[[str], list[str]]:
    """`cosim check` and `cosim sweep` of a sweep that must be refused: the errors told, as `refused` does."""

    def check(text: str) -> list[str]:
        (folder / "s.yaml").write_text(text, encoding="utf-8")
        before = snapshot(folder)
        checked, swept = cosim("check", "s.yaml"), cosim("sweep", "s.yaml", "--out", "out")
        assert snapshot(folder) == before, "bad input leaves nothing behind"
        assert (checked.code, swept.code) == (2, 2), checked.err + swept.err
        errors, others = (
            [line.removeprefix("error ") for line in ended.problems if line.startswith("error ")]
            for ended in (swept, checked)
        )
        assert errors == others
        for error in errors:
            assert_readable(error)
        return errors

    return check


JARGON = (
    "Input should",
    "pydantic",
    "Traceback",
    "validation",
    "dictionary",
    "Tuple",
    "NoneType",
    "Errno",
    "None",
    "True)",
    "False)",
    "Value error",
    "tag:yaml.org",
    "<class",
    "<stream",
    "<block",
    "object at",
    "discriminator",
    "instance of",
    " 1 households",
    " 1 items",
)


def assert_readable(message: str) -> None:
    """No jargon, no repr of Python, and a remedy after the statement of what is wrong."""
    assert not [word for word in JARGON if word in message], message
    assert message[-1] in ".!?", message
    assert ". " in message, f"no remedy: {message}"


@pytest.fixture
def write(folder: Path) -> Callable[..., str]:
    """Write a scenario: the good one with some texts exchanged."""

    def make(*exchanges: tuple[str, str], name: str = "s.yaml", text: str = GOOD) -> str:
        for old, new in exchanges:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the scenario"
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
        return name

    return make
