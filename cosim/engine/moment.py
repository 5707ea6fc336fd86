"""What feeder, homes and communities did in one interval, and how platforms reacted, from a run's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import listed
from cosim.core.shown import kw_text
from cosim.devices.interface import device_title, given_columns
from cosim.engine.scenario import Scenario
from cosim.grid.verdict import KEY_BY_LIMIT, WORDS_BY_KEY
from cosim.regulation.reductions import Beyond, Reduction, is_grid_aware, planned_capacity, reductions
from cosim.regulation.resource_words import resource_meaning
from cosim.regulation.units_in_kw import step_power_text
from cosim.results.run_tables import batches, rows_between, table_files

_SMALL_KW = 0.05
"""What is less is not worth a word."""
_MOST_COMMUNITIES = 3


class Metered(NamedTuple):
    """Mean powers of all households together, kW."""

    load: float
    generated: float
    """As their meters show."""
    taken: float
    given: float
    """By their other devices; the balance alone, where devices were not recorded."""


class Moment(NamedTuple):
    """One interval of a run."""

    from_above_kw: float | None
    """Mean power from the grid above the feeder, or into it where it is negative; None where the power flow
    was not solved or the source is not the grid above."""
    own_kw: float | None
    """What the feeder's own loads, less its own generators, took; None where that is not known."""
    metered: Metered | None
    """None where meters were not recorded."""
    sums: dict[tuple[str, str], tuple[float, float]]
    """By community and resource, what the community did, and the capacity then, in units a step."""
    losses_kw: float | None = None
    """What lines and transformers lost; None where that is not known."""


def read_moment(folder: Path, scenario: Scenario, hours: float) -> Moment:
    """The interval that begins so many hours after the start.

    Parameters
    ----------
    folder : Path
        The run's directory, whose tables are whole.
    scenario : Scenario
        What was run.
    hours : float
        Since the start.
    """
    start = scenario.time.start + timedelta(hours=hours)
    end = start + timedelta(milliseconds=scenario.interval_ms)
    metered = _metered(folder, scenario, start, end)
    flow = [row for row in _rows(folder, "power_flow", ["p_slack_mw", "losses_mw", "status"], start, end)]
    above = losses = None
    if flow and flow[0]["status"] == "converged" and scenario.firm is None:
        above, losses = 1000 * flow[0]["p_slack_mw"], 1000 * flow[0]["losses_mw"]
    own = None
    if above is not None and losses is not None and metered is not None:
        own = above - losses - (metered.load - metered.generated + metered.taken - metered.given)
    return Moment(above, own, metered, _sums(folder, scenario, start, end), losses)


def moment_text(moment: Moment, scenario: Scenario) -> str:
    """What happened, as a sentence without its first word and its full stop; empty where nothing is known."""
    return "; ".join([*_powers(moment, scenario), *_deeds(moment, scenario)])


def _powers(moment: Moment, scenario: Scenario) -> Iterator[str]:
    parts = []
    feeder, of = "feeder", "feeder's"
    if scenario.grid is not None and scenario.grid.copies > 1:
        feeder, of = "feeders", "feeders'"
    above, metered, own = moment.from_above_kw, moment.metered, moment.own_kw
    if metered is not None:
        made = f" and generated {kw_text(metered.generated)}" if metered.generated > _SMALL_KW else ""
        parts.append(f"households used {kw_text(metered.load)}{made}")
        deeds = sorted(((metered.given, "gave"), (metered.taken, "took")), reverse=True)
        acted = [f"{verb} {kw_text(power)}" for power, verb in deeds if power > _SMALL_KW]
        if acted:
            parts.append(f"their {device_words(scenario)} {' and '.join(acted)}")
    if own is not None and abs(own) > _SMALL_KW:
        parts.append(f"the {of} other {'loads took' if own > 0 else 'generators gave'} {kw_text(own)}")
    if above is not None:
        way = f"out of the {feeder} into the grid above"
        if above >= 0:
            way = f"from the grid above into the {feeder}"
        yield f"{kw_text(above)} flowed {way}{': ' if parts else ''}{listed(parts)}"
    elif parts:
        yield listed(parts)
    if parts and moment.losses_kw is not None and moment.losses_kw > _SMALL_KW:
        yield f"lines and transformers lost {kw_text(moment.losses_kw)}"


def _deeds(moment: Moment, scenario: Scenario) -> Iterator[str]:
    for community in scenario.communities[:_MOST_COMMUNITIES]:
        parts: list[str] = []
        for resource in community.resources:
            known = moment.sums.get((community.name, resource.name))
            if known is not None:
                did, capacity = (step_power_text(each, resource, scenario.time.step_ms) for each in known)
                means = resource_meaning(resource)
                name = f"{resource.name}{f' ({means})' if means else ''}"
                parts.append(f"{name} {'' if parts else 'was '}{did} (target {capacity})")
        if parts:
            yield f"of community {community.name}, {listed(parts)}"


def device_words(scenario: Scenario) -> str:
    """What the households' devices that act are called: ``batteries and electric vehicles``."""
    kinds = {
        name: device
        for group in scenario.groups
        for name, device in group.devices.items()
        if not device.has_profile
    }
    return listed([device_title(name) for name in kinds]) or "devices"


def _metered(folder: Path, scenario: Scenario, start: datetime, end: datetime) -> Metered | None:
    names = ["load_kwh", "pv_kwh", "net_kwh"]
    rows = _rows(folder, "meters", names, start, end)
    if not rows:
        return None
    per_h = MS_PER_HOUR / scenario.interval_ms
    load, made, net = (per_h * sum(row[name] for row in rows) for name in names)
    given = sum(
        per_h * row[column]
        for table, columns in given_columns().items()
        for row in _rows(folder, table, columns, start, end)
        for column in columns
    )
    balance = net - load + made
    given = max(given, -balance)  # where devices were not recorded, the balance is all that is known
    return Metered(load, made, balance + given, given)


def _sums(
    folder: Path, scenario: Scenario, start: datetime, end: datetime
) -> dict[tuple[str, str], tuple[float, float]]:
    """Means over the steps that lie in the interval, at least in part."""
    step = timedelta(milliseconds=scenario.time.step_ms)
    names = ["time", "community", "resource", "capacity", "aggregate"]
    # What a step did stands in the row of its end, the capacity that it was to follow in that of its start.
    rows = _rows(folder, "regulation", names, start - step, end + step)
    found = {}
    for community in scenario.communities:
        for resource in community.resources:
            own = [
                row for row in rows if (row["community"], row["resource"]) == (community.name, resource.name)
            ]
            capacity = [row["capacity"] for row in own if start - step < row["time"] < end]
            did = [row["aggregate"] for row in own if start < row["time"] < end + step]
            if capacity and did:
                found[community.name, resource.name] = (_mean(did), _mean(capacity))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rows(
    folder: Path, table: str, columns: list[str], start: datetime, end: datetime
) -> list[dict[str, Any]]:
    return [row for file in table_files(folder, table) for row in rows_between(file, columns, start, end)]


def read_reductions(folder: Path, scenario: Scenario) -> list[list[Reduction]]:
    """Every capacity that gave way to the feeder, in the scenario's order: its reductions, in theirs.

    Parameters
    ----------
    folder : Path
        The run's directory, whose tables are whole.
    scenario : Scenario
        What was run.
    """
    if scenario.firm is not None:  # a firm sets capacities, too
        return []
    found = []
    for community in scenario.communities:
        for resource in community.resources:
            if is_grid_aware(community, resource):
                elapsed_ms, capacity, did = _ticks(folder, scenario, community.name, resource.name)
                planned = planned_capacity(resource, elapsed_ms, scenario.time.start)
                found.append(reductions(community.name, resource, elapsed_ms, planned, capacity, did))
    return [each for each in found if each]


def _ticks(
    folder: Path, scenario: Scenario, community: str, resource: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The instants of a platform's ticks, ms since the start; capacity, and what was done, from each on."""
    rows = [
        (row["time"], row["capacity"], row["aggregate"])
        for file in table_files(folder, "regulation")
        for batch in batches(file, ["time", "community", "resource", "capacity", "aggregate"])
        for row in batch.to_pylist()
        if (row["community"], row["resource"]) == (community, resource)
    ]
    elapsed = [round((row[0] - scenario.time.start).total_seconds() * 1000) for row in rows]
    # What a step did stands in the row of its end.
    did = [*(row[2] for row in rows[1:]), np.nan][: len(rows)]
    return np.array(elapsed, np.int64), np.array([row[1] for row in rows], np.float64), np.array(did)


def read_beyond(folder: Path, scenario: Scenario, key: str, element: int, hours: float) -> Beyond | None:
    """The stretch of time around an instant in which an element was beyond a limit; None where it was not.

    Parameters
    ----------
    folder : Path
        The run's directory, whose tables are whole.
    scenario : Scenario
        What was run.
    key : str
        The kind of limit, as numbers of a summary begin.
    element : int
        Its index.
    hours : float
        The start of an interval, since the run's start.
    """
    start_ms, interval_ms = _unix_ms(scenario.time.start), scenario.interval_ms
    time_ms = _violated_ms(folder, key, element) - start_ms
    now_ms = round(hours * MS_PER_HOUR)
    breaks = np.flatnonzero(np.diff(time_ms) > interval_ms) + 1
    for stretch in np.split(time_ms, breaks):
        if len(stretch) and stretch[0] <= now_ms <= stretch[-1]:
            end_ms = int(stretch[-1]) + interval_ms
            end_h = end_ms / MS_PER_HOUR if end_ms < scenario.time.duration_ms else np.nan
            return Beyond(WORDS_BY_KEY[key].element, stretch[0] / MS_PER_HOUR, end_h)
    return None


def _unix_ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _violated_ms(folder: Path, key: str, element: int) -> NDArray[np.int64]:
    """Starts of the intervals in which an element was beyond a limit, ms since 1970, in order."""
    import pyarrow as pa

    parts = [np.zeros(0, np.int64)]
    for file in table_files(folder, "violations"):
        for batch in batches(file, ["time", "kind", "element"], coded=True):
            time, kind, index = map(batch.column, ("time", "kind", "element"))
            texts = kind.dictionary.to_pylist()
            is_kind = np.array([KEY_BY_LIMIT.get(text) == key for text in texts])[
                np.from_dlpack(kind.indices)
            ]
            wanted = is_kind & (np.from_dlpack(index) == element)
            parts.append(np.from_dlpack(time.view(pa.int64()))[wanted])
    return np.concatenate(parts)
