"""One value for every resource of a community, or a list with one for each."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from cosim.config.base import Parts
from cosim.config.values import NonNegativeValue, ProbabilityValue


def one_or_list(raw: Any) -> str:
    return "each_resource" if isinstance(raw, list | tuple) else "all_resources"


NonNegativePerResource = Annotated[
    Annotated[NonNegativeValue, Tag("all_resources")]
    | Annotated[Parts[NonNegativeValue], Tag("each_resource")],
    Discriminator(one_or_list),
]
"""One value for every resource, or a list with one for each."""

SharePerResource = Annotated[
    Annotated[ProbabilityValue, Tag("all_resources")]
    | Annotated[Parts[ProbabilityValue], Tag("each_resource")],
    Discriminator(one_or_list),
]
"""A share in [0, 1], or a list with one for each resource."""
