"""Commands about runs: run, report, compare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cosim.cli.terminal import (
    Overrides,
    Plugins,
    Quiet,
    Seed,
    Source,
    load_plugins,
    option,
    out,
    print_problems,
    require_targets,
)

if TYPE_CHECKING:
    from cosim.api.run_results import Run


def run(
    scenario: Source,
    out_dir: Annotated[
        Path | None, option("--out", "Directory to write the run to.", "results/SCENARIO/TIME-HASH")
    ] = None,
    seed: Seed = None,
    set_: Overrides = None,
    plugin: Plugins = None,
    verify_power_flow: Annotated[
        int,
        option("--verify-power-flow", "Solve this many intervals again with pandapower's runpp.", min=0),
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and write tables and a report to a directory.

    Exits with 0 on success, 2 for bad input (nothing is written), 3 when the simulation fails and 130 when
    interrupted; the output of a failed or interrupted run is kept, and marked as such.
    """
    from cosim.api.runs import run
    from cosim.cli.progress import RunProgress
    from cosim.cli.watching import CommandWatcher

    load_plugins(plugin)
    verify = [f"grid.verify_power_flow={verify_power_flow}"] if verify_power_flow else []
    with CommandWatcher(RunProgress, partial(_show, quiet=quiet), quiet) as watcher:
        run(scenario, [*(set_ or ()), *verify], out=out_dir, seed=seed, results="results", watcher=watcher)


def _show(run: Run, quiet: bool) -> None:
    """What came of a run."""
    if not quiet:
        from cosim.report.terminal_summary import print_summary

        print_summary(out, run.status, run.summary)
        out.print(Text.assemble((run.status, "bold"), f": {run.folder}"))
    print_problems(run.doubts, quiet=False)
    if run.verdict and not quiet:
        out.print(run.verdict, markup=False, highlight=False, soft_wrap=True)


def report(folder: Annotated[Path, typer.Argument(help="A run directory.")], plugin: Plugins = None) -> None:
    """Make the report of a run again."""
    from cosim.api.runs import open

    load_plugins(plugin)
    out.print(f"{open(folder).write_report()}")


def figures(folder: Annotated[Path, typer.Argument(help="A run directory.")], plugin: Plugins = None) -> None:
    """Draw the figures of a run for a paper, into its folder figures."""
    from cosim.api.runs import open

    load_plugins(plugin)
    for path in open(folder).write_figures():
        out.print(f"{path}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run directories.")],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for both CSV files and the figures.", "none are written")
    ] = None,
    csv_file: Annotated[
        Path | None, option("--csv", "File for the numbers as CSV.", "none is written")
    ] = None,
) -> None:
    """Compare runs side by side: how their scenarios differ, and every number against the first run's.

    Runs with the same seed share their random draws, so that differences come from the values that differ.
    """
    from cosim.api.comparisons import compare
    from cosim.report.compare_table import print_comparison

    require_targets(out_dir, csv_file)
    comparison = compare(*runs)
    print_comparison(out, comparison.sides)
    if csv_file is not None:
        comparison.write_csv(csv_file)
        out.print(f"{csv_file}")
    for path in comparison.write(out_dir) if out_dir is not None else ():
        out.print(f"{path}")
