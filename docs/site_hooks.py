"""What the site's Markdown reads otherwise than GitHub's, and a name that the theme's search lacks."""

from __future__ import annotations

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page as it is handed on: the language alone after a fence, and pipes of code without a backslash."""
    return "\n".join(_line(line) for line in markdown.split("\n"))


def on_post_page(output: str, **_: Any) -> str:
    """A page as it is written: the dialog of the search has a name that can be read out."""
    dialog = 'data-md-component="search" role="dialog"'
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def _line(line: str) -> str:
    if line.startswith("|"):
        return re.sub(r"`[^`]+`", lambda code: code[0].replace("\\|", "|"), line)
    return re.sub(r"^(\s*```\w+) .*$", r"\1", line)
