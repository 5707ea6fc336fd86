"""Signals that are sent more than once."""

from __future__ import annotations

from typing import Annotated

from cosim.config.base import MAX_REPEATS, Integer, Range, WholeMilliseconds
from cosim.regulation.mitigation import MITIGATIONS, AgainstLostSignals


@MITIGATIONS.register("resending")
class Resending(AgainstLostSignals):
    """The platform sends each signal again within its step, for those whom it did not reach.

    A household uses the freshest signal it has, so a repeat that comes second changes nothing. With
    independent losses of probability p, a signal fails to arrive in its step with probability p^(1 + times).
    GOOSE messages (IEC 61850-8-1) are repeated in this way, with no acknowledgement.
    """

    times: Annotated[Integer, Range(1, MAX_REPEATS)] = 1
    """How often each signal is sent again."""
    interval_ms: WholeMilliseconds
    """Time between two transmissions; all must fit into one step [ms]."""

    def sent_again_ms(self) -> range:
        """Evenly, the first one interval after the tick."""
        return range(self.interval_ms, self.interval_ms * self.times + 1, self.interval_ms)
