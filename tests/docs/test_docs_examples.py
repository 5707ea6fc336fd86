"""Every command and every example that the docs show is run, in the order they are shown."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
LONG_PAGES = (
    "compare",
    "faults",
    "lotfi_case",
    "remedies",
    "robustness",
    "section6",
    "sweeps",
    "verification",
)
"""Pages whose examples together take minutes; those of the README are run with every test."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Fenced blocks of a page: (language and flags, content)."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w[^\n]*)\n(.*?)^```", text, flags=re.M | re.S)


def commands(content: str) -> list[str]:
    """The commands of a console block."""
    return [line[2:] for line in content.splitlines() if line.startswith("$ ")]


def run(command: str, folder: Path) -> None:
    """Run one command as a reader would; cosim is the one of this environment."""
    words = shlex.split(command.split(" > ")[0])
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if words[0] == "python":
        words = [
            sys.executable,
            *(str(ROOT / word) if word.startswith("docs/") else word for word in words[1:]),
        ]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def follow(page: str, folder: Path, slow: bool) -> int:
    """Write the files a page shows, run its commands and its Python; gives how much was run."""
    done = 0
    for language, content in blocks(page):
        kind, _, flags = language.partition(" ")
        if ("slow" in flags) != slow:
            continue
        if kind == "yaml" and not slow:
            (folder / f"{re.search(r'^name: (.+)$', content, re.M)[1]}.yaml").write_text(
                content, encoding="utf-8"
            )
        elif kind == "console":
            for command in commands(content):
                run(command, folder)
                done += 1
        elif kind == "python":
            (folder / "example.py").write_text(content, encoding="utf-8")
            run("python example.py", folder)
            done += 1
    return done


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if Path(page).stem in LONG_PAGES else ()) for page in PAGES],
)
def test_page(page: str, tmp_path: Path) -> None:
    follow(page, tmp_path, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("slow" in language for language, _ in blocks(page))]
)
def test_page_slow(page: str, tmp_path: Path) -> None:
    assert follow(page, tmp_path, slow=True)


def test_readme_shows_commands() -> None:
    assert sum(len(commands(content)) for _, content in blocks("README.md")) >= 6


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if "://" not in t and not ((ROOT / page).parent / t).exists()]
    assert not missing


def test_reference_pages_are_current() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import build_reference
    finally:
        sys.path.pop(0)
    for name, page in (
        ("scenario_keys", build_reference.scenario_page),
        ("sweep_keys", build_reference.sweep_page),
        ("tables", build_reference.tables_page),
    ):
        assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page(), "run `make docs`"
