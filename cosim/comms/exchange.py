"""Acknowledged delivery: what a sender waits for, and when it sends a message again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import simpy

from cosim.comms.link import Link
from cosim.comms.timetable import Timetable
from cosim.core.clock import Priority
from cosim.core.message import Message

TIMEOUT_PRIORITY = Priority.ARRIVAL + 1
"""Timeouts come after their instant's arrivals: an acknowledgement that arrives at the last moment counts."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One message that its sender wants acknowledged."""

    link: Link
    """The link that it travels on."""
    message: Message[object]
    """The message."""
    retries_left: int
    """How often it may still be repeated."""
    is_open: bool = True
    """The sender still waits: neither acknowledged nor given up."""
    is_received: bool = False
    """The receiver has had it."""


class Exchanges:
    """All messages that wait for their acknowledgement.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    transmit : callable
        Puts the message of an exchange on its link.

    Notes
    -----
    A message is sent once and repeated at most `retries` times, `timeout_ms` apart. It is not repeated once
    it is older than the link's `lifetime_ms`, since it would expire on arrival.
    """

    def __init__(self, env: simpy.Environment, transmit: Callable[[Exchange], None]) -> None:
        self._env = env
        self._transmit = transmit
        self.timeouts: Timetable[Exchange] = Timetable(env, TIMEOUT_PRIORITY, self._time_out)

    def begin(self, link: Link, message: Message[object]) -> None:
        """Send a message for the first time."""
        exchange = Exchange(link, message, link.config.retries)
        self._transmit(exchange)
        self._wait(exchange)

    def abandon(self, is_meant: Callable[[Message[object]], bool]) -> None:
        """Let the senders of these messages forget that they wait: nothing is repeated."""
        for _, exchange in self.timeouts.pending():
            if exchange.is_open and is_meant(exchange.message):
                exchange.is_open = False
                exchange.link.tally(exchange.message.kind).abandoned += 1

    def _wait(self, exchange: Exchange) -> None:
        self.timeouts.add(int(self._env.now) + exchange.link.config.timeout_ms, exchange)

    def _time_out(self, exchanges: list[Exchange]) -> None:
        while exchanges:
            exchange = exchanges.pop()
            if not exchange.is_open:
                continue
            tally = exchange.link.tally(exchange.message.kind)
            if exchange.retries_left == 0 or self._is_too_old(exchange):
                exchange.is_open = False
                tally.abandoned += 1
                continue
            exchange.retries_left -= 1
            tally.retransmitted += 1
            self._transmit(exchange)
            self._wait(exchange)

    def _is_too_old(self, exchange: Exchange) -> bool:
        lifetime_ms = exchange.link.lifetime_ms
        return lifetime_ms is not None and self._env.now - exchange.message.sent_ms > lifetime_ms
