"""Every command and every example that the docs show is run, in the order they are shown.

The README's and those of the page on Python in short form with every test: in this process, runs of hours
in place of days, most without figures. As they stand there, and those of the longer pages, with the slow
tests.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cosim.cli import main

Changes = Sequence[tuple[str, str]]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
LONG_PAGES = (
    "README",
    "after_paper_a",
    "bidding",
    "cli",
    "compare",
    "copies",
    "devices",
    "dimming",
    "extending",
    "faults",
    "findings",
    "firms",
    "impact",
    "inverters",
    "lotfi_case",
    "market_clearing",
    "mitigations",
    "python",
    "robustness",
    "section6",
    "sweeps",
    "tariffs",
    "ties",
    "trading_audiences",
    "trading_rules",
    "verification",
)
"""Pages whose examples together take more than some seconds."""
IN_SHORT: dict[str, Changes] = {
    "README.md": (
        ("duration_h=48", "duration_h=6"),
        ("run charging_village", "run charging_village --set time.duration_h=2"),
        ("duration_h: 48", "duration_h: 6"),
        ("steps=200", "steps=20"),
        ("sweep sweep_example", "sweep short.yaml"),
        ('duration_h": 24', 'duration_h": 13'),
    ),
    "docs/python.md": (
        ('duration_h": 24', 'duration_h": 13'),
        ('"steps": 50', '"steps": 5'),
    ),
}
"""Pages whose examples run in short form, and what stands there in place of what the page says."""
DRAWN = "evening.yaml"
"""The run of the README whose figures are drawn in the short form too: it has a market and a feeder."""


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


def run_here(command: str, folder: Path) -> None:
    """Run one command in this process, which has loaded what it needs; cosim's with few figures."""
    words = shlex.split(command.split(" > ")[0])
    if words[:2] == ["cosim", "run"] and words[2] != DRAWN:
        words += ["--set", "report.figures=false"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        if words[0] == "python":
            # What is doubtful about a run is a warning, which a reader of the page is shown.
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                runpy.run_path(words[1])
            return
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as left:
            main()
    assert not left.value.code, command


def follow(
    page: str, folder: Path, slow: bool, runner: Callable[[str, Path], None] = run, shorter: Changes = ()
) -> int:
    """Write the files a page shows, run its commands and its Python; gives how much was run.

    Parameters
    ----------
    page : str
        Its path.
    folder : Path
        Where the files are written and the commands run.
    slow : bool
        Whether the blocks marked as slow are meant, or the others.
    runner : Callable[[str, Path], None]
        Runs a command in a folder.
    shorter : Changes
        Texts of the page and what stands in their place.
    """
    done = 0
    for language, content in blocks(page):
        kind, _, flags = language.partition(" ")
        if ("slow" in flags) != slow:
            continue
        for old, new in shorter:
            content = content.replace(old, new)
        if kind == "yaml" and not slow:
            (folder / f"{re.search(r'^name: (.+)$', content, re.M)[1]}.yaml").write_text(
                content, encoding="utf-8"
            )
        elif kind == "console":
            for command in commands(content):
                runner(command, folder)
                done += 1
        elif kind == "python" and flags.startswith("file="):
            (folder / flags.removeprefix("file=")).write_text(content, encoding="utf-8")
        elif kind == "python":
            (folder / "example.py").write_text(content, encoding="utf-8")
            runner("python example.py", folder)
            done += 1
    return done


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if Path(page).stem in LONG_PAGES else ()) for page in PAGES],
)
def test_page(page: str, tmp_path: Path) -> None:
    follow(page, tmp_path, slow=False)


@pytest.mark.parametrize("page", IN_SHORT)
def test_page_in_short(
    page: str, tmp_path: Path, points_here: Callable[[], AbstractContextManager[None]]
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    shorter = IN_SHORT[page]
    assert all(old in text for old, _ in shorter)
    n_shown = sum(language.split()[0] == "python" for language, _ in blocks(page)) + sum(
        len(commands(content)) for _, content in blocks(page)
    )
    example = (ROOT / "scenarios" / "sweep_example.yaml").read_text(encoding="utf-8")
    assert "time.steps: 50" in example
    (tmp_path / "short.yaml").write_text(example.replace("time.steps: 50", "time.steps: 5"), encoding="utf-8")
    with points_here():
        assert follow(page, tmp_path, slow=False, runner=run_here, shorter=shorter) == n_shown >= 6
    if page == "README.md":
        assert (tmp_path / "evening" / "report.html").stat().st_size > 1e6


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("slow" in language for language, _ in blocks(page))]
)
def test_page_slow(page: str, tmp_path: Path) -> None:
    assert follow(page, tmp_path, slow=True)


def test_readme_shows_commands() -> None:
    assert sum(len(commands(content)) for _, content in blocks("README.md")) >= 6


@pytest.mark.parametrize(
    "page", [*PAGES, *(f"docs/tutorials/{page.name}" for page in (ROOT / "docs").glob("tutorials/*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if "://" not in t and not ((ROOT / page).parent / t).exists()]
    assert not missing


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """One that is not would keep `mkdocs build --strict` from building."""
    listed = re.findall(r"([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.M)
    assert sorted(listed) == sorted(
        str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")
    )


def test_reference_pages_are_current() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import build_reference
    finally:
        sys.path.pop(0)
    for name, page in build_reference.PAGES.items():
        assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page(), "run `make docs`"
