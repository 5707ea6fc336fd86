"""A household in the market: seller and buyer, one state, one number that survives everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from cosim.core.message import Message
from cosim.trading.protocol.buyer import Buyer, BuyerState
from cosim.trading.protocol.demand_plan import HourlyNeed
from cosim.trading.protocol.ledger import Ledger
from cosim.trading.protocol.messages import (
    Accept,
    Confirm,
    Letter,
    OfferSheet,
    Payload,
    Receipt,
    Reject,
    Release,
    Request,
)
from cosim.trading.protocol.purchase_book import Claim
from cosim.trading.protocol.seller import Seller, SellerState
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer

_EPOCH_SHIFT = 40
"""Sequence numbers count from the epoch, times two to this: no two messages of a household share one."""


@dataclass(slots=True)
class TraderState:
    """All that a household remembers of its trading: plain data, so a checkpoint is a copy of it."""

    seller: SellerState
    """Its ledgers."""
    buyer: BuyerState
    """Its purchase books."""
    next_sequence: int
    """Sequence number of its next message."""


def new_state(household: int, epoch: int = 0, first_day: int = 0) -> TraderState:
    """A household's state with nothing in it.

    Parameters
    ----------
    household : int
        Its number.
    epoch : int
        How often it has lost its memory.
    first_day : int
        It sells nothing of days before this one.
    """
    return TraderState(SellerState(household, first_day), BuyerState(household, epoch), epoch << _EPOCH_SHIFT)


def state_after_loss(lost: TraderState, now_ms: int, terms: TradingTerms) -> TraderState:
    """What is left after a restart without memory: who it is, and how often that has happened.

    It may have sold energy of every day whose gate closed before now, and can no longer know; so it sells
    none of those days again. Of later days it has sold nothing: it takes no requests before the gate closes.
    """
    first_day = terms.timeline.first_open_day(now_ms)
    return new_state(lost.buyer.household, lost.buyer.epoch + 1, first_day)


class Trader:
    """A household that sells and buys.

    Parameters
    ----------
    terms : TradingTerms
        The rules.
    state : TraderState
        What it remembers; nothing is kept elsewhere.
    """

    __slots__ = ("buyer", "seller", "state", "terms")

    def __init__(self, terms: TradingTerms, state: TraderState) -> None:
        self.terms = terms
        self.state = state
        self.seller = Seller(terms, state.seller)
        self.buyer = Buyer(terms, state.buyer, self.seller.take_own, self.seller.give_own)

    @property
    def household(self) -> int:
        """Its number."""
        return self.state.buyer.household

    def handle(self, now_ms: int, message: Message[Payload]) -> list[Letter]:
        """Answer a message."""
        payload, sender = message.payload, message.sender
        match payload:
            case OfferSheet():
                self.buyer.on_offer(sender, message.sequence, payload)
                return []
            case Request():
                return self.seller.on_request(now_ms, sender, payload)
            case Accept():
                return self.buyer.on_accept(now_ms, sender, payload)
            case Reject():
                return self.buyer.on_reject(now_ms, payload)
            case Confirm():
                return self.seller.on_confirm(now_ms, sender, payload)
            case Receipt():
                return self.buyer.on_receipt(now_ms, sender, payload)
            case Release():
                self.seller.on_release(now_ms, payload)
                return []
        assert_never(payload)

    def publish(self, day: int, offers: Iterable[Offer], others: Iterable[int]) -> list[Letter]:
        """Offer a day's energy; see `Seller.publish`."""
        return self.seller.publish(day, offers, others)

    def offers(self, now_ms: int, day: int) -> list[Offer]:
        """What it can plan with: every offer that has reached it, and what is left of its own."""
        return self.buyer.offers(day, self.seller.own_offers(now_ms, day))

    def begin(self, now_ms: int, day: int, needs: Sequence[HourlyNeed]) -> list[Letter]:
        """Begin to buy what was planned; see `Buyer.begin`."""
        return self.buyer.begin(now_ms, day, needs)

    def lacks(self, day: int, first_hour: int) -> bool:
        """Whether there is reason to plan again; see `Buyer.lacks`."""
        return self.buyer.lacks(day, first_hour)

    def offers_left(self, now_ms: int, day: int) -> list[Offer]:
        """What it can plan with in a further round, besides what it has bought."""
        return self.buyer.offers_left(day, self.seller.own_offers(now_ms, day))

    def begin_again(
        self, now_ms: int, day: int, needs: Sequence[HourlyNeed], first_hour: int
    ) -> list[Letter]:
        """Begin to buy what was planned again; see `Buyer.begin_again`."""
        return self.buyer.begin_again(now_ms, day, needs, first_hour)

    def on_timer(self, now_ms: int) -> list[Letter]:
        """Repeat requests that were not answered; see `next_due_ms`."""
        return self.buyer.on_timer(now_ms)

    def next_due_ms(self) -> int | None:
        """When `on_timer` has something to do; None if never."""
        return self.buyer.next_due_ms()

    def close(self, day: int) -> list[Letter]:
        """The deadline of a day."""
        return self.buyer.close(day)

    def close_hour(self, now_ms: int, day: int, hour: int) -> list[Letter]:
        """In further rounds, an hour begins."""
        return self.buyer.close_hour(now_ms, day, hour)

    def claims(self, day: int) -> list[Claim]:
        """What it has bought, by its own book."""
        return self.buyer.claims(day)

    def ledger(self, day: int) -> Ledger | None:
        """What it has sold, by its own book; None where it lost that or never offered."""
        return self.state.seller.ledgers.get(day)

    def forget(self, day: int) -> None:
        """Drop what belongs to a settled day and those before it: state does not grow with a run's length."""
        for books in (self.state.seller.ledgers, self.state.buyer.books):
            for old in [each for each in books if each <= day]:
                del books[old]
        self.state.buyer.first_day = max(self.state.buyer.first_day, day + 1)
        self.state.seller.first_day = max(self.state.seller.first_day, day + 1)

    def take_sequence(self) -> int:
        """A number for the next message; greater than any before, also across restarts."""
        sequence = self.state.next_sequence
        self.state.next_sequence += 1
        return sequence
