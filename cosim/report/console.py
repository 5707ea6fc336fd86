"""The summary of a run on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

_UNITS = ("kwh", "percent", "fraction", "pu", "units", "h", "ms")


def print_summary(console: Console, status: str, summary: Mapping[str, float | int | None]) -> None:
    """Print every number of a summary with its unit.

    Parameters
    ----------
    console : Console
        Where to.
    status : str
        How the run ended.
    summary : mapping
        What ``summary.json`` holds.
    """
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value in summary.items():
        label, unit = split_unit(name)
        table.add_row(label, _shown(value), unit)
    console.print(table)


def split_unit(name: str) -> tuple[str, str]:
    """A number's name in words, and its unit."""
    head, _, last = name.rpartition("_")
    if last not in _UNITS:
        return name.replace("_", " "), ""
    return head.replace("_", " "), {"kwh": "kWh", "percent": "%", "fraction": "of 1"}.get(last, last)


def _shown(value: float | int | None) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    )
