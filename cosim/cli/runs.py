"""Commands about runs: run, report, compare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cosim.cli.terminal import (
    INTERRUPTED,
    Overrides,
    Quiet,
    Seed,
    Source,
    err,
    option,
    out,
    print_problems,
    require_targets,
)
from cosim.core.errors import InputError, Problem, SimulationError


def run(
    scenario: Source,
    out_dir: Annotated[
        Path | None, option("--out", "Directory of the run.", "results/SCENARIO/TIME-HASH")
    ] = None,
    seed: Seed = None,
    set_: Overrides = None,
    verify_power_flow: Annotated[
        int,
        option("--verify-power-flow", "Solve so many intervals again by pandapower's runpp.", min=0),
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Run one scenario into a directory of tables, figures and a report.

    Leaves with 0 when done, 2 for bad input (nothing is written), 3 when the simulation failed, 130 when
    interrupted; what a failed or interrupted run had is kept and marked.
    """
    from cosim.cli.progress import RunProgress
    from cosim.engine.catalogue import doubts
    from cosim.engine.interrupt import terminate_like_interrupt
    from cosim.engine.load import load_scenario
    from cosim.engine.run import default_folder, run_scenario

    terminate_like_interrupt()
    if out_dir is not None:
        _require_empty(out_dir)
    verify = [f"grid.verify_power_flow={verify_power_flow}"] if verify_power_flow else []
    loaded = load_scenario(scenario, [*(set_ or ()), *verify], seed)
    folder = out_dir or default_folder(loaded.scenario, Path("results"))
    if not quiet:
        err.print(f"{loaded.scenario.name} runs into {folder}")
    after = draw if loaded.scenario.report.figures else None
    with RunProgress(loaded.scenario.name, loaded.scenario.time.duration_ms, quiet) as progress:
        outcome = run_scenario(loaded, folder, progress.update, after, partial(print_problems, quiet=quiet))
    if not quiet:
        from cosim.report.console import print_summary

        print_summary(out, outcome.status, outcome.summary)
        out.print(Text.assemble((outcome.status, "bold"), f": {outcome.folder}"))
    print_problems(doubts(outcome.summary), quiet=False)
    if outcome.verdict and not quiet:
        out.print(outcome.verdict, markup=False, highlight=False, soft_wrap=True)
    if outcome.status == "failed":
        raise SimulationError(f"{outcome.cause}; what there is of the run is in {outcome.folder}")
    if outcome.report.startswith("failed"):
        remedy = f"the tables are complete, and `cosim report {outcome.folder}` draws again"
        raise SimulationError(f"the report could not be made ({outcome.report}); {remedy}")
    if "interrupted" in (outcome.status, outcome.report):
        raise typer.Exit(INTERRUPTED)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = "there is something here already, and a run never overwrites another"
        raise InputError([Problem(message, "Name an empty or a new directory with --out.", file=str(folder))])


def draw(folder: Path) -> None:
    """Figures and page of the run in `folder`."""
    from cosim.report.figure_list import draw_figures
    from cosim.report.page import write_report

    draw_figures(folder)
    write_report(folder)


def report(folder: Annotated[Path, typer.Argument(help="Directory of a run.")]) -> None:
    """Draw the figures and the page of a run again."""
    draw(folder)
    out.print(f"{folder / 'report.html'}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Directories of runs.")],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for both CSV files and the figures.", "none are written")
    ] = None,
    csv_file: Annotated[
        Path | None, option("--csv", "File for the numbers as CSV.", "none is written")
    ] = None,
) -> None:
    """Put runs side by side: what differs in their scenarios, and every number against the first run's.

    Runs with one seed share their draws, so that differences come from the values that differ.
    """
    from cosim.report.compare_table import print_comparison
    from cosim.results.run_files import made_from
    from cosim.results.safe_files import write_whole
    from cosim.study.compare import compare_runs
    from cosim.study.compare_csv import differences_csv, numbers_csv

    require_targets(out_dir, csv_file)
    comparison = compare_runs(runs)
    with made_from(runs[0], "the comparison"):
        numbers = numbers_csv(comparison)
        print_comparison(out, comparison)
    if csv_file is not None:
        csv_file.write_text(numbers, encoding="utf-8")
        out.print(f"{csv_file}")
    if out_dir is not None:
        from cosim.report.compare_figure import draw_comparison

        out_dir.mkdir(parents=True, exist_ok=True)
        write_whole(out_dir / "numbers.csv", numbers)
        write_whole(out_dir / "differences.csv", differences_csv(comparison))
        for path in (
            out_dir / "numbers.csv",
            out_dir / "differences.csv",
            *draw_comparison(comparison, out_dir),
        ):
            out.print(f"{path}")
