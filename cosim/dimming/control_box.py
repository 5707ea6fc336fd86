"""The household's half of dimming: its control box takes orders, and notices when none come."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

import simpy

from cosim.core.clock import MS_PER_SECOND, Priority, wait_until
from cosim.core.message import Message
from cosim.dimming.schema import DimmingSilence
from cosim.households.household import Household

NONE, ORDER, SILENCE = "none", "order", "silence"
"""Why a limit is in force, or that there is none."""


class ControlBox:
    """The control box of one household.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    household : Household
        Whose devices it limits.
    silence : DimmingSilence or None
        What it does when nothing is heard.
    changed : callable
        Told (household, limit in kW, why) when its limit changes.

    Attributes
    ----------
    most_kw : float
        The limit in force; infinity for none.
    cause : str
        Why it is.
    """

    def __init__(
        self,
        env: simpy.Environment,
        household: Household,
        silence: DimmingSilence | None,
        changed: Callable[[int, float, str], None],
    ) -> None:
        self._env = env
        self._household = household
        self._silence = silence
        self._changed = changed
        self._freshest = -1
        self._sent_ms = 0
        self.most_kw = math.inf
        self.cause = NONE
        self._heard: simpy.Event | None = None
        if silence is not None:
            env.process(self._listen(silence))

    def hear(self, message: Message[float]) -> None:
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
        while True:
            yield wait_until(self._env, self._sent_ms + after_ms, Priority.DECISION)
            if self._is_silent():
                self._obey(math.inf if silence.most_kw is None else silence.most_kw, SILENCE)
                self._heard = self._env.event()
                yield self._heard

    def _obey(self, most_kw: float, cause: str) -> None:
        cause = NONE if most_kw == math.inf else cause
        if (most_kw, cause) != (self.most_kw, self.cause):
            self.most_kw, self.cause = most_kw, cause
            self._household.limit(most_kw, int(self._env.now))
            self._changed(self._household.index, most_kw, cause)
