"""``report.html``: one page that holds everything a run has to show, and needs nothing else to be read."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from cosim.core.shown import duration_text
from cosim.core.text import visible
from cosim.report.figure_list import Entry, draw_figures, figures
from cosim.report.run_data import RunData
from cosim.report.summary_table import summary_rows
from cosim.results.run_files import made_from, require_run
from cosim.results.safe_files import write_whole

_CSS = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: #fff; color: #1a1a1a;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid #bbb; }
figure { margin: 1.5rem 0; }
figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: 0.95rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.95rem; }
caption { text-align: left; font-weight: bold; padding: 0.6rem 0 0.2rem; }
th, td { padding: 0.15rem 0.9rem 0.15rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e4e4e4; }
th { font-weight: normal; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; }
.status { display: inline-block; padding: 0.1rem 0.6rem; border: 2px solid #1a1a1a; font-weight: bold; }
.status.bad { background: #1a1a1a; color: #fff; }
@media print { figure { break-inside: avoid; } }
"""
_STATUS_TEXT = {
    "done": "Done: the run reached its end.",
    "failed": "Failed: what follows is what the run produced until then.",
    "interrupted": "Interrupted: what follows is what the run produced until then.",
    "running": (
        "Not finished: the run is still going on, or it was killed. What follows is what it had written so "
        "far."
    ),
}


def draw(run_folder: Path) -> None:
    """Figures and page of a run."""
    draw_figures(run_folder)
    write_report(run_folder)


def overview(run: RunData) -> str:
    """How a run went and its numbers, without figures, as a part of a page."""
    title = escape(run.scenario.title or run.scenario.name)
    return "\n".join((f"<h3>{title}</h3>", _status(run), _summary(run)))


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's directory: figures, summary, and where they come from.

    Figures are taken from the ``figures`` folder, and drawn where there are none yet.

    Parameters
    ----------
    run_folder : Path
        The run's directory; the run may have been interrupted or killed.

    Returns
    -------
    Path
        The page.
    """
    require_run(run_folder)
    drawn = [entry for entry in figures() if _figure_file(run_folder, entry).exists()]
    if not drawn:
        draw_figures(run_folder)
        drawn = [entry for entry in figures() if _figure_file(run_folder, entry).exists()]
    run = RunData(run_folder)
    target = run_folder / "report.html"
    with made_from(run_folder, "the page"):
        text = page(run, drawn)
    write_whole(target, text)
    return target


def page(run: RunData, drawn: Iterable[Entry]) -> str:
    """The page's text.

    Parameters
    ----------
    run : RunData
        The run.
    drawn : iterable of Entry
        Figures to embed; their files exist.
    """
    scenario = run.scenario
    title = scenario.title or scenario.name
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(scenario.name)}: cosim report</title>",
        f"<style>{_CSS}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{escape(title)}</h1>",
        _status(run),
        "<h2>The run</h2>",
        _table("", _facts(run)),
        "<h2>Summary</h2>",
        _summary(run),
        "<h2>Figures</h2>",
        *(_figure(run.folder, entry) for entry in drawn),
        "<h2>Versions</h2>",
        _table("", _versions(run)),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def escape(text: str, quote: bool = False) -> str:
    """A text as HTML shows it, control characters as escapes."""
    return html.escape(visible(text), quote=quote)


def _figure_file(run_folder: Path, entry: Entry) -> Path:
    return run_folder / "figures" / f"{entry.name}.png"


def _status(run: RunData) -> str:
    status = str(run.record.get("status", "unknown"))
    text = _STATUS_TEXT.get(status, "The run left no record of its status.")
    cause = str(run.record.get("cause", ""))
    because = f" Cause: {escape(cause)}" if cause else ""
    kind = "status" if status == "done" else "status bad"
    verdict = str(run.record.get("verdict", ""))
    said = f"<p>{escape(verdict)}</p>\n" if verdict else ""
    return f'{said}<p><span class="{kind}">{escape(status)}</span> {escape(text)}{because}</p>'


def _facts(run: RunData) -> list[tuple[str, str]]:
    """What was run, and how long it took."""
    scenario, record = run.scenario, run.record
    facts = [
        ("Scenario", scenario.name),
        ("Seed", str(record.get("seed", scenario.seed))),
        ("Scenario's hash", str(record.get("scenario_hash", ""))),
        (
            "Simulated time",
            f"{scenario.time.start:%Y-%m-%d %H:%M} UTC, {duration_text(scenario.time.duration_ms)}",
        ),
        ("Market step", duration_text(scenario.time.step_ms)),
        ("Households", str(scenario.n_households)),
        ("Communities", ", ".join(community.name for community in scenario.communities) or "none"),
        ("Feeder", scenario.grid.network if scenario.grid else "none"),
        ("Started", str(record.get("start", ""))),
        ("Ended", str(record.get("end", ""))),
    ]
    reached_ms = record.get("simulated_until_ms")
    if record.get("status") in ("failed", "interrupted") and isinstance(reached_ms, int):
        facts.append(
            ("Reached", f"{duration_text(reached_ms)} of {duration_text(scenario.time.duration_ms)}")
        )
    for stage, seconds in record.get("seconds", {}).items():
        facts.append((f"Stage {stage}", f"{seconds} s"))
    return [(name, value) for name, value in facts if value]


def _versions(run: RunData) -> list[tuple[str, str]]:
    record = run.record
    versions = {"cosim": record.get("cosim"), "Python": record.get("python"), **record.get("packages", {})}
    return [(name, str(version or "not installed")) for name, version in versions.items()]


def _summary(run: RunData) -> str:
    """A table for each section; of a run that was killed there is none."""
    communities = [community.name for community in run.scenario.communities]
    rows = summary_rows(run.summary, run.scenario.time.start, communities)
    if not rows:
        return "<p>The run did not finish, so it has no summary.</p>"
    parts = []
    for section, members in groupby(rows, key=lambda row: row.section):
        lines = [
            f'<tr><th scope="row">{escape(row.name)}</th><td class="number">{escape(row.value)}</td>'
            f"<td>{escape(row.unit)}</td></tr>"
            for row in members
        ]
        caption = f"<caption>{escape(section)}</caption>"
        parts.append(f'<div class="wide"><table>{caption}{"".join(lines)}</table></div>')
    return "\n".join(parts)


def _table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows]
    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{head}{"".join(lines)}</table></div>'


def _figure(run_folder: Path, entry: Entry) -> str:
    picture = base64.b64encode(_figure_file(run_folder, entry).read_bytes()).decode("ascii")
    alt = escape(f"{entry.title}. {entry.caption}", quote=True)
    return (
        f'<figure id="{escape(entry.name, quote=True)}">'
        f'<img alt="{alt}" src="data:image/png;base64,{picture}">'
        f"<figcaption><strong>{escape(entry.title)}.</strong> {escape(entry.caption)}</figcaption></figure>"
    )
