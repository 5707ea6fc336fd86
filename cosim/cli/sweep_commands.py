"""Commands about sweeps: sweep, robustness."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cosim.cli.terminal import (
    Dask,
    Plugins,
    Workers,
    flag,
    load_plugins,
    option,
    print_problems,
    require_targets,
    say_that_it_draws,
    show_files,
    write,
)
from cosim.cli.voice import err, out, voice
from cosim.core.errors import count

if TYPE_CHECKING:
    from cosim.api.sweeps import Sweep


def sweep(
    source: Annotated[
        str, typer.Argument(metavar="SWEEP", help="A built-in name (see `cosim scenarios`) or a YAML file.")
    ],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for the sweep.", "results/SWEEP/TIME-HASH")
    ] = None,
    workers: Workers = None,
    dask: Dask = None,
    resume: Annotated[bool, flag("--resume", "Continue a sweep that was interrupted.")] = False,
    dry_run: Annotated[
        bool, flag("--dry-run", "List the points, each with the command that runs it on its own.")
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Run a scenario at many points: axes, or a sample of them, times seeds; one row each in points.parquet.

    Exits with 0 when all points were run, even if some failed (their rows say why); 2 for bad input (nothing
    is written); 3 when no point succeeded; 130 when interrupted: --resume continues from there.
    """
    from cosim.api.sweeps import sweep, sweep_lines
    from cosim.cli.progress import SweepProgress
    from cosim.cli.watching import CommandWatcher

    load_plugins(plugin)
    if dry_run:
        lines = list(sweep_lines(source))
        voice.result = {"points": lines}
        write(lines)
        return
    show = partial(_show, source=source)
    with CommandWatcher(SweepProgress, show) as watcher:
        sweep(
            source,
            out=out_dir,
            workers=workers,
            dask=dask,
            resume=resume,
            results="results",
            watcher=watcher,
        )


def _show(sweep: Sweep, source: str) -> None:
    """What came of a sweep."""
    voice.result = {**sweep.as_data(), "table": sweep.folder / "points.parquet"}
    print_problems(sweep.doubts, of_results=True)
    if not voice.quiet or sweep.status == "interrupted":
        ended = f"{sweep.n_done} of {count(sweep.n_points, 'point')} done"
        failed = f", {sweep.n_failed} failed" if sweep.n_failed else ""
        table = sweep.folder / "points.parquet"
        out.print(Text.assemble((sweep.status, "bold"), f": {ended}{failed}: {table}"))
    if sweep.n_done and not voice.quiet:
        out.print(f"To evaluate it: {shlex.join(['cosim', 'robustness', str(sweep.folder)])}")
    if sweep.status == "interrupted":
        again = shlex.join(["cosim", "sweep", source, "--out", f"{sweep.folder}", "--resume"])
        err.print(f"continue with: {again}")


def robustness(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP_DIR", help="A sweep directory.")],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for the report, figures and tables.", "SWEEP_DIR/robustness")
    ] = None,
    quantity: Annotated[
        list[str] | None,
        option(
            "--quantity",
            "A number of the summaries to evaluate. May be repeated.",
            "those of tracking, cost, feeder and trade that vary",
            metavar="NAME",
        ),
    ] = None,
    baseline: Annotated[
        str, option("--baseline", "Case to compare the others with.", "none or baseline", metavar="CASE")
    ] = "",
) -> None:
    """Evaluate a sweep, as a page and in Markdown: maps with intervals, limits, break-evens, faults in pairs.

    Files of an earlier evaluation in the same directory are overwritten.
    """
    from cosim.api.sweeps import robustness

    require_targets(out_dir or sweep / "robustness", None)
    say_that_it_draws(sweep)
    show_files(robustness(sweep, quantity or (), baseline, out_dir))
