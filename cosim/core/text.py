"""Text from outside, made fit to be shown: what a terminal or a spreadsheet would act on is only seen."""

from __future__ import annotations

import re
from functools import cache

_NEVER = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_ACTED_ON = re.compile(f"[{_NEVER}\ud800-\udfff\U000e0000-\U000e007f]")
"""Control characters but tab and line feed; marks that turn the direction of writing, or are not seen; halves
of characters, as a file name has that is no UTF-8; tags."""
_BREAKS = re.compile(r"[\t\n]")
# A spreadsheet takes what begins so for a formula, also after blanks.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def visible(text: str, one_line: bool = False) -> str:
    r"""A text with an escape such as ``\x1b`` in place of each character that a terminal would act on.

    Parameters
    ----------
    text : str
        Any text.
    one_line : bool
        Whether tabs and line ends are shown in the same way.
    """
    shown = _ACTED_ON.sub(_escaped, text)
    return _BREAKS.sub(_escaped, shown) if one_line else shown


def shortened(text: str, length: int) -> str:
    """A text without its middle where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    return f"{text[: length // 2]} … {text[len(text) - length // 2 :]}"


def markdown_text(text: str, in_table: bool = False) -> str:
    """A text as a line of Markdown, or a cell of a table, to which it adds no HTML, link or picture."""
    shown = visible(text, one_line=True).replace("&", "&amp;").replace("<", "&lt;").replace("](", "]\\(")
    return shown.replace("`", "\\`").replace("|", "\\|") if in_table else shown


def spreadsheet_text(text: str) -> str:
    """A text as a cell of a CSV file that no spreadsheet takes for a formula: with ``'`` before it.

    What is a number and nothing else stays as it is, a negative one too.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def spreadsheet_cell(value: object) -> object:
    """Any cell of a CSV file: a text as `spreadsheet_text` makes it, all else as it is."""
    return spreadsheet_text(value) if isinstance(value, str) else value


def _escaped(match: re.Match[str]) -> str:
    return _escape(match[0])


@cache
def _escape(character: str) -> str:
    code = ord(character)
    if character in "\t\n\r":
        return {"\t": r"\t", "\n": r"\n", "\r": r"\r"}[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
