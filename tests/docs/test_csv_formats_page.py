"""docs/csv_formats.md says what the reader makes of the files that docs/csv_formats.py writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_that_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("csv_formats", DOCS / "csv_formats.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "csv_formats.md").read_text(encoding="utf-8")
    assert script.page() == page
    assert page.count("\n## ") >= 40
