"""The command line: parses, calls, and translates errors once.

Nothing here imports what takes long to load before it is needed, so that help and messages come at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cosim.errors import CosimError, InputError, Problem, SimulationError, count

if TYPE_CHECKING:
    from cosim.study.sweep.run import SweepOutcome

_MOST_PROBLEMS = 100

DONE, BAD_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="What happens on a low-voltage feeder when hundreds of households decide for themselves, "
    "over a network that is late and loses messages.",
)
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

Source = Annotated[str, typer.Argument(help="A built-in name (see `cosim scenarios`) or a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Override one value, e.g. time.steps=200. May be repeated."
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed in place of the scenario's.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    # --debug is taken out of the arguments in main, so that it may stand anywhere; here it is for --help.
    if version:
        import cosim

        out.print(f"cosim {cosim.__version__}")
        raise typer.Exit


@app.command()
def run(
    scenario: Source,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Directory of the run [results/SCENARIO/TIME-HASH].")
    ] = None,
    seed: Seed = None,
    set_: Overrides = None,
    verify_power_flow: Annotated[
        int,
        typer.Option(
            "--verify-power-flow", min=0, help="Solve so many intervals again by pandapower's runpp."
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no summary.")] = False,
) -> None:
    """Run one scenario into a directory of tables, figures and a report.

    Leaves with 0 when done, 2 for bad input (nothing is written), 3 when the simulation failed, 130 when
    interrupted; what a failed or interrupted run had is kept and marked.
    """
    from cosim.config.load import load_scenario
    from cosim.engine.interrupt import terminate_like_interrupt
    from cosim.engine.preflight import preflight
    from cosim.engine.run import default_folder, run_scenario
    from cosim.progress import RunProgress
    from cosim.results.metrics import doubts

    terminate_like_interrupt()
    verify = [f"grid.verify_power_flow={verify_power_flow}"] if verify_power_flow else []
    loaded = load_scenario(scenario, [*(set_ or ()), *verify], seed)
    _refuse_errors(preflight(loaded), quiet)
    folder = out_dir or default_folder(loaded.scenario, Path("results"))
    _require_empty(folder)
    if not quiet:
        err.print(f"{loaded.scenario.name} runs into {folder}", markup=False)
    after = _draw if loaded.scenario.report.figures else None
    with RunProgress(loaded.scenario.name, loaded.scenario.time.duration_ms, quiet) as progress:
        outcome = run_scenario(loaded, folder, progress.update, after)
    if not quiet:
        from cosim.report.console import print_summary

        print_summary(out, outcome.status, outcome.summary)
        out.print(f"[bold]{outcome.status}[/bold]: {outcome.folder}")
    _print_problems(doubts(outcome.summary), quiet=False)
    if outcome.status == "failed":
        raise SimulationError(f"{outcome.cause}; what there is of the run is in {outcome.folder}")
    if outcome.report.startswith("failed"):
        remedy = f"the tables are complete, and `cosim report {outcome.folder}` draws again"
        raise SimulationError(f"the report could not be made ({outcome.report}); {remedy}")
    if "interrupted" in (outcome.status, outcome.report):
        raise typer.Exit(INTERRUPTED)


def _refuse_errors(problems: list[Problem], quiet: bool = False) -> None:
    """Show problems, and leave if one of them is an error."""
    _print_problems(problems, quiet)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(BAD_INPUT)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = "there is something here already, and a run never overwrites another"
        raise InputError([Problem(message, "Name an empty or a new directory with --out.", file=str(folder))])


def _draw(folder: Path) -> None:
    from cosim.report.catalogue import draw_figures
    from cosim.report.page import write_report

    draw_figures(folder)
    write_report(folder)


@app.command()
def sweep(
    source: Annotated[
        str, typer.Argument(metavar="SWEEP", help="A built-in name (see `cosim scenarios`) or a YAML file.")
    ],
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Directory of the sweep [results/SWEEP/TIME-HASH].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes on this machine [one a core].")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask", metavar="ADDRESS|local", help="Let the workers of a Dask scheduler run the points."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a sweep that was interrupted.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the points, each with the command that runs it alone.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Run a scenario at many points: axes, or a sample of them, times seeds; one row each in points.parquet.

    Leaves with 0 when all points were run, also where some failed (their rows say why); 2 for bad input
    (nothing is written); 3 when no point ended well; 130 when interrupted: --resume goes on from there.
    """
    from cosim.config.load_sweep import load_sweep
    from cosim.engine.interrupt import terminate_like_interrupt
    from cosim.progress import SweepProgress
    from cosim.study.sweep.check import check_points
    from cosim.study.sweep.executors import executor
    from cosim.study.sweep.folder import open_folder
    from cosim.study.sweep.plan import plan_sweep
    from cosim.study.sweep.run import run_sweep

    terminate_like_interrupt()
    plan = plan_sweep(load_sweep(source))
    checked = check_points(plan)
    _refuse_errors(list(checked.problems), quiet)
    if dry_run:
        _write(plan.lines())
        return
    with executor(dask, workers) as hands:
        folder = open_folder(plan, checked.input_files, out_dir, resume)
        if not quiet:
            err.print(f"{plan.sweep.config.name} runs into {folder.folder}", markup=False)
        with SweepProgress(plan.sweep.config.name, len(plan.points), quiet) as progress:
            outcome = run_sweep(folder, hands, progress.update)
    _end_sweep(outcome, f"cosim sweep {source} --out {folder.folder} --resume", quiet)


def _end_sweep(outcome: SweepOutcome, resume_command: str, quiet: bool) -> None:
    """Say how a sweep ended, and leave accordingly."""
    for cause, points in outcome.causes.items():
        warning = f"{count(len(points), 'point')} failed, the first is {points[0]}"
        _print_problems([Problem(f"{warning}: {cause}", severity="warning")], quiet=False)
    if not quiet or outcome.status == "interrupted":
        ended = f"{outcome.n_done} of {count(outcome.n_points, 'point')} done"
        failed = f", {outcome.n_failed} failed" if outcome.n_failed else ""
        out.print(f"[bold]{outcome.status}[/bold]: {ended}{failed}: {outcome.folder / 'points.parquet'}")
    if outcome.status == "interrupted":
        err.print(f"go on by: {resume_command}", markup=False)
        raise typer.Exit(INTERRUPTED)
    if not outcome.n_done:
        raise SimulationError(f"no point ended well; {outcome.folder / 'points.parquet'} says why")


@app.command()
def check(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Say everything that is wrong with a scenario or a sweep, and what is doubtful, without running it."""
    from cosim.config.load import load_scenario
    from cosim.config.load_sweep import is_sweep
    from cosim.engine.preflight import preflight

    if is_sweep(scenario) and not set_ and seed is None:
        problems = _check_sweep(scenario)
    else:
        problems = preflight(load_scenario(scenario, set_ or (), seed))
    _refuse_errors(problems)
    out.print(f"{scenario}: no errors, {count(len(problems), 'warning')}", markup=False)


def _check_sweep(source: str) -> list[Problem]:
    from cosim.config.load_sweep import load_sweep
    from cosim.study.sweep.check import check_points
    from cosim.study.sweep.plan import plan_sweep

    return list(check_points(plan_sweep(load_sweep(source)), thorough=True).problems)


@app.command()
def explain(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Show every value, household, bus, link, device and agent of the run, and what is a default."""
    from cosim.config.load import load_scenario
    from cosim.engine.build import build
    from cosim.engine.explain import explain_lines
    from cosim.engine.preflight import preflight

    loaded = load_scenario(scenario, set_ or (), seed)
    _refuse_errors(preflight(loaded))
    _write(explain_lines(loaded, build(loaded)))


@app.command()
def schema(
    sweep: Annotated[bool, typer.Option("--sweep", help="Of sweep files, instead.")] = False,
) -> None:
    """Print the JSON schema of scenario files, so that an editor completes and checks keys."""
    import json

    from cosim.config.json_schema import scenario_schema, sweep_schema

    _write([json.dumps(sweep_schema() if sweep else scenario_schema(), indent=2, ensure_ascii=False)])


@app.command()
def networks() -> None:
    """List the built-in networks."""
    from cosim.config.library import names
    from cosim.config.load import load_network

    for name in names("networks"):
        network, _ = load_network(name, Path())
        places = f"{network.places} places" if network.places else ""
        out.print(f"[bold]{name:<44}[/bold] {places:>11}  {network.title}", soft_wrap=True)


@app.command()
def scenarios() -> None:
    """List the built-in scenarios, and the built-in sweeps of them."""
    from cosim.config.library import names
    from cosim.config.load import load_scenario
    from cosim.config.load_sweep import load_sweep

    for name in names("scenarios"):
        out.print(f"[bold]{name:<28}[/bold] {load_scenario(name).scenario.title}", soft_wrap=True)
    sweeps = [(name, load_sweep(name).config) for name in names("sweeps")]
    if sweeps:
        out.print("\nFor `cosim sweep`:")
    for name, config in sweeps:
        points = count(config.n_points, "point")
        out.print(f"[bold]{name:<28}[/bold] {config.title} ({points})", soft_wrap=True)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Directory of a run.")]) -> None:
    """Draw the figures and the page of a run again."""
    if not (folder / "run.json").is_file():
        raise InputError(
            [Problem("this is no directory of a run", "It must hold a run.json.", file=str(folder))]
        )
    _draw(folder)
    out.print(f"{folder / 'report.html'}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Directories of runs.")],
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Directory for both CSV files and the figures.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="File for the numbers as CSV.")] = None,
) -> None:
    """Put runs side by side: what differs in their scenarios, and every number against the first run's.

    Runs with one seed share their draws, so that differences come from the values that differ.
    """
    from cosim.report.compare_table import print_comparison
    from cosim.study.compare import compare_runs
    from cosim.study.compare_csv import differences_csv, numbers_csv

    comparison = compare_runs(runs)
    _require_targets(out_dir, csv_file)
    print_comparison(out, comparison)
    numbers = numbers_csv(comparison)
    if csv_file is not None:
        csv_file.write_text(numbers, encoding="utf-8")
        out.print(f"{csv_file}", markup=False)
    if out_dir is not None:
        from cosim.report.compare_figure import draw_comparison

        out_dir.mkdir(parents=True, exist_ok=True)
        (out_dir / "numbers.csv").write_text(numbers, encoding="utf-8")
        (out_dir / "differences.csv").write_text(differences_csv(comparison), encoding="utf-8")
        for path in (
            out_dir / "numbers.csv",
            out_dir / "differences.csv",
            *draw_comparison(comparison, out_dir),
        ):
            out.print(f"{path}", markup=False)


@app.command()
def robustness(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP_DIR", help="Directory of a sweep.")],
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Directory for page, figures, tables [SWEEP_DIR/robustness].")
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            "--quantity", metavar="NAME", help="Number of the summaries to look at. May be repeated."
        ),
    ] = None,
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="CASE", help="Case that others are compared with [none].")
    ] = "",
) -> None:
    """Say what a sweep found: maps with intervals, limits, break-evens, faults in pairs; in Markdown.

    Files of an earlier analysis in the same directory are written anew.
    """
    from cosim.report.robustness_page import write_robustness
    from cosim.study.robustness.analysis import analyse

    analysis = analyse(sweep, quantity or [], baseline)
    target = out_dir or sweep / "robustness"
    _require_targets(target, None)
    target.mkdir(parents=True, exist_ok=True)
    for path in write_robustness(analysis, target):
        out.print(f"{path}", markup=False)


def _require_targets(out_dir: Path | None, csv_file: Path | None) -> None:
    """Refuse places that results cannot be written to, before anything is printed or written."""
    problems = []
    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        problems.append(Problem("this is no directory", "Name a directory with --out.", file=str(out_dir)))
    if out_dir is not None and any((out_dir / name).exists() for name in ("run.json", "sweep.json")):
        message = "this is the directory of a run or a sweep, which is left as it is"
        problems.append(Problem(message, "Name another with --out.", file=str(out_dir)))
    if csv_file is not None and (csv_file.is_dir() or not csv_file.parent.is_dir()):
        message = "this is a directory" if csv_file.is_dir() else "its directory does not exist"
        problems.append(
            Problem(message, "Name a file in a directory that exists with --csv.", file=str(csv_file))
        )
    if problems:
        raise InputError(problems)


def _print_problems(problems: list[Problem] | tuple[Problem, ...], quiet: bool) -> None:
    shown = [problem for problem in problems if problem.severity == "error" or not quiet]
    for problem in shown[:_MOST_PROBLEMS]:
        colour = "red" if problem.severity == "error" else "yellow"
        err.print(f"[{colour}]{problem.severity}[/{colour}] ", end="")
        err.print(str(problem), markup=False)
    if len(shown) > _MOST_PROBLEMS:
        err.print(f"and {len(shown) - _MOST_PROBLEMS} more")


def _write(lines: Iterable[str]) -> None:
    """Plain lines to the standard output; a reader that has seen enough (`| head`) ends them in peace."""
    try:
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python still holds back at its end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(DONE) from None


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
        _print_problems(error.problems, quiet=False)
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


if __name__ == "__main__":
    main()
