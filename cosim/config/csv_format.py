"""How a CSV file is written, where its reader is not to find that out by itself."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, model_validator

from cosim.config.base import Count, FilledText, Model, Text

_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):?([0-5]\d)")


def _separator(value: str) -> str:
    value = "\t" if value == "tab" else value
    if value not in (",", ";", "\t", "|"):
        raise ValueError("not a separator of cells; write ',', ';', '|' or 'tab'")
    return value


def _known_zone(value: str) -> str:
    if not _OFFSET.fullmatch(value):
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):  # no such key, a folder, a path that leads outside
            raise ValueError(
                "no such time zone; name one of the IANA database, such as Europe/Berlin or UTC, "
                "or an offset, such as +01:00"
            ) from None
    return value


def _known_format(value: str) -> str:
    missing = [sign for sign in ("d", "m", "y") if f"%{sign}" not in value.lower().replace("%b", "%m")]
    if "%z" in value.lower():
        raise ValueError("an offset from UTC at the end of a stamp is detected automatically; leave out %z")
    if missing:
        raise ValueError("not a format of time stamps; give day, month and year, as in '%d/%m/%Y %H:%M'")
    return value


TimeFormat = Annotated[Text, AfterValidator(_known_format)]
"""How time stamps are written, in the format codes of Python's strptime."""
TimeZone = Annotated[Text, AfterValidator(_known_zone)]
"""A zone of the IANA database, or an offset from UTC."""


class CsvFormat(Model):
    """How a CSV file is written; what is not given is detected, and `cosim explain` shows it."""

    separator: Annotated[Text, AfterValidator(_separator)] | None = None
    """What separates cells: `,`, `;`, `|` or `tab`."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark; the other one may then group thousands."""
    skip_rows: Count | None = None
    """Lines before the header; detected by default, as are comments and metadata above it."""
    encoding: Literal["utf-8", "utf-16", "windows-1252", "latin-1"] = "utf-8"
    """How the file's text is encoded."""
    compression: Literal["gzip", "bz2", "xz", "zip", "zstd"] | None = None
    """How the file is compressed; a ZIP archive holds one file. Line numbers are those of the text in it."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.separator is not None and self.separator == self.decimal:
            raise ValueError(
                "the comma cannot separate cells and be the decimal mark at once; change one of them"
            )
        return self


class CsvSeriesFormat(CsvFormat):
    """The same for a file with a column of time stamps."""

    time_column: FilledText | None = None
    """Column that holds the start of each slot; detected by default."""
    time_format: TimeFormat | None = None
    """How the stamps are written, in the format codes of Python's strptime: `%d/%m/%Y %H:%M`."""
    timezone: TimeZone | None = None
    """Time zone of stamps that have no offset: `Europe/Berlin` (correct across both clock changes),
    `UTC`, `+01:00`; UTC by default, with a warning."""
    unit: FilledText | None = None
    """Unit of the columns whose header has none."""


def fixed_offset_minutes(timezone: str) -> int | None:
    """Minutes that a zone such as ``+01:00`` is ahead of UTC; None for a name of the IANA database."""
    match = _OFFSET.fullmatch(timezone)
    if match is None:
        return None
    minutes = 60 * int(match[2]) + int(match[3])
    return minutes if match[1] == "+" else -minutes
