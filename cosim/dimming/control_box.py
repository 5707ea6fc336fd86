"""The household's half of dimming: its control box takes orders, and notices when none come."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

import simpy

from cosim.core.clock import MS_PER_SECOND, Priority, wait_until
from cosim.core.message import Message
from cosim.dimming.grid_operator import FREE, Order
from cosim.dimming.schema import DimmingSilence

NONE, ORDER, SILENCE = "none", "order", "silence"
"""Why a limit is in force, or that there is none."""


class ControlBox:
    """The control box of one household.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    silence : DimmingSilence or None
        What it does when nothing is heard.
    obey : callable
        Told what holds from now on, and why, when that changes.

    Attributes
    ----------
    order : Order
        What is in force.
    cause : str
        Why it is.
    """

    def __init__(
        self,
        env: simpy.Environment,
        silence: DimmingSilence | None,
        obey: Callable[[Order, str], None],
    ) -> None:
        self._env = env
        self._silence = silence
        self._do = obey
        self._freshest = -1
        self._sent_ms = 0
        self.order = FREE
        self.cause = NONE
        self._heard: simpy.Event | None = None
        if silence is not None:
            env.process(self._listen(silence))

    def hear(self, message: Message[Order]) -> None:
        """Take an order that has arrived, unless a fresher one is known."""
        if message.sequence <= self._freshest:
            return
        self._freshest, self._sent_ms = message.sequence, message.sent_ms
        if self._is_silent():  # an order may arrive when it is too old already
            return
        self._obey(message.payload, ORDER)
        if self._heard is not None:
            self._heard.succeed()
            self._heard = None

    def _is_silent(self) -> bool:
        silence = self._silence
        return silence is not None and self._env.now - self._sent_ms >= silence.after_s * MS_PER_SECOND

    def _listen(self, silence: DimmingSilence) -> Generator[simpy.Event, None, None]:
        after_ms = math.ceil(silence.after_s * MS_PER_SECOND)
        limits = (silence.max_kw, silence.feed_in_kw)
        fallback = Order(*(math.inf if limit is None else limit for limit in limits))
        while True:
            yield wait_until(self._env, self._sent_ms + after_ms, Priority.DECISION)
            if self._is_silent():
                self._obey(fallback, SILENCE)
                self._heard = self._env.event()
                yield self._heard

    def _obey(self, order: Order, cause: str) -> None:
        cause = NONE if order == FREE else cause
        if (order, cause) != (self.order, self.cause):
            self.order, self.cause = order, cause
            self._do(order, cause)
