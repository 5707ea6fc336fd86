"""Every number of docs/findings.md is one of a page that its section links to, which other tests hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "findings.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))


def numbers(text: str) -> set[str]:
    """Measured numbers: those with a decimal point, a ±, a share of seeds, or a range in brackets."""
    plain = re.sub(r"\]\([^)]*\)", "]", text)
    return set(re.findall(r"(?<![\w.])-?\d+\.\d+|-?\d+ ± \d+|\d+ of \d+|\(\d+ to \d+\)|\b\d{3}\b", plain))


@pytest.mark.parametrize("section", SECTIONS)
def test_its_numbers_are_those_of_the_pages_behind_it(section: str) -> None:
    linked = re.findall(r"\]\((\w+\.md)", SECTIONS[section])
    behind = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in linked)
    assert linked
    assert not {each for each in numbers(SECTIONS[section]) if each not in behind}


def test_the_sections_of_the_papers_have_numbers() -> None:
    assert [len(numbers(text)) > 5 for text in SECTIONS.values()] == [True, True, True, False, False]
