"""What two platforms say to each other about a tie, and what each remembers: no clock, no links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from cosim.core.clock import MS_PER_HOUR
from cosim.core.message import MessageKind


class TieOffer(NamedTuple):
    """What the seller's platform offers in a step."""

    tie: int
    """Number of the tie."""
    marginal_cost: float
    """What a kWh more costs its community, cost/kWh: its signal."""


class TieAnswer(NamedTuple):
    """What the buyer's platform takes."""

    tie: int
    """Number of the tie."""
    kw: float
    """Power from now on."""


OFFER: Final = MessageKind[TieOffer]("tie_offer")
"""From the seller's platform to the buyer's."""
ANSWER: Final = MessageKind[TieAnswer]("tie_answer")
"""From the buyer's platform to the seller's; it has the number of the offer."""


def next_kw(
    flow_kw: float, marginal_costs: tuple[float, float], kw_per_cost: float, limit_kw: float
) -> float:
    """The quantity that a buyer answers with: a gradient step on the cost of both communities together.

    Parameters
    ----------
    flow_kw : float
        What the tie carries now, which the buyer measures at its end.
    marginal_costs : (float, float)
        Of the seller, and of the buyer, cost/kWh; the latter below 0 where taking more is worth something.
    kw_per_cost : float
        Step, kW for a cost/kWh.
    limit_kw : float
        Of the tie.
    """
    return min(max(flow_kw - kw_per_cost * sum(marginal_costs), 0.0), limit_kw)


@dataclass(slots=True)
class Converter:
    """The tie itself: it carries one power, the same at both ends, and never more than its limit."""

    limit_kw: float
    """Its limit."""
    valid_ms: int
    """For how long an answer holds."""
    kw: float = 0.0
    """What it carries."""
    newest: int = -1
    """Number of the newest answer; -1 for none."""
    set_ms: int = 0
    """When that was sent."""
    kwh: float = 0.0
    """What has passed since it was last read."""
    _since_ms: int = 0

    def hear(self, number: int, kw: float, sent_ms: int, now_ms: int) -> bool:
        """Take an answer, unless a fresher one is known or it is too old; says whether it is taken."""
        self.advance(now_ms)
        if number <= self.newest or now_ms >= sent_ms + self.valid_ms:
            return False
        self.newest, self.set_ms = number, sent_ms
        self.kw = min(max(kw, 0.0), self.limit_kw)
        return True

    def advance(self, now_ms: int) -> None:
        """Count what has passed; once the newest answer is too old, nothing does."""
        ends_ms = self.set_ms + self.valid_ms
        if self.kw and now_ms >= ends_ms:
            self._count(ends_ms)
            self.kw = 0.0
        self._count(now_ms)

    def _count(self, until_ms: int) -> None:
        if until_ms > self._since_ms:
            self.kwh += self.kw * (until_ms - self._since_ms) / MS_PER_HOUR
            self._since_ms = until_ms

    def read_kwh(self, now_ms: int) -> float:
        """What has passed since it was last read."""
        self.advance(now_ms)
        passed_kwh, self.kwh = self.kwh, 0.0
        return passed_kwh
