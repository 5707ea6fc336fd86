"""``report.html`` of a run: the answer first, then the feeder moment by moment, and what lies behind it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import count
from cosim.core.registry import is_own
from cosim.core.shown import date_text, duration_text, number_text, share_text
from cosim.engine.answer import worst_of
from cosim.engine.moment import device_words, read_reductions
from cosim.engine.scenario import Scenario
from cosim.report.page.feeder_data import episodes, feeder_map, worst_moments
from cosim.report.page.glossary import words_of
from cosim.report.page.household_data import households
from cosim.report.page.origin import Origin, versions
from cosim.report.page.rendering import render, render_part
from cosim.report.page.run_charts import bill_chart, duration_charts, fault_bands, latency_chart, time_charts
from cosim.report.page.signal_data import silent_ticks
from cosim.report.run_data import RunData, text_list
from cosim.report.summary_table import summary_rows
from cosim.report.table_rows import start_ms
from cosim.results.run_files import made_from, require_run
from cosim.results.safe_files import write_whole

SCRIPTS = (
    "data.js",
    "elements.js",
    "plots.js",
    "moment.js",
    "then.js",
    "feeder_map.js",
    "time_charts.js",
    "bus_panel.js",
    "run.js",
)
MOST_FAULTS = 500
MOST_FAULT_MOMENTS = 4
MOST_REDUCTIONS = 3
_STATUS_TEXT = {
    "done": "The run reached its end.",
    "failed": "What follows is what the run produced until then.",
    "interrupted": "What follows is what the run produced until then.",
    "running": "The run is still going on, or it was killed. What follows is what it had written so far.",
}


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's directory.

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
    run = RunData(run_folder)
    run.check()
    target = run_folder / "report.html"
    with made_from(run_folder / "tables", "the page"):
        text = page(run)
    write_whole(target, text)
    return target


def page(run: RunData) -> str:
    """The page's text."""
    feeder, who = feeder_map(run), households(run)
    zero = start_ms(run)
    bills, broken = bill_chart(run), fault_bands(run)
    data: dict[str, Any] = {
        "start_ms": zero,
        "end_ms": zero + run.scenario.time.duration_ms,
        "map": feeder,
        "moments": [*worst_moments(run), *_lowered(run), *map(_begins, broken[:MOST_FAULT_MOMENTS])],
        "episodes": episodes(run),
        "households": who,
        "devices": device_words(run.scenario),
        "interval": _interval_words(run.scenario),
        "told": _told(run),
        "charts": time_charts(run),
        "durations": duration_charts(run),
        "latencies": latency_chart(run),
        "bills": bills,
        "faults": broken,
    }
    return render(
        "run.html.j2",
        SCRIPTS,
        data,
        **_answer(run),
        has_map=feeder is not None,
        summary=_summary(run),
        bills=_bills(bills),
        messages=_messages(run),
        words=words_of(run),
        faults=_faults(run, broken),
        pictures=_pictures(run),
        origin=_origin(run),
    )


def overview(run: RunData) -> str:
    """How a run went and its numbers, without figures, as a part of a page."""
    return render_part("overview.html.j2", **_answer(run), summary=_summary(run))


def _answer(run: RunData) -> dict[str, Any]:
    """What came of it, and how it ended."""
    status = str(run.record.get("status", "unknown"))
    text = _STATUS_TEXT.get(status, "The run left no record of its status.")
    cause = str(run.record.get("cause", ""))
    verdict = str(run.record.get("verdict", ""))
    return {
        "title": run.scenario.title or run.scenario.name,
        "answer": [f"{part}." for part in verdict.removesuffix(".").split(". ") if part],
        "status": status,
        "status_text": f"{text} Cause: {cause}" if cause else text,
        # Without the folder that a scenario's file is in, which tells a reader of the page nothing.
        "warnings": [re.sub(r"^[^\s:]*/", "", str(each)) for each in run.record.get("warnings", ())],
    }


def _interval_words(scenario: Scenario) -> str:
    """An interval of the feeder, as in the answer: ``hour``, ``15 min``."""
    return "hour" if scenario.interval_ms == MS_PER_HOUR else duration_text(scenario.interval_ms)


def _told(run: RunData) -> int:
    """The moment that the answer tells of, in seconds since the start; -1 where it tells of none."""
    worst = next(iter(worst_of(run.summary, run.elements)), None)
    verdict = str(run.record.get("verdict", ""))
    if worst is None or date_text(run.scenario.time.start, worst.hours) not in verdict:
        return -1
    return round(3600 * worst.hours)


def _lowered(run: RunData) -> list[dict[str, Any]]:
    """The moments at which a platform gave way to the feeder: by resource, the first few."""
    return [
        _moment(f"platform of {each.community} lowers {each.resource.name}", float(each.hours[0]))
        for found in read_reductions(run.folder, run.scenario)
        for each in found[:MOST_REDUCTIONS]
    ]


def _moment(label: str, hours: float) -> dict[str, Any]:
    return {
        "label": label,
        "second": round(3600 * hours),
        "kind": "",
        "element": -1,
        "left": False,
        "value": "",
    }


def _begins(fault: dict[str, Any]) -> dict[str, Any]:
    """The moment at which something fails."""
    return _moment(f"{fault['title']} begins", fault["start"] / 3600)


def _summary(run: RunData) -> list[tuple[str, list[Any]]]:
    rows = summary_rows(run.summary, run.scenario, run.elements)
    return [(section, list(members)) for section, members in groupby(rows, key=lambda row: row.section)]


def _bills(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    columns = ["household", *(part["name"] for part in found["parts"]), "together"]
    values = np.array([part["values"] for part in found["parts"]]).reshape(len(found["parts"]), -1).T
    rows = [
        [home, *(f"{value:.2f}" for value in row), f"{row.sum():.2f}"]
        for home, row in zip(found["households"], values, strict=True)
    ]
    return {"columns": columns, "rows": rows, "numbers": tuple(range(1, len(columns)))}


def _messages(run: RunData) -> dict[str, Any] | None:
    """What became of the messages, by direction and kind."""
    numbers = ["sent", "delivered", "lost", "expired", "in_flight"]
    if not run.has("messages", "link", "kind", *numbers):
        return None
    table = run.read("messages", ["link", "kind", *numbers, "latency_p50_ms", "latency_p99_ms"])
    keys = [
        (link.split("/")[0], kind)
        for link, kind in zip(text_list(table["link"]), text_list(table["kind"]), strict=True)
    ]
    rows = []
    for key in dict.fromkeys(keys):
        own = np.array([each == key for each in keys])
        sent, delivered, lost, expired, flying = (int(table[name][own].sum()) for name in numbers)
        median, late = (_largest(table[name][own]) for name in ("latency_p50_ms", "latency_p99_ms"))
        share = share_text(lost / sent) if sent else "–"
        whole = [number_text(each) for each in (sent, delivered, lost)]
        rows.append([*key, *whole, share, number_text(expired), number_text(flying), median, late])
    columns = (
        "direction",
        "kind",
        "sent",
        "delivered",
        "lost",
        "share lost",
        "too late",
        "still on the way",
        "median latency, slowest link [ms]",
        "99 % within, slowest link [ms]",
    )
    ways = [f"{way} is {meaning}" for way, meaning in _WAYS.items() if any(row[0] == way for row in rows)]
    note = "; ".join([*ways, "too late is what arrived after its lifetime had expired"])
    gone = sum(int(table[name].sum()) for name in ("lost", "expired"))
    return {
        "columns": columns,
        "rows": rows,
        "numbers": tuple(range(2, len(columns))),
        "notes": [f"{note[:1].upper()}{note[1:]}.", *([_WHOLE_RUN] if gone else []), *_never_sent(run)],
    }


def _never_sent(run: RunData) -> Iterator[str]:
    """What no link knows of: signals that platforms that were down did not send."""
    for community, (ticks, signals) in silent_ticks(run).items():
        yield (
            f"While its platform was down, community {community} was not sent the signals of "
            f"{count(ticks, 'step')}: {number_text(signals)} messages that the table does not count, for "
            "nobody sent them. The figure 'Households without a new signal' shows when."
        )


_WHOLE_RUN = (
    "They are counted over the whole run: no table says in which hour a message was lost or too late."
)
_WAYS = {
    "downlink": "what platforms and operators send to households",
    "uplink": "what households send to them",
    "meter": "what the feeder's meters send",
    "peer": "what households send to each other",
}


def _largest(values: np.ndarray[Any, Any]) -> str:
    known = values[np.isfinite(values)]
    return number_text(float(known.max())) if len(known) else "–"


def _faults(run: RunData, found: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not found:
        return None
    start = run.scenario.time.start
    rows = [
        [
            each["title"],
            each["name"],
            each["target"] if each["targets"] == 1 else f"{each['targets']} events",
            date_text(start, each["start"] / 3600),
            date_text(start, each["end"] / 3600),
        ]
        for each in found[:MOST_FAULTS]
    ]
    return {"columns": ("fault", "name in the tables", "of what", "from", "to"), "rows": rows, "numbers": ()}


def _pictures(run: RunData) -> list[dict[str, str]]:
    """Figures of plugins, which are drawn here; cosim's own are for papers, and drawn when asked."""
    from cosim.report.figures import FIGURES  # loads nothing heavy until something is drawn

    own = [(name, each) for name, each in FIGURES.items() if not is_own(each)]
    if not own:
        return []
    from cosim.report.style import drawing, picture

    found = []
    with drawing():
        for name, each in own:
            with made_from(run.folder / "tables", f"the figure '{name}'"):
                figure = each().draw(run)
                if figure is not None:
                    png = base64.b64encode(picture(figure)).decode("ascii")
                    found.append({"title": each.title, "caption": each.caption, "png": png})
    return found


def _facts(run: RunData) -> list[tuple[str, str]]:
    """What was run, and how long it took."""
    scenario, record = run.scenario, run.record
    length = duration_text(scenario.time.duration_ms)
    facts = [
        ("Scenario", scenario.name),
        ("Seed", str(record.get("seed", scenario.seed))),
        ("Scenario's hash", str(record.get("scenario_hash", ""))),
        ("Simulated time", f"{date_text(scenario.time.start, 0)}, {length}"),
        ("Market step", duration_text(scenario.time.step_ms)),
        ("Power-flow interval", "" if scenario.grid is None else duration_text(scenario.interval_ms)),
        ("Households", number_text(scenario.n_households)),
        ("Communities", ", ".join(community.name for community in scenario.communities) or "none"),
        ("Feeder", _feeder(run)),
        ("Started", str(record.get("start", "")).replace("T", " ").replace("+00:00", " UTC")),
        ("Ended", str(record.get("end", "")).replace("T", " ").replace("+00:00", " UTC")),
    ]
    reached_ms = record.get("simulated_until_ms")
    if record.get("status") in ("failed", "interrupted") and isinstance(reached_ms, int):
        facts.append(("Reached", f"{duration_text(reached_ms)} of {length}"))
    for stage, seconds in record.get("seconds", {}).items():
        facts.append((f"Stage {stage}", f"{seconds} s"))
    return [(name, value) for name, value in facts if value]


def _origin(run: RunData) -> Origin:
    text = (run.folder / "scenario.yaml").read_text(encoding="utf-8")
    about = "The scenario, resolved: running it again gives the same tables"
    return Origin(_facts(run), versions(run.record), text, about)


def _feeder(run: RunData) -> str:
    """The network, and which copy of it the page shows."""
    grid = run.scenario.grid
    if grid is None:
        return "none"
    return grid.network if run.copy is None else f"{grid.network}; shown is {run.copy.words}"
