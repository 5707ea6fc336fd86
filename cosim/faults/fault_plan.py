"""Everything that will break in a run, worked out before it starts: whom each fault hits, and when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cosim.config.csv_format import CsvFormat
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, count, suggest
from cosim.core.streams import Streams
from cosim.csv_files.named_columns import read_plain
from cosim.csv_files.words import shown
from cosim.faults.fault_checks import Surroundings, Window, given_windows, named_households
from cosim.faults.schema import (
    LINK_FAULTS,
    AnyFault,
    Churn,
    Partition,
    PlatformCrash,
    StuckMeter,
    fault_names,
)
from cosim.households.placement import Placement

_TRACE_COLUMNS = ("household", "leaves_h", "joins_h")
_LONGEST_H = 1e8  # longer than any run
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One thing that breaks and is mended.

    Attributes
    ----------
    name : str
        The fault's name.
    fault : AnyFault
        As configured.
    target : str
        What breaks: a household, a community's platform, the feeder meter, or a set of links.
    members : tuple of int
        Numbers of the households concerned; of a platform's crash that of the community.
    start_ms, end_ms : int
        When, ms since the start of the run; it covers its start and not its end, which may lie after the run.
    """

    name: str
    fault: AnyFault
    target: str
    members: tuple[int, ...]
    start_ms: int
    end_ms: int


def plan_faults(
    faults: Sequence[AnyFault], around: Surroundings, placement: Placement | None, context: Context
) -> tuple[FaultEvent, ...]:
    """All events of the faults that are enabled, in the order of their start, then of the scenario.

    A household's random numbers are its own: one more household changes no other's times.

    Parameters
    ----------
    faults : sequence of AnyFault
        As configured.
    around : Surroundings
        What they can concern.
    placement : Placement or None
        Which household stands at which bus; None where the grid has errors: then none is at a bus.
    context : Context
        The run.

    Raises
    ------
    InputError
        If a bus holds no household, or a trace cannot be read.
    """
    problems: list[Problem] = []
    events: list[FaultEvent] = []
    for number, (name, fault) in enumerate(zip(fault_names(faults), faults, strict=True)):
        if not fault.enabled:
            continue
        try:
            planned = list(_events(around, placement, context, name, fault))
        except InputError as error:
            problems += _of_fault(number, error)
            continue
        events += planned
    if problems:
        raise InputError(problems)
    return tuple(sorted(events, key=lambda event: event.start_ms))


def _of_fault(number: int, error: InputError) -> list[Problem]:
    """Problems with their place in the scenario."""
    return [
        Problem(p.message, p.remedy, f"faults.{number}.{p.path}", p.file, p.line, p.value)
        for p in error.problems
    ]


def _events(
    around: Surroundings, placement: Placement | None, context: Context, name: str, fault: AnyFault
) -> Iterator[FaultEvent]:
    end_ms, households = context.time.duration_ms, context.population.names

    def at(target: str, members: Sequence[int], entity: int) -> Iterator[FaultEvent]:
        for start_ms, stop_ms in _windows(fault, name, entity, end_ms, context.streams):
            yield FaultEvent(name, fault, target, tuple(members), start_ms, stop_ms)

    if isinstance(fault, PlatformCrash):
        for number, community in enumerate(around.communities):
            if not fault.communities or community.name in fault.communities:
                yield from at(community.name, [number], number)
        return
    if isinstance(fault, StuckMeter) and fault.meter == "feeder":
        yield from at("feeder meter", [], 0)
        return
    if isinstance(fault, Churn) and fault.file is not None:
        absences = _read_trace(context.folder, fault, fault.file, households, end_ms)
        concerned = set(_selected(around, placement, context, name, fault))
        for household, start_ms, stop_ms in absences:
            if household in concerned:
                yield FaultEvent(name, fault, households[household], (household,), start_ms, stop_ms)
        return
    selected = _selected(around, placement, context, name, fault)
    if isinstance(fault, LINK_FAULTS):
        yield from at(_link_set(fault, selected, households), selected, 0)
        return
    for household in selected:
        yield from at(households[household], [household], household)


def _link_set(fault: AnyFault, selected: Sequence[int], households: Sequence[str]) -> str:
    """Words for the links that a fault concerns."""
    directions = ", ".join(getattr(fault, "directions", ("all directions",)))
    if len(selected) == len(households):
        return f"links of all households ({directions})"
    if len(selected) == 1:
        return f"links of {households[selected[0]]} ({directions})"
    return f"links of {count(len(selected), 'household')} of {len(households)} ({directions})"


def _selected(
    around: Surroundings, placement: Placement | None, context: Context, name: str, fault: AnyFault
) -> list[int]:
    """Whom a fault concerns: of those it names, those that its share or count draws."""
    candidates = set(named_households(fault, around, context.population))
    if isinstance(fault, Partition) and placement is not None:
        candidates |= _at_buses(fault.buses, placement)
    ordered = sorted(candidates)
    share, number = getattr(fault, "share", None), getattr(fault, "count", None)
    if number is not None:
        wanted = int(number)
    elif share is not None:
        wanted = max(1, round(share * len(ordered)))
    else:
        return ordered
    draws = context.streams.field(f"fault/{name}/whom").row(0, context.population.size)
    return sorted(sorted(ordered, key=lambda household: (draws[household], household))[:wanted])


def _at_buses(buses: Sequence[int], placement: Placement) -> set[int]:
    problems = [
        Problem(
            "no household stands at this bus", "`cosim explain` lists them.", f"buses.{n}", value=str(bus)
        )
        for n, bus in enumerate(buses)
        if bus not in placement.buses
    ]
    if problems:
        raise InputError(problems)
    return {household for household, bus in enumerate(placement.buses) if bus in buses}


def _windows(fault: AnyFault, name: str, entity: int, end_ms: int, streams: Streams) -> list[Window]:
    """When a fault is on for one household, platform or set of links; in order, without overlap."""
    given = [(start, stop) for start, stop in sorted(given_windows(fault, end_ms)) if start < end_ms]
    if fault.rate_per_day is None or fault.mean_duration_h is None:
        return merged(given)
    drawn: list[Window] = []
    for start_ms, stop_ms in given:
        drawn += random_windows(
            streams, name, entity, (start_ms, min(stop_ms, end_ms)), fault.rate_per_day, fault.mean_duration_h
        )
    return drawn


def random_windows(
    streams: Streams, name: str, entity: int, within: Window, rate_per_day: float, mean_duration_h: float
) -> list[Window]:
    """Times at which something fails at random: an alternating renewal process, both parts exponential.

    Parameters
    ----------
    streams : Streams
        The run's random numbers; the k-th failure of an entity reads row k and the entity's column.
    name : str
        Name of the fault.
    entity : int
        Number of the household or platform.
    within : (int, int)
        When a failure may begin, ms.
    rate_per_day : float
        Failures per day of working time.
    mean_duration_h : float
        Mean length, h.

    Returns
    -------
    list of (int, int)
        Start and end, ms, in order; none shorter than a millisecond.
    """
    gaps, lengths = streams.field(f"fault/{name}/gap"), streams.field(f"fault/{name}/length")
    windows: list[Window] = []
    now_ms, last_ms = within
    for turn in range(last_ms - now_ms):  # each failure takes at least a millisecond
        wait = -math.log1p(-gaps.number(turn, entity)) / rate_per_day
        lasts = -math.log1p(-lengths.number(turn, entity)) * mean_duration_h
        start_ms = now_ms + to_ms(wait, MS_PER_DAY)
        if start_ms >= last_ms:
            break
        now_ms = start_ms + max(1, to_ms(lasts, MS_PER_HOUR))
        windows.append((start_ms, now_ms))
    return windows


def merged(windows: Sequence[Window]) -> list[Window]:
    """Windows in order, those that touch or overlap as one."""
    result: list[Window] = []
    for start_ms, stop_ms in sorted(windows):
        if result and start_ms <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], stop_ms))
        else:
            result.append((start_ms, stop_ms))
    return result


def _read_trace(
    folder: Path, how: CsvFormat, file: str, households: Sequence[str], end_ms: int
) -> list[tuple[int, int, int]]:
    """Absences from a trace: household, start and end (ms), those of one household without overlap."""
    try:
        return _read_absences(folder / file, file, how, households, end_ms)
    except InputError as error:
        raise InputError([replace(problem, path="file") for problem in error.problems]) from None


def _read_absences(
    path: Path, shown_as: str, how: CsvFormat, households: Sequence[str], end_ms: int
) -> list[tuple[int, int, int]]:
    trace = read_plain(path, shown_as, how, {})
    remedy = f"Its first line must be: {','.join(_TRACE_COLUMNS)}"
    household, leaves, joins = (trace.place(column, remedy) for column in _TRACE_COLUMNS)
    leaves_h, joins_h = trace.numbers([leaves, joins])
    joins_h = np.where((trace.text(joins) == "").to_numpy(bool), math.inf, joins_h)
    bad = ~((leaves_h >= 0) & (leaves_h < joins_h) & (leaves_h < _LONGEST_H))
    number_of = {name: number for number, name in enumerate(households)}
    problems: list[Problem] = []
    absent: dict[int, list[Window]] = {}
    for row, name in enumerate(trace.text(household)):
        line = int(trace.table.lines[row])
        if bad[row]:
            message = "not valid times: leaves_h is a number, joins_h a later one or empty"
            problems.append(Problem(message, "Write hours since the start.", file=shown_as, line=line))
        elif name not in number_of:
            message, remedy = "there is no household of this name", suggest(name, number_of)
            problems.append(Problem(message, remedy, file=shown_as, line=line, value=shown(str(name))))
        else:
            window = _absence(float(leaves_h[row]), float(joins_h[row]), end_ms)
            if window[0] < end_ms:
                absent.setdefault(number_of[name], []).append(window)
        if len(problems) >= _SHOWN:
            break
    if problems:
        raise InputError(problems)
    return [(number, *window) for number in sorted(absent) for window in merged(absent[number])]


def _absence(leaves_h: float, joins_h: float, end_ms: int) -> Window:
    leaves_ms = to_ms(leaves_h, MS_PER_HOUR)
    if joins_h >= _LONGEST_H:
        return leaves_ms, max(end_ms, leaves_ms + 1)
    return leaves_ms, max(leaves_ms + 1, to_ms(joins_h, MS_PER_HOUR))


def episodes(events: Sequence[FaultEvent], name: str) -> list[Window]:
    """The times in which any event of a fault is on, in order (ms)."""
    return merged([(event.start_ms, event.end_ms) for event in events if event.name == name])
