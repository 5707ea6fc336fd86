"""Which limit holds for which element: the scenario's, the network file's, its own, or the usual one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, count, listed
from cosim.grid.feeder import Feeder
from cosim.grid.limits import KINDS, FeederLimits, FloatArray
from cosim.grid.schema import LimitsConfig, SupplyConfig

_NAMED = 5


def feeder_limits(feeder: Feeder, scenario: LimitsConfig) -> tuple[FeederLimits, list[Problem]]:
    """The limits of each element, and what is doubtful about them.

    Parameters
    ----------
    feeder : Feeder
        With the limits of its network file, and those in its tables.
    scenario : LimitsConfig
        The scenario's, which come first.

    Raises
    ------
    InputError
        With every limit in force that is impossible: no number, not above 0, or a lowest voltage above the
        highest.
    """
    values, origins, problems = {}, {}, []
    for name in KINDS:
        values[name], origins[name], wrong = _resolve(feeder, scenario, name)
        problems += wrong
    if not problems:
        problems += _crossed(feeder, values["vm_min_pu"], values["vm_max_pu"])
    if problems:
        raise InputError(problems)
    doubts = [problem for name in KINDS for problem in _doubts(feeder, name, values[name], origins[name])]
    return FeederLimits(**values, origins=origins), doubts


def held_voltage_doubts(feeder: Feeder, limits: FeederLimits, supply: SupplyConfig) -> Iterator[Problem]:
    """A voltage held at an island's source that its own bus may not have.

    Parameters
    ----------
    feeder : Feeder
        With the source in it.
    limits : FeederLimits
        Those in force.
    supply : SupplyConfig
        The source.
    """
    row = int(np.flatnonzero(feeder.bus.index == feeder.resolve_bus(supply.bus))[0])
    low, high = limits.vm_min_pu[row], limits.vm_max_pu[row]
    if not low <= supply.vm_pu <= high:
        yield Problem(
            f"the source holds a voltage outside the limits of its own bus, {low:g} to {high:g} pu",
            "Give one within them, as a rule near 1 pu.",
            "grid.supply.vm_pu",
            value=f"{supply.vm_pu:g}",
            severity="warning",
        )


def _resolve(
    feeder: Feeder, scenario: LimitsConfig, name: str
) -> tuple[FloatArray, tuple[str, ...], list[Problem]]:
    """Values of one limit, where each comes from, and what is impossible among the elements' own."""
    kind, n = KINDS[name], len(_of_table(feeder, name)[0])
    for origin, config in (("scenario", scenario), ("network file", feeder.network.limits)):
        given = getattr(config, kind.key)
        if given is not None:
            return np.full(n, given), (origin,) * n, []
    own, wrong = _own(feeder, name)
    problems = [
        Problem(
            "a limit must be a number above 0" if kind.column != "min_vm_pu" else "a limit must be a number",
            f"Leave it empty for {kind.usual:g}, or give grid.limits.{kind.key}.",
            f"{kind.table}.{index}.{kind.column}",
            value=given,
        )
        for index, given in wrong[:_NAMED]
    ]
    if len(wrong) > _NAMED:
        problems.append(
            Problem(f"the same in {len(wrong) - _NAMED} more", path=f"{kind.table}.{kind.column}")
        )
    missing = np.isnan(own)
    origins = tuple("default" if absent else "grid data" for absent in missing)
    return np.where(missing, kind.usual, own), origins, problems


def _of_table(feeder: Feeder, name: str) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.bool_]]:
    """Index and name of the elements that a limit is about, and whether they are in use."""
    match KINDS[name].table:
        case "bus":
            return feeder.bus.index, feeder.bus.name, feeder.bus.supplied
        case "line":
            return feeder.line.index, feeder.line.name, feeder.line.closed
        case "trafo":
            return feeder.trafo.index, feeder.trafo.name, feeder.trafo.closed
        case _:
            return feeder.trafo3w.index, feeder.trafo3w.name, np.asarray(feeder.trafo3w.closed.any(axis=1))


def _own(feeder: Feeder, name: str) -> tuple[FloatArray, list[tuple[int, str]]]:
    """The elements' own values, NaN where one is missing; index and value of those that are impossible."""
    index, _, used = _of_table(feeder, name)
    given = feeder.facts.limits[name]
    return given.values, [(int(index[row]), cell) for row, cell in given.wrong if used[row]]


def _crossed(feeder: Feeder, low: FloatArray, high: FloatArray) -> Iterator[Problem]:
    """Buses without a band. Both limits may be the same, as where an optimal power flow holds a voltage."""
    crossed = np.flatnonzero(feeder.bus.supplied & (low > high))
    for k in crossed[:_NAMED]:
        more = f"; so it is at {len(crossed) - 1} more" if len(crossed) > 1 else ""
        yield Problem(
            f"the lowest permitted voltage is above the highest, {high[k]:g} pu{more}",
            "Swap them in the grid's data, or give grid.limits.vm_min_pu and grid.limits.vm_max_pu.",
            f"bus.{feeder.bus.index[k]}.min_vm_pu",
            value=f"{low[k]:g}",
        )


def _doubts(feeder: Feeder, name: str, values: FloatArray, origins: tuple[str, ...]) -> Iterator[Problem]:
    """One warning for the elements' own limits that can hardly be left, and one for those hardly kept."""
    kind = KINDS[name]
    index, names, used = _of_table(feeder, name)
    own = used & np.array([origin == "grid data" for origin in origins], bool)
    least, most = kind.plausible
    is_lowest = kind.column == "min_vm_pu"
    for found, loose in ((values < least, is_lowest), (values > most, not is_lowest)):
        rows = np.flatnonzero(own & found)
        if not len(rows):
            continue
        shown = [f"{index[k]}{f' ({names[k]})' if names[k] else ''}: {values[k]:g}" for k in rows[:_NAMED]]
        if len(rows) > _NAMED:
            shown.append(f"{len(rows) - _NAMED} more")
        what = "hardly be exceeded" if loose else "hardly be kept"
        unit = "pu" if kind.table == "bus" else "%"
        yield Problem(
            f"{count(len(rows), 'limit')} can {what} [{unit}]: {kind.table} {listed(shown)}",
            f"Correct it in the grid's data, or give grid.limits.{kind.key}.",
            f"{kind.table}.{index[rows[0]]}.{kind.column}",
            severity="warning",
        )
