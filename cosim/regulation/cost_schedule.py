"""Which costs a community's households have when: of each group, one cost for ever or several in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import InputError, Problem
from cosim.regulation.community_costs import Costs, community_costs
from cosim.regulation.cost_checks import require_usable
from cosim.regulation.costs import Cost
from cosim.regulation.costs.interface import ChangingCost


@dataclass(frozen=True)
class GroupCost:
    """What a group's households have, as configured."""

    cost: Cost
    """With distributions; perhaps one that changes."""
    n: int
    """How many households there are."""
    draw: Callable[[Cost], Cost]
    """Their numbers: the same cost with arrays in place of distributions."""
    path: str
    """Where it stands in the scenario."""

    def parts(self) -> tuple[tuple[str, Cost], ...]:
        """Each cost that it can be, with the path that it stands at."""
        if not isinstance(self.cost, ChangingCost):
            return ((self.path, self.cost),)
        return tuple((f"{self.path}.{key}", cost) for key, cost in self.cost.parts)

    def over(self, duration_ms: int, start: datetime) -> list[tuple[int, int]]:
        """From when on each of them is in force."""
        return self.cost.over(duration_ms, start) if isinstance(self.cost, ChangingCost) else [(0, 0)]


@dataclass(frozen=True)
class CostSchedule:
    """The costs of a community over a run.

    Costs are made when they are asked for: of a thousand different ones only those in force are held.
    """

    groups: tuple[GroupCost, ...]
    """One after another."""
    n_resources: int
    """m."""
    changes: tuple[tuple[int, tuple[int, ...]], ...]
    """From when on (ms since the start) which part of each group is in force; the first from 0 on, and no two
    in a row with equal costs."""

    @property
    def ever_changes(self) -> bool:
        """Whether any household has another cost at some time."""
        return len(self.changes) > 1

    def of(self, numbers: Sequence[int]) -> Costs:
        """The costs with this part of each group in force."""
        drawn = [
            (group.draw(group.parts()[number][1]), group.n)
            for group, number in zip(self.groups, numbers, strict=True)
        ]
        return community_costs(drawn, self.n_resources)

    def different(self) -> Iterator[tuple[str, Costs]]:
        """All that differ, each with the time of its first use in words; that of the start is empty."""
        seen: set[tuple[int, ...]] = set()
        for from_ms, numbers in self.changes:
            if numbers not in seen:
                seen.add(numbers)
                yield f" from {from_ms / MS_PER_HOUR:.6g} h on" if from_ms else "", self.of(numbers)


def schedule(
    groups: Sequence[GroupCost], n_resources: int, duration_ms: int, start: datetime
) -> CostSchedule:
    """The costs of a community over a run.

    Parameters
    ----------
    groups : sequence of GroupCost
        One after another.
    n_resources : int
        m.
    duration_ms : int
        Length of the run, ms.
    start : datetime
        Its start, UTC.

    Raises
    ------
    InputError
        With every cost that does not suit the community, or with which nothing can be calculated.
    """
    problems: list[Problem] = []
    for group in groups:
        checked: list[Cost] = []
        for path, cost in group.parts():
            if cost in checked:
                continue
            checked.append(cost)
            try:
                require_usable(group.draw(cost), n_resources, group.n)
            except InputError as error:
                problems += [
                    Problem(p.message, p.remedy, p.path or path, value=p.value) for p in error.problems
                ]
    if problems:
        raise InputError(problems)
    each = [_equal_ones_joined(group, group.over(duration_ms, start)) for group in groups]
    times = sorted({from_ms for own in each for from_ms, _ in own})
    changes: list[tuple[int, tuple[int, ...]]] = []
    places = [0] * len(each)
    for now_ms in times:
        for number, own in enumerate(each):
            while places[number] + 1 < len(own) and own[places[number] + 1][0] <= now_ms:
                places[number] += 1
        changes.append((now_ms, tuple(own[place][1] for own, place in zip(each, places, strict=True))))
    return CostSchedule(tuple(groups), n_resources, tuple(changes))


def _equal_ones_joined(group: GroupCost, over: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without changes to an equal cost; equal costs have one number, that of the first."""
    parts = [cost for _, cost in group.parts()]
    number_of = [parts.index(cost) for cost in parts]
    joined: list[tuple[int, int]] = []
    for from_ms, number in over:
        if not joined or joined[-1][1] != number_of[number]:
            joined.append((from_ms, number_of[number]))
    return joined
