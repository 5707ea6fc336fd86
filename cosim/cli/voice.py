"""How a command speaks: `-q`, `-v` and `--json` mean the same for every one of them."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from cosim.core.console import PlainConsole
from cosim.core.errors import Problem
from cosim.core.version import VERSION

_MOST_PROBLEMS = 100

out = PlainConsole(soft_wrap=True)
err = PlainConsole(stderr=True, soft_wrap=True)


class Voice:
    """What was asked for, and what there is to tell a program.

    Attributes
    ----------
    quiet : bool
        Only errors and warnings about results.
    verbose : bool
        Every number and the seconds of each stage of a run, every problem however many, the versions.
    as_json : bool
        One JSON object on the standard output, and nothing else there.
    command : str
        Which is running.
    result : mapping
        What it found, for a program.
    problems : list of Problem
        Everything that was told to be wrong or doubtful, also what is not shown.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what an earlier command of this process was asked for and found."""
        self.quiet = self.verbose = self.as_json = out.quiet = False
        self.command = ""
        self.result: Mapping[str, Any] | None = None
        self.problems: list[Problem] = []

    def most_problems(self) -> int:
        """How many problems are shown on the terminal."""
        return sys.maxsize if self.verbose else _MOST_PROBLEMS

    def end(self, exit_code: int) -> None:
        """Write what a program asked for, and the versions where they are wanted."""
        if self.verbose:
            err.print(f"cosim {VERSION}, Python {platform.python_version()} on {platform.machine()}")
        if not self.as_json:
            return
        whole = {
            "cosim": VERSION,
            "command": self.command,
            "exit_code": exit_code,
            "problems": [asdict(problem) for problem in self.problems],
            "result": self.result,
        }
        text = json.dumps(_plain(whole), indent=2, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(f"{text}\n")


voice = Voice()


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: paths as texts, what is no number as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _ask(name: str) -> Any:
    """What happens when an option is given: it is noted before anything else of the command is looked at."""

    def note(context: typer.Context, wanted: bool) -> bool:
        voice.command = context.info_name or ""
        setattr(voice, name, wanted)
        out.quiet = voice.as_json
        return wanted

    return note


def _spoken(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print only errors and warnings about results.",
            show_default="off",
            callback=_ask("quiet"),
            is_eager=True,
            expose_value=False,
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Print more: every number and the seconds of each stage of a run, every problem, versions.",
            show_default="off",
            callback=_ask("verbose"),
            is_eager=True,
            expose_value=False,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the result as one JSON object, and nothing else.",
            show_default="off",
            callback=_ask("as_json"),
            is_eager=True,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Holds the options that every command has."""


_holder = typer.Typer(add_completion=False)
_holder.command()(_spoken)
_OPTIONS = [option for option in typer.main.get_command(_holder).params if option.name != "help"]


class SpokenCommand(TyperCommand):
    """A command with the options that all have."""

    def __init__(self, *arguments: Any, params: list[Any] | None = None, **more: Any) -> None:
        super().__init__(*arguments, params=[*(params or ()), *_OPTIONS], **more)
