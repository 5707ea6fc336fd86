"""Runs side by side on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cosim.core.console import PlainConsole
from cosim.core.numbers import Described
from cosim.core.shown import NO_VALUE, THIN_SPACE, number_text
from cosim.report.summary_table import shown_value
from cosim.study.compare import Change, ComparedRun, Comparison
from cosim.study.scenario_differences import Difference, value_text

RUNS_PER_TABLE = 4
"""How many runs fit into 100 columns, the first included; more go into tables of their own."""
_MOST_DIFFERENCES = 30
_LONGEST_VALUE = 60
_WIDTH = 100


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print which runs they are, whether they can be compared, what differs, and every number.

    Parameters
    ----------
    console : Console
        Where to; two runs fit into 80 columns, four into 100.
    comparison : Comparison
        The runs.
    """
    # Long lines are left to the terminal; a table that is squeezed would lose what is in it.
    wide = PlainConsole(
        file=console.file,
        width=max(_WIDTH, console.width) if len(comparison.runs) > 2 else console.width,
        force_terminal=console.is_terminal,
        no_color=console.no_color,
        soft_wrap=True,
    )
    _print_runs(wide, comparison)
    _print_verdict(console, comparison)
    _print_differences(console, comparison)
    first, *others = comparison.runs
    for start in range(0, len(others), RUNS_PER_TABLE - 1):
        console.print()
        table = _table(comparison, [first, *others[start : start + RUNS_PER_TABLE - 1]])
        wide.print(table)
    console.print(
        "Differences to A: in the number's unit (shares and loadings: percentage points), and in % of A.\n"
        f"{NO_VALUE}: not in this run.  =: as in A.",
        style="dim",
    )


def _print_runs(console: Console, comparison: Comparison) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for style in ("bold", "bold", "", "", "", "dim"):
        table.add_column(style=style, no_wrap=True)
    for run in comparison.runs:
        status = Text(run.status, style="" if run.is_done else "bold red")
        table.add_row(run.letter, run.label, run.scenario, f"seed {run.seed}", status, str(run.folder))
    console.print(table)


def _print_verdict(console: Console, comparison: Comparison) -> None:
    console.print()
    seeds = {str(run.seed) for run in comparison.runs}
    if len(seeds) == 1:
        rest = "" if comparison.cautions else " All are done and cover the same time."
        console.print(f"Same seed ({seeds.pop()}): the runs share their draws.{rest}")
    for caution in comparison.cautions:
        console.print(Text("caution ", style="yellow").append(Text(caution, style="default")))


def _print_differences(console: Console, comparison: Comparison) -> None:
    found = comparison.differences
    if sum(bool(run.values) for run in comparison.runs) < 2:
        return
    if not found:
        console.print("Their scenarios have the same values.")
        return
    console.print("Only these values of their scenarios differ:")
    for one in found[:_MOST_DIFFERENCES]:
        for line in _difference_lines(one, comparison.runs):
            console.print(f"  {line}")
    if len(found) > _MOST_DIFFERENCES:
        rest = len(found) - _MOST_DIFFERENCES
        console.print(f"  and {rest} more; --out DIR writes all of them to differences.csv")


def _difference_lines(one: Difference, runs: Sequence[ComparedRun]) -> Iterator[str]:
    """The path and the values on one line, or on one line each where they are long."""
    texts = [
        f"{run.letter} {value_text(value, _LONGEST_VALUE)}"
        for run, value in zip(runs, one.values, strict=True)
    ]
    together = f"{one.path}:  {'   '.join(texts)}"
    if len(together) <= 78:
        yield together
        return
    yield f"{one.path}:"
    yield from (f"  {text}" for text in texts)


def _table(comparison: Comparison, runs: Sequence[ComparedRun]) -> Table:
    """Numbers by section; a difference beside its number for two runs, below it for more."""
    pair = len(runs) == 2
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("unit", style="dim", no_wrap=True)
    for run in runs:
        table.add_column(run.letter, justify="right", no_wrap=True)
        if pair and run is not runs[0]:
            table.add_column(f"{run.letter} - A", justify="right", no_wrap=True)
            table.add_column("%", justify="right", no_wrap=True)
    described = {key: comparison.describe(key) for key in comparison.keys}
    for section in comparison.catalogue.sections(comparison.communities):
        of_section = {key: found for key, found in described.items() if found.section == section}
        keys = [key for key, found in of_section.items() if found.is_comparable]
        if keys:
            table.add_row(Text(section, style="bold underline"))
        for key in keys:
            found = described[key]
            cells = _cells(comparison, key, found, runs, pair)
            table.add_row(f" {found.name}", found.unit, *cells)
    return table


def _cells(
    comparison: Comparison, key: str, found: Described, runs: Sequence[ComparedRun], pair: bool
) -> Iterator[str | Text]:
    for run in runs:
        value = run.numbers.get(key)
        shown = _plain(shown_value(value, found))
        if run is runs[0]:
            yield shown
            continue
        absolute, percent = _change_texts(comparison.change(key, run), found)
        if pair:
            yield from (shown, absolute, percent)
        elif absolute:
            beside = f" ({percent} %)" if percent else ""
            yield Text(shown).append(Text(f"\n{absolute}{beside}", style="dim"))
        else:
            yield shown


def _change_texts(change: Change, found: Described) -> tuple[str, str]:
    """Difference and percentage with their signs; empty where there is none, ``=`` where nothing changed."""
    if change.absolute is None:
        return "", ""
    if change.absolute == 0:
        return "=", ""
    absolute = _signed(change.absolute * found.scale, number_text(abs(change.absolute * found.scale), 3))
    if change.percent is None:
        return absolute, ""
    size = abs(change.percent)
    if size < 0.01 or size > 9999:
        return absolute, "<0.01" if size < 0.01 else ">9999"
    return absolute, _signed(change.percent, f"{size:.3g}" if size < 1000 else f"{size:.0f}")


def _signed(value: float, text: str) -> str:
    return _plain(f"{'+' if value > 0 else '-'}{text}")


def _plain(text: str) -> str:
    """Thousands set apart by a space that every terminal has."""
    return text.replace(THIN_SPACE, " ")
