"""What a buyer learns of what sellers have left, and what it gives back: for further rounds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosim.trading.clearing.grains import whole_grains
from cosim.trading.protocol.demand_plan import HourlyNeed
from cosim.trading.protocol.messages import Line, OfferSheet
from cosim.trading.protocol.purchase_book import Claim, OpenRequest, PurchaseBook, ReceivedSheet
from cosim.trading.valuation.offers import Offer


def learn_left(book: PurchaseBook, seller: int, left_kwh: Mapping[int, float]) -> None:
    """Correct a seller's offers by what it has left, hour by hour, besides what was bought here."""
    known = book.sheets.get(seller)
    if known is None:
        return
    book.has_news = True
    taken_kwh = book.taken_kwh()
    lines = tuple(
        line._replace(energy_kwh=left_kwh.get(line.hour, 0.0) + taken_kwh.get((seller, line.hour), 0.0))
        for line in known.sheet.lines
    )
    book.sheets[seller] = ReceivedSheet(known.sequence, OfferSheet(book.day, lines))


def learn_from_grant(book: PurchaseBook, request: OpenRequest, granted: Iterable[Line]) -> None:
    """A seller that grants less than was asked for has nothing more in that hour."""
    got = {line.hour: line.energy_kwh for line in granted}
    short = [line.hour for line in request.asked if got.get(line.hour, 0.0) < line.energy_kwh]
    sheet = book.sheets.get(request.seller)
    if short and sheet is not None:
        taken_kwh = book.taken_kwh()
        left = {
            line.hour: line.energy_kwh - taken_kwh.get((request.seller, line.hour), 0.0)
            for line in sheet.sheet.lines
            if line.hour not in short
        }
        learn_left(book, request.seller, left)


def believed_left(book: PurchaseBook, offers: Iterable[Offer]) -> list[Offer]:
    """Offers that reached the buyer, less what it has taken of them; nothing of some."""
    taken_kwh = book.taken_kwh()
    return [
        each._replace(quantity_kwh=each.quantity_kwh - taken_kwh.get((each.seller, each.hour), 0.0))
        for each in offers
    ]


def unused(book: PurchaseBook, wanted: Mapping[int, HourlyNeed], first_hour: int) -> list[Claim]:
    """Claims that a new plan has no use for, the dearest first; what is used in part is kept.

    In rounds each request asks for one hour, so that each can be given back by itself.
    """
    held_kwh = book.held_kwh()
    claims = [claim for (claim,) in book.claims.values() if claim.hour >= first_hour]
    given_back = []
    for claim in sorted(claims, key=lambda each: (-each.price, each.request)):
        demand_kwh = whole_grains(wanted[claim.hour].demand_kwh) if claim.hour in wanted else 0.0
        if held_kwh[claim.hour] - claim.agreed_kwh >= demand_kwh:
            held_kwh[claim.hour] -= claim.agreed_kwh
            given_back.append(claim)
    return given_back
