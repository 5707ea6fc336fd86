"""Commands about sweeps: sweep, robustness."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cosim.cli.terminal import (
    INTERRUPTED,
    Quiet,
    err,
    flag,
    option,
    out,
    print_problems,
    refuse_errors,
    require_targets,
    write,
)
from cosim.core.errors import Problem, SimulationError, count

if TYPE_CHECKING:
    from cosim.study.sweep.sweep_run import SweepOutcome


def sweep(
    source: Annotated[
        str, typer.Argument(metavar="SWEEP", help="A built-in name (see `cosim scenarios`) or a YAML file.")
    ],
    out_dir: Annotated[
        Path | None, option("--out", "Directory of the sweep.", "results/SWEEP/TIME-HASH")
    ] = None,
    workers: Annotated[
        int | None, option("--workers", "Processes on this machine.", "one a core", min=1)
    ] = None,
    dask: Annotated[
        str | None,
        option(
            "--dask",
            "Let the workers of a Dask scheduler run the points.",
            "processes of cosim's own",
            metavar="ADDRESS|local",
        ),
    ] = None,
    resume: Annotated[bool, flag("--resume", "Go on with a sweep that was interrupted.")] = False,
    dry_run: Annotated[
        bool, flag("--dry-run", "List the points, each with the command that runs it alone.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario at many points: axes, or a sample of them, times seeds; one row each in points.parquet.

    Leaves with 0 when all points were run, also where some failed (their rows say why); 2 for bad input
    (nothing is written); 3 when no point ended well; 130 when interrupted: --resume goes on from there.
    """
    from cosim.cli.progress import SweepProgress
    from cosim.engine.interrupt import terminate_like_interrupt
    from cosim.study.sweep.executors import executor
    from cosim.study.sweep.folder import open_folder, require_empty
    from cosim.study.sweep.load_sweep import read_sweep
    from cosim.study.sweep.plan import plan_sweep
    from cosim.study.sweep.sweep_check import check_points
    from cosim.study.sweep.sweep_run import run_sweep

    terminate_like_interrupt()
    if out_dir is not None and not resume and not dry_run:
        require_empty(out_dir)
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
            err.print(f"{plan.sweep.config.name} runs into {folder.folder}")
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
        table = outcome.folder / "points.parquet"
        out.print(Text.assemble((outcome.status, "bold"), f": {ended}{failed}: {table}"))
    if outcome.status == "interrupted":
        err.print(f"go on by: {resume_command}")
        raise typer.Exit(INTERRUPTED)
    if not outcome.n_done:
        raise SimulationError(f"no point ended well; {outcome.folder / 'points.parquet'} says why")


def robustness(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP_DIR", help="Directory of a sweep.")],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for page, figures and tables.", "SWEEP_DIR/robustness")
    ] = None,
    quantity: Annotated[
        list[str] | None,
        option(
            "--quantity",
            "Number of the summaries to look at. May be repeated.",
            "tracking, cost, feeder and trade, as far as they vary",
            metavar="NAME",
        ),
    ] = None,
    baseline: Annotated[
        str, option("--baseline", "Case that others are compared with.", "none or baseline", metavar="CASE")
    ] = "",
) -> None:
    """Say what a sweep found: maps with intervals, limits, break-evens, faults in pairs; in Markdown.

    Files of an earlier analysis in the same directory are written anew.
    """
    from cosim.report.robustness_page import write_robustness
    from cosim.results.run_files import made_from
    from cosim.results.safe_files import require_plain
    from cosim.study.robustness.analysis import analyse

    target = out_dir or sweep / "robustness"
    require_targets(target, None)
    if out_dir is None:
        require_plain(sweep, (), ("robustness",))
    with made_from(sweep, "the analysis"):
        analysis = analyse(sweep, quantity or [], baseline)
    target.mkdir(parents=True, exist_ok=True)
    with made_from(sweep, "the page"):
        written = write_robustness(analysis, target)
    for path in written:
        out.print(f"{path}")
