"""The buyer's half of the trading protocol: collects offers, asks the cheapest first, confirms.

Pure; its state is data.

Energy asked for counts against the hour's demand until the seller has refused it or the buyer has given it
up; what is given up is never claimed, so no energy is bought twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cosim.core.message import is_fresher
from cosim.trading.clearing.grains import whole_grains
from cosim.trading.protocol.demand_plan import HourlyNeed
from cosim.trading.protocol.further_rounds import believed_left, learn_from_grant, learn_left, unused
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
from cosim.trading.protocol.purchase_book import (
    Claim,
    FailedAttempt,
    FailedStatus,
    Need,
    OpenRequest,
    PurchaseBook,
    ReceivedSheet,
)
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer

GiveOwn = Callable[[int, RequestId], None]
"""Takes it back: called with (day, request)."""
TakeOwn = Callable[[int, int, RequestId, Line], Line | None]
"""Sells a household its own energy: called with (now, day, request, line); gives what it got."""


@dataclass(slots=True)
class BuyerState:
    """All that a buyer remembers."""

    household: int
    """Its number."""
    epoch: int = 0
    """How often it has lost its memory; the one number that survives."""
    next_number: int = 0
    """Number of its next request in this epoch."""
    first_day: int = 0
    """Days before this one were settled: what still comes of them is answered, not kept."""
    books: dict[int, PurchaseBook] = field(default_factory=dict)
    """By day, from the first offer until the day is settled."""


class Buyer:
    """Buys for a household.

    Parameters
    ----------
    terms : TradingTerms
        The rules.
    state : BuyerState
        What it remembers; nothing is kept elsewhere.
    take_own : callable
        Sells it the household's own energy.
    give_own : callable
        Takes that back.
    """

    __slots__ = ("_give_own", "_take_own", "state", "terms")

    def __init__(self, terms: TradingTerms, state: BuyerState, take_own: TakeOwn, give_own: GiveOwn) -> None:
        self.terms = terms
        self.state = state
        self._take_own = take_own
        self._give_own = give_own

    def book(self, day: int) -> PurchaseBook:
        """The day's book, opened where there is none."""
        book = self.state.books.get(day)
        if book is None:
            book = self.state.books[day] = PurchaseBook(day)
        return book

    def on_offer(self, sender: int, sequence: int, sheet: OfferSheet) -> None:
        """Keep a seller's freshest offers, until the day is planned."""
        if sheet.day < self.state.first_day:
            return
        book = self.book(sheet.day)
        known = book.sheets.get(sender)
        if book.is_planned:
            book.late_offers += 1
        elif is_fresher(sequence, None if known is None else known.sequence):
            book.sheets[sender] = ReceivedSheet(sequence, sheet)

    def offers(self, day: int, own: Iterable[Offer]) -> list[Offer]:
        """Every offer for a day that has reached it, and its own: by hour, cheapest first, then by seller."""
        received = [
            Offer(line.hour, seller, line.energy_kwh, line.price)
            for seller, each in self.book(day).sheets.items()
            for line in each.sheet.lines
        ]
        return sorted([*received, *own], key=lambda each: (each.hour, each.price, each.seller))

    def begin(self, now_ms: int, day: int, needs: Sequence[HourlyNeed]) -> list[Letter]:
        """Take a plan and send its first requests.

        Raises
        ------
        ValueError
            If the plan has an hour twice, or its candidates are not in ascending order of cost.
        """
        book = self.book(day)
        book.is_planned = True
        book.wanted_kwh = {need.hour: whole_grains(need.demand_kwh) for need in needs}
        for hour, demand_kwh, candidates in needs:
            if hour in book.needs:
                raise ValueError(f"the plan for day {day} has hour {hour} twice")
            costs = [each.cost for each in candidates]
            if costs != sorted(costs):
                raise ValueError(
                    f"the sellers of hour {hour} of day {day} are not in ascending order of cost"
                )
            book.needs[hour] = Need(whole_grains(demand_kwh), tuple(candidates))
        return self._ask(now_ms, book, sorted(book.needs))

    def begin_again(
        self, now_ms: int, day: int, needs: Sequence[HourlyNeed], first_hour: int
    ) -> list[Letter]:
        """In a further round: take a new plan from an hour on, and ask for what lacks."""
        book = self.book(day)
        book.has_news = False
        wanted = {need.hour: need for need in needs}
        letters = self._give_back_claims(book, unused(book, wanted, first_hour))
        held_kwh = book.held_kwh()
        for hour in range(first_hour, self.terms.slots.per_day):
            demand_kwh, candidates = wanted[hour][1:] if hour in wanted else (0.0, ())
            book.wanted_kwh[hour] = whole_grains(demand_kwh)
            # Below 0 where more is held than is now wanted: then nothing is asked for.
            remaining_kwh = whole_grains(demand_kwh) - held_kwh.get(hour, 0.0)
            book.needs[hour] = Need(remaining_kwh, candidates)
        return [*letters, *self._ask(now_ms, book, range(first_hour, self.terms.slots.per_day))]

    def lacks(self, day: int, first_hour: int) -> bool:
        """Whether to plan again: it still lacks energy, and has learnt what sellers have left."""
        book = self.book(day)
        return book.has_news and any(
            need.remaining_kwh >= self.terms.min_trade_kwh
            for hour, need in book.needs.items()
            if hour >= first_hour
        )

    def offers_left(self, day: int, own: Iterable[Offer]) -> list[Offer]:
        """What it believes is left of all offers, nothing of some, and its own; ordered as by `offers`."""
        left = believed_left(self.book(day), self.offers(day, ()))
        return sorted([*left, *own], key=lambda each: (each.hour, each.price, each.seller))

    def on_accept(self, now_ms: int, sender: int, accept: Accept) -> list[Letter]:
        """Confirm what was reserved, and look elsewhere for the rest."""
        book, request = self._find(accept.day, accept.id)
        if request is None or book is None:
            return self._disown(sender, book, accept.id, accept.day)
        if request.granted is not None:
            return []  # A copy: its confirmation is on the way.
        request.granted = accept.lines
        request.transmissions = 1
        request.due_ms = now_ms + self.terms.timeout_ms
        if self.terms.round_ms is not None:
            learn_from_grant(book, request, accept.lines)
        self._give_back(book, request, accept.lines)
        return [Letter(sender, Confirm(request.id, book.day)), *self._ask(now_ms, book, _hours(request))]

    def on_receipt(self, now_ms: int, sender: int, receipt: Receipt) -> list[Letter]:
        """Keep a receipt that was waited for; disown any other."""
        book, request = self._find(receipt.day, receipt.id)
        if request is None or book is None:
            return self._disown(sender, book, receipt.id, receipt.day)
        del book.open_requests[receipt.id]
        self._keep(book, request, receipt.lines)
        if request.granted is not None:
            return []
        # The accept was lost or comes later: what it would have said of the rest follows from the receipt.
        self._give_back(book, request, receipt.lines)
        return self._ask(now_ms, book, _hours(request))

    def on_reject(self, now_ms: int, reject: Reject) -> list[Letter]:
        """Look elsewhere. A receipt that is already held stays good."""
        book, request = self._find(reject.day, reject.id)
        if request is None or book is None:
            return []
        if reject.left is not None:
            del book.open_requests[request.id]  # what it asked for is not taken
            learn_left(book, request.seller, {line.hour: line.energy_kwh for line in reject.left})
        return self._give_up(now_ms, book, request, "expired" if request.granted is not None else "rejected")

    def on_timer(self, now_ms: int) -> list[Letter]:
        """Repeat what is due, and give up what was repeated often enough."""
        letters: list[Letter] = []
        for book in list(self.state.books.values()):
            for request in [each for each in book.open_requests.values() if each.due_ms <= now_ms]:
                if request.transmissions > self.terms.retries:
                    letters.append(Letter(request.seller, Release(request.id, book.day)))
                    letters.extend(self._give_up(now_ms, book, request, "timed_out"))
                    continue
                request.transmissions += 1
                request.due_ms = now_ms + self.terms.timeout_ms
                letters.append(Letter(request.seller, _message_of(request, book.day)))
        return letters

    def next_due_ms(self) -> int | None:
        """When `on_timer` has something to do."""
        return min(
            (each.due_ms for book in self.state.books.values() for each in book.open_requests.values()),
            default=None,
        )

    def close(self, day: int) -> list[Letter]:
        """The deadline: what is open is bought from the grid, and its sellers are told."""
        book = self.book(day)
        book.is_planned = book.is_closed = True
        letters = []
        for request in book.open_requests.values():
            letters.append(Letter(request.seller, Release(request.id, day)))
            book.failed.extend(self._failures(request, request.asked, "unconfirmed"))
        book.open_requests.clear()
        return letters

    def close_hour(self, now_ms: int, day: int, hour: int) -> list[Letter]:
        """In further rounds, an hour begins: what is open of it is given up, and of the rest asked anew."""
        book = self.book(day)
        book.first_open_hour = max(book.first_open_hour, hour + 1)
        book.is_closed = book.is_closed or book.first_open_hour >= self.terms.slots.per_day
        letters = []
        begun = [each for each in book.open_requests.values() if min(_hours(each)) < book.first_open_hour]
        for request in begun:
            letters.append(Letter(request.seller, Release(request.id, day)))
            letters.extend(self._give_up(now_ms, book, request, "unconfirmed"))
        return letters

    def claims(self, day: int) -> list[Claim]:
        """What it holds receipts for, by hour and seller."""
        book = self.state.books.get(day)
        held = [] if book is None else [claim for claims in book.claims.values() for claim in claims]
        return sorted(held, key=lambda each: (each.hour, each.seller, each.request))

    def _ask(self, now_ms: int, book: PurchaseBook, hours: Iterable[int]) -> list[Letter]:
        """Ask the next candidate of each of these hours that wants more: one request a seller."""
        if book.is_closed:
            return []
        asked: dict[int, list[Line]] = {}
        alone: list[tuple[int, list[Line]]] = []
        for hour in hours:
            if hour < book.first_open_hour:
                continue
            step = self._next_line(now_ms, book, hour)
            if step is None:
                continue
            if self.terms.round_ms is None:
                asked.setdefault(step[0], []).append(step[1])
            else:  # each hour by itself, so that each can be given back by itself
                alone.append((step[0], [step[1]]))
        letters = []
        for seller, together in [(seller, asked[seller]) for seller in sorted(asked)] + alone:
            lines = tuple(together)
            request = OpenRequest(self._new_id(), seller, lines, None, 1, now_ms + self.terms.timeout_ms)
            book.open_requests[request.id] = request
            letters.append(Letter(seller, _message_of(request, book.day)))
        return letters

    def _next_line(self, now_ms: int, book: PurchaseBook, hour: int) -> tuple[int, Line] | None:
        """Whom to ask next in an hour, and for what; own energy is taken on the way, without a message."""
        need = book.needs[hour]
        while need.next_candidate < len(need.candidates):
            candidate = need.candidates[need.next_candidate]
            energy_kwh = whole_grains(min(need.remaining_kwh, candidate.limit_kwh))
            if whole_grains(need.remaining_kwh) < self.terms.min_trade_kwh:
                return None
            need.next_candidate += 1
            if energy_kwh < self.terms.min_trade_kwh:
                continue
            line = Line(hour, energy_kwh, candidate.price)
            if candidate.seller != self.state.household:
                need.remaining_kwh -= energy_kwh
                return candidate.seller, line
            self._buy_own(now_ms, book, need, line)
        return None

    def _buy_own(self, now_ms: int, book: PurchaseBook, need: Need, line: Line) -> None:
        own = OpenRequest(self._new_id(), self.state.household, (line,), None, 0, now_ms)
        got = self._take_own(now_ms, book.day, own.id, line)
        if got is None:
            book.failed.extend(self._failures(own, own.asked, "rejected"))
        else:
            need.remaining_kwh -= got.energy_kwh
            self._keep(book, own, (got,))

    def _keep(self, book: PurchaseBook, request: OpenRequest, lines: tuple[Line, ...]) -> None:
        asked = {line.hour: line.energy_kwh for line in request.asked}
        book.claims[request.id] = tuple(
            Claim(
                request.id, line.hour, self.state.household, request.seller,
                asked[line.hour], line.energy_kwh, line.price,
            )
            for line in lines
        )  # fmt: skip

    def _give_back(self, book: PurchaseBook, request: OpenRequest, granted: tuple[Line, ...]) -> None:
        """Return what was asked for and not granted to the demand."""
        got = {line.hour: line.energy_kwh for line in granted}
        for line in request.asked:
            book.needs[line.hour].remaining_kwh += line.energy_kwh - got.get(line.hour, 0.0)
        refused = tuple(line for line in request.asked if line.hour not in got)
        book.failed.extend(self._failures(request, refused, "rejected"))

    def _give_up(
        self, now_ms: int, book: PurchaseBook, request: OpenRequest, status: FailedStatus
    ) -> list[Letter]:
        """Return all that is still asked for to the demand, and ask the next ones."""
        book.open_requests.pop(request.id, None)
        lines = request.asked if request.granted is None else request.granted
        for line in lines:
            book.needs[line.hour].remaining_kwh += line.energy_kwh
        hours = {line.hour for line in lines}
        failed = tuple(line for line in request.asked if line.hour in hours)
        book.failed.extend(self._failures(request, failed, status))
        return self._ask(now_ms, book, sorted(hours))

    def _give_back_claims(self, book: PurchaseBook, claims: Iterable[Claim]) -> list[Letter]:
        """Release what is held: its sellers may sell it to others."""
        letters = []
        for claim in claims:
            del book.claims[claim.request]
            if claim.seller == self.state.household:
                self._give_own(book.day, claim.request)
            else:
                letters.append(Letter(claim.seller, Release(claim.request, book.day)))
        return letters

    def _find(self, day: int, request: RequestId) -> tuple[PurchaseBook | None, OpenRequest | None]:
        book = self.state.books.get(day)
        return book, None if book is None else book.open_requests.get(request)

    def _disown(self, sender: int, book: PurchaseBook | None, request: RequestId, day: int) -> list[Letter]:
        """Answer to what is not waited for: it will never be claimed, unless it is a copy of what is held."""
        if book is not None and request in book.claims:
            return []
        return [Letter(sender, Release(request, day))]

    def _failures(
        self, request: OpenRequest, lines: tuple[Line, ...], status: FailedStatus
    ) -> list[FailedAttempt]:
        buyer = self.state.household
        return [
            FailedAttempt(request.id, line.hour, buyer, request.seller, line.energy_kwh, line.price, status)
            for line in lines
        ]

    def _new_id(self) -> RequestId:
        number = self.state.next_number
        self.state.next_number += 1
        return RequestId(self.state.household, self.state.epoch, number)


def _hours(request: OpenRequest) -> list[int]:
    return [line.hour for line in request.asked]


def _message_of(request: OpenRequest, day: int) -> Request | Confirm:
    """What is sent again while a request is open; under the same name, so that it counts once."""
    if request.granted is None:
        return Request(request.id, day, request.asked)
    return Confirm(request.id, day)
