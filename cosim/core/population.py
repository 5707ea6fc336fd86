"""Who is in a run: every household with its number, its name and its group."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Households that are configured together."""

    name: str
    """Its name."""
    number: int
    """Its place among the groups."""
    first: int
    last: int
    """Its households are ``first ... last - 1``."""

    @property
    def members(self) -> range:
        """Numbers of its households."""
        return range(self.first, self.last)


@dataclass(frozen=True)
class Population:
    """All households of a scenario."""

    names: tuple[str, ...]
    """``h001``, ``h002`` ..."""
    groups: tuple[Group, ...]
    """In the scenario's order, which numbers the households."""

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self.names)

    def group_of(self, household: int) -> Group:
        """The group of a household."""
        return next(group for group in self.groups if household < group.last)

    def named(self, names: Collection[str]) -> list[Group]:
        """The groups of these names, in the order of the population."""
        return [group for group in self.groups if group.name in names]


def number_households(sizes: Sequence[tuple[str, int]]) -> Population:
    """The population of groups with these names and numbers of households, numbered through in order."""
    groups: list[Group] = []
    for name, households in sizes:
        first = groups[-1].last if groups else 0
        groups.append(Group(name, len(groups), first, first + households))
    n = groups[-1].last if groups else 0
    return Population(tuple(f"h{number:03d}" for number in range(1, n + 1)), tuple(groups))
