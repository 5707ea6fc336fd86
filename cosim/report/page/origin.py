"""Where what a page shows comes from: what was run, by which versions, and what to run it again with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """What stands at the end of a page."""

    facts: list[tuple[str, str]]
    """Names and values."""
    versions: list[tuple[str, str]]
    """Of cosim, Python and the packages."""
    text: str = ""
    """The file that it was made from; empty for none."""
    about: str = ""
    """What that file is."""


def versions(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of what wrote a record of a run or a sweep."""
    found = {"cosim": record.get("cosim"), "Python": record.get("python"), **record.get("packages", {})}
    return [(name, str(version or "not installed")) for name, version in found.items()]
