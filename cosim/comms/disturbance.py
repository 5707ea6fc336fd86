"""What faults do to links while they are on: more loss, copies, messages that come again, cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.comms.schema import OF_NO_HOUSEHOLD, Direction
from cosim.comms.single_draws import AnyDraws


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One fault of links."""

    name: str
    """Name of the fault; it names its random numbers."""
    directions: frozenset[Direction]
    """Directions of the links concerned."""
    households: frozenset[int]
    """A link is concerned if it leads to or from one of these; links that belong to no household always
    are."""
    spares_inside: bool = False
    """Whether links from one of these households to another are spared: a partition."""
    loss_probability: float = 0.0
    duplication_probability: float = 0.0
    replay_probability: float = 0.0
    """For each transmission that the link itself does not lose."""
    replay_delay_ms: int = 0
    """How long after its first arrival a replayed message arrives again (ms)."""

    def covers(self, direction: Direction, sender: int, recipient: int) -> bool:
        """Whether it concerns the link of this direction between these addresses."""
        if direction not in self.directions:
            return False
        if direction in OF_NO_HOUSEHOLD:
            return True
        ends = (sender in self.households, recipient in self.households)
        return any(ends) and not (self.spares_inside and all(ends))


def is_lost(faults: Sequence[Disturbance], draws: AnyDraws, turn: int, column: int) -> bool:
    """Whether a fault loses the transmission number `turn` of the link in this column."""
    return any(_happens(each, "loss", each.loss_probability, draws, turn, column) for each in faults)


def is_duplicated(faults: Sequence[Disturbance], draws: AnyDraws, turn: int, column: int) -> bool:
    """Whether a fault makes a second copy of it."""
    return any(
        _happens(each, "duplication", each.duplication_probability, draws, turn, column) for each in faults
    )


def replay_delays_ms(faults: Sequence[Disturbance], draws: AnyDraws, turn: int, column: int) -> list[int]:
    """How long after its first arrival it arrives again, once for each fault that replays it (ms)."""
    return [
        each.replay_delay_ms
        for each in faults
        if _happens(each, "replay", each.replay_probability, draws, turn, column)
    ]


def _happens(
    fault: Disturbance, effect: str, probability: float, draws: AnyDraws, turn: int, column: int
) -> bool:
    """Numbers belong to fault, effect and transmission, so a fault changes no draws but its own."""
    if probability <= 0 or probability >= 1:
        return probability >= 1
    return draws.of_fault(f"fault.{fault.name}.{effect}")[turn][column] < probability
