"""The README quotes what its commands print, and CITATION.cff says what a citation needs."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import cosim

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_first_sentences_are_those_of_the_runs() -> None:
    shown = re.findall(
        r"^\$ cosim run (charging_village.*) --out \w+\n(The feeder .*)$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(shown) == 3
    for command, sentence in shown:
        name, *options = shlex.split(command)
        run = cosim.run(name, [*options[1::2], "report.figures=false"])
        assert run.verdict.startswith(sentence)


def test_make_tour_runs_the_commands_of_the_first_page() -> None:
    text, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    shown = re.findall(r"^\$ cosim (run charging_village.*) --out (\w+)$", text, re.MULTILINE)
    made = re.findall(
        r"^\t\$\(BIN\)/cosim (run charging_village.*) --out results/tour/(\w+)$", makefile, re.MULTILINE
    )
    assert shown == made
    assert len(shown) == 3


def test_the_citation_is_of_this_version() -> None:
    """The keys that version 1.2.0 of the format requires, and nothing that the package says otherwise."""
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["version"], {"text": citation["license"]}) == (project["version"], project["license"])
