"""One directed link: what becomes of a transmission, as arithmetic on the link's own state."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cosim.comms.disturbance import Disturbance, replay_delays_ms
from cosim.comms.disturbance import is_duplicated as is_duplicated_by_fault
from cosim.comms.disturbance import is_lost as is_lost_by_fault
from cosim.comms.schema import Direction, LinkConfig, OutageWindow
from cosim.comms.single_draws import AnyDraws
from cosim.comms.tally import Tally
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.core.message import ACK

US_PER_MS: Final = 1000

REMEMBERED_MESSAGES: Final = 256
"""How many (kind, sequence) a receiver remembers per link, to recognise what a sender sends anew."""


@dataclass(slots=True)
class LinkState:
    """All that a link remembers between transmissions."""

    transmissions: int = 0
    """How many there were: the row of the next one's random numbers."""
    loss: int = 0
    """State of the loss model."""
    transmitter_free_us: int = 0
    """When the transmitter has sent all that it accepted (µs)."""
    transmission_starts_us: deque[int] = field(default_factory=deque)
    """Starts of the transmissions still waiting when last looked at, in order (µs)."""
    last_arrival_ms: int = 0
    """Latest arrival so far (ms), for links that keep the order."""
    received: dict[tuple[str, int], None] = field(default_factory=dict)
    """The (kind, sequence) received last, oldest first, at most `REMEMBERED_MESSAGES`."""


class Link:
    """A directed link.

    Parameters
    ----------
    name : str
        Name in the accounts.
    direction : {"downlink", "uplink", "peer", "meter", "platform"}
        Direction.
    ends : tuple of int
        Addresses of the sender and the recipient.
    config : LinkConfig
        What the link does.
    outages : iterable of OutageWindow
        When it is cut.
    draws : Draws or SingleDraws
        Its random numbers.
    column : int
        Its column in `draws`.

    Attributes
    ----------
    fates : Rows of int or None
        Where a transmission's fate is one looked-up number (independent losses, no duplication, free order,
        no bandwidth, no outages, no lifetime, at most once): those numbers. They say what `transmit` says.

    Notes
    -----
    Outage, loss and duplication are decided when a message is handed over; what is left, copies too, queues
    for the transmitter first in first out and is sent at the bandwidth; then it travels for its latency. So
    the queue is M/D/1 for Poisson arrivals, a lost message takes no transmission time, and one that is
    waiting or travelling when an outage begins still arrives. The order is enforced at the far end.
    """

    __slots__ = (
        "_disturbances",
        "_draws",
        "_duplication_probability",
        "_in_order",
        "_loss_model",
        "_loss_probability",
        "_outage_ends_ms",
        "_outage_starts_ms",
        "_plain_fates",
        "_queue_messages",
        "_transmission_us",
        "column",
        "config",
        "deduplicates",
        "direction",
        "fates",
        "is_acknowledged",
        "lifetime_ms",
        "name",
        "recipient",
        "sender",
        "state",
        "tallies",
    )

    def __init__(
        self,
        name: str,
        direction: Direction,
        ends: tuple[int, int],
        config: LinkConfig,
        outages: Iterable[OutageWindow],
        draws: AnyDraws,
        column: int,
    ) -> None:
        self.name = name
        self.direction = direction
        self.sender, self.recipient = ends
        self.config = config
        self.column = column
        self.state = LinkState()
        self.tallies: dict[str, Tally] = {}
        self.lifetime_ms = config.lifetime_ms
        self.is_acknowledged = config.delivery != "at_most_once"
        self.deduplicates = config.delivery == "exactly_once"
        self._draws = draws
        self._duplication_probability = config.duplication_probability
        self._in_order = config.ordering == "in_order"
        self._queue_messages = config.queue_messages
        self._transmission_us = transmission_us(config)
        self._outage_starts_ms, self._outage_ends_ms = merged_windows_ms(outages)
        self._loss_model = None if config.loss.is_independent() else config.loss
        self._loss_probability = config.loss.rate()
        if self._loss_model is not None:
            self.state.loss = self._loss_model.first_state(draws.initial_state(column))
        is_plain = not (
            self._loss_model is not None
            or self._outage_starts_ms
            or config.duplication_probability > 0
            or self._in_order
            or self._transmission_us
            or self.is_acknowledged
            or self.lifetime_ms is not None
        )
        self._plain_fates = draws.fates if is_plain else None
        self._disturbances: tuple[Disturbance, ...] = ()
        self.fates = self._plain_fates

    def disturb(self, disturbances: tuple[Disturbance, ...]) -> None:
        """Let these faults, and no others, act on what is sent from now on."""
        self._disturbances = disturbances
        self.fates = None if disturbances else self._plain_fates

    def open_tally(self, kind: str) -> Tally:
        """The counters of a kind that this link has not carried yet.

        Raises
        ------
        ValueError
            If `kind` is the network's own kind of acknowledgements.
        """
        if kind == ACK:
            raise ValueError(f"the kind '{ACK}' belongs to the network's own acknowledgements")
        return self.tally(kind)

    def tally(self, kind: str) -> Tally:
        """The counters of `kind`, made where there are none."""
        tally = self.tallies.get(kind)
        if tally is None:
            tally = self.tallies[kind] = Tally(self.name, kind)
        return tally

    def transmit(self, tally: Tally, now_ms: int) -> tuple[int, ...]:
        """One transmission: when its copies arrive.

        Parameters
        ----------
        tally : Tally
            Counters of the message's kind on this link; what happens is counted there.
        now_ms : int
            Time of sending (ms).

        Returns
        -------
        tuple of int
            Arrival of each copy (ms): none, one, two, or more where faults replay it; the original first.
        """
        state = self.state
        turn = state.transmissions
        state.transmissions = turn + 1
        tally.sent += 1
        # The chain moves on in an outage too, so that an outage changes no later transmission's fate.
        is_lost = self._is_lost(turn)
        if self._outage_starts_ms and self._is_cut(now_ms):
            tally.lost_in_outage += 1
            return ()
        column, faults = self.column, self._disturbances
        if is_lost or (faults and is_lost_by_fault(faults, self._draws, turn, column)):
            tally.lost_on_way += 1
            return ()
        arrival_ms = self._arrival_ms(now_ms, self._draws.latency[turn][column])
        if self._is_duplicated(turn):
            tally.duplicated += 1
            copy_ms = self._arrival_ms(now_ms, self._draws.duplicate_latency[turn][column])
            arrivals = tuple(each for each in (arrival_ms, copy_ms) if each is not None)
            tally.lost_at_queue += 2 - len(arrivals)
        elif arrival_ms is None:
            tally.lost_at_queue += 1
            arrivals = ()
        else:
            arrivals = (arrival_ms,)
        if faults and arrivals:
            again = [arrivals[0] + delay for delay in replay_delays_ms(faults, self._draws, turn, column)]
            tally.duplicated += len(again)
            return (*arrivals, *again)
        return arrivals

    def is_first_receipt(self, kind: str, sequence: int) -> bool:
        """Whether the receiver sees this (kind, sequence) for the first time, as far as it remembers."""
        received = self.state.received
        key = (kind, sequence)
        if key in received:
            return False
        if len(received) >= REMEMBERED_MESSAGES:
            del received[next(iter(received))]
        received[key] = None
        return True

    def _is_lost(self, turn: int) -> bool:
        if self._loss_model is not None:
            is_lost, self.state.loss = self._loss_model.step(
                self.state.loss,
                self._draws.loss[turn][self.column],
                self._draws.loss_state[turn][self.column],
            )
            return is_lost
        probability = self._loss_probability
        return probability > 0 and self._draws.loss[turn][self.column] < probability

    def _is_duplicated(self, turn: int) -> bool:
        probability = self._duplication_probability
        if probability and self._draws.duplication[turn][self.column] < probability:
            return True
        faults = self._disturbances
        return bool(faults) and is_duplicated_by_fault(faults, self._draws, turn, self.column)

    def _is_cut(self, now_ms: int) -> bool:
        window = bisect_right(self._outage_starts_ms, now_ms) - 1
        return window >= 0 and now_ms < self._outage_ends_ms[window]

    def _arrival_ms(self, now_ms: int, latency_ms: int) -> int | None:
        """Arrival of one copy (ms), or None where it finds the queue full."""
        if self._transmission_us:
            sent_us = self._transmitted_us(now_ms * US_PER_MS)
            if sent_us is None:
                return None
            arrival_ms = -(-sent_us // US_PER_MS) + latency_ms
        else:
            arrival_ms = now_ms + latency_ms
        if self._in_order:
            arrival_ms = max(arrival_ms, self.state.last_arrival_ms)
            self.state.last_arrival_ms = arrival_ms
        return arrival_ms

    def _transmitted_us(self, now_us: int) -> int | None:
        """When the transmitter has sent a copy handed to it now (µs), or None where the queue is full."""
        state = self.state
        starts_us = state.transmission_starts_us
        while starts_us and starts_us[0] <= now_us:
            starts_us.popleft()
        start_us = max(now_us, state.transmitter_free_us)
        if start_us > now_us:
            if len(starts_us) >= self._queue_messages:
                return None
            starts_us.append(start_us)
        state.transmitter_free_us = start_us + self._transmission_us
        return state.transmitter_free_us


def transmission_us(config: LinkConfig) -> int:
    """How long the transmitter takes for one message (whole µs, at least 1); 0 without a bandwidth limit."""
    if config.bandwidth_kbit_per_s is None:
        return 0
    # A bit over a kbit/s is a millisecond.
    return max(1, round(config.message_bytes * 8 * US_PER_MS / config.bandwidth_kbit_per_s))


def merged_windows_ms(outages: Iterable[OutageWindow]) -> tuple[list[int], list[int]]:
    """Starts and ends of the windows (ms), sorted and without overlaps; a window is [start, end)."""
    starts_ms: list[int] = []
    ends_ms: list[int] = []
    for window in sorted(outages, key=lambda each: each.start_h):
        start_ms = to_ms(window.start_h, MS_PER_HOUR)
        end_ms = to_ms(window.start_h + window.duration_h, MS_PER_HOUR)
        if ends_ms and start_ms <= ends_ms[-1]:
            ends_ms[-1] = max(ends_ms[-1], end_ms)
        else:
            starts_ms.append(start_ms)
            ends_ms.append(end_ms)
    return starts_ms, ends_ms
