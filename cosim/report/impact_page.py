"""Writes what an impact study found: a page in Markdown with the answer first, its figures, its tables."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.config.axis_words import axis_label
from cosim.core.clock import to_hours
from cosim.core.errors import InputError, count, listed
from cosim.core.shown import date_text, number_text
from cosim.core.text import markdown_text
from cosim.devices.interface import device_title
from cosim.engine.builder import build
from cosim.engine.wings import describe
from cosim.grid.feeder import Feeder
from cosim.grid.named_elements import Element, Elements, used_value
from cosim.grid.subsystem import PowerGrid
from cosim.report.impact_figures import impact_figures
from cosim.report.impact_glossary import words_of_study
from cosim.report.impact_words import (
    NOT_MONOTONE,
    Feeders,
    capacity_text,
    doubts,
    element_name,
    elements_on,
    first_mode,
    limits_text,
    mode_title,
    percent,
    place_text,
    sentences,
    worst_overload,
)
from cosim.report.style import drawing, save
from cosim.report.text_table import TextTable, with_intervals
from cosim.results.safe_files import write_whole
from cosim.study.impact.impact_analysis import Curve, ImpactAnalysis, Overload
from cosim.study.impact.violations import WORDS, Binding
from cosim.study.sweep.sweep_plan import SweepPlan

PAGE = "impact.md"
RUNS_TO_LOOK_AT = (
    "Of each mode, the run to look at: the one that exceeds a limit furthest, one step of penetration above "
    "what its seed hosts. Its command, in the study's directory, runs it again, with all tables and a page "
    "of its own."
)
_MOST_ROWS_ON_PAGE = 60
_CAPTIONS = {
    "violation_probability": "Share of the seeds in which some limit is exceeded, by penetration.",
    "hosting_capacity": "Hosting capacity of each mode; each dot is that of one seed.",
    "communication": "Hosting capacity by the quality of the communication.",
    "first_violations": "Where a limit is exceeded first, by mode.",
}


def write_impact_files(
    analysis: ImpactAnalysis, feeders: Feeders, folder: Path
) -> tuple[list[Path], list[TextTable]]:
    """Write page, figures and tables into an existing directory.

    Parameters
    ----------
    analysis : ImpactAnalysis
        What was found.
    feeders : mapping
        As from `feeders_of`.
    folder : Path
        The directory; files of an earlier evaluation are overwritten.

    Returns
    -------
    tuple of list
        The files, the page first; and the tables.
    """
    figures = []
    with drawing():
        for name, figure in impact_figures(analysis, feeders):
            path = folder / f"{name}.png"
            save(figure, path)
            figures.append(path)
    found = [
        _capacities(analysis),
        _bindings(analysis, feeders),
        _overloads(analysis, feeders),
        _costs(analysis),
    ]
    found += [_seeds(analysis, feeders), _probabilities(analysis)]
    tables = [table for table in found if table.rows]
    files = [folder / f"{table.name}.csv" for table in tables]
    for file, table in zip(files, tables, strict=True):
        write_whole(file, table.csv())
    shown = [_in_words(_marked(table), analysis) for table in tables]
    page = folder / PAGE
    write_whole(page, "\n".join(_lines(analysis, feeders, figures, shown)) + "\n")
    return [page, *figures, *files], shown


def answer(analysis: ImpactAnalysis) -> list[str]:
    """What each mode hosts, in sentences."""
    return [sentence.replace("**", "") for sentence in sentences(analysis, feeders_of(analysis))]


def feeders_of(analysis: ImpactAnalysis) -> dict[str, Feeder]:
    """The feeders, for the names and places of their elements, but for those that can no longer be built."""
    plan, found = analysis.plan, {}
    of_feeder = {chain.feeder: chain.points[0] for chain in reversed(plan.chains)}
    for name in analysis.config.feeder_names:
        with suppress(InputError):
            parts = build(plan.sweep.scenario(plan.sweep.points[of_feeder[name]]))
            found[name] = parts.of(PowerGrid).feeder
    return found


def _lines(
    analysis: ImpactAnalysis, feeders: Feeders, figures: list[Path], tables: list[TextTable]
) -> Iterator[str]:
    config = analysis.config
    yield f"# {markdown_text(config.title or config.name)}"
    yield ""
    for sentence in sentences(analysis, feeders):
        yield f"- {sentence}"
    yield ""
    for note in what_was_run(analysis, feeders):
        yield note
        yield ""
    told = list(doubts(analysis))
    if told:
        yield from (f"> {markdown_text(each)}" for each in told)
        yield ""
    for figure in figures:
        yield f"![{_caption(figure.stem)}]({figure.name})"
        yield ""
    for table in tables:
        yield f"## {table.title}"
        yield ""
        if len(table.rows) <= _MOST_ROWS_ON_PAGE:
            yield from with_intervals(table).markdown()
        else:
            yield f"{count(len(table.rows), 'row')}: [{table.name}.csv]({table.name}.csv)"
        yield ""
    if commands(analysis):
        yield RUNS_TO_LOOK_AT
        yield ""
    for where, command in commands(analysis):
        yield f"- {markdown_text(where)}: `{command}`"
    yield ""
    yield "`cosim sweep sweep.yaml --dry-run` there lists the command of every other run, by its point."
    yield ""
    yield "## What the words of this page mean"
    yield ""
    for word, meaning in words_of_study(analysis).items():
        yield f"- **{word}**: {markdown_text(meaning)}"


def what_was_run(analysis: ImpactAnalysis, feeders: Feeders) -> Iterator[str]:
    """How many runs of what, the limits, and where the numbers of costs and intervals come from."""
    config = analysis.config
    yield (
        f"{count(len(config.seed_list), 'seed')}, {len(config.grid)} penetrations from "
        f"{percent(config.grid[0])} to {percent(config.grid[-1])}; "
        f"{runs_text(analysis.n_runs, analysis.n_grid)}. The hosting capacity of a seed is the largest "
        "penetration up to which no limit is exceeded"
        f"{_allowed(analysis)}; at a risk of {percent(config.risk)} at most that share of the seeds hosts "
        f"less. A penetration of 100 % means {_technologies(analysis)}."
    )
    limits = limits_text(analysis, feeders)
    if limits:
        yield f"Limits: {limits}."
    if len(config.modes) > 1 and analysis.costs:
        yield (
            f"What modes cost is compared at {listed([percent(config.grid[at]) for at in config.compared])}"
            f"{', the middle of the penetrations' if config.compare_at is None else ''}: there every mode is "
            "run with every seed. The key compare_at of the study's file chooses other penetrations."
        )
    yield (
        "95 % intervals of capacities are by bootstrap over the seeds, those of probabilities Clopper and "
        "Pearson's, those of means and changes Student's."
    )


def runs_text(n_runs: int, n_grid: int) -> str:
    """How many runs a study took, and why these are enough: ``26 runs (of at most 45: ...)``."""
    if n_runs >= n_grid:
        return f"all {count(n_grid, 'run')} of the grid"
    return f"{count(n_runs, 'run')} (of {n_grid:,} that the whole grid takes; the search needs no others)"


def commands(analysis: ImpactAnalysis) -> list[tuple[str, str]]:
    """For each mode the run one step above its capacity in which a limit is exceeded furthest.

    Returns
    -------
    list of tuple of str
        What it is, and the command that runs it again, with its tables and its page.
    """
    found = []
    for curve in analysis.curves:
        worst = worst_overload(analysis, curve)
        if worst is not None:
            where = (
                f"{place_text(analysis, curve)}, {percent(worst.penetration)}, seed {worst.found.chain.seed}"
            )
            found.append((where, _command(analysis.plan.sweep, worst.point)))
    return found


def _command(plan: SweepPlan, point: int) -> str:
    """The command that runs a point, its base as the study's directory holds it."""
    command, sweep = plan.command(plan.points[point]), plan.sweep
    if sweep.is_base_built_in:
        return command
    return command.replace(shlex.quote(sweep.base_argument), shlex.quote(f"inputs/{sweep.base_file.name}"), 1)


def _caption(name: str) -> str:
    """Of a figure; one of several feeders ends in its name."""
    kind = next(kind for kind in _CAPTIONS if name.startswith(kind))
    feeder = name.removeprefix(kind).removeprefix("_")
    return f"{_CAPTIONS[kind].rstrip('.')}: {feeder}." if feeder else _CAPTIONS[kind]


def _allowed(analysis: ImpactAnalysis) -> str:
    share = analysis.config.allowed_share_of_time
    return f" for more than {percent(share)} of the time" if share else ""


def _technologies(analysis: ImpactAnalysis) -> str:
    """Who has what at a penetration of 1: ``electric vehicles at every household of the group 'homes'``."""
    parts = []
    for each in analysis.config.technologies:
        who = (
            "every household"
            if each.share_at_full == 1
            else f"{percent(each.share_at_full)} of the households"
        )
        numbers = {curve.feeder: analysis.households(curve).get(each.group) for curve in analysis.curves}
        told = [f"{n} in {feeder}" if feeder else str(n) for feeder, n in numbers.items() if n]
        parts.append(f"{device_title(each.device)} at {who} of the group '{each.group}' ({listed(told)})")
    return listed(parts)


def _overloads(analysis: ImpactAnalysis, feeders: Feeders) -> TextTable:
    """Run by run, what happens at the first penetration above the hosting capacity."""
    devices = {each.device: each for each in analysis.config.technologies}
    rows = []
    for curve in analysis.curves:
        of_group = analysis.households(curve) if analysis.overloads(curve) else {}
        feeder = feeders.get(curve.feeder)
        for each in analysis.overloads(curve):
            place = ["" if cell is None else cell for cell in analysis.place(curve).values()]
            counts = [
                math.floor(each.penetration * one.share_at_full * of_group.get(one.group, 0) + 0.5)
                for one in devices.values()
            ]
            rows.append(
                [
                    *place,
                    each.found.chain.seed,
                    100 * each.penetration,
                    *counts,
                    *_worst(analysis, each, feeder, elements_on(analysis, curve, feeder)),
                ]
            )
    columns = (
        *(*_places(analysis), "seed", "penetration [%]", *(f"households with {name}" for name in devices)),
        *("limit", "element", "at worst", "limit at", "unit", "on", "outside for [h]"),
        *("messages sent", "lost", "too late", "point"),
    )
    return TextTable("overloads", "One step above the hosting capacity", columns, rows)


def _worst(analysis: ImpactAnalysis, each: Overload, feeder: Feeder | None, elements: Elements) -> list[Any]:
    """Cells from the limit that binds to the number of the point."""
    binds, summary, scenario = each.binding, each.summary, analysis.scenario(each.point)
    when: Any = ""
    hours: Any = ""
    if binds.time_h is not None:
        when = date_text(scenario.time.start, binds.time_h)
        hours = to_hours(int(summary[f"{binds.kind}_intervals"]) * scenario.interval_ms)
    worst = _use(binds, elements.get((binds.table, binds.element)))
    sent = [summary.get(f"messages_{name}") for name in ("sent", "lost", "expired")]
    messages = [0 if n is None or math.isnan(n) else int(n) for n in sent]
    name = element_name(feeder, binds.kind, binds.element)
    return [WORDS[binds.kind], name, *worst, when, hours, *messages, each.point]


def _use(binds: Binding, element: Element | None) -> tuple[Any, Any, str]:
    """A value at its worst, its limit and the unit; a share of the limit where that is not known."""
    if not math.isfinite(binds.use):
        return "", "", ""
    if element is None:
        return 100 * binds.use, 100.0, "% of the limit"
    limit = element.limits[binds.kind]
    return used_value(binds.kind, binds.use, limit), limit, "pu" if binds.table == "bus" else "%"


def _capacities(analysis: ImpactAnalysis) -> TextTable:
    rows = []
    differences = {id(curve): change for curve, change in analysis.differences()}
    for curve in analysis.curves:
        found, change = curve.at_risk, differences.get(id(curve))
        place = list(analysis.place(curve).values())
        texts = (
            ["", "", ""]
            if found is None
            else [capacity_text(curve, found.position)]
            + (["", ""] if found.ends is None else [capacity_text(curve, each) for each in found.ends])
        )
        delta = ["", "", ""] if change is None else [100 * each for each in change[:3]]
        mean = float(100 * curve.penetrations.mean()) if len(curve.known) else float("nan")
        cells = [*place, *texts, mean, *delta, len(curve.known), curve.n_not_monotone]
        rows.append(["" if cell is None else cell for cell in cells])
    columns = (
        *_places(analysis),
        f"capacity at a risk of {percent(analysis.config.risk)}",
        *("from", "to", "mean over seeds [%]", "change of the mean [points]", "change from", "change to"),
        *("seeds", NOT_MONOTONE),
    )
    return TextTable("capacities", "What the feeder hosts", columns, rows)


def _bindings(analysis: ImpactAnalysis, feeders: Feeders) -> TextTable:
    rows = []
    for curve in analysis.curves:
        found = analysis.bindings(curve)
        total = sum(found.values())
        for (kind, element), n in found.items():
            place = ["" if cell is None else cell for cell in analysis.place(curve).values()]
            name = element_name(feeders.get(curve.feeder), kind, element)
            rows.append([*place, WORDS[kind], name, n, 100 * n / total])
    columns = (*_places(analysis), "limit", "element", "seeds", "share of violations [%]")
    return TextTable("binding", "Which limit is exceeded first, and where", columns, rows)


def _costs(analysis: ImpactAnalysis) -> TextTable:
    rows = []
    for each in analysis.costs:
        what = describe(each.key)
        place = ["" if cell is None else cell for cell in analysis.place(each.curve).values()]
        mean = [what.scale * value for value in each.mean[:3]]
        change = ["", "", ""] if each.difference is None else [what.scale * v for v in each.difference[:3]]
        name = f"{what.phrase} [{what.unit}]" if what.unit else what.phrase
        rows.append([100 * each.penetration, name, *place, *mean, *change])
    columns = (
        *("penetration [%]", "number", *_places(analysis)),
        *("mean", "from", "to", "change", "change from", "change to"),
    )
    first = first_mode(analysis)
    return TextTable("costs", f"What each mode costs, and how that differs from {first}", columns, rows)


def _element(analysis: ImpactAnalysis, feeders: Feeders, curve: Curve, binds: Binding | None) -> str:
    return "" if binds is None else element_name(feeders.get(curve.feeder), binds.kind, binds.element)


def _seeds(analysis: ImpactAnalysis, feeders: Feeders) -> TextTable:
    table = analysis.hosting_capacities()
    table["hosting_capacity"] *= 100
    of_curve = [(curve, each) for curve in analysis.curves for each in curve.found]
    table["element"] = [_element(analysis, feeders, curve, each.binding) for curve, each in of_curve]
    table["binding"] = [WORDS.get(kind, "") for kind in table["binding"]]
    table["bound"] = (
        table["bound"].map({"above": "at least that", "below": "not even the lowest"}).fillna(table["bound"])
    )
    table["monotone"] = [not monotone for monotone in table["monotone"]]
    words = {"hosting_capacity": "hosting capacity [%]", "binding": "limit", "monotone": NOT_MONOTONE}
    return _from_frame("seeds", "Seed by seed", table.rename(columns=words))


def _probabilities(analysis: ImpactAnalysis) -> TextTable:
    table = analysis.probabilities()
    shares = ["penetration", "probability", "low", "high"]
    table[shares] *= 100
    names = ("penetration [%]", "seeds with a violation [%]", "from", "to", "seeds run at it")
    named = table.rename(columns=dict(zip([*shares, "run"], names, strict=True)))
    inferred = " (*: inferred, not every seed was run at this penetration)" if analysis.is_inferred else ""
    return _from_frame("probabilities", f"Probability of a violation{inferred}", named)


def _marked(table: TextTable) -> TextTable:
    """With a sign beside the penetrations at which not every seed was run."""
    if table.name != "probabilities":
        return table
    at, run, of = (table.columns.index(name) for name in ("penetration [%]", "seeds run at it", "seeds"))
    rows = [
        [*row[:at], f"{number_text(row[at])} *" if row[run] < row[of] else row[at], *row[at + 1 :]]
        for row in table.rows
    ]
    return replace(table, rows=rows)


def _from_frame(name: str, title: str, frame: pd.DataFrame) -> TextTable:
    rows = [["" if pd.isna(cell) else cell for cell in row] for row in frame.itertuples(index=False)]
    return TextTable(name, title, tuple(frame.columns), rows)


def _in_words(table: TextTable, analysis: ImpactAnalysis) -> TextTable:
    """As a page shows it: qualities of the communication and modes that set a title in words."""
    axes = analysis.config.communication.axes if analysis.config.communication else ()
    of_axes = {axis.column for axis in axes}
    names = [axis_label(each) if each in of_axes else each.replace("_", " ") for each in table.columns]
    titled = {
        mode: f"{mode_title(analysis, mode)} ({mode})"
        for mode, paths in analysis.config.modes.items()
        if paths.get("title")
    }
    rows = table.rows
    if titled and "mode" in table.columns:
        column = table.columns.index("mode")
        rows = [[*row[:column], titled.get(row[column], row[column]), *row[column + 1 :]] for row in rows]
    kept = [
        n
        for n, name in enumerate(table.columns)
        if name != NOT_MONOTONE or any(curve.n_not_monotone for curve in analysis.curves)
    ]
    columns, headings = (tuple(each[n] for n in kept) for each in (table.columns, names))
    return replace(table, columns=columns, headings=headings, rows=[[row[n] for n in kept] for row in rows])


def _places(analysis: ImpactAnalysis) -> tuple[str, ...]:
    return tuple(analysis.place(analysis.curves[0]))
