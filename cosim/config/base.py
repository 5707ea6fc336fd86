"""The model every configuration class is made of: frozen, no unknown keys, every attribute described."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Strict: a text in quotes or a truth value is no number, though Python could make one of it.
Number = Annotated[float, Field(strict=True)]
Integer = Annotated[int, Field(strict=True)]
Probability = Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)]
Fraction = Annotated[Number, Field(gt=0, le=1, allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[Number, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[Number, Field(allow_inf_nan=False)]
Count = Annotated[Integer, Field(ge=0)]
PositiveCount = Annotated[Integer, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$", max_length=64)]


def _stay_inside(value: str) -> str:
    path = PurePosixPath(value.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in value or "\0" in value:
        raise ValueError(
            "the path leaves the folder of the file that names it; name a file inside it, by a relative path"
        )
    return value


LocalPath = Annotated[str, Field(min_length=1), AfterValidator(_stay_inside)]
"""A file inside the scenario's folder, as a relative path."""


class Model(BaseModel):
    """Frozen; unknown keys are refused; attribute docstrings become the schema's descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, strict=False
    )
