"""How long one waits for an answer: each time twice as long, so repeats stay few."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 10


@dataclass(slots=True)
class Unanswered:
    """A message that waits for its answer.

    Attributes
    ----------
    transmissions : int
        How often it was sent.
    due_ms : int
        When to send it again.
    """

    transmissions: int
    due_ms: int

    def sent_again(self, now_ms: int, timeout_ms: int) -> None:
        """It was sent once more: wait for longer."""
        self.due_ms = now_ms + timeout_ms * 2 ** min(self.transmissions, _MOST_DOUBLINGS)
        self.transmissions += 1


def first_sent(now_ms: int, timeout_ms: int) -> Unanswered:
    """A message that was sent just now."""
    return Unanswered(1, now_ms + timeout_ms)
