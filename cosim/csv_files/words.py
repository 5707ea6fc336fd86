"""Names and cells of a CSV file as words of a message, and compared with those of a scenario."""

from __future__ import annotations

import unicodedata

_LONGEST = 60


def normal(name: str) -> str:
    """A name as it is compared: composed (NFC), without invisible characters, single spaces."""
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(char for char in composed if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())


def shown(text: str) -> str:
    """A text from a file as a message shows it: control characters escaped, cut where it is long."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
