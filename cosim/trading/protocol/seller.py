"""The seller's half of the trading protocol: publishes, reserves, confirms. Pure; its state is data.

A seller that restarts without its ledger no longer knows what it promised. It abstains from every day whose
gate had closed; receipts that buyers hold for such a day stay good, since nothing was sold over them. It
takes no requests before the gate closes, so other days it can offer anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cosim.trading.clearing.grains import whole_grains
from cosim.trading.protocol.ledger import Ledger, open_ledger
from cosim.trading.protocol.messages import (
    Accept,
    Confirm,
    Letter,
    Line,
    OfferSheet,
    Receipt,
    Reject,
    Release,
    Request,
    RequestId,
)
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer


@dataclass(slots=True)
class SellerState:
    """All that a seller remembers."""

    household: int
    """Its number."""
    first_day: int = 0
    """It sells no energy of days before this one."""
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    """By day, from publication until the day is settled."""


class Seller:
    """Answers buyers.

    Parameters
    ----------
    terms : TradingTerms
        The rules.
    state : SellerState
        What it remembers; nothing is kept elsewhere.
    """

    __slots__ = ("state", "terms")

    def __init__(self, terms: TradingTerms, state: SellerState) -> None:
        self.terms = terms
        self.state = state

    def may_sell(self, day: int) -> bool:
        """Whether it sells energy of a day: not where it may have sold some before it lost its ledger."""
        return day >= self.state.first_day

    def publish(self, day: int, offers: Iterable[Offer], others: Iterable[int]) -> list[Letter]:
        """Open the day's ledger and offer its energy to the others; nothing the second time.

        Parameters
        ----------
        day : int
            Delivery day.
        offers : iterable of Offer
            Its own, at most one an hour.
        others : iterable of int
            Households to tell, in order.
        """
        if not self.may_sell(day) or day in self.state.ledgers:
            return []
        smallest = self.terms.min_trade_kwh
        rounded = [Line(each.hour, whole_grains(each.quantity_kwh), each.price) for each in offers]
        lines = tuple(line for line in rounded if line.energy_kwh >= smallest)
        self.state.ledgers[day] = open_ledger(day, lines)
        sheet = OfferSheet(day, lines)
        return [Letter(other, sheet) for other in others] if lines else []

    def on_request(self, now_ms: int, sender: int, request: Request) -> list[Letter]:
        """Reserve what is left, and say so; a request that comes again is answered as before."""
        if not self.may_sell(request.day):
            return [Letter(sender, Reject(request.id, request.day, "abstains"))]
        ledger = self._ledger(now_ms, request.day)
        last_ms = {line: self.terms.last_ms(request.day, line.hour) for line in request.lines}
        lines = tuple(line for line in request.lines if now_ms <= last_ms[line])
        if ledger is None or now_ms < self.terms.timeline.gate_ms(request.day) or not lines:
            return [Letter(sender, Reject(request.id, request.day, "closed"))]
        expires_ms = min(now_ms + self.terms.reservation_ms, *(last_ms[line] for line in lines))
        made = ledger.reserve(request.id, lines, expires_ms, self.terms.min_trade_kwh)
        match made.status:
            case "reserved":
                return [Letter(sender, Accept(request.id, request.day, made.granted))]
            case "firm":
                return [Letter(sender, Receipt(request.id, request.day, made.granted))]
            case "rejected":
                left = None if self.terms.round_ms is None else self._left(ledger)
                return [Letter(sender, Reject(request.id, request.day, "sold_out", left))]
            case _:
                return [Letter(sender, Reject(request.id, request.day, "expired"))]

    def on_confirm(self, now_ms: int, sender: int, confirm: Confirm) -> list[Letter]:
        """Sell for good what is still reserved, and give a receipt; or say that it is gone."""
        ledger = self._ledger(now_ms, confirm.day)
        sold = None if ledger is None else ledger.confirm(confirm.id)
        if sold is None:
            return [Letter(sender, Reject(confirm.id, confirm.day, "expired"))]
        return [Letter(sender, Receipt(confirm.id, confirm.day, sold.granted))]

    def on_release(self, now_ms: int, release: Release) -> None:
        """Free what the buyer will never claim."""
        ledger = self._ledger(now_ms, release.day)
        if ledger is not None:
            ledger.release(release.id)

    def take_own(self, now_ms: int, day: int, request: RequestId, line: Line) -> Line | None:
        """Sell to oneself: reserved and firm at once, over the same ledger. None where nothing is left."""
        ledger = self._ledger(now_ms, day)
        if ledger is None or not self.may_sell(day):
            return None
        made = ledger.reserve(request, (line,), now_ms, self.terms.min_trade_kwh)
        if ledger.confirm(request) is None:
            return None
        return made.granted[0]

    def give_own(self, day: int, request: RequestId) -> None:
        """Take back what was sold to oneself."""
        ledger = self.state.ledgers.get(day)
        if ledger is not None:
            ledger.release(request)

    def own_offers(self, now_ms: int, day: int) -> list[Offer]:
        """What it has offered for a day and not yet sold or reserved."""
        ledger = self._ledger(now_ms, day)
        if ledger is None:
            return []
        return [
            Offer(hour, self.state.household, left_kwh, ledger.price[hour])
            for hour in sorted(ledger.offered_kwh)
            if (left_kwh := ledger.left_kwh(hour)) > 0
        ]

    def withdraw(self, day: int, others: Iterable[int]) -> list[Letter]:
        """Tell the others that it does not sell this day after all."""
        return [Letter(other, OfferSheet(day, ())) for other in others]

    def _left(self, ledger: Ledger) -> tuple[Line, ...]:
        """What is left of a day, hour by hour."""
        left = [Line(hour, ledger.left_kwh(hour), ledger.price[hour]) for hour in sorted(ledger.offered_kwh)]
        return tuple(line for line in left if line.energy_kwh >= self.terms.min_trade_kwh)

    def _ledger(self, now_ms: int, day: int) -> Ledger | None:
        """The day's ledger as it stands now: what ran out in the meantime is free again."""
        ledger = self.state.ledgers.get(day)
        if ledger is not None:
            ledger.expire(now_ms)
        return ledger
