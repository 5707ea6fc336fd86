"""Messages of trading on their way to the network, counted, and wake-ups for what is due later."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import simpy

from cosim.comms.network import Network
from cosim.comms.schema import Direction
from cosim.comms.timetable import Timetable
from cosim.core.clock import Priority
from cosim.core.message import PLATFORM, MessageKind, P


class Traffic(NamedTuple):
    """Messages handed to the network."""

    kind: str
    """Kind of the messages."""
    messages: int
    """How many; what links repeat or copy by themselves is not counted here."""
    sent_bytes: int
    """Their size as packed binary."""


class Post:
    """Hands messages to the network, over the links that join sender and recipient.

    Parameters
    ----------
    network : Network
        Carries them.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._messages: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    def send(
        self, sender: int, recipient: int, kind: MessageKind[P], size: int, sequence: int, payload: P
    ) -> None:
        """Send one message of so many bytes; see `Network.send`."""
        self._messages[kind] = self._messages.get(kind, 0) + 1
        self._bytes[kind] = self._bytes.get(kind, 0) + size
        self._network.send(_direction(sender, recipient), sender, recipient, kind, sequence, payload)

    def traffic(self) -> list[Traffic]:
        """Messages and bytes so far, by kind."""
        return [Traffic(kind, self._messages[kind], self._bytes[kind]) for kind in sorted(self._messages)]


def _direction(sender: int, recipient: int) -> Direction:
    if sender == PLATFORM:
        return "downlink"
    return "uplink" if recipient == PLATFORM else "peer"


class Alarms:
    """Wakes households, and whoever has a number, when something of their own is due; one alarm at a time.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    next_due_ms : callable
        When something of a number is due; None for never.
    act : callable
        Called with the number then.
    """

    def __init__(
        self, env: simpy.Environment, next_due_ms: Callable[[int], int | None], act: Callable[[int], None]
    ) -> None:
        self._env = env
        self._next_due_ms = next_due_ms
        self._act = act
        self._wakes: Timetable[int] = Timetable(env, Priority.DECISION, self._wake)
        self._wake_ms: dict[int, int] = {}

    def arm(self, number: int) -> None:
        """Have it woken when something of its own is due."""
        due_ms, wake_ms = self._next_due_ms(number), self._wake_ms.get(number)
        if due_ms is not None and (wake_ms is None or due_ms < wake_ms):
            due_ms = max(due_ms, int(self._env.now))
            self._wake_ms[number] = due_ms
            self._wakes.add(due_ms, number)

    def _wake(self, numbers: list[int]) -> None:
        now_ms = int(self._env.now)
        while numbers:
            number = numbers.pop()
            if self._wake_ms.get(number) == now_ms:
                del self._wake_ms[number]
            self._act(number)
            self.arm(number)
