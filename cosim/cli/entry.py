"""The application: its commands in the order of the help, and what becomes of errors."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer

from cosim.cli.inputs import check, explain, networks, scenarios, schema
from cosim.cli.runs import compare, report, run
from cosim.cli.sweeps import robustness, sweep
from cosim.cli.terminal import BAD_INPUT, FAILED, INTERRUPTED, err, flag, out, print_problems
from cosim.errors import CosimError, InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="What happens on a low-voltage feeder when hundreds of households decide for themselves, "
    "over a network that is late and loses messages.",
)

for command in (run, sweep, check, explain, schema, networks, scenarios, report, compare, robustness):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, flag("--version", "Show the version and leave.")] = False,
    debug: Annotated[bool, flag("--debug", "Show the traceback of an error.")] = False,
) -> None:
    # --debug is taken out of the arguments in main, so that it may stand anywhere; here it is for --help.
    if version:
        import cosim

        out.print(f"cosim {cosim.__version__}")
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


def main() -> None:
    """Entry point of the console script: runs a command and turns errors into messages and exit codes."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    interrupted = _note_interrupts()
    try:
        app(arguments, standalone_mode=True)
    except InputError as error:
        if debug:
            raise
        print_problems(error.problems, quiet=False)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (CosimError, OSError) as error:
        if interrupted:
            sys.exit(INTERRUPTED)
        if debug:
            raise
        err.print("[red]error[/red] ", end="")
        err.print(str(error), markup=False)
        sys.exit(FAILED)
    except Exception as error:
        # An interrupt in the middle of an import can come out as any error of the half-imported package.
        if interrupted:
            sys.exit(INTERRUPTED)
        if debug:
            raise
        err.print("[red]error[/red] ", end="")
        err.print(f"cosim met a fault of its own: {type(error).__name__}: {error}", markup=False)
        err.print("Please report it; `cosim --debug ...` shows where it happened.")
        sys.exit(FAILED)
