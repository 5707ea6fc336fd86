"""What a buyer remembers of a delivery day: offers, needs, open requests, and what it can claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cosim.trading.protocol.demand_plan import Candidate
from cosim.trading.protocol.messages import Line, OfferSheet, RequestId

FailedStatus = Literal["rejected", "timed_out", "expired", "unconfirmed"]
"""Nothing was granted; no answer came; the reservation had gone; the deadline came first."""


class Claim(NamedTuple):
    """Energy of one hour that a buyer has a receipt for."""

    request: RequestId
    """The request it comes from."""
    hour: int
    """Hour of the delivery day."""
    buyer: int
    seller: int
    """Households; the same for energy bought from oneself."""
    requested_kwh: float
    agreed_kwh: float
    """Asked for, and sold."""
    price: float
    """EUR/kWh."""


class FailedAttempt(NamedTuple):
    """Energy that was asked for and not sold; attributes as for `Claim`, and why."""

    request: RequestId
    hour: int
    buyer: int
    seller: int
    requested_kwh: float
    price: float
    status: FailedStatus


class ReceivedSheet(NamedTuple):
    """The freshest offers of one seller, with their sequence number."""

    sequence: int
    sheet: OfferSheet


@dataclass(slots=True)
class Need:
    """What is still to be bought in an hour."""

    remaining_kwh: float
    """Neither claimed nor asked for at present."""
    candidates: tuple[Candidate, ...]
    """Whom to ask."""
    next_candidate: int = 0
    """Position of the first who was not asked yet."""


@dataclass(slots=True)
class OpenRequest:
    """A request whose outcome is not known yet."""

    id: RequestId
    """The request."""
    seller: int
    """Who was asked."""
    asked: tuple[Line, ...]
    """What for."""
    granted: tuple[Line, ...] | None
    """What the seller reserved; None until it has answered, and then the buyer waits for the receipt."""
    transmissions: int
    """How often the request, or now the confirmation, was sent."""
    due_ms: int
    """When to send it again."""


@dataclass(slots=True)
class PurchaseBook:
    """A buyer's account of one delivery day."""

    day: int
    """The delivery day."""
    sheets: dict[int, ReceivedSheet] = field(default_factory=dict)
    """By seller."""
    is_planned: bool = False
    is_closed: bool = False
    """The gate has closed and the day is planned; the deadline has passed."""
    needs: dict[int, Need] = field(default_factory=dict)
    """By hour."""
    open_requests: dict[RequestId, OpenRequest] = field(default_factory=dict)
    """In the order in which they were made."""
    claims: dict[RequestId, tuple[Claim, ...]] = field(default_factory=dict)
    """What it holds receipts for."""
    failed: list[FailedAttempt] = field(default_factory=list)
    """What came to nothing."""
    late_offers: int = 0
    """Offer sheets that came after the day was planned."""
    wanted_kwh: dict[int, float] = field(default_factory=dict)
    """By hour: what its last plan uses in hours in which it knows offers, its own among them."""
    first_open_hour: int = 0
    """In further rounds, the first hour that has not begun."""

    has_news: bool = False
    """Whether sellers have said since the last plan that they have less left than they offered."""

    def held_kwh(self) -> dict[int, float]:
        """What it holds receipts for, or has asked for and waits for, by hour; exact."""
        held: dict[int, float] = {}
        for (_, hour), energy_kwh in self.taken_kwh().items():
            held[hour] = held.get(hour, 0.0) + energy_kwh
        return held

    def taken_kwh(self) -> dict[tuple[int, int], float]:
        """The same by seller and hour."""
        taken: dict[tuple[int, int], float] = {}
        for claims in self.claims.values():
            for claim in claims:
                key = claim.seller, claim.hour
                taken[key] = taken.get(key, 0.0) + claim.agreed_kwh
        for request in self.open_requests.values():
            for line in request.asked if request.granted is None else request.granted:
                key = request.seller, line.hour
                taken[key] = taken.get(key, 0.0) + line.energy_kwh
        return taken
