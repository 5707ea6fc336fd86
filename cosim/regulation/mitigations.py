"""What a platform does against delay, loss and false reports, as plain data; off by default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Predictor:
    """The model of a Smith predictor.

    Attributes
    ----------
    slopes : tuple of float
        Ĝ of each resource, units per signal.
    delay_steps : float or None
        d̂; None takes each report's own signal.
    """

    slopes: tuple[float, ...]
    delay_steps: float | None


@dataclass(frozen=True, slots=True)
class MeasuredMargin:
    """A gain that follows the measured delay.

    Attributes
    ----------
    margin : float
        Gain over the largest stable one.
    loop_gain : float
        G, units per signal.
    weight : float
        Of the newest observation in the delay's exponential filter.
    """

    margin: float
    loop_gain: float
    weight: float


@dataclass(frozen=True, slots=True)
class Remedies:
    """What a platform does against delay and false reports; nothing by default.

    Attributes
    ----------
    margins : tuple of MeasuredMargin or None
        For each resource whose gain follows the measured delay, how; empty where none does.
    predictor : Predictor or None
        Delay compensation.
    is_clipped : bool
        Whether reports count as what is possible.
    trimmed_share, trimming_weight : float
        Share of the households left out at either end, and the weight of a report in the running means that
        say which.
    """

    margins: tuple[MeasuredMargin | None, ...] = ()
    predictor: Predictor | None = None
    is_clipped: bool = False
    trimmed_share: float = 0.0
    trimming_weight: float = 0.0


NOTHING = Remedies()
"""No remedy."""
