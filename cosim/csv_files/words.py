"""Names and cells of a CSV file as words of a message, and compared with those that are known."""

from __future__ import annotations

import unicodedata

_LONGEST = 60
_OF_TOTALS = (
    *("total", "subtotal", "sum", "summe", "gesamt", "insgesamt", "zwischensumme", "grand", "count"),
    *("mean", "average", "avg", "mittel", "mittelwert", "durchschnitt", "ø", "median"),
    *("min", "minimum", "max", "maximum"),
)


def normal(name: str) -> str:
    """A name as it is compared: composed (NFC), without invisible characters, single spaces."""
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(char for char in composed if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())


def is_of_totals(cell: str) -> bool:
    """Whether a cell is the head of a row that sums up those above it: ``Summe``, ``Total:``, ``Ø``."""
    words = normal(cell).lower().split(" ", 1)
    return words[0].rstrip(":.") in _OF_TOTALS


def shown(text: str) -> str:
    """A text from a file as a message shows it: control characters escaped, cut where it is long."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
