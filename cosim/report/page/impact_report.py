"""The page of an impact study: what each mode hosts, and what communication does to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cosim.config.axis_words import axis_label
from cosim.core.errors import listed
from cosim.core.shown import date_text, duration_text, number_text
from cosim.grid.feeder import Feeder
from cosim.report.impact_glossary import words_of_study
from cosim.report.impact_page import RUNS_TO_LOOK_AT, commands, feeders_of, what_was_run, write_impact_files
from cosim.report.impact_places import first_violations, violations_at
from cosim.report.impact_words import (
    Feeders,
    bound_text,
    capacity_text,
    capitalised,
    doubts,
    element_name,
    mode_number,
    mode_title,
    percent,
    place_text,
    sentences,
)
from cosim.report.page.origin import Origin, versions
from cosim.report.page.study_figures import (
    Figure,
    cell,
    cell_map,
    curve,
    curves,
    dot,
    dots,
    feeder_marks,
    mark,
)
from cosim.report.page.study_page import write_study_page
from cosim.study.impact.impact_analysis import Curve, ImpactAnalysis
from cosim.study.impact.violations import WORDS

_PENETRATION = "penetration [% of the connection points]"


def write_impact(analysis: ImpactAnalysis, folder: Path) -> list[Path]:
    """Write all that there is to see of a study into a directory, which is made if need be.

    Parameters
    ----------
    analysis : ImpactAnalysis
        What was found.
    folder : Path
        The directory; files of an earlier evaluation are overwritten.

    Returns
    -------
    list of Path
        The files, both pages first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, feeders = analysis.config, feeders_of(analysis)
    (text, *files), tables = write_impact_files(analysis, feeders, folder)
    answer = [capitalised(sentence.replace("**", "")) for sentence in sentences(analysis, feeders)]
    title, notes, figures = (
        config.title or config.name,
        [*what_was_run(analysis, feeders), *doubts(analysis)],
        list(_figures(analysis, feeders)),
    )
    runs = commands(analysis)
    words = words_of_study(analysis)
    page = write_study_page(
        folder, title, answer, notes, figures, tables, runs, _origin(analysis), words, RUNS_TO_LOOK_AT
    )
    return [text, page, *files]


def _origin(analysis: ImpactAnalysis) -> Origin:
    """What was run; not when, which says nothing of the results."""
    config, first = analysis.config, analysis.scenario(analysis.plan.chains[0].points[0])
    time, communication = first.time, [each.communication for each in analysis.plan.chains]
    axes = config.communication.axes if config.communication else ()
    values = [[*dict.fromkeys(str(cells[n]) for cells in communication if cells)] for n in range(len(axes))]
    varied = [f"{axis_label(axis.column)} {listed(own)}" for axis, own in zip(axes, values, strict=True)]
    feeders = [each for each in config.feeder_names if each]
    facts = [
        ("Study", config.name),
        ("Base scenario", config.base),
        (
            "Feeders" if feeders else "Feeder",
            ", ".join(feeders) or (first.grid.network if first.grid else ""),
        ),
        ("Simulated time of each run", f"{date_text(time.start, 0)}, {duration_text(time.duration_ms)}"),
        ("Penetrations", ", ".join(percent(each) for each in config.grid)),
        ("Modes", ", ".join(mode_title(analysis, mode) for mode in config.modes)),
        ("Communication", "; ".join(varied)),
        ("Seeds", ", ".join(map(str, config.seed_list))),
        ("Runs", number_text(analysis.n_runs)),
        ("Hash of study and inputs", str(analysis.record.get("hash", ""))),
    ]
    about = "The study: cosim impact of this file runs it again, to the same numbers"
    known = [(name, value) for name, value in facts if value]
    made_by = versions(analysis.record) if analysis.record else []
    return Origin(known, made_by, analysis.plan.study.as_yaml(), about)


def _figures(analysis: ImpactAnalysis, feeders: Feeders) -> Iterator[Figure]:
    known = [each for each in analysis.curves if len(each.known)]
    if not known:
        return
    yield _capacities(analysis, known)
    changes = [
        dot(
            place_text(analysis, each),
            (100 * end for end in change[:3]),
            shade=mode_number(analysis, each.mode),
        )
        for each, change in analysis.differences()
        if change.n
    ]
    if changes:
        has_intervals = any(each["low"] != each["high"] for each in changes)
        first = mode_title(analysis, next(iter(analysis.config.modes)))
        about = (
            f"Seed by seed beside {first}, the mean"
            f"{' and 95 % interval: where it holds 0, chance may explain it' if has_intervals else ''}. "
            "The dotted line at 0 is no change."
        )
        yield dots(
            f"What changes against {first}",
            "change of the hosting capacity [percentage points]",
            changes,
            about=about,
            zero=True,
            words=["mean change", "95 % interval" if has_intervals else "", ""],
        )
    for feeder in analysis.config.feeder_names:
        mine = [each for each in known if each.feeder == feeder]
        if mine:
            plain = [each for each in mine if not each.communication] or mine
            yield _probabilities(analysis, plain, feeder)
            yield from _communication(analysis, mine, feeders)
            if feeder in feeders and any(analysis.bindings(each) for each in plain):
                yield _first_violations(analysis, plain, feeders[feeder], feeder)


def _first_violations(analysis: ImpactAnalysis, mine: list[Curve], feeder: Feeder, name: str) -> Figure:
    """The feeder, and where a limit is exceeded first, by mode."""
    at = {int(index): place for place, index in enumerate(feeder.bus.index)}
    pairs = zip(feeder.line.from_bus.tolist(), feeder.line.to_bus.tolist(), strict=True)
    lines = [feeder.bus.xy[[at[start], at[end]]] for start, end in pairs if start in at and end in at]
    marks = []
    for each in mine:
        names: dict[tuple[float, float], list[str]] = {}
        for (kind, element), place in violations_at(analysis, each, feeder).items():
            names.setdefault(place, []).append(element_name(feeder, kind, element))
        for place, n in first_violations(analysis, each, feeder).items():
            share = n / len(each.known)
            number = mode_number(analysis, each.mode)
            marks.append(mark(place_text(analysis, each), ", ".join(names[place]), place, share, number))
    title = f"Where a limit is exceeded first{f', {name}' if name else ''}"
    about = (
        "A ring in the colour of its mode stands where a limit is exceeded first; the larger, the more of "
        "the seeds. Rings of several modes lie around each other."
    )
    return feeder_marks(title, lines, marks, ("mode", "where", "share of the seeds [%]"), about)


def _capacities(analysis: ImpactAnalysis, known: list[Curve]) -> Figure:
    rows = []
    for each in known:
        found = each.at_risk
        if found is not None:
            ends = found.ends or (found.position, found.position)
            values = (100 * each.grid[p] if p >= 0 else 0.0 for p in (found.position, *ends))
            single, bound = 100 * each.penetrations.to_numpy(), bound_text(each, found.position)
            rows.append(
                dot(place_text(analysis, each), values, single, bound, shade=mode_number(analysis, each.mode))
            )
    has_intervals = any(each.at_risk and each.at_risk.ends for each in known)
    about = (
        f"The largest penetration at which at most {percent(analysis.config.risk)} of the seeds exceed a "
        f"limit{', with its 95 % interval' if has_intervals else ''}. Where it says 'at least', the study "
        "ends there, and the feeder may host more. The dotted line is at 0 %."
    )
    words = [
        f"hosted at a risk of {percent(analysis.config.risk)}",
        "95 % interval" if has_intervals else "",
        "single seeds, each a dot",
    ]
    return dots("What the feeder hosts", _PENETRATION, rows, about=about, zero=True, words=words)


def _probabilities(analysis: ImpactAnalysis, mine: list[Curve], feeder: str) -> Figure:
    lines = [
        curve(
            place_text(analysis, each),
            100 * np.array(each.grid),
            *(
                100 * np.array([getattr(one, name) for one in each.probabilities])
                for name in ("share", "low", "high")
            ),
            shade=mode_number(analysis, each.mode),
            hollow=[analysis.n_run(each, position) < len(each.known) for position in range(len(each.grid))],
        )
        for each in mine
    ]
    risk = {"value": 100 * analysis.config.risk, "name": f"risk of {percent(analysis.config.risk)}"}
    title = f"How likely a limit is exceeded{f', {feeder}' if feeder else ''}"
    about = "Share of the seeds in which some limit is exceeded, with 95 % intervals (Clopper and Pearson)."
    if any(any(each["hollow"]) for each in lines):
        about += " Hollow marks are inferred: not every seed was run at that penetration."
    return curves(title, _PENETRATION, "seeds with a violation [%]", lines, line=risk, about=about)


def _communication(analysis: ImpactAnalysis, mine: list[Curve], feeders: Feeders) -> Iterator[Figure]:
    """A map for each mode over two qualities of communication; one alone stands among the capacities."""
    config = analysis.config.communication
    if config is None or len(config.axes) != 2:
        return
    for mode in dict.fromkeys(each.mode for each in mine if each.communication):
        own = [each for each in mine if each.mode == mode and each.communication]
        x, y = ([*dict.fromkeys(str(each.communication[n]) for each in own)] for n in (0, 1))
        cells = []
        for each in own:
            found = each.at_risk
            value = (
                float("nan")
                if found is None
                else 100 * (each.grid[found.position] if found.position >= 0 else 0)
            )
            text = "–" if found is None else capacity_text(each, found.position)
            cells.append(cell(map(str, each.communication), value, text, _runs(each, feeders)))
        names = axis_label(config.axes[0].column), axis_label(config.axes[1].column)
        about = "Hosting capacity at the study's risk; choose a cell for the seeds behind it."
        columns = ["seed", "hosting capacity", "limit exceeded first", "where", "runs"]
        yield cell_map(
            f"{own[0].feeder} {mode_title(analysis, mode)}: what the feeder hosts".strip(),
            names,
            (x, y),
            cells,
            "% of the connection points",
            about=about,
            columns=columns,
        )


def _runs(each: Curve, feeders: Feeders) -> Iterator[list[str]]:
    for found in each.found:
        hosted = "not known" if found.capacity is None else capacity_text(each, found.capacity)
        binds = found.binding
        kind = WORDS[binds.kind] if binds else ""
        where = element_name(feeders.get(each.feeder), binds.kind, binds.element) if binds else ""
        yield [str(found.chain.seed), hosted, kind, where, str(found.n_runs)]
