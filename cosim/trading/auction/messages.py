"""What households and the operator of an auction say to each other, and how many bytes it takes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cosim.core.message import MessageKind
from cosim.trading.protocol.messages import Line, RequestId


class Orders(NamedTuple):
    """All that a household wants to buy and to sell on a day; the fresher takes the place of the older.

    Attributes
    ----------
    day : int
        Delivery day.
    bids, asks : sequence of Line
        Several lines an hour at most among the bids, one among the asks; no hour is in both.
    """

    day: int
    bids: Sequence[Line]
    asks: Sequence[Line]


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


Payload = Orders | OrdersTaken | OrdersWanted | Statement | StatementTaken
"""Content of any message of an auction."""

KIND_OF: Final[dict[type, MessageKind[Payload]]] = {
    Orders: MessageKind("orders"),
    OrdersTaken: MessageKind("orders_taken"),
    OrdersWanted: MessageKind("orders_wanted"),
    Statement: MessageKind("statement"),
    StatementTaken: MessageKind("statement_taken"),
}
"""The kinds of messages of an auction, by what each carries."""


TO_OPERATOR: Final = frozenset({KIND_OF[Orders], KIND_OF[StatementTaken]})
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
        case OrdersTaken():
            return _HEADER_BYTES + _SEQUENCE_BYTES
        case _:
            return _HEADER_BYTES
