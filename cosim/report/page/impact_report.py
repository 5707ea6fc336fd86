"""The page of an impact study: what each mode hosts, and what communication does to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cosim.report.impact_page import feeders_of, write_impact_files
from cosim.report.impact_words import (
    Feeders,
    capacity_text,
    doubts,
    element_name,
    percent,
    place_text,
    sentences,
)
from cosim.report.page.study_figures import Figure, cell, cell_map, curve, curves, dot, dots
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
    answer = [sentence.replace("**", "") for sentence in sentences(analysis, feeders)]
    title, notes, figures = (
        config.title or config.name,
        list(doubts(analysis)),
        list(_figures(analysis, feeders)),
    )
    return [text, write_study_page(folder, title, answer, notes, figures, tables), *files]


def _figures(analysis: ImpactAnalysis, feeders: Feeders) -> Iterator[Figure]:
    known = [each for each in analysis.curves if len(each.known)]
    if not known:
        return
    yield _capacities(analysis, known)
    changes = [
        dot(place_text(analysis, each), (100 * end for end in change[:3]))
        for each, change in analysis.differences()
        if change.n
    ]
    if changes:
        first = next(iter(analysis.config.modes))
        about = (
            f"Seed by seed beside {first}, mean and 95 % interval: where it holds 0, chance may explain it."
        )
        yield dots(
            f"What changes against {first}",
            "change of the hosting capacity [percentage points]",
            changes,
            about=about,
            zero=True,
        )
    for feeder in analysis.config.feeder_names:
        mine = [each for each in known if each.feeder == feeder]
        if mine:
            yield _probabilities(analysis, [each for each in mine if not each.communication] or mine, feeder)
            yield from _communication(analysis, mine, feeders)


def _capacities(analysis: ImpactAnalysis, known: list[Curve]) -> Figure:
    rows = []
    for each in known:
        found = each.at_risk
        if found is not None:
            ends = (100 * each.grid[p] if p >= 0 else 0.0 for p in (found.position, found.low, found.high))
            rows.append(dot(place_text(analysis, each), ends, 100 * each.penetrations.to_numpy()))
    about = (
        f"The largest penetration at which at most {percent(analysis.config.risk)} of the seeds leave a "
        "limit, with its 95 % interval; small dots are single seeds."
    )
    return dots("What the feeder hosts", _PENETRATION, rows, about=about)


def _probabilities(analysis: ImpactAnalysis, mine: list[Curve], feeder: str) -> Figure:
    lines = [
        curve(
            place_text(analysis, each),
            100 * np.array(each.grid),
            *(
                100 * np.array([getattr(one, name) for one in each.probabilities])
                for name in ("share", "low", "high")
            ),
        )
        for each in mine
    ]
    risk = {"value": 100 * analysis.config.risk, "name": f"risk of {percent(analysis.config.risk)}"}
    title = f"How likely a limit is left{f', {feeder}' if feeder else ''}"
    about = "Share of the seeds in which some limit is left, with 95 % intervals (Clopper and Pearson)."
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
        names = config.axes[0].column, config.axes[1].column
        about = "Hosting capacity at the study's risk; choose a cell for the seeds behind it."
        columns = ["seed", "hosting capacity", "limit that binds first", "where", "runs"]
        yield cell_map(
            f"{own[0].feeder} {mode}: what the feeder hosts".strip(),
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
