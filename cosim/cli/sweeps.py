"""Commands about sweeps: sweep, robustness."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosim.cli.terminal import INTERRUPTED, err, out, print_problems, refuse_errors, require_targets, write
from cosim.errors import Problem, SimulationError, count

if TYPE_CHECKING:
    from cosim.study.sweep.run import SweepOutcome


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
    from cosim.config.load_sweep import read_sweep
    from cosim.engine.interrupt import terminate_like_interrupt
    from cosim.progress import SweepProgress
    from cosim.study.sweep.check import check_points
    from cosim.study.sweep.executors import executor
    from cosim.study.sweep.folder import open_folder
    from cosim.study.sweep.plan import plan_sweep
    from cosim.study.sweep.run import run_sweep

    terminate_like_interrupt()
    plan = plan_sweep(read_sweep(source))
    checked = check_points(plan)
    refuse_errors(list(checked.problems), quiet)
    if dry_run:
        write(plan.lines())
        return
    with executor(dask, workers) as hands:
        folder = open_folder(plan, checked.input_files, out_dir, resume)
        if hands.n_workers == 0:
            message = "the scheduler has no workers yet, and nothing runs until one comes"
            remedy = "Start some by `dask worker ADDRESS --nthreads 1`."
            print_problems([Problem(message, remedy, file="--dask", severity="warning")], quiet)
        if not quiet:
            err.print(f"{plan.sweep.config.name} runs into {folder.folder}", markup=False)
        with SweepProgress(plan.sweep.config.name, len(plan.points), quiet) as progress:
            outcome = run_sweep(folder, hands, progress.update)
    again = shlex.join(["cosim", "sweep", source, "--out", f"{folder.folder}", "--resume"])
    _end_sweep(outcome, again, quiet)


def _end_sweep(outcome: SweepOutcome, resume_command: str, quiet: bool) -> None:
    """Say how a sweep ended, and leave accordingly."""
    for cause, points in outcome.causes.items():
        warning = f"{count(len(points), 'point')} failed, the first is {points[0]}"
        print_problems([Problem(f"{warning}: {cause}", severity="warning")], quiet=False)
    if not quiet or outcome.status == "interrupted":
        ended = f"{outcome.n_done} of {count(outcome.n_points, 'point')} done"
        failed = f", {outcome.n_failed} failed" if outcome.n_failed else ""
        out.print(f"[bold]{outcome.status}[/bold]: {ended}{failed}: {outcome.folder / 'points.parquet'}")
    if outcome.status == "interrupted":
        err.print(f"go on by: {resume_command}", markup=False)
        raise typer.Exit(INTERRUPTED)
    if not outcome.n_done:
        raise SimulationError(f"no point ended well; {outcome.folder / 'points.parquet'} says why")


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
    require_targets(target, None)
    target.mkdir(parents=True, exist_ok=True)
    for path in write_robustness(analysis, target):
        out.print(f"{path}", markup=False)
