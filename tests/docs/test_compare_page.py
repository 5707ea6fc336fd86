"""What docs/compare.md shows is what its commands print."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_comparison_is_printed_as_the_page_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    commands, shown = re.findall(r"^```(?:console|text)\n(.*?)^```", PAGE, flags=re.M | re.S)[:2]
    printed = ""
    for line in commands.splitlines():
        words = [sys.executable, "-m", *shlex.split(line.removeprefix("$ ").replace("cosim", "cosim.cli", 1))]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        printed = done.stdout
    table = [line.rstrip() for line in printed.splitlines()]
    assert table[: len(shown.splitlines())] == shown.splitlines()
