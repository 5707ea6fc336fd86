"""What a platform makes of an aggregate: the next signal, by a law that a scenario chooses."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from cosim.config.base import Model
from cosim.core.registry import Registry


def update(signal: float, gain: float, measured: float, capacity: float) -> float:
    """Integral control, paper A (19), (21): Ω(k+1) = Ω(k) − τ (Σ x(k) − C).

    Parameters
    ----------
    signal : float
        Ω(k).
    gain : float
        τ.
    measured : float
        Σ x(k) as far as the platform knows; NaN where it knows nothing, and then the signal stays.
    capacity : float
        C.
    """
    if math.isnan(measured):
        return signal
    return signal - gain * (measured - capacity)


def limited(signal: float, low: float, high: float) -> float:
    """The signal, or the limit that it is beyond."""
    above = low if low > signal else signal
    return high if high < above else above


class ControlLaw(Model):
    """A law for the signal of a resource.

    Attributes
    ----------
    is_event : bool
        Whether its signal is one bit: 1 for a capacity that is exceeded.
    """

    kind: str = ""
    is_event: ClassVar[bool] = False

    @abstractmethod
    def next_signal(self, signal: float, gain: float, measured: float, capacity: float) -> float:
        """Ω(k+1); parameters as of `update`."""


CONTROL_LAWS: Registry[ControlLaw] = Registry("control law", ControlLaw)  # type: ignore[type-abstract]
"""Control laws by name."""


@CONTROL_LAWS.register("integral")
class IntegralControl(ControlLaw):
    """Integral control, paper A (19), (21)."""

    def next_signal(self, signal: float, gain: float, measured: float, capacity: float) -> float:
        """See `update`."""
        return update(signal, gain, measured, capacity)


@CONTROL_LAWS.register("capacity_event")
class CapacityEvent(ControlLaw):
    """One bit: 1 when more than the capacity is taken, else 0 (Corless et al., 2016). Of no gain."""

    is_event: ClassVar[bool] = True

    def next_signal(self, signal: float, gain: float, measured: float, capacity: float) -> float:
        """1 or 0; what it was where nothing is known."""
        return signal if math.isnan(measured) else float(measured > capacity)


INTEGRAL = IntegralControl()
"""Paper A's."""
