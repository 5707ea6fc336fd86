"""From what a source gives to a net that can be computed, or to everything that is wrong with it.

Every source goes this way, a file, a function or a net made in Python: cells looked at, brought to their
types, fields that count only together completed, relations between the tables looked at, doubts said.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cosim.core.errors import InputError, Problem, count, listed
from cosim.grid.column_check import column_problems
from cosim.grid.column_facts import FACTS, modern_name
from cosim.grid.column_types import filled, typed
from cosim.grid.contradictions import MAX_BUSES, find_problems
from cosim.grid.grid_source import GridSource, LeftOut
from cosim.grid.plausibility import doubts
from cosim.grid.tap_control import TapControl, tap_controls
from cosim.grid.taps import complete_taps, table_problems

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet


def take_in(source: GridSource, run_control: bool = False) -> GridSource:
    """What a source gives, looked at and completed; the source's own net is left as it is.

    Parameters
    ----------
    source : GridSource
        What was read.
    run_control : bool
        Whether its controllers act; they are left out otherwise.

    Returns
    -------
    GridSource
        The net ready for a power flow, with every warning.

    Raises
    ------
    InputError
        With everything that cannot be computed, element by element.
    """
    net = copy.deepcopy(source.net)
    _raise(_size(net) or column_problems(net, is_converted=True), source.file)
    for table in FACTS:
        if net.get(table) is not None and len(net[table]):
            net[table] = typed(table, net[table], {})
    left_out = (*source.left_out, *_left_out_of(net))
    said = [*filled(net), *complete_taps(net, source.knows_ratio)]
    said += [*_stale(net), *table_problems(net), *find_problems(net)]
    controls: tuple[TapControl, ...] = ()
    if run_control:
        controls = tap_controls(source.controllers, net, said)
        left_out = tuple(each for each in left_out if each.name != "controller")
    _raise([problem for problem in said if problem.severity == "error"], source.file)
    said += [*_left_out_warnings(left_out), *doubts(net)]
    warnings = (*source.warnings, *_placed(said, source.file))
    return replace(source, given=net, warnings=warnings, left_out=left_out, controls=controls)


def _raise(problems: list[Problem], file: str) -> None:
    """Raise if there are problems."""
    if problems:
        raise InputError(_placed(problems, file))


def _placed(problems: list[Problem], file: str) -> list[Problem]:
    """The problems with the file they are about, where they name none."""
    return [problem if problem.file else replace(problem, file=file) for problem in problems]


def _size(net: pandapowerNet) -> list[Problem]:
    """A grid that is too large is not looked at any further."""
    if len(net.bus) <= MAX_BUSES:
        return []
    message = f"{len(net.bus)} buses are more than a feeder has"
    return [Problem(message, f"give a grid of at most {MAX_BUSES} buses")]


def _left_out_of(net: pandapowerNet) -> Iterator[LeftOut]:
    """Controllers and solver options of a net made in Python, which are taken away from the copy."""
    controllers = net.get("controller")
    if controllers is not None and len(controllers):
        classes = Counter(type(each).__name__ for each in controllers.get("object", ["controller"]))
        detail = ", ".join(f"{number} {name}" for name, number in sorted(classes.items()))
        yield LeftOut("controller", len(controllers), detail)
        net["controller"] = controllers.iloc[:0].copy()
    if options := net.get("user_pf_options"):
        detail = ", ".join(f"{key} = {options[key]}" for key in sorted(options, key=str))
        yield LeftOut("user_pf_options", len(options), detail)
    net["user_pf_options"] = {}


def _left_out_warnings(left_out: tuple[LeftOut, ...]) -> Iterator[Problem]:
    """One line for each kind of thing that could bear on the result and was not taken."""
    for each in left_out:
        if each.name == "controller":
            message = f"{count(each.count, 'controller')} left out ({each.detail}): nothing is controlled"
            remedy = (
                "set the positions that the grid is to have; grid.run_control: true lets tap controllers act"
            )
        elif each.name == "user_pf_options":
            message, remedy = f"the grid's own solver options left out ({each.detail})", ""
        else:
            message, remedy = f"{each.name} of the file left out: {each.detail}", ""
        yield Problem(message, remedy, each.name.replace(" ", "_"), severity="warning")


def _stale(net: pandapowerNet) -> Iterator[Problem]:
    """Columns with names of an older pandapower, which the installed one would not read."""
    for table, facts in FACTS.items():
        rows = net.get(table)
        if rows is None or not len(rows):
            continue
        known = {fact.column for fact in facts}
        for column in map(str, rows.columns):
            name = modern_name(table, column)
            if column == name or name not in known or rows[column].isna().all():
                continue
            if name not in rows or rows[name].isna().all():
                message = f"pandapower 3 does not read this column; its name is {name}"
                yield Problem(message, "rename it, its unit converted", f"{table}.{column}")
    rows = net.load
    old = [column for column in ("const_z_percent", "const_i_percent") if column in rows]
    if len(rows) and any((rows[column].fillna(0) != 0).any() for column in old):
        remedy = "write const_z_p_percent, const_z_q_percent, const_i_p_percent and const_i_q_percent"
        yield Problem(f"pandapower 3 does not read {listed(old)}", remedy, f"load.{old[0]}")
