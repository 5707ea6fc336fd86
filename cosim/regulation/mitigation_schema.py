"""Configuration of what a platform can do against delay, loss and false reports; off by default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from cosim.config.base import (
    MAX_REPEATS,
    Integer,
    Model,
    NonNegative,
    Parts,
    Positive,
    Range,
    WholeMilliseconds,
)
from cosim.config.per_resource import one_or_list


def _delay_kind(raw: Any) -> str:
    if isinstance(raw, bool):  # float(True) is 1
        return "word"
    try:
        float(raw)
    except (TypeError, ValueError):
        return "word"
    return "number"


DelayConfig = Annotated[
    Annotated[NonNegative, Tag("number")] | Annotated[Literal["estimated", "measured"], Tag("word")],
    Discriminator(_delay_kind),
]
"""A loop delay in steps: a number, `estimated` (from phases and mean latencies, before the run) or `measured`
(during the run, from the signals that the reports answer)."""


class SmithPredictor(Model):
    """Delay compensation (O. J. M. Smith, 1957): what the reports do not yet show of signals sent is added.

    The platform knows how the aggregate answers a signal (the slope G) and how late. It integrates measured +
    G (Ω(k) − Ω(answered)), which is what the reports would say if they answered the signal in force. Where
    the model is right the loop has the stability limit of one without delay. The aggregate itself remains as
    late as it was.
    """

    kind: Literal["smith"] = "smith"
    """Kind of compensation."""
    delay_steps: DelayConfig = "measured"
    """The delay in the model. With `measured` each report's own signal is taken, so that jitter and losses
    are in it; a number or `estimated` is one delay for all [steps]."""
    slope: (
        Annotated[
            Annotated[Positive, Tag("all_resources")]
            | Annotated[Parts[Positive], Field(min_length=1), Tag("each_resource")],
            Discriminator(one_or_list),
        ]
        | None
    ) = None
    """The slope in the model, one value or a list with one for each resource; by default the loop gain G from
    theory, as for the gain [units per signal]."""


class Resending(Model):
    """The platform sends each signal again within its step, for those whom it did not reach.

    A household uses the freshest signal it has, so a repeat that comes second changes nothing. With
    independent losses of probability p, a signal fails to arrive in its step with probability p^(1 + times).
    GOOSE messages (IEC 61850-8-1) are repeated in this way, with no acknowledgement.
    """

    times: Annotated[Integer, Range(1, MAX_REPEATS)] = 1
    """How often each signal is sent again."""
    interval_ms: WholeMilliseconds
    """Time between two transmissions; all must fit into one step [ms]."""
