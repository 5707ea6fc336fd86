"""A seller's ledger: what it offered for a day, to whom it has promised what, and what is left.

Energy is committed when it is reserved and freed when the reservation ends, so that
``committed <= offered`` holds in every hour at every instant, whatever messages come in whatever order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cosim.trading.clearing.grains import whole_grains
from cosim.trading.protocol.messages import Line, RequestId

ReservationStatus = Literal["reserved", "firm", "rejected", "expired", "released"]
"""`reserved` may become `firm`, `expired` or `released`; `firm` may become `released`; the rest is final."""


@dataclass(slots=True)
class Reservation:
    """What became of one request."""

    id: RequestId
    """The request."""
    asked: tuple[Line, ...]
    granted: tuple[Line, ...]
    """What was asked for, and what was granted of it."""
    status: ReservationStatus
    """See `ReservationStatus`."""
    expires_ms: int
    """Last instant at which a confirmation counts, while it is reserved."""


@dataclass(slots=True)
class Ledger:
    """A seller's account of one delivery day."""

    day: int
    """The delivery day."""
    offered_kwh: dict[int, float] = field(default_factory=dict)
    price: dict[int, float] = field(default_factory=dict)
    committed_kwh: dict[int, float] = field(default_factory=dict)
    """By hour: what was offered, at what price (EUR/kWh), and what of it is reserved or firm."""
    reservations: dict[RequestId, Reservation] = field(default_factory=dict)
    """Every request ever seen, so that one that comes again gets the same answer."""
    open_ids: dict[RequestId, None] = field(default_factory=dict)
    """Those that are reserved and not yet firm, in the order in which they came."""
    next_expiry_ms: int | None = None
    """Not later than the first of their expiries."""

    def left_kwh(self, hour: int) -> float:
        """What is offered in an hour and neither reserved nor sold; exact."""
        return self.offered_kwh.get(hour, 0.0) - self.committed_kwh.get(hour, 0.0)

    def reserve(
        self, request: RequestId, asked: tuple[Line, ...], expires_ms: int, min_trade_kwh: float
    ) -> Reservation:
        """Grant what is left of what is asked for; a request seen before gets what it got then.

        Parameters
        ----------
        request : RequestId
            The request; seen before, it changes nothing but the expiry of what is still reserved.
        asked : tuple of Line
            One line an hour at most; granted only at the price offered.
        expires_ms : int
            Last instant at which a confirmation counts.
        min_trade_kwh : float
            Less than this is not granted.
        """
        known = self.reservations.get(request)
        if known is not None:
            if known.status == "reserved":
                known.expires_ms = max(known.expires_ms, expires_ms)
            return known
        granted = tuple(self._grant(asked, min_trade_kwh))
        made = Reservation(request, asked, granted, "reserved" if granted else "rejected", expires_ms)
        self.reservations[request] = made
        if granted:
            self.open_ids[request] = None
            if self.next_expiry_ms is None or expires_ms < self.next_expiry_ms:
                self.next_expiry_ms = expires_ms
        return made

    def confirm(self, request: RequestId) -> Reservation | None:
        """Make a reservation firm; one that is firm stays so. None where there is nothing to confirm."""
        known = self.reservations.get(request)
        if known is None or known.status not in ("reserved", "firm"):
            return None
        known.status = "firm"
        self.open_ids.pop(request, None)
        return known

    def release(self, request: RequestId) -> None:
        """Free what a buyer will never claim. A request that this release has overtaken will be refused."""
        known = self.reservations.get(request)
        if known is None:
            self.reservations[request] = Reservation(request, (), (), "released", 0)
        elif known.status in ("reserved", "firm"):
            self._free(known, "released")

    def expire(self, now_ms: int) -> None:
        """Free what was reserved and not confirmed in time."""
        if self.next_expiry_ms is None or now_ms <= self.next_expiry_ms:
            return
        for request in [each for each in self.open_ids if self.reservations[each].expires_ms < now_ms]:
            self._free(self.reservations[request], "expired")
        self.next_expiry_ms = min(
            (self.reservations[each].expires_ms for each in self.open_ids), default=None
        )

    def firm(self) -> Iterator[Reservation]:
        """Everything sold for good, in the order in which it was asked for."""
        return (each for each in self.reservations.values() if each.status == "firm")

    def _grant(self, asked: Iterable[Line], min_trade_kwh: float) -> Iterator[Line]:
        for hour, energy_kwh, price in asked:
            granted_kwh = whole_grains(min(energy_kwh, self.left_kwh(hour)))
            if granted_kwh >= min_trade_kwh and price == self.price[hour]:
                self.committed_kwh[hour] = self.committed_kwh.get(hour, 0.0) + granted_kwh
                yield Line(hour, granted_kwh, price)

    def _free(self, reservation: Reservation, status: ReservationStatus) -> None:
        reservation.status = status
        self.open_ids.pop(reservation.id, None)
        for hour, energy_kwh, _ in reservation.granted:
            self.committed_kwh[hour] -= energy_kwh


def open_ledger(day: int, lines: Iterable[Line]) -> Ledger:
    """A ledger with offers of a day.

    Raises
    ------
    ValueError
        If an hour is offered twice: one price an hour keeps the account of an hour one number.
    """
    ledger = Ledger(day)
    for hour, energy_kwh, price in lines:
        if hour in ledger.offered_kwh:
            raise ValueError(f"hour {hour} of day {day} is offered twice; add the quantities up")
        ledger.offered_kwh[hour] = whole_grains(energy_kwh)
        ledger.price[hour] = price
    return ledger
