"""Each example of docs/extending.md in a sweep of two workers, as it is run alone there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.docs.test_docs_examples import blocks, commands, run

PAGE = "docs/extending.md"
RUNS = [
    words
    for language, content in blocks(PAGE)
    if language == "console"
    for command in commands(content)
    if (words := shlex.split(command))[:2] == ["cosim", "run"]
]
"""The commands of the page that run an example."""


def given(words: list[str], option: str) -> list[str]:
    """What a command says with an option, each time that it does."""
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def test_every_file_of_the_page_has_a_run() -> None:
    files = [language.partition("file=")[2] for language, _ in blocks(PAGE) if "file=" in language]
    assert sorted(files) == sorted(file for words in RUNS for file in given(words, "--plugin"))
    assert len(files) == 8


@pytest.mark.slow
@pytest.mark.parametrize("words", RUNS, ids=lambda words: given(words, "--plugin")[0])
def test_an_example_runs_in_two_workers(words: list[str], tmp_path: Path) -> None:
    (plugin,) = given(words, "--plugin")
    (text,) = (content for language, content in blocks(PAGE) if language.endswith(f"file={plugin}"))
    (tmp_path / plugin).write_text(text, encoding="utf-8")
    settings = [setting.partition("=") for setting in given(words, "--set")]
    sweep = {
        "name": "swept",
        "base": words[2],
        "set": {"report.figures": False, **{path: yaml.safe_load(value) for path, _, value in settings}},
        "seeds": 2,
    }
    (tmp_path / "swept.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")
    run(f"cosim sweep swept.yaml --plugin {plugin} --workers 2 --out swept", tmp_path)
    points = pd.read_parquet(tmp_path / "swept/points.parquet")
    assert points["status"].tolist() == ["done", "done"]
    record = (tmp_path / "swept/sweep.json").read_text(encoding="utf-8")
    assert re.search(rf'"{plugin.removesuffix(".py")}"', record)
