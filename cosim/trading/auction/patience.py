"""How long one waits for an answer: each time twice as long, so repeats stay few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

_MOST_DOUBLINGS = 10


@dataclass(slots=True)
class Unanswered:
    """A message that waits for its answer."""

    transmissions: int
    """How often it was sent."""
    due_ms: int
    """When to send it again."""

    def sent_again(self, now_ms: int, timeout_ms: int) -> None:
        """It was sent once more: wait for longer."""
        self.due_ms = now_ms + timeout_ms * 2 ** min(self.transmissions, _MOST_DOUBLINGS)
        self.transmissions += 1


def first_sent(now_ms: int, timeout_ms: int) -> Unanswered:
    """A message that was sent just now."""
    return Unanswered(1, now_ms + timeout_ms)


@dataclass(slots=True)
class Unheard:
    """To whom something was sent that was not answered yet, and who of them is due first."""

    waiting: dict[int, Unanswered] = field(default_factory=dict)
    """By whom it was sent to."""
    due: list[tuple[int, int]] = field(default_factory=list)
    """Heap of when each is due, and who; entries of those who have answered, or were due before, are dropped
    when they come to the top. With it nobody looks through all who wait whenever one of them answers."""

    def first_sent(self, to: Iterable[int], now_ms: int, timeout_ms: int) -> None:
        """Something was sent to them just now."""
        for each in to:
            self.waiting[each] = first_sent(now_ms, timeout_ms)
            heappush(self.due, (self.waiting[each].due_ms, each))

    def sent_again_to_due(self, now_ms: int, timeout_ms: int) -> list[int]:
        """Who is due by now; it is sent to them again."""
        found = [each for each, wait in self.waiting.items() if wait.due_ms <= now_ms]
        for each in found:
            self.waiting[each].sent_again(now_ms, timeout_ms)
            heappush(self.due, (self.waiting[each].due_ms, each))
        return found

    def answered(self, by: int) -> None:
        """Somebody has answered."""
        self.waiting.pop(by, None)

    def next_due_ms(self) -> int | None:
        """When the first of them is due; None where nobody is waited for."""
        while self.due:
            due_ms, each = self.due[0]
            wait = self.waiting.get(each)
            if wait is not None and wait.due_ms == due_ms:
                return due_ms
            heappop(self.due)
        return None
