"""Commands about runs: run, report, open, figures, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from cosim.cli.terminal import (
    Overrides,
    Plugins,
    Seed,
    Source,
    load_plugins,
    option,
    print_problems,
    require_targets,
    show_files,
    show_page,
    within_width,
    write,
)
from cosim.cli.voice import err, out, voice

if TYPE_CHECKING:
    from cosim.api.run_results import Run

Format = Literal["png", "svg", "pdf"]


def run(
    scenario: Source,
    out_dir: Annotated[
        Path | None, option("--out", "Directory for the run.", "results/SCENARIO/TIME-HASH")
    ] = None,
    seed: Seed = None,
    set_: Overrides = None,
    plugin: Plugins = None,
    verify_power_flow: Annotated[
        int,
        option(
            "--verify-power-flow",
            "Solve this many intervals a second time with pandapower's runpp, and compare.",
            min=0,
        ),
    ] = 0,
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
    with CommandWatcher(RunProgress, _show) as watcher:
        run(scenario, [*(set_ or ()), *verify], out=out_dir, seed=seed, results="results", watcher=watcher)


def _show(run: Run) -> None:
    """What came of a run."""
    voice.result = {
        "folder": run.folder,
        "status": run.status,
        "cause": run.cause,
        "verdict": run.verdict,
        "summary": dict(run.summary),
    }
    print_problems(run.doubts, of_results=True)
    if voice.verbose:
        from cosim.report.terminal_summary import print_summary

        print_summary(out, run.summary_rows())
        for stage, seconds in run.record.get("seconds", {}).items():
            err.print(f"{stage}: {seconds:.3f} s")
    if voice.quiet:
        return
    write(within_width([run.verdict]) if run.verdict else [])
    out.print(Text.assemble((run.status, "bold"), f": {run.folder}"))
    show_page(run.folder, "report.html")
    if run.summary:
        out.print(f"Every number: {run.folder / 'summary.json'}, or cosim run -v")


def report(folder: Annotated[Path, typer.Argument(help="A run directory.")], plugin: Plugins = None) -> None:
    """Write the report of a run anew."""
    from cosim.api.runs import open

    load_plugins(plugin)
    show_files([open(folder).write_report()])


def open_(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run directory, or any other that holds a page.")
    ],
) -> None:
    """Open the page of a run in the browser; where there is none, its path alone is printed."""
    import webbrowser

    from cosim.api.pages import page_of

    page = page_of(folder)
    show_files([page])
    if not voice.as_json:
        webbrowser.open(page.resolve().as_uri())


def figures(
    folder: Annotated[Path, typer.Argument(help="A run directory.")],
    format_: Annotated[Format, option("--format", "File format.", "png")] = "png",
    width_cm: Annotated[
        float | None, option("--width-cm", "Width of each figure, in cm.", "20.32", min=5, max=100)
    ] = None,
    dpi: Annotated[
        int,
        option("--dpi", "Dots per inch of a PNG, and of pictures within other formats.", min=50, max=1200),
    ] = 130,
    plugin: Plugins = None,
) -> None:
    """Draw the figures of a run for a paper, into the folder `figures` of its directory."""
    from cosim.api.runs import open

    load_plugins(plugin)
    files = open(folder).write_figures(format_, width_cm, dpi, lambda file: out.print(f"{file}"))
    voice.result = {"files": files}


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
    if not voice.as_json:
        print_comparison(out, comparison.sides)
    files = [csv_file] if csv_file is not None else []
    if csv_file is not None:
        comparison.write_csv(csv_file)
    files += comparison.write(out_dir) if out_dir is not None else ()
    show_files(files)
    voice.result = {**comparison.as_data(), "files": files}
