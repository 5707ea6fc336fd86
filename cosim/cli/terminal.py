"""What the commands have in common: exit codes, arguments, and how problems are shown."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cosim.cli.voice import err, out, voice
from cosim.core.errors import InputError, Problem
from cosim.core.text import shortened, visible

_LONGEST_PROBLEM = 2000
"""Characters of one problem that are shown."""

DONE, BAD_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130

Source = Annotated[str, typer.Argument(help="A built-in name (see `cosim scenarios`) or a YAML file.")]


def option(name: str, help_: str, default: str | bool = True, **more: Any) -> Any:
    """An option whose help says its default, in words where the value itself says little.

    Brackets in help texts are markup and are not shown; so a default is never written into them.
    """
    return typer.Option(name, help=help_, show_default=default, **more)


def flag(name: str, help_: str) -> Any:
    """An option that is off unless it is given."""
    return option(name, help_, "off")


Overrides = Annotated[
    list[str] | None,
    option(
        "--set",
        "Override one value, e.g. time.steps=200. May be repeated.",
        "the scenario's values",
        metavar="PATH=VALUE",
    ),
]
Plugins = Annotated[
    list[str] | None,
    option(
        "--plugin",
        "Load a Python module with classes of your own, by name or as a .py file. May be repeated.",
        "none but those of installed packages",
        metavar="MODULE",
    ),
]
Seed = Annotated[int | None, option("--seed", "Seed of all random numbers.", "the scenario's", min=0)]
Workers = Annotated[int | None, option("--workers", "Processes on this machine.", "one per core", min=1)]
Dask = Annotated[
    str | None,
    option(
        "--dask",
        "Run on the workers of a Dask scheduler.",
        "processes of cosim's own",
        metavar="ADDRESS|local",
    ),
]


def load_plugins(modules: list[str] | None) -> None:
    """Import modules that register classes of their own."""
    from cosim.core.plugin_modules import load_plugin

    for module in modules or ():
        load_plugin(module)


def refuse_errors(problems: list[Problem]) -> None:
    """Show problems, and leave if one of them is an error."""
    print_problems(problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(BAD_INPUT)


def print_problems(problems: Sequence[Problem], of_results: bool = False) -> None:
    """Problems on the error console, one a line.

    Parameters
    ----------
    problems : sequence of Problem
        Errors and warnings; of the latter a quiet command shows those of its results alone.
    of_results : bool
        Whether they are about results.
    """
    voice.problems += problems
    from cosim.api.built_in import without_folder

    shown = [each for each in problems if each.severity == "error" or of_results or not voice.quiet]
    for problem in shown[: voice.most_problems()]:
        text = without_folder(str(problem))
        print_labelled(problem.severity, text, "red" if problem.severity == "error" else "yellow")
    if len(shown) > voice.most_problems():
        err.print(f"and {len(shown) - voice.most_problems()} more")


def print_labelled(label: str, message: str, style: str) -> None:
    """One line on the error console; a message cannot make a second one."""
    shown = visible(shortened(message, _LONGEST_PROBLEM), one_line=True)
    err.print(Text(f"{label} ", style=style).append(Text(shown, style="default")))


def require_targets(out_dir: Path | None, csv_file: Path | None) -> None:
    """Refuse places that results cannot be written to, before anything is printed or written."""
    problems = []
    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        problems.append(
            Problem("this is not a directory", "Choose a directory with --out.", file=str(out_dir))
        )
    if out_dir is not None and any((out_dir / name).exists() for name in ("run.json", "sweep.json")):
        message = "this directory holds a run or a sweep, and nothing may be added to it"
        problems.append(Problem(message, "Choose another with --out.", file=str(out_dir)))
    if csv_file is not None and (csv_file.is_dir() or not csv_file.parent.is_dir()):
        message = "this is a directory" if csv_file.is_dir() else "its directory does not exist"
        problems.append(
            Problem(message, "Choose a file in an existing directory with --csv.", file=str(csv_file))
        )
    if problems:
        raise InputError(problems)


def say_that_it_draws(folder: str | Path) -> None:
    """Say before the figures of a sweep or a study are drawn that they are, for it takes a while."""
    if not voice.quiet and (Path(folder) / "sweep.json").is_file():
        err.print(f"{folder}: drawing figures and writing the page")


def show_files(files: Sequence[Path]) -> None:
    """Files that a command has written, or has found, one a line."""
    voice.result = {"files": files}
    for file in files:
        out.print(f"{file}")


def show_page(folder: Path, page: str) -> None:
    """Say which page there is to look at in a directory, if it has it."""
    if (folder / page).is_file():
        out.print(f"To look at it: {shlex.join(['cosim', 'open', str(folder)])} (the page {folder / page})")


def within_width(lines: Iterable[str]) -> Iterator[str]:
    """Lines for a terminal of its width, what goes on being set in; for a file or a pipe as they are."""
    if not sys.stdout.isatty():
        yield from lines
        return
    width = max(40, shutil.get_terminal_size().columns)
    for line in lines:
        yield from textwrap.wrap(
            line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        ) or [""]


def write(lines: Iterable[str]) -> None:
    """Plain lines to the standard output; a reader that has seen enough (`| head`) ends them in peace."""
    if voice.as_json:
        return
    try:
        for line in lines:
            sys.stdout.write(f"{visible(line)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python still holds back at its end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(DONE) from None
