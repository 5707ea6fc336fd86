"""Whether surplus and grid can feed what devices are asked for: an estimate before the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, to_hours
from cosim.core.context import Context, TimeAxis
from cosim.core.delivery import Unit
from cosim.core.errors import Problem, count
from cosim.devices.interface import DEVICES, Device, Service
from cosim.devices.services import offering
from cosim.devices.sites import Slots
from cosim.households.demand import slots_of
from cosim.households.household import Equipment
from cosim.households.profile_book import Demand
from cosim.regulation.design import capacities_at_times
from cosim.regulation.schema import CommunityConfig

_SHORT = 1.0
_IDLE = 3.0
_REFUSED = 0.1
_DAYS = 7
_FINE_MS = 10_000
"""Steps shorter than this are estimated together, however often the platform ticks."""


class Balance(NamedTuple):
    """Energy of one community, day by day."""

    asked_kwh: NDArray[np.float64]
    """What its capacities take out of the devices, at the terminals; for own load, what that can take. Shape
    (n_days,)."""
    available_kwh: NDArray[np.float64]
    """What the devices could give of each day's surplus. Shape (n_days,)."""
    with_grid_kwh: NDArray[np.float64]
    """The same of surplus and grid, where they charge from it whenever the surplus is less. Shape
    (n_days,)."""
    for_own_load_kwh: NDArray[np.float64]
    refused_kwh: NDArray[np.float64]
    """What the capacities for own load ask for, and what of it the homes cannot take at that time. Shape
    (n_days,)."""

    def weekly(self, run_days: float) -> Balance:
        """Daily means over weeks, for storage evens out a day and not a season.

        Parameters
        ----------
        run_days : float
            Length of the run, days; the last day and the last week may be short.
        """
        starts = np.arange(0, len(self.asked_kwh), _DAYS)
        lengths = np.diff([*starts, run_days])
        return Balance(*(np.add.reduceat(series, starts) / lengths for series in self))


def balance_problems(
    communities: Sequence[CommunityConfig],
    equipment: Equipment | None,
    demand: Demand | None,
    context: Context,
) -> list[Problem]:
    """Warnings where devices that a community regulates will stand empty or idle.

    Parameters
    ----------
    communities : sequence of CommunityConfig
        The communities.
    equipment : Equipment or None
        The devices of all households.
    demand : Demand or None
        Of all households; without it nothing can be said.
    context : Context
        The run.
    """
    if equipment is None or demand is None:
        return []
    problems = []
    for number, community in enumerate(communities):
        asked_of = dict.fromkeys(
            tuple(offering(unit.service, _present(community, equipment, context))) for unit in community.units
        )
        # How several kinds of devices share what is asked of them is not known beforehand.
        together = {kind for kinds in asked_of if len(kinds) > 1 for kind in kinds}
        for kind in (kinds[0] for kinds in asked_of if len(kinds) == 1):
            if DEVICES[kind].empty and kind not in together:
                balance = estimate(community, kind, equipment, demand, context)
                problems += _judge(context, number, DEVICES[kind], balance)
    return problems


def _present(community: CommunityConfig, equipment: Equipment, context: Context) -> list[str]:
    """The kinds of devices that the community's households have."""
    groups = context.population.named(community.groups)
    members = {member for group in groups for member in group.members}
    return [kind for kind, each in equipment.devices.items() if any(owner in members for owner, _ in each)]


def estimate(
    community: CommunityConfig, kind: str, equipment: Equipment, demand: Demand, context: Context
) -> Balance:
    """The daily energy balance of a community's devices of one kind.

    Parameters
    ----------
    community : CommunityConfig
        The community.
    kind : str
        Of device.
    equipment : Equipment
        The devices of all households.
    demand : Demand
        Of all households, over the whole run; a week of it is worked out at a time.
    context : Context
        The run.
    """
    time = context.time
    slots = slots_of(time)
    groups = context.population.named(community.groups)
    members = [member for group in groups for member in group.members]
    own = [(owner, device) for owner, device in equipment.devices[kind] if owner in set(members)]
    offered = DEVICES[kind].services
    units = [
        (unit, next((one for one in offered if one.name == unit.service), None)) for unit in community.units
    ]
    weeks = []
    for begin_ms in range(0, time.duration_ms, _DAYS * MS_PER_DAY):
        end_ms = min(begin_ms + _DAYS * MS_PER_DAY, time.duration_ms)
        steps = _steps(time, begin_ms, end_ms)
        net_kw = _net_kw(demand, slots, begin_ms, max(end_ms, steps.bounds_ms[-1]))
        capacities = capacities_at_times(community, steps.bounds_ms[:-1], time)
        asked = _asked_kwh(units, capacities, steps, net_kw[:, members], slots)
        n_slots = -(-(end_ms - begin_ms) // slots.slot_ms)
        surplus_kw = np.maximum(-net_kw[:n_slots], 0.0)
        weeks.append((asked[0], *DEVICES[kind].supply_kwh(own, surplus_kw, slots.slot_ms), *asked[1:]))
    return Balance(*(np.concatenate(parts) for parts in zip(*weeks, strict=True)))


class _Steps(NamedTuple):
    """The market's steps that begin in a week, which may end after it; short ones in bundles of ``each``."""

    each: int
    begin_ms: int
    bounds_ms: NDArray[np.int64]
    days: NDArray[np.int64]
    n_days: int


def _steps(time: TimeAxis, begin_ms: int, end_ms: int) -> _Steps:
    each = max(1, _FINE_MS // time.step_ms)
    step_ms = each * time.step_ms
    starts_ms = np.arange(-(-begin_ms // step_ms) * step_ms, end_ms, step_ms, dtype=np.int64)
    last_ms = starts_ms[-1] + step_ms if starts_ms.size else begin_ms
    bounds_ms = np.append(starts_ms, min(last_ms, time.duration_ms))
    days = (starts_ms - begin_ms) // MS_PER_DAY
    return _Steps(each, begin_ms, bounds_ms, days, -(-(end_ms - begin_ms) // MS_PER_DAY))


def _net_kw(demand: Demand, slots: Slots, begin_ms: int, end_ms: int) -> NDArray[np.float64]:
    """Load minus generation of every household, shape (n_slots, N)."""
    first = begin_ms // slots.slot_ms
    n = -(-end_ms // slots.slot_ms) - first
    return demand.load_kw(first, n) - demand.generation_kw(first, n)


def _asked_kwh(
    units: Sequence[tuple[Unit, Service | None]],
    capacities: Sequence[tuple[float, ...]],
    steps: _Steps,
    net_kw: NDArray[np.float64],
    slots: Slots,
) -> NDArray[np.float64]:
    """Of a week's days: what capacities take, what those for own load ask, and what of it homes refuse."""
    asked, for_own_load, refused = result = np.zeros((3, steps.n_days))
    energies = [steps.each * unit.energy_kwh for unit, _ in units]
    wanted_kwh = np.array(capacities).reshape(-1, len(units)) * energies
    for resource, ((_, service), unit_kwh) in enumerate(zip(units, energies, strict=True)):
        if service is None:
            continue
        usable_kwh = wanted_kwh[:, resource]
        if service.follows_load:
            takes_kwh = _own_load_takes(steps, net_kw, unit_kwh, slots)
            usable_kwh = np.minimum(usable_kwh, takes_kwh)
            np.add.at(for_own_load, steps.days, wanted_kwh[:, resource])
            np.add.at(refused, steps.days, wanted_kwh[:, resource] - usable_kwh)
        np.add.at(asked, steps.days, usable_kwh)
    return result


def _own_load_takes(
    steps: _Steps, net_kw: NDArray[np.float64], unit_kwh: float, slots: Slots
) -> NDArray[np.float64]:
    """What homes can use in each step if each is given a unit, kWh; shape (n_steps,)."""
    edges_ms = steps.begin_ms + np.arange(len(net_kw) + 1) * slots.slot_ms
    takes = np.zeros(len(steps.bounds_ms) - 1)
    for load_kw in np.maximum(net_kw, 0.0).T:
        used_kwh = np.append(0.0, np.cumsum(load_kw)) * to_hours(slots.slot_ms)
        takes += np.minimum(np.diff(np.interp(steps.bounds_ms, edges_ms, used_kwh)), unit_kwh)
    return takes


def _judge(context: Context, number: int, device: type[Device], balance: Balance) -> list[Problem]:
    """Warnings for the weeks in which devices cannot follow the capacities, or have little to do."""
    weekly = balance.weekly(context.time.duration_ms / MS_PER_DAY)
    asked, available, with_grid, for_own_load, refused = weekly
    weeks = len(asked)
    take = "capacities take {0:.0f} kWh a day from them, and the PV surplus can give about {1:.0f}"
    short = f"{take}, PV surplus and grid together {{2:.0f}}" if np.any(with_grid > available) else take
    own = "capacities ask {3:.0f} kWh a day for it, {4:.0f} of which the households cannot take at the time"
    cases = (
        (asked - _SHORT * with_grid, device.empty, short),
        (available - _IDLE * asked, device.full, take),
        (refused - _REFUSED * for_own_load, "own use falls short", own),
    )
    remedies = (
        "Lower capacities or unit_kwh, or add generation.",
        "Raise capacities or unit_kwh.",
        "Lower them where the load is small or PV covers it.",
    )
    problems = []
    for (excess, consequence, measure), remedy in zip(cases, remedies, strict=True):
        n = int(np.count_nonzero(excess > 0))
        if n:
            worst = int(np.argmax(excess))
            numbers = measure.format(*(series[worst] for series in weekly))
            message = f"in {n} of {count(weeks, 'week')} {consequence}; in week {worst + 1} {numbers}"
            path = f"communities.{number}.resources"
            problems.append(context.problem(path, message, remedy, warning=True))
    return problems
