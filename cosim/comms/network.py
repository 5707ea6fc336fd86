"""The network of one run: takes messages, carries them over links, hands them over, and keeps account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple, cast

import simpy

from cosim.comms.bulk_links import BulkLinks
from cosim.comms.disturbance import Disturbance
from cosim.comms.exchange import Exchange, Exchanges
from cosim.comms.histogram import EXACT_BELOW_MS, bucket_ms, merge, middle_ms
from cosim.comms.latency import TraceReader
from cosim.comms.link import Link
from cosim.comms.schema import CommsConfig, Direction
from cosim.comms.tally import Account, AccountColumns, Tally, columns_of, in_order
from cosim.comms.timetable import Timetable
from cosim.comms.topology import Topology
from cosim.core.clock import Priority
from cosim.core.message import ACK, PLATFORM, Address, Message, MessageKind, P
from cosim.core.streams import Streams


class _Mark(Enum):
    TOO_OLD = "too old on arrival"


_TOO_OLD: Final = _Mark.TOO_OLD
_Handler = Callable[[Message[object]], None]
_NOBODY: Final[dict[int, _Handler]] = {}

_Parcel = tuple[Message[object], Tally, "Exchange | _Mark | None"]
# A message on its way, its counters, and what is to be done on arrival besides handing it over.


class InFlight(NamedTuple):
    """One message, or copy of one, on its way."""

    arrival_ms: int
    """When it arrives (ms)."""
    link: str
    """Name of the link."""
    message: Message[object]
    """The message."""


class Network:
    """Carries messages between the platform, the households and the meter.

    Parameters
    ----------
    env : simpy.Environment
        The clock, in whole milliseconds.
    config : CommsConfig
        Links and overrides.
    addresses : sequence of Address
        The households; household i has the address i.
    streams : Streams
        The run's random numbers.
    read_trace : callable
        Called as ``read_trace(config)`` with a trace's; gives measured latencies (ms).

    Raises
    ------
    InputError
        If a trace is empty or holds a bad value.

    Notes
    -----
    Messages arrive with priority `Priority.ARRIVAL`, those of one instant in the order in which they were
    sent; with zero latency, in the same instant. Memory does not grow with the length of a run: counters,
    latency histograms with bounded buckets, what is in flight, and what waits for an acknowledgement.

    A receiver that deduplicates recognises every transmission of one message without limit, and a message
    that its sender sends anew (same sender, kind and sequence) among the last 256 of the link.
    """

    def __init__(
        self,
        env: simpy.Environment,
        config: CommsConfig,
        addresses: Sequence[Address],
        streams: Streams,
        read_trace: TraceReader,
    ) -> None:
        self._env = env
        self._topology = Topology(config, addresses, streams, read_trace)
        self._links: dict[tuple[Direction, int, int], Link] = {}
        self._downlinks: dict[int, Link] = {}
        self._handlers: dict[str, dict[int, _Handler]] = {}
        self._disturbances: list[Disturbance] = []
        self._transit: Timetable[_Parcel] = Timetable(env, Priority.ARRIVAL, self._deliver)
        self._exchanges = Exchanges(env, self._transmit_again)
        self._bulk: list[BulkLinks] = []
        self._is_up: Callable[[Message[object]], bool] = lambda message: True

    def on_receive(self, address: int, kind: MessageKind[P], handler: Callable[[Message[P]], None]) -> None:
        """Have `handler` called with each message of a kind that arrives at `address`.

        It replaces an earlier one. Messages that arrive where there is no handler count as delivered and are
        dropped.
        """
        # Under a kind there are only messages that hold what it says: see `send`.
        self._handlers.setdefault(kind, {})[address] = cast(_Handler, handler)

    def on_acknowledge(self, is_up: Callable[[Message[object]], bool]) -> None:
        """Have `is_up` asked whether a message finds its recipient up; who is down acknowledges nothing."""
        self._is_up = is_up

    def abandon(self, is_meant: Callable[[Message[object]], bool]) -> None:
        """Let the senders of these messages forget what they would repeat, as a crash does."""
        self._exchanges.abandon(is_meant)

    def disturb(self, fault: Disturbance) -> None:
        """Let a fault act on all that is sent over its links from now on."""
        self._disturbances.append(fault)
        self._apply_disturbances()

    def calm(self, fault: Disturbance) -> None:
        """End a fault; what is on its way still arrives."""
        self._disturbances.remove(fault)
        self._apply_disturbances()

    def _apply_disturbances(self) -> None:
        for (direction, sender, recipient), link in self._links.items():
            link.disturb(self._disturbances_on(direction, sender, recipient))

    def _disturbances_on(self, direction: Direction, sender: int, recipient: int) -> tuple[Disturbance, ...]:
        return tuple(each for each in self._disturbances if each.covers(direction, sender, recipient))

    def send(
        self,
        direction: Direction,
        sender: int,
        recipient: int,
        kind: MessageKind[P],
        sequence: int,
        payload: P,
    ) -> None:
        """Send one message.

        Parameters
        ----------
        direction : {"downlink", "uplink", "peer", "meter", "platform"}
            Platform to household, household to platform, household to household, meter to platform, between
            platforms and a firm.
        sender, recipient : int
            Addresses.
        kind : MessageKind
            Kind of the message; ``ack`` is taken.
        sequence : int
            The sender's number for it; on links with `exactly_once`, a number used again for the same kind
            and recipient marks the same message.
        payload : object
            Content.

        Raises
        ------
        ValueError
            If the direction does not join the addresses, or `kind` is ``ack``.
        """
        link = self._links.get((direction, sender, recipient)) or self._open(direction, sender, recipient)
        tally = link.tallies.get(kind) or link.open_tally(kind)
        now = int(self._env.now)
        fates = link.fates
        if fates is None:
            self._send_over(link, tally, Message(sender, recipient, kind, sequence, now, payload))
            return
        state = link.state
        turn = state.transmissions
        state.transmissions = turn + 1
        tally.sent += 1
        latency = fates[turn][link.column]
        if latency < 0:
            tally.lost_on_way += 1
            return
        parcel = (Message(sender, recipient, kind, sequence, now, payload), tally, None)
        arrivals = self._transit.due.get(now + latency)
        if arrivals is None:
            self._transit.begin(now + latency, parcel)
        else:
            arrivals.append(parcel)

    def broadcast(
        self,
        kind: MessageKind[P],
        sequence: int,
        payload: P,
        recipients: Sequence[int],
        first_sent_ms: int | None = None,
    ) -> None:
        """Send one message from the platform to many households, each over its own downlink.

        Each has its own latency and its own loss, and counts as sent on its own link.

        Parameters
        ----------
        kind, sequence, payload
            As for `send`.
        recipients : sequence of int
            Households, in the order in which they are served.
        first_sent_ms : int, optional
            Where this repeats an earlier broadcast, when that was sent; latency and lifetime count from
            there.

        Raises
        ------
        ValueError
            If there is no such household, or `kind` is ``ack``.
        """
        now = int(self._env.now)
        sent_ms = now if first_sent_ms is None else first_sent_ms
        downlinks = self._downlinks
        transit = self._transit
        due = transit.due
        # The body of `send`, written out: a call for each recipient would cost half as much again.
        for recipient in recipients:
            link = downlinks.get(recipient) or self._open("downlink", PLATFORM, recipient)
            tally = link.tallies.get(kind) or link.open_tally(kind)
            fates = link.fates
            if fates is None:
                self._send_over(link, tally, Message(PLATFORM, recipient, kind, sequence, sent_ms, payload))
                continue
            state = link.state
            turn = state.transmissions
            state.transmissions = turn + 1
            tally.sent += 1
            latency = fates[turn][link.column]
            if latency < 0:
                tally.lost_on_way += 1
                continue
            parcel = (Message(PLATFORM, recipient, kind, sequence, sent_ms, payload), tally, None)
            arrivals = due.get(now + latency)
            if arrivals is None:
                transit.begin(now + latency, parcel)
            else:
                arrivals.append(parcel)

    def in_bulk(self, direction: Direction, kind: MessageKind[P], households: Sequence[int]) -> BulkLinks:
        """The links of this direction of some households, for a sender that uses them all at once.

        Nobody else may send over them, and nobody is called when something arrives: the sender is told when
        that will be. They count in all accounts.
        """
        links = self._topology.bulk_links(direction, kind, households)
        self._bulk.append(links)
        return links

    def bulk_obstacles(self, households: Sequence[int]) -> list[str]:
        """Why `in_bulk` cannot carry what these households and the platform say to each other."""
        return self._topology.obstacles(households)

    def accounting(self) -> list[Account]:
        """What became of the messages so far, a row for each link and kind, sorted by both."""
        return list(self.account().rows())

    def account(self) -> AccountColumns:
        """The same as columns."""
        in_flight: dict[Tally, int] = {}
        for _, (_, tally, _) in self._transit.pending():
            in_flight[tally] = in_flight.get(tally, 0) + 1
        one_by_one = columns_of([tally.account(in_flight.get(tally, 0)) for tally in self.tallies()])
        now_ms = int(self._env.now)
        return in_order([one_by_one, *(links.account(now_ms) for links in self._bulk)])

    def latency_histogram(self) -> dict[tuple[Direction, str], list[tuple[int, int]]]:
        """Latencies of the delivered messages.

        Returns
        -------
        dict
            For each (direction, kind), sorted: pairs of latency (ms) and count, by latency. Exact below
            1024 ms; above, the middle of a bucket no wider than 0.2 % of the latency.
        """
        parts: dict[tuple[Direction, str], list[dict[int, int]]] = {}
        for link in self._links.values():
            for tally in link.tallies.values():
                parts.setdefault((link.direction, tally.kind), []).append(tally.delivered_by_latency)
        for links in self._bulk:
            parts.setdefault((links.direction, links.kind), []).append(links.histogram())
        return {
            key: [(middle_ms(bucket), count) for bucket, count in sorted(merge(parts[key]).items())]
            for key in sorted(parts)
        }

    def in_flight(self) -> Iterator[InFlight]:
        """Every message on its way, in the order of arrival."""
        for arrival_ms, (message, tally, _) in self._transit.pending():
            yield InFlight(arrival_ms, tally.link_name, message)

    def tallies(self) -> list[Tally]:
        """The counters of each link and kind, sorted by both."""
        tallies = [tally for link in self._links.values() for tally in link.tallies.values()]
        return sorted(tallies, key=lambda tally: (tally.link_name, tally.kind))

    def _open(self, direction: Direction, sender: int, recipient: int) -> Link:
        """The link, made where there is none yet: of N² peer links, few may ever be used."""
        key = (direction, sender, recipient)
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = self._topology.link(direction, sender, recipient)
            link.disturb(self._disturbances_on(direction, sender, recipient))
            if direction == "downlink":
                self._downlinks[recipient] = link
        return link

    def _send_over(self, link: Link, tally: Tally, message: Message[object]) -> None:
        if link.is_acknowledged:
            self._exchanges.begin(link, message)
        else:
            self._put_on_way(link, tally, message, None)

    def _transmit_again(self, exchange: Exchange) -> None:
        link, message = exchange.link, exchange.message
        self._put_on_way(link, link.tally(message.kind), message, exchange)

    def _put_on_way(
        self, link: Link, tally: Tally, message: Message[object], exchange: Exchange | None
    ) -> None:
        lifetime_ms = link.lifetime_ms
        for arrival_ms in link.transmit(tally, int(self._env.now)):
            is_too_old = lifetime_ms is not None and arrival_ms - message.sent_ms > lifetime_ms
            self._transit.add(arrival_ms, (message, tally, _TOO_OLD if is_too_old else exchange))

    def _deliver(self, parcels: list[_Parcel]) -> None:
        now = int(self._env.now)
        handlers, nobody = self._handlers, _NOBODY
        while parcels:
            message, tally, exchange = parcels.pop()
            if exchange is not None:
                self._receive(message, tally, exchange)
                continue
            latency = now - message.sent_ms
            if latency >= EXACT_BELOW_MS:
                latency = bucket_ms(latency)
            delivered = tally.delivered_by_latency
            delivered[latency] = delivered.get(latency, 0) + 1
            handler = handlers.get(message.kind, nobody).get(message.recipient)
            if handler is not None:
                handler(message)

    def _receive(self, message: Message[object], tally: Tally, exchange: Exchange | _Mark) -> None:
        """An arrival that is too old, an acknowledgement, or a message that wants one."""
        if exchange is _TOO_OLD:
            tally.expired += 1
            return
        assert isinstance(exchange, Exchange)
        tally.count_delivered(int(self._env.now) - message.sent_ms)
        if not self._is_up(message):
            return
        if message.kind == ACK:
            exchange.is_open = False
            return
        self._acknowledge(exchange)
        link = exchange.link
        if link.deduplicates and (
            exchange.is_received or not link.is_first_receipt(message.kind, message.sequence)
        ):
            tally.deduplicated += 1
            return
        exchange.is_received = True
        handler = self._handlers.get(message.kind, _NOBODY).get(message.recipient)
        if handler is not None:
            handler(message)

    def _acknowledge(self, exchange: Exchange) -> None:
        """Send an acknowledgement back; it is itself sent once, over a link with faults of its own."""
        message = exchange.message
        back = self._open(*self._topology.reverse(exchange.link))
        ack = Message(
            message.recipient, message.sender, ACK, message.sequence, int(self._env.now), message.kind
        )
        self._put_on_way(back, back.tally(ACK), ack, exchange)
