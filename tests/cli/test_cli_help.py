"""The help of every command shows the default of every option, and nothing of it is swallowed as markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cosim.cli.entry import app

TYPERS_OWN = ("help", "install_completion", "show_completion")
EXPECTED = {
    "run": {
        "--out": "results/SCENARIO/TIME-HASH",
        "--seed": "the scenario's",
        "--set": "the scenario's values",
        "--verify-power-flow": "0",
        "--quiet": "off",
    },
    "sweep": {
        "--out": "results/SWEEP/TIME-HASH",
        "--workers": "one per core",
        "--dask": "processes of cosim's own",
        "--resume": "off",
        "--dry-run": "off",
        "--quiet": "off",
    },
    "check": {"--seed": "the scenario's", "--set": "the scenario's values"},
    "compare": {"--out": "none are written", "--csv": "none is written"},
    "robustness": {"--out": "SWEEP_DIR/robustness", "--baseline": "none or baseline"},
}


def _commands() -> Iterator[tuple[str, Any]]:
    """Commands by name, the program itself without one."""
    root: Any = typer.main.get_command(app)
    yield "", root
    yield from root.commands.items()


COMMANDS = dict(_commands())


def _help(cosim: Callable, monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """What a user reads, as one line without the frame."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    ended = cosim(*([name] if name else []), "--help")
    assert ended.code == 0
    text = re.sub(r"\s+", " ", re.sub(r"[│╭╮╰╯─]", " ", ended.out))
    return text[text.index(" Options ") :]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_shows_its_default(cosim: Callable, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shown = _help(cosim, monkeypatch, name)
    for option in COMMANDS[name].params:
        if option.param_type_name != "option" or option.name in TYPERS_OWN:
            continue
        written = option.opts[0]
        after = shown[shown.index(f" {written} ") :].split(" --")[1]
        default = re.search(r"\[default: \(?([^\])]+)\)?\]", after)
        assert default, f"{name} {written}: {after}"
        expected = EXPECTED.get(name, {}).get(written)
        assert expected is None or default[1] == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_no_text_of_the_help_is_taken_for_markup(name: str) -> None:
    command = COMMANDS[name]
    texts = [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]
    assert not [text for text in texts if "[" in text]


def test_an_out_that_exists_is_refused_before_anything_is_read(cosim: Callable, folder: Path) -> None:
    """Neither the scenario nor the sweep nor the run is there: what is said is said of --out alone."""
    (folder / "full").mkdir()
    (folder / "full" / "run.json").write_text("{}")
    (folder / "file").write_text("")
    for arguments in (
        ("run", "nothing.yaml", "--out", "full"),
        ("run", "nothing.yaml", "--out", "file"),
        ("sweep", "nothing.yaml", "--out", "full"),
        ("compare", "no_run", "nor_this", "--out", "full"),
        ("robustness", "no_sweep", "--out", "full"),
        ("robustness", "no_sweep", "--out", "file"),
    ):
        ended = cosim(*arguments)
        assert ended.code == 2, arguments
        (problem,) = ended.problems
        assert problem.startswith(f"error {arguments[-1]}: "), problem
        assert "--out" in problem
