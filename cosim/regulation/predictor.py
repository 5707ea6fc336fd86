"""Delay compensation by a Smith predictor (O. J. M. Smith, "Closer control of loops with dead time", 1957).

Smith's controller acts on what it measures plus what a model says is still to come: the model's answer
without delay, less its answer with it. Here the plant is static and late, and the integrator is the
platform's own::

    x(k) = G Ω(k−d) + w(k)
    Ω(k+1) = Ω(k) − τ (x(k) + Ĝ (Ω(k) − Ω(k−d̂)) − C)

With Ĝ = G and d̂ = d the answer is G Ω(k) + w(k), so the loop is stable up to τG = 2, as with d = 0, whatever
d. At rest the correction is 0, so a wrong model leaves no lasting error.

The response σ = x̄ + κ(Ω − ∇g) is static in Ω only as far as the averages stand still. What they add is slow,
and the correction is a difference over d steps, so it sees little of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from cosim.regulation.measured_delay import HORIZON_STEPS

Signals: TypeAlias = Sequence[float]

SentSignals: TypeAlias = "deque[tuple[int, Signals]]"
"""Numbers and values of the newest signals, in order."""


def sent_signals() -> SentSignals:
    """No signal yet; it will hold the newest `HORIZON_STEPS` and one more."""
    return deque(maxlen=HORIZON_STEPS + 1)


def signal_at(sent: SentSignals, number: int) -> Signals:
    """The signal in force at a number: the newest one up to it, or the oldest that is known."""
    for known, signals in reversed(sent):
        if known <= number:
            return signals
    return sent[0][1]


def weights_of_delay(step: int, delay_steps: float) -> dict[int, float]:
    """Which signals a delay of so many steps looks back to, and with what weight.

    A delay between two whole ones is the mixture of both that has it as its mean. Nothing is older than Ω(0).
    """
    whole = math.floor(delay_steps)
    part = delay_steps - whole
    weights = {max(0, step - whole): 1.0 - part}
    if part:
        older = max(0, step - whole - 1)
        weights[older] = weights.get(older, 0.0) + part
    return weights


def weights_of_reports(step: int, answered: Iterable[int], n_households: int) -> dict[int, float]:
    """Which signals the reports answer, and with what weight: each report an N-th.

    A report whose answer is older than `HORIZON_STEPS` has no weight: no answer of its household is to come.
    """
    counts: dict[int, int] = {}
    for signal in answered:
        if step - signal <= HORIZON_STEPS:
            counts[signal] = counts.get(signal, 0) + 1
    return {signal: count / n_households for signal, count in sorted(counts.items())}


def still_to_come(
    now: Signals, sent: SentSignals, weights: Mapping[int, float], slopes: Sequence[float]
) -> tuple[float, ...]:
    """What the model says the reports will change by, once they answer the signal in force.

    Parameters
    ----------
    now : sequence of float
        Ω(k) of each resource.
    sent : SentSignals
        The signals so far, this one among them.
    weights : mapping of int to float
        Number of each signal that is answered now, and the share of the households that do.
    slopes : sequence of float
        Ĝ of each resource, units per signal.

    Returns
    -------
    tuple of float
        Ĝ Σ w_s (Ω(k) − Ω(s)) of each resource, units.
    """
    answered = [(weight, signal_at(sent, number)) for number, weight in weights.items()]
    return tuple(
        slope * sum(weight * (current - signals[resource]) for weight, signals in answered)
        for resource, (slope, current) in enumerate(zip(slopes, now, strict=True))
    )
