"""Audiences among the households themselves: all, those of one branch, the nearest."""

from __future__ import annotations

from typing import ClassVar

from cosim.config.base import PositiveCount
from cosim.trading.audiences.interface import AUDIENCES, Audience, Places


@AUDIENCES.register("everybody")
class Everybody(Audience):
    """Offers go to all other households: their number grows with the square of the households."""

    def listeners(self, places: Places) -> list[tuple[int, ...]]:
        """See `Audience.listeners`."""
        everybody = range(places.size)
        return [tuple(other for other in everybody if other != own) for own in everybody]


@AUDIENCES.register("same_branch")
class SameBranch(Audience):
    """Offers go to those behind the same outgoing line of the transformer's busbar."""

    needs_feeder: ClassVar[bool] = True

    def listeners(self, places: Places) -> list[tuple[int, ...]]:
        """See `Audience.listeners`."""
        branch = places.branches().tolist()
        members: dict[int, list[int]] = {}
        for household, number in enumerate(branch):
            members.setdefault(number, []).append(household)
        return [
            tuple(other for other in members[number] if other != household)
            for household, number in enumerate(branch)
        ]


@AUDIENCES.register("nearest")
class Nearest(Audience):
    """Offers go to the nearest households, by the length of the lines between them."""

    needs_feeder: ClassVar[bool] = True

    peers: PositiveCount = 10
    """How many; of those that are equally far, the lower numbers."""

    def listeners(self, places: Places) -> list[tuple[int, ...]]:
        """See `Audience.listeners`."""
        return places.nearest(self.most_listeners(places.size))

    def most_listeners(self, n_households: int) -> int:
        """As many as there are peers."""
        return min(self.peers, n_households - 1)
