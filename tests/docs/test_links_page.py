"""The table of docs/links.md is what its program measures."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.slow
def test_the_table_is_what_the_program_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["links.py"])
    runpy.run_path(str(DOCS / "links.py"), run_name="__main__")
    assert capsys.readouterr().out.strip() in (DOCS / "links.md").read_text(encoding="utf-8")
