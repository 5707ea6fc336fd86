"""The model every configuration class is made of, and the ranges of every number that one can hold.

A range is generous: what lies outside of it is a slip of the pen. It is there so that time stays whole
milliseconds below 2**53, where floats and integers agree, so that no product of two inputs overflows, and so
that neither memory nor time grows with the size of a number alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cosim.config.key_descriptions import description_of
from cosim.core.text import visible

SMALLEST = 1e-12
"""A number nearer to 0 than this is refused: dividing by it leaves what a float can hold."""
LARGEST = 1e9
"""Bound of plain numbers, such as weights and factors; its fourth power is still a float."""
MAX_HOURS = 1_000_000
"""A century, h: longest time that anything in a scenario takes."""
MAX_SECONDS = 3_600 * MAX_HOURS
MAX_MS = 1_000 * MAX_SECONDS
"""The same in milliseconds; two thousand of them add up to whole numbers that a float still holds."""
MAX_KW = 1_000_000
"""A gigawatt, kW: more than any feeder carries."""
MAX_KWH = 1_000_000
"""A gigawatt hour, kWh, for the same reason."""
MAX_PRICE = 1_000_000
"""Largest price, EUR/kWh; leaves room for every currency that somebody writes instead."""
MAX_STEPS = 100_000_000
"""Longest run, in market steps; a longer one is more likely a slip of the pen."""
MAX_HOUSEHOLDS = 1_000_000
"""Largest population; a check of one takes about a minute."""
MAX_REPEATS = 1_000
"""Most times that a message or a request is repeated."""
MAX_SEED = 2**63 - 1
"""Largest seed: what the random streams take."""
MAX_TEXT = 1_000
"""Longest text, in characters: a title, a path, the name of a column."""
MAX_FILE_NAME_BYTES = 255
"""Longest name that common file systems take."""
MAX_ITEMS = 10_000
"""Longest list of things that are written one by one."""
MAX_NUMBERS = 1_000_000
"""Longest list of numbers or names; one for each household is shorter."""
MAX_RESOURCES = 100
"""Most resources of a community: each has a column in the arrays of a step."""
MAX_APPLIANCES = 100
"""Most appliances of a household: what is scheduled together."""
MAX_FAULTS = 200
"""Most faults, each of which is compared with the others."""
MAX_PARTS = 1_000
"""Most groups, communities and the like."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, for `Annotated`; also of all that a distribution can draw.

    Parameters
    ----------
    low, high : float
        The ends, in the unit of the key.
    above_low, below_high : bool
        Whether the end itself is refused.
    """

    low: float
    high: float
    above_low: bool = False
    below_high: bool = False

    def __str__(self) -> str:
        """As in a sentence: ``above 0 and at most 24``."""
        if self.below_high:
            return (
                f"{'above' if self.above_low else 'at least'} {plain(self.low)} and below {plain(self.high)}"
            )
        if self.above_low:
            return f"above {plain(self.low)} and at most {plain(self.high)}"
        return f"from {plain(self.low)} to {plain(self.high)}"

    def check(self, value: Any) -> Any:
        """`value`, if it and all that it can draw lie in the range."""
        least, most = value.ends() if isinstance(value, BaseModel) else (value, value)  # type: ignore[attr-defined]
        if least < self.low or (self.above_low and least <= self.low):
            bound = f"{'more than' if self.above_low else 'at least'} {plain(self.low)}"
        elif most > self.high or (self.below_high and most >= self.high):
            bound = f"{'less than' if self.below_high else 'at most'} {plain(self.high)}"
        else:
            return value
        drawn = "" if least == most else f"{least:g} to {most:g}"
        context = {"bound": bound, "range": str(self), "drawn": drawn}
        raise PydanticCustomError("out_of_range", "must be {bound}", context)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        for option in made.get("oneOf") or made.get("anyOf") or [made]:
            if option.get("type") in ("number", "integer"):
                option["exclusiveMinimum" if self.above_low else "minimum"] = self.low
                option["exclusiveMaximum" if self.below_high else "maximum"] = self.high
                for end in ("minimum", "maximum"):
                    if f"exclusive{end.capitalize()}" in option:
                        option.pop(end, None)
        return made


def plain(number: float) -> str:
    """A bound as one reads it: ``1,000,000``, ``0.001``."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.12g}"


def _away_from_zero(number: float) -> float:
    if 0 < abs(number) < SMALLEST:
        raise ValueError(f"nearer to 0 than {SMALLEST:g}; write a number of ordinary size")
    return number


# Strict: a text in quotes or a truth value is no number, though Python could make one of it.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), AfterValidator(_away_from_zero)]
Integer = Annotated[int, Field(strict=True)]

Probability = Annotated[Number, Range(0, 1)]
Fraction = Annotated[Number, Range(0, 1, above_low=True)]
OpenFraction = Annotated[Number, Range(0, 1, above_low=True, below_high=True)]
FractionBelowOne = Annotated[Number, Range(0, 1, below_high=True)]
Positive = Annotated[Number, Range(0, LARGEST, above_low=True)]
NonNegative = Annotated[Number, Range(0, LARGEST)]
Finite = Annotated[Number, Range(-LARGEST, LARGEST)]
Count = Annotated[Integer, Range(0, 1_000_000)]
PositiveCount = Annotated[Integer, Range(1, 1_000_000)]
Repeats = Annotated[Integer, Range(0, MAX_REPEATS)]
Seed = Annotated[Integer, Range(0, MAX_SEED)]

BusNumber = Annotated[Integer, Range(0, MAX_SEED)]

Hours = Annotated[Number, Range(0, MAX_HOURS)]
PositiveHours = Annotated[Number, Range(0, MAX_HOURS, above_low=True)]
Seconds = Annotated[Number, Range(0, MAX_SECONDS)]
PositiveSeconds = Annotated[Number, Range(0, MAX_SECONDS, above_low=True)]
Milliseconds = Annotated[Number, Range(0, MAX_MS)]
PositiveMilliseconds = Annotated[Number, Range(0, MAX_MS, above_low=True)]
SignedMilliseconds = Annotated[Number, Range(-MAX_MS, MAX_MS)]
WholeMilliseconds = Annotated[Integer, Range(1, MAX_MS)]
DriftPpm = Annotated[Number, Range(-1_000_000, 1_000_000)]
Kilowatts = Annotated[Number, Range(0, MAX_KW)]
PositiveKilowatts = Annotated[Number, Range(0, MAX_KW, above_low=True)]
KilowattHours = Annotated[Number, Range(0, MAX_KWH)]
Price = Annotated[Number, Range(-MAX_PRICE, MAX_PRICE)]
NonNegativePrice = Annotated[Number, Range(0, MAX_PRICE)]
VoltagePu = Annotated[Number, Range(0, 10, above_low=True)]
LoadingPercent = Annotated[Number, Range(0, 1_000_000, above_low=True)]

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def _no_device(value: str) -> str:
    if value.split(".")[0].rstrip().casefold() in _DEVICES:
        raise ValueError("Windows reserves this name for a device; choose another one")
    return value


_T = TypeVar("_T")
Parts = Annotated[tuple[_T, ...], Field(max_length=MAX_PARTS)]
Items = Annotated[tuple[_T, ...], Field(max_length=MAX_ITEMS)]
Numbers = Annotated[tuple[_T, ...], Field(max_length=MAX_NUMBERS)]

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$", max_length=64), AfterValidator(_no_device)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
FilledText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


def _stay_inside(value: str) -> str:
    path = PurePosixPath(value.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in value or "\0" in value:
        raise ValueError(
            "the path points outside the folder of the file that names it; name a file inside it, by a "
            "relative path"
        )
    if any(len(part.encode("utf-8", "surrogatepass")) > MAX_FILE_NAME_BYTES for part in path.parts):
        raise ValueError(
            f"file systems do not accept a name of more than {MAX_FILE_NAME_BYTES} bytes; shorten it"
        )
    return value


WRITTEN_BY_A_RUN = ("run.json", "scenario.yaml", "summary.json", "report.html", "tables", "figures")
"""What a run's directory has itself: no input can be kept under such a name."""


def _leave_reserved(value: str) -> str:
    parts = [part.casefold() for part in PurePosixPath(value.replace("\\", "/")).parts]
    if parts and parts[0].removesuffix(".partial") in WRITTEN_BY_A_RUN:
        raise ValueError(
            "a run copies its inputs into its directory, and writes a file of this name there itself; "
            "give the file another name"
        )
    for part in parts:
        _no_device(part)
    if visible(value, one_line=True) != value:
        raise ValueError("a file name with invisible characters; give the file a plain name")
    return value


LocalPath = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT),
    AfterValidator(_stay_inside),
    AfterValidator(_leave_reserved),
]
"""A file inside the scenario's folder, as a relative path."""


def _stay_inside_or_absolute(value: str) -> str:
    return value if PurePosixPath(value).is_absolute() and "\0" not in value else _stay_inside(value)


NetworkPath = Annotated[FilledText, AfterValidator(_stay_inside_or_absolute)]
"""The same, or an absolute path; who loads a scenario refuses one that was not given on the command line."""


class Model(BaseModel):
    """Frozen; unknown keys are refused; attribute docstrings become the JSON schema's descriptions.

    What pydantic needs to validate it is built when it is first used.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, validate_default=True, strict=False
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        for key, value in handler.resolve_ref_schema(made).get("properties", {}).items():
            if "description" not in value and (described := description_of(cls, key)):
                value["description"] = described
        return made
