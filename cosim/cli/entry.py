"""The application: its commands in the order of the help, and what becomes of errors."""

from __future__ import annotations

import io
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Annotated, NoReturn

import typer

from cosim.cli.impact_commands import impact
from cosim.cli.input_commands import check, explain, list_, networks, scenarios, schema
from cosim.cli.run_commands import compare, figures, report, run
from cosim.cli.sweep_commands import robustness, sweep
from cosim.cli.terminal import BAD_INPUT, FAILED, INTERRUPTED, err, flag, out, print_labelled, print_problems
from cosim.core.errors import CosimError, InputError
from cosim.core.text import visible
from cosim.core.version import VERSION

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="What happens on a low-voltage feeder when hundreds of households decide for themselves, "
    "over a network that delays and loses messages.",
)

_COMMANDS: tuple[Callable[..., None], ...] = (
    *(run, sweep, impact, check, explain, schema),
    *(list_, networks, scenarios, report, figures, compare, robustness),
)
for _command in _COMMANDS:
    app.command(_command.__name__.rstrip("_"))(_command)


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


def _leave_with_traceback() -> NoReturn:
    """As Python does for what nobody caught, with nothing in it that a terminal would act on."""
    sys.stderr.write(visible(traceback.format_exc()))
    sys.exit(1)


def _run_command(arguments: list[str]) -> None:
    """Run a command, and show what is wrong with its options as typer does."""
    try:
        code = app(arguments, standalone_mode=False)
    except Exception as error:
        # Typer's usage errors have no common class that is public; this is how they are told.
        if not callable(getattr(error, "format_message", None)):
            raise
        from typer.rich_utils import rich_format_error

        error.message = visible(getattr(error, "message", ""), one_line=True)  # type: ignore[attr-defined]
        rich_format_error(error)  # type: ignore[arg-type]
        code = getattr(error, "exit_code", BAD_INPUT)
    sys.exit(code)


def main() -> None:
    """Entry point of the console script: runs a command and turns errors into messages and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is escaped, and no error
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    interrupted = _note_interrupts()
    try:
        _run_command(arguments)
    except InputError as error:
        if debug:
            _leave_with_traceback()
        print_problems(error.problems, quiet=False)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (CosimError, OSError) as error:
        if interrupted:
            sys.exit(INTERRUPTED)
        if debug:
            _leave_with_traceback()
        print_labelled("error", str(error), "red")
        sys.exit(FAILED)
    except Exception as error:
        # An interrupt in the middle of an import can come out as any error of the half-imported package.
        if interrupted:
            sys.exit(INTERRUPTED)
        if debug:
            _leave_with_traceback()
        print_labelled("error", f"internal error in cosim: {type(error).__name__}: {error}", "red")
        err.print("Please report it; `cosim --debug ...` shows where it happened.")
        sys.exit(FAILED)
