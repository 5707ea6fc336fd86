"""The application: its commands in the order of the help, and what becomes of errors."""

from __future__ import annotations

import io
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from cosim.cli.impact_commands import impact
from cosim.cli.input_commands import check, explain, list_, networks, new, scenarios, schema
from cosim.cli.run_commands import compare, figures, open_, report, run
from cosim.cli.sweep_commands import robustness, sweep
from cosim.cli.terminal import BAD_INPUT, DONE, FAILED, INTERRUPTED, flag, print_problems
from cosim.cli.voice import SpokenCommand, err, out, voice
from cosim.core.errors import CosimError, InputError, Problem
from cosim.core.garbage import collected_rarely
from cosim.core.text import visible
from cosim.core.version import VERSION

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="What happens on a low-voltage feeder when hundreds of households decide for themselves, "
    "over a network that delays and loses messages.",
)

_COMMANDS: tuple[Callable[..., None], ...] = (
    *(run, sweep, impact, new, check, explain, schema),
    *(list_, networks, scenarios, open_, report, figures, compare, robustness),
)
for _command in _COMMANDS:
    app.command(_command.__name__.rstrip("_"), cls=SpokenCommand)(_command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, flag("--version", "Show the version and exit.")] = False,
    debug: Annotated[bool, flag("--debug", "Show the traceback of an error.")] = False,
) -> None:
    # --debug is taken out of the arguments in main, so that it may stand anywhere; here it is for --help.
    if version:
        out.print(f"cosim {VERSION}")
        raise typer.Exit


def _note_interrupts() -> list[int]:
    """Have Ctrl-C written down as well as raised; the list is empty until it comes."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, note)
    return received


def _show_traceback() -> int:
    """As Python does for what nobody caught, with nothing in it that a terminal would act on."""
    sys.stderr.write(visible(traceback.format_exc()))
    return 1


def _run_command(arguments: list[str]) -> int:
    """Run a command, and show what is wrong with its options as typer does; gives the exit code."""
    try:
        return app(arguments, standalone_mode=False) or DONE
    except Exception as error:
        # Typer's usage errors have no common class that is public; this is how they are told.
        if not callable(getattr(error, "format_message", None)):
            raise
        from typer.rich_utils import rich_format_error

        error.message = visible(getattr(error, "message", ""), one_line=True)  # type: ignore[attr-defined]
        voice.as_json = "--json" in arguments  # the options may not have been read that far
        voice.problems.append(Problem(error.message, "`--help` shows what can be given."))  # type: ignore[attr-defined]
        rich_format_error(error)  # type: ignore[arg-type]
        return int(getattr(error, "exit_code", BAD_INPUT))


def _end_interrupted(error: Exception) -> int:
    """An error after Ctrl-C is told, unless it is what the interrupt itself came out as."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        message = f"after the interrupt: {type(error).__name__}: {error}"
        print_problems([Problem(message, "`cosim --debug ...` shows where it happened.")])
    return INTERRUPTED


def _exit_code(arguments: list[str], debug: bool) -> int:
    """Run a command, and turn errors into messages; gives the exit code."""
    interrupted = _note_interrupts()
    try:
        return _run_command(arguments)
    except InputError as error:
        if debug:
            return _show_traceback()
        print_problems(error.problems)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except (CosimError, OSError) as error:
        if debug:
            return _show_traceback()
        if interrupted:
            return _end_interrupted(error)
        print_problems([Problem(str(error))])
        return FAILED
    except Exception as error:
        if debug:
            return _show_traceback()
        if interrupted:
            return _end_interrupted(error)
        print_problems([Problem(f"internal error in cosim: {type(error).__name__}: {error}")])
        err.print("Please report it; `cosim --debug ...` shows where it happened.")
        return FAILED


def main() -> None:
    """Entry point of the console script: runs a command and turns errors into messages and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is escaped, and no error
            stream.reconfigure(errors="backslashreplace")
    voice.begin()
    with collected_rarely():  # what is imported and built stays to the end
        code = _exit_code([each for each in sys.argv[1:] if each != "--debug"], "--debug" in sys.argv)
    voice.end(code)
    sys.exit(code)
