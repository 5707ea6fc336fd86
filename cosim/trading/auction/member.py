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
    QuoteWanted,
    Statement,
    StatementTaken,
)
from cosim.trading.auction.patience import Unanswered, first_sent
from cosim.trading.protocol.messages import RequestId
from cosim.trading.protocol.trading_day import TradingTerms

_EPOCH_SHIFT = 40
"""Sequence numbers count from the epoch, times two to this: no two messages of a household share one."""


@dataclass(slots=True)
class Sent:
    """Something that a household repeats until it is answered."""

    payload: Orders | QuoteWanted
    """What it says."""
    first_sequence: int
    """Of the first message that said so; each that repeats it has a greater one."""
    until_ms: int
    """When it is of no use any more."""
    waiting: Unanswered | None
    """While no answer has come."""


@dataclass(slots=True)
class MemberDay:
    """What a household remembers of a day."""

    sent: list[Sent] = field(default_factory=list)
    """What it ordered, and asked a broker for, in this order."""
    deals: dict[RequestId, Deal] = field(default_factory=dict)
    """What it was told has become of its orders."""


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
    """A household in an auction, or with a broker.

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

    def order(self, now_ms: int, orders: Orders, until_ms: int) -> list[Letter]:
        """Order, and repeat it until it is taken; nothing is sent where nothing is wanted."""
        wants = bool(orders.bids or orders.asks)
        return self._say(now_ms, orders, until_ms, wants)

    def want_quote(self, now_ms: int, wanted: QuoteWanted, until_ms: int) -> list[Letter]:
        """Ask a broker what there is, and repeat it until a quote comes."""
        return self._say(now_ms, wanted, until_ms, True)

    def orders_of(self, day: int) -> int:
        """How often it has ordered for a day, even if nothing."""
        return len(self._orders(day))

    def has_asked(self, day: int) -> bool:
        """Whether it has asked for a quote."""
        return any(isinstance(each.payload, QuoteWanted) for each in self._sent(day))

    def on_quote(self, day: int) -> bool:
        """Whether a quote that comes is the answer that it waits for."""
        for each in self._sent(day):
            if isinstance(each.payload, QuoteWanted) and each.waiting is not None:
                each.waiting = None
                return True
        return False

    def handle(self, now_ms: int, message: Message[Payload]) -> list[Letter]:
        """Answer the operator."""
        payload = message.payload
        match payload:
            case OrdersTaken(day, sequence):
                known = [each for each in self._orders(day) if each.first_sequence <= sequence]
                if known:
                    known[-1].waiting = None
            case OrdersWanted(day):
                again = [each for each in self._orders(day) if each.payload != Orders(day, (), ())]
                for each in again:
                    each.waiting = first_sent(now_ms, self.terms.timeout_ms)
                return [Letter(PLATFORM, each.payload) for each in again]
            case Statement(day, deals):
                if day in self.state.days:
                    self.state.days[day].deals.update({deal.name: deal for deal in deals})
                return [Letter(PLATFORM, StatementTaken(day))]
        return []

    def on_timer(self, now_ms: int) -> list[Letter]:
        """Send again what was not answered, while it is of use."""
        letters = []
        for day in self.state.days.values():
            for each in day.sent:
                if each.waiting is None or each.waiting.due_ms > now_ms:
                    continue
                if now_ms >= each.until_ms:
                    each.waiting = None
                else:
                    each.waiting.sent_again(now_ms, self.terms.timeout_ms)
                    letters.append(Letter(PLATFORM, each.payload))
        return letters

    def next_due_ms(self) -> int | None:
        """When `on_timer` has something to do."""
        waits = (each.waiting for day in self.state.days.values() for each in day.sent)
        return min((each.due_ms for each in waits if each is not None), default=None)

    def told(self, day: int) -> Sequence[Deal]:
        """What it has been told it bought and sold."""
        known = self.state.days.get(day)
        return () if known is None else tuple(known.deals.values())

    def take_sequence(self) -> int:
        """A number for the next message; greater than any before, also across restarts."""
        self.state.next_sequence += 1
        return self.state.next_sequence - 1

    def forget(self, day: int) -> None:
        """Drop a settled day and those before it."""
        for old in [each for each in self.state.days if each <= day]:
            del self.state.days[old]

    def _sent(self, day: int) -> list[Sent]:
        known = self.state.days.get(day)
        return [] if known is None else known.sent

    def _orders(self, day: int) -> list[Sent]:
        return [each for each in self._sent(day) if isinstance(each.payload, Orders)]

    def _say(self, now_ms: int, payload: Orders | QuoteWanted, until_ms: int, is_sent: bool) -> list[Letter]:
        waiting = first_sent(now_ms, self.terms.timeout_ms) if is_sent else None
        day = self.state.days.setdefault(payload.day, MemberDay())
        day.sent.append(Sent(payload, self.state.next_sequence, until_ms, waiting))
        return [Letter(PLATFORM, payload)] if is_sent else []
