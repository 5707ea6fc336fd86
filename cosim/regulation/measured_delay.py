"""What a platform learns about its own loop's delay from the signals that the reports answer.

A report says which signal it answers. At tick k, which sees it, that signal is k − s steps old: the d of the
stability limit, for this household and this tick. A signal or a report that was lost makes it larger by
itself, since the household then answers an older signal, or an older report stands for it. TCP measures its
round trip in the same way, from time stamps that the receiver sends back (RFC 7323), and filters them
exponentially (Jacobson, "Congestion avoidance and control", 1988).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

HORIZON_STEPS = 64
"""An answer older than this is taken as one that comes no more: its household is not in the loop."""


def observed_delay(step: int, answered: Iterable[int]) -> float:
    """Mean d of the reports that a tick works with.

    Parameters
    ----------
    step : int
        k, the tick's number.
    answered : iterable of int
        Number of the signal that each report answers.

    Returns
    -------
    float
        Steps; NaN where no report tells anything. Ω(0) tells nothing: it was never sent, everyone knows it.
    """
    delays = [step - signal for signal in answered if signal > 0 and step - signal <= HORIZON_STEPS]
    return sum(delays) / len(delays) if delays else math.nan


def followed(estimate: float, observed: float, weight: float) -> float:
    """The next estimate of the delay: `weight` of the way to what was observed; the same where that is
    NaN."""
    return estimate if math.isnan(observed) else estimate + weight * (observed - estimate)
