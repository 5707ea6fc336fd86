"""What households say to each other when they trade, and how many bytes it takes."""

from __future__ import annotations

import struct
from typing import Final, Literal, NamedTuple

from cosim.core.message import MessageKind

RejectReason = Literal["sold_out", "closed", "abstains", "expired"]
"""Why not: nothing left (or not at this price), gate or deadline, ledger lost, reservation gone."""


class RequestId(NamedTuple):
    """Names one request, for ever."""

    buyer: int
    """Who asks."""
    epoch: int
    """How often the buyer had lost its memory when it asked; this number survives every restart."""
    number: int
    """Its own count within the epoch."""


class Line(NamedTuple):
    """Energy of one hour at a price."""

    hour: int
    """Hour of the delivery day, from 0."""
    energy_kwh: float
    """Offered, asked for, granted or agreed, as the message says; a multiple of `GRAIN_KWH`."""
    price: float
    """EUR/kWh."""


class OfferSheet(NamedTuple):
    """A seller's offers for a day, all at once; without lines it withdraws what it offered before."""

    day: int
    lines: tuple[Line, ...]


class Request(NamedTuple):
    """A buyer asks for energy, at most one line an hour, at the prices offered."""

    id: RequestId
    day: int
    lines: tuple[Line, ...]


class Accept(NamedTuple):
    """The seller has reserved this; an hour that was asked for and is missing here is refused."""

    id: RequestId
    day: int
    lines: tuple[Line, ...]


class Reject(NamedTuple):
    """The seller sells nothing on this request, and never will."""

    id: RequestId
    day: int
    reason: RejectReason
    left: tuple[Line, ...] | None = None
    """What the seller has left of the day, where there are rounds in which that may be asked for."""


class Confirm(NamedTuple):
    """The buyer takes what was accepted."""

    id: RequestId
    day: int


class Receipt(NamedTuple):
    """The seller has sold this for good. Who holds it can claim it at settlement; nothing else can."""

    id: RequestId
    day: int
    lines: tuple[Line, ...]


class Release(NamedTuple):
    """The buyer will never claim this."""

    id: RequestId
    day: int


Payload = OfferSheet | Request | Accept | Reject | Confirm | Receipt | Release
"""Content of any trading message."""

KIND_OF: Final[dict[type, MessageKind[Payload]]] = {
    OfferSheet: MessageKind("offer"),
    Request: MessageKind("request"),
    Accept: MessageKind("accept"),
    Reject: MessageKind("reject"),
    Confirm: MessageKind("confirm"),
    Receipt: MessageKind("receipt"),
    Release: MessageKind("release"),
}
"""The kinds of messages of trading, by what each carries."""


class Letter(NamedTuple):
    """A message to be sent: to whom, and what."""

    recipient: int
    payload: Payload


# Kind, sender, recipient, sequence number and day; little-endian, not padded.
_HEADER_BYTES: Final = struct.calcsize("<BIIQI")
# Buyer, epoch, number.
_ID_BYTES: Final = struct.calcsize("<III")
# Hour, energy in grains, price.
_LINE_BYTES: Final = struct.calcsize("<Bqd")
_REASON_BYTES: Final = struct.calcsize("<B")
# How many lines follow.
_COUNT_BYTES: Final = struct.calcsize("<B")


def payload_bytes(payload: Payload) -> int:
    """Size of a message as packed binary, header included, without what transport and encryption add.

    A header of 21 bytes (kind, sender, recipient, sequence, day), 12 for the request's name, 17 a line.
    """
    size = _HEADER_BYTES
    if not isinstance(payload, OfferSheet):
        size += _ID_BYTES
    if isinstance(payload, OfferSheet | Request | Accept | Receipt):
        return size + _COUNT_BYTES + _LINE_BYTES * len(payload.lines)
    if isinstance(payload, Reject):
        size += _REASON_BYTES
        if payload.left is not None:
            size += _COUNT_BYTES + _LINE_BYTES * len(payload.left)
    return size
