"""What households and an operator or a broker say to each other, and how many bytes it takes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cosim.core.message import MessageKind
from cosim.trading.protocol.messages import Line, RequestId
from cosim.trading.valuation.offers import Offer


class Orders(NamedTuple):
    """All that a household wants to buy and to sell on a day; the fresher takes the place of the older."""

    day: int
    """Delivery day."""
    bids: Sequence[Line]
    asks: Sequence[Line]
    """Several lines an hour at most among the bids, one among the asks; no hour is in both."""


class OrdersTaken(NamedTuple):
    """The operator has these orders in its book: those of the message of this sequence number."""

    day: int
    orders_sequence: int


class OrdersWanted(NamedTuple):
    """The operator has lost its book before the gate closed: send your orders again."""

    day: int


class Deal(NamedTuple):
    """Energy of one hour that passes between two households; both are told it in the same words."""

    name: RequestId
    hour: int
    buyer: int
    seller: int
    energy_kwh: float
    price: float


class Statement(NamedTuple):
    """What has become of a household's orders; without deals: nothing."""

    day: int
    deals: Sequence[Deal]


class StatementTaken(NamedTuple):
    """The household has its statement."""

    day: int


class QuoteWanted(NamedTuple):
    """A buyer asks a broker for the cheapest offers of each hour that hold this much energy together."""

    day: int
    depth_kwh: float


class Quote(NamedTuple):
    """What a broker has left, the cheapest first in each hour, as deep as was asked for."""

    day: int
    offers: Sequence[Offer]


Payload = QuoteWanted | Quote | Orders | OrdersTaken | OrdersWanted | Statement | StatementTaken
"""Content of any message of an auction."""

KIND_OF: Final[dict[type, MessageKind[Payload]]] = {
    QuoteWanted: MessageKind("quote_wanted"),
    Quote: MessageKind("quote"),
    Orders: MessageKind("orders"),
    OrdersTaken: MessageKind("orders_taken"),
    OrdersWanted: MessageKind("orders_wanted"),
    Statement: MessageKind("statement"),
    StatementTaken: MessageKind("statement_taken"),
}
"""The kinds of messages of an auction, by what each carries."""


TO_OPERATOR: Final = frozenset({KIND_OF[QuoteWanted], KIND_OF[Orders], KIND_OF[StatementTaken]})
"""Kinds of messages that go to the operator."""


class Letter(NamedTuple):
    """A message to be sent: to whom, and what."""

    recipient: int
    payload: Payload


# Kind, sender, recipient, sequence number and day; little-endian, not padded.
_HEADER_BYTES: Final = struct.calcsize("<BIIQI")
# Hour, energy in grains, price.
_LINE_BYTES: Final = struct.calcsize("<Bqd")
# Name (number of the day's deal), hour, buyer, seller, energy in grains, price.
_DEAL_BYTES: Final = struct.calcsize("<IBIIqd")
# Hour, seller, energy in grains, price.
_OFFER_BYTES: Final = struct.calcsize("<BIqd")
_AMOUNT_BYTES: Final = struct.calcsize("<q")
_SEQUENCE_BYTES: Final = struct.calcsize("<Q")
# How many lines follow.
_COUNT_BYTES: Final = struct.calcsize("<H")


def payload_bytes(payload: Payload) -> int:
    """Size of a message as packed binary, header included, without what transport and encryption add."""
    match payload:
        case Orders(_, bids, asks):
            return _HEADER_BYTES + 2 * _COUNT_BYTES + _LINE_BYTES * (len(bids) + len(asks))
        case Statement(_, deals):
            return _HEADER_BYTES + _COUNT_BYTES + _DEAL_BYTES * len(deals)
        case Quote(_, offers):
            return _HEADER_BYTES + _COUNT_BYTES + _OFFER_BYTES * len(offers)
        case QuoteWanted():
            return _HEADER_BYTES + _AMOUNT_BYTES
        case OrdersTaken():
            return _HEADER_BYTES + _SEQUENCE_BYTES
        case _:
            return _HEADER_BYTES
