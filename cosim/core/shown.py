"""Numbers, shares, instants and lengths of time as readers see them: one format, wherever they are shown."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND

THIN_SPACE = "\u2009"
NO_VALUE = "–"


def number_text(value: float | int | None, digits: int = 4) -> str:
    """A number with at least so many significant digits, thousands set apart; its whole part in full."""
    if value is None:
        return NO_VALUE
    if isinstance(value, int):
        return f"{value:,}".replace(",", THIN_SPACE)
    size = abs(value)
    if size == 0:
        return "0"
    if not 1e-4 <= size < 1e9:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", THIN_SPACE)


def rounded_like(value: float, other: float, digits: int = 4) -> float:
    """A number without what lies below the last digit that `number_text` shows of another."""
    if other == 0 or not math.isfinite(other):
        return value
    return round(value, max(0, digits - 1 - math.floor(math.log10(abs(other)))))


def kw_text(power_kw: float) -> str:
    """The size of a power, to three digits: ``578 kW``."""
    return f"{number_text(abs(power_kw), 3)} kW"


def share_text(share: float) -> str:
    """A share of 1 in per cent; one that is not nothing and not all never looks as if it were."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{number_text(round(100.0 * share, 1), 3)} %"


def date_text(start: datetime, hours: float) -> str:
    """An instant so many hours after another, in UTC: ``2016-07-04 19:15 UTC``."""
    try:
        return f"{start + timedelta(hours=hours):%Y-%m-%d %H:%M} UTC"
    except OverflowError:  # no year has four digits then
        return NO_VALUE


def instant_text(start: datetime, hours: float, since_h: float) -> str:
    """An instant after one that was told before: without the date where that is the same, ``19:15 UTC``."""
    date, before = (date_text(start, each) for each in (hours, since_h))
    return date.split(" ", 1)[1] if date[:10] == before[:10] and date != NO_VALUE else date


def duration_text(duration_ms: int) -> str:
    """A length of time in the largest unit that it is a whole number of: ``1 day``, ``15 min``."""
    units = ((MS_PER_DAY, "day"), (MS_PER_HOUR, "h"), (MS_PER_MINUTE, "min"), (MS_PER_SECOND, "s"), (1, "ms"))
    for unit_ms, name in units:
        if duration_ms % unit_ms == 0:
            count = duration_ms // unit_ms
            return f"{count} days" if name == "day" and count > 1 else f"{count} {name}"
    raise AssertionError("every whole number of milliseconds is a number of milliseconds")
