"""A household's half of an auction: sends its orders until they are taken, and keeps what it is told.

Pure; its state is data. Orders bind: a household that does not hear what became of them is bound all the
same, so no message has to arrive for the books to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cosim.core.message import PLATFORM, Message
from cosim.trading.auction.messages import (
    Deal,
    Letter,
    Orders,
    OrdersTaken,
    OrdersWanted,
    Payload,
    Statement,
    StatementTaken,
)
from cosim.trading.auction.patience import Unanswered, first_sent
from cosim.trading.protocol.trading_day import TradingTerms

_EPOCH_SHIFT = 40
"""Sequence numbers count from the epoch, times two to this: no two messages of a household share one."""


@dataclass(slots=True)
class MemberDay:
    """What a household remembers of its orders for a day.

    Attributes
    ----------
    orders : Orders
        What it ordered.
    first_sequence : int
        Of the first message that said so; each that repeats it has a greater one.
    waiting : Unanswered or None
        While the operator has not said that it has them.
    statement : tuple of Deal or None
        What it was told has become of them.
    """

    orders: Orders
    first_sequence: int
    waiting: Unanswered | None
    statement: tuple[Deal, ...] | None = None


@dataclass(slots=True)
class MemberState:
    """All that a household remembers; the epoch, how often it has lost its memory, survives everything."""

    household: int
    epoch: int = 0
    next_sequence: int = 0
    days: dict[int, MemberDay] = field(default_factory=dict)


def member_after_loss(lost: MemberState) -> MemberState:
    """What is left after a restart without memory."""
    epoch = lost.epoch + 1
    return MemberState(lost.household, epoch, epoch << _EPOCH_SHIFT)


class Member:
    """A household in an auction.

    Parameters
    ----------
    terms : TradingTerms
        The rules.
    state : MemberState
        What it remembers; nothing is kept elsewhere.
    """

    __slots__ = ("state", "terms")

    def __init__(self, terms: TradingTerms, state: MemberState) -> None:
        self.terms = terms
        self.state = state

    def order(self, now_ms: int, orders: Orders) -> list[Letter]:
        """Order for a day; nothing is sent where nothing is wanted."""
        wants = bool(orders.bids or orders.asks)
        waiting = first_sent(now_ms, self.terms.timeout_ms) if wants else None
        self.state.days[orders.day] = MemberDay(orders, self.state.next_sequence, waiting)
        return [Letter(PLATFORM, orders)] if wants else []

    def handle(self, now_ms: int, message: Message[Payload]) -> list[Letter]:
        """Answer the operator."""
        payload = message.payload
        day = self.state.days.get(payload.day)
        match payload:
            case OrdersTaken(_, sequence):
                if day is not None and sequence >= day.first_sequence:
                    day.waiting = None
            case OrdersWanted():
                if day is not None and (day.orders.bids or day.orders.asks) and day.statement is None:
                    day.waiting = first_sent(now_ms, self.terms.timeout_ms)
                    return [Letter(PLATFORM, day.orders)]
            case Statement(_, deals):
                if day is not None:
                    day.waiting, day.statement = None, tuple(deals)
                return [Letter(PLATFORM, StatementTaken(payload.day))]
        return []

    def on_timer(self, now_ms: int) -> list[Letter]:
        """Send again what was not answered, until the gate closes."""
        letters = []
        for number, day in self.state.days.items():
            if day.waiting is None or day.waiting.due_ms > now_ms:
                continue
            if now_ms >= self.terms.timeline.gate_ms(number):
                day.waiting = None
            else:
                day.waiting.sent_again(now_ms, self.terms.timeout_ms)
                letters.append(Letter(PLATFORM, day.orders))
        return letters

    def next_due_ms(self) -> int | None:
        """When `on_timer` has something to do."""
        waits = (day.waiting for day in self.state.days.values())
        return min((each.due_ms for each in waits if each is not None), default=None)

    def told(self, day: int) -> Sequence[Deal]:
        """What it has been told it bought and sold."""
        known = self.state.days.get(day)
        return () if known is None or known.statement is None else known.statement

    def take_sequence(self) -> int:
        """A number for the next message; greater than any before, also across restarts."""
        self.state.next_sequence += 1
        return self.state.next_sequence - 1

    def forget(self, day: int) -> None:
        """Drop a settled day and those before it."""
        for old in [each for each in self.state.days if each <= day]:
            del self.state.days[old]
