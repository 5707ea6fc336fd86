"""The command about impact studies."""

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
    say_that_it_draws,
    show_files,
    show_page,
)
from cosim.cli.voice import err, out, voice
from cosim.core.errors import InputError, Problem

if TYPE_CHECKING:
    from cosim.api.impacts import Impact


def impact(
    source: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A built-in name (see `cosim scenarios`), a YAML file, or a study's directory.",
        ),
    ],
    out_dir: Annotated[
        Path | None, option("--out", "Directory for the study.", "results/STUDY/TIME-HASH")
    ] = None,
    workers: Workers = None,
    dask: Dask = None,
    resume: Annotated[bool, flag("--resume", "Continue a study that was interrupted.")] = False,
    full: Annotated[bool, flag("--full", "Run every penetration, not only those the search needs.")] = False,
    seeds: Annotated[
        int | None, option("--seeds", "How many seeds, for a first look at a study.", "the study's", min=1)
    ] = None,
    set_: Annotated[
        list[str] | None,
        option(
            "--set",
            "Override one value of every run, e.g. time.duration_h=24. May be repeated.",
            "the study's values",
            metavar="PATH=VALUE",
        ),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Find what a feeder can host: the largest penetration without a violation, by mode and communication.

    Given the directory of a study, it writes page, figures and tables anew.

    Exits with 0 when the study was run, even if some runs failed; 2 for bad input (nothing is written); 3
    when no run succeeded; 130 when interrupted: --resume continues from there.
    """
    from cosim.api.impacts import evaluate_impact, impact
    from cosim.cli.progress import StudyProgress
    from cosim.cli.watching import CommandWatcher

    load_plugins(plugin)
    if Path(source).is_dir():
        refuse_changes(source, seeds, set_)
        say_that_it_draws(source)
        show_files(evaluate_impact(source, out_dir))
        return
    changes = [*(() if seeds is None else ("--seeds", str(seeds)))]
    for each in set_ or ():
        changes += ["--set", each]
    show = partial(_show, source=source, changes=changes)
    with CommandWatcher(StudyProgress, show) as watcher:
        impact(
            source,
            out=out_dir,
            workers=workers,
            dask=dask,
            resume=resume,
            full=full,
            seeds=seeds,
            overrides=set_,
            results="results",
            watcher=watcher,
        )


def refuse_changes(source: str, seeds: int | None, overrides: list[str] | None) -> None:
    """Refuse to change a study that was run already.

    Raises
    ------
    InputError
        If something is to be changed.
    """
    if seeds is not None or overrides:
        remedy = "Name the study's file, and another --out."
        raise InputError([Problem("this study was run already, and cannot be changed", remedy, file=source)])


def _show(study: Impact, source: str, changes: list[str]) -> None:
    """What came of a study: the answer, and where the page is."""
    print_problems(study.doubts, of_results=True)
    answer = study.answer() if study.n_done else []
    voice.result = {**study.as_data(), "answer": answer}
    if not voice.quiet:
        for line in answer:
            out.print(f"{line}")
    if not voice.quiet or study.status == "interrupted":
        failed = f", {study.n_failed} failed" if study.n_failed else ""
        text = f": {study.runs()}{failed}: {study.folder / 'impact/impact.md'}"
        out.print(Text.assemble((study.status, "bold"), text))
    if not voice.quiet:
        show_page(study.folder, "impact/report.html")
    if study.status == "interrupted":
        again = shlex.join(["cosim", "impact", source, *changes, "--out", f"{study.folder}", "--resume"])
        err.print(f"continue with: {again}")
