"""Configuration of what a platform can do against delay, loss and false reports; off by default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from cosim.config.base import (
    MAX_REPEATS,
    Integer,
    Model,
    NonNegative,
    Number,
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
(while the run goes on, from the signals that the reports answer)."""


class SmithPredictor(Model):
    """Delay compensation (O. J. M. Smith, 1957): what the reports do not yet show of signals sent is added.

    The platform knows how the aggregate answers a signal (the slope G) and how late. It integrates measured +
    G (Ω(k) − Ω(answered)), which is what the reports would say if they answered the signal in force. Where
    the model is right the loop has the stability limit of one without delay. The aggregate itself remains as
    late as it was.
    """

    kind: Literal["smith"] = "smith"
    """Which compensation this is."""
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


class PlainSum(Model):
    """Every report counts as it stands."""

    kind: Literal["sum"] = "sum"
    """Which aggregate this is."""


class ClippedSum(Model):
    """Every report counts as what is physically possible, 0 to 1 unit.

    So a household that lies moves the aggregate by no more than its own share of one unit, whatever it says.
    """

    kind: Literal["clipped"] = "clipped"
    """Which aggregate this is."""


class TrimmedSum(Model):
    """The households whose reports are highest and lowest in the long run are left out (Yin et al., 2018).

    Reports are clipped as by `clipped`. Of each resource the same share of households is left out at either
    end, by the running means of their reports, and the others' reports stand for all. What it costs: honest
    households at the ends are left out too, so the aggregate is biased where their spread is not symmetric.
    """

    kind: Literal["trimmed"] = "trimmed"
    """Which aggregate this is."""
    trimmed_share: Annotated[Number, Range(0, 0.5, above_low=True, below_high=True)] = 0.1
    """Share of the households that is left out at either end; as many liars can be borne [1]."""
    time_constant_steps: Positive = 50.0
    """Memory of the running means [steps]."""


AggregateConfig = Annotated[PlainSum | ClippedSum | TrimmedSum, Field(discriminator="kind")]
"""How the reports become one aggregate, by `kind`."""


class Resending(Model):
    """The platform sends each signal again within its step, for those whom it did not reach.

    A household uses the freshest signal it has, so a repeat that comes second changes nothing. With
    independent losses of probability p, a signal fails to arrive in its step with probability p^(1 + times).
    GOOSE messages (IEC 61850-8-1) are repeated in this way, with no acknowledgement.
    """

    times: Annotated[Integer, Range(1, MAX_REPEATS)] = 1
    """How often each signal is sent again."""
    interval_ms: WholeMilliseconds
    """Time between two sendings; all must fit into one step [ms]."""
