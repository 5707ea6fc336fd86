"""What travels: messages, who can send and receive them, and which of two is the fresher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PLATFORM: Final = -1
"""Address of the platform. Households are 0 to N-1."""

METER: Final = -2
"""Address of the feeder's own meter."""

FIRM: Final = -3
"""Address of a local firm, on links between platforms."""

_FIRST_PLATFORM: Final = -10


def platform_of(community: int) -> int:
    """Address of the platform of a community, by its number, on links between platforms."""
    return _FIRST_PLATFORM - community


def community_at(address: int) -> int | None:
    """Number of the community whose platform has this address; None for any other address."""
    return _FIRST_PLATFORM - address if address <= _FIRST_PLATFORM else None


P = TypeVar("P")
C = TypeVar("C", covariant=True)


class MessageKind(str, Generic[P]):
    """What a message is, by name, and what such a message holds: ``MessageKind[Report]("report")``.

    Who sends one gives a payload of this type, and who subscribes to it is handed that.
    """

    __slots__ = ()


ACK: Final = MessageKind[str]("ack")
"""The acknowledgements that the network itself sends, each with the kind of what arrived; no other message
may be of this kind."""


@dataclass(frozen=True, slots=True)
class Address:
    """A household as the network knows it; its position in the list of addresses is its number."""

    name: str
    """Name of the household; it names the household's links."""
    group: str | None = None
    """Group it belongs to, for overrides."""


@dataclass(slots=True)
class Message(Generic[C]):
    """One message to one recipient."""

    sender: int
    recipient: int
    """Addresses: a household's number, `PLATFORM`, `METER`, `FIRM`, or one of `platform_of`."""
    kind: str
    """What it is: ``signal``, ``report``, ``offer``, ..."""
    sequence: int
    """Number that the sender gives it; a greater one is fresher."""
    sent_ms: int
    """When the sender first sent it (ms); a repeated message keeps it."""
    payload: C
    """Content, of the kind's type; the network never looks at it."""


def is_fresher(sequence: int, freshest: int | None) -> bool:
    """Whether a message numbered `sequence` is fresher than the freshest one so far (None: there was none).

    A receiver keeps the freshest number for each sender and kind, and discards what is not fresher. The
    network has delivered such a message all the same and counts it so.
    """
    return freshest is None or sequence > freshest
