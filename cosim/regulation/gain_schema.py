"""Configuration of a platform's gain: a number, or a share of the largest stable one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from cosim.config.base import Model, NonNegative, Parts, Positive
from cosim.config.per_resource import one_or_list


def number_or_word(raw: Any) -> str:
    if isinstance(raw, bool):  # float(True) is 1
        return "word"
    try:
        float(raw)
    except (TypeError, ValueError):
        return "word"
    return "number"


class GainMargin(Model):
    """A gain given as a share of the largest stable one: 2 sin(π / (2(2d+1))) / G, with a Smith predictor
    more."""

    margin: Positive
    """Gain over the largest stable gain; below 1 is stable, 0.2 is calm [1]."""
    delay_steps: Annotated[
        Annotated[NonNegative, Tag("number")] | Annotated[Literal["estimated"], Tag("word")],
        Discriminator(number_or_word),
    ] = "estimated"
    """d, the steps between a signal and the first signal made from its effect; 0 means the very next one, 1
    is paper A's recursion. `estimated` from latencies and phases; the mitigation `measured_gain` measures it
    during the run, beginning with this [steps]."""


def _gain_kind(raw: Any) -> str:
    return "margin" if isinstance(raw, dict | GainMargin) else "number"


GainConfig = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[GainMargin, Tag("margin")], Discriminator(_gain_kind)
]
"""τ of paper A (19), (21), as a number or as a margin."""

GainPerResource = Annotated[
    Annotated[GainConfig, Tag("all_resources")]
    | Annotated[Parts[GainConfig], Field(min_length=1), Tag("each_resource")],
    Discriminator(one_or_list),
]
"""One gain for every resource, or a list with one for each."""
