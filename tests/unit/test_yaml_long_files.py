"""However long, deep or full of errors a configuration file is, it is answered soon and in few words."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cosim.config import yaml_reader
from cosim.config.pydantic_errors import MOST_TOLD
from cosim.config.yaml_reader import MAX_BYTES, parse_yaml, read_yaml
from cosim.core.errors import InputError, Problem
from cosim.engine.load import load_scenario
from cosim.study.sweep.load_sweep import read_sweep, shelf_of

SECONDS = 3
"""Processor time; a second of it on an idle machine."""


def megabyte(line: str, before: str = "", after: str = "") -> str:
    """A text of just under a megabyte of a line in which ``%d`` is another number each time."""
    lines, size = [before], len(before) + len(after)
    while True:
        following = line.replace("%d", str(len(lines)))
        size += len(following)
        if size >= MAX_BYTES:
            return "".join([*lines, after])
        lines.append(following)


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '1'] * 9)}]\n" for n in range(20))
UNKNOWN = {
    "at the top": ("key%d: 0.125\n",),
    "without values": ("k%d:\n",),
    "in a section": ("  stepz%d: 1\n", "name: a\ntime:\n"),
    "in the items of a list": ("- {a%d: 1, b%d: 2, c%d: 3}\n", "groups:\n"),
    "in one line": ("k%d: 1, ", "{", "}"),
    "after a base": ("key%d: 1\n", "base: section6\n"),
    "of a section that has forms": ("    k%d: 1\n", "comms:\n  default:\n   latency:\n    kind: constant\n"),
    "like keys that exist": ("tyme%d: 1\n",),
}


@pytest.mark.parametrize("parts", UNKNOWN.values(), ids=UNKNOWN.keys())
@pytest.mark.fast_cases("at the top", "in the items of a list", "like keys that exist")
def test_a_megabyte_of_unknown_keys_is_answered_at_once(parts: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(megabyte(*parts))
    began = time.process_time()
    assert shelf_of(str(file)) != "sweeps"
    with pytest.raises(InputError) as refused:
        load_scenario(str(file))
    assert time.process_time() - began < SECONDS
    problems = refused.value.problems
    assert sum("unknown key" in problem.message for problem in problems) == MOST_TOLD
    assert "more errors" in problems[-2].message
    assert "keys and values were read" in problems[-1].message
    assert all(problem.file == str(file) for problem in problems)


def test_the_same_of_a_sweep(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(megabyte("key%d: 1\n", "name: a\nbase: section6\naxes: []\n"))
    began = time.process_time()
    assert shelf_of(str(file)) == "sweeps"
    with pytest.raises(InputError, match="unknown key 'key1'"):
        read_sweep(str(file))
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n" * 190_000, "is given twice"),
        ("- !!python/none 1\n" * 50_000, "the tag"),
        ("a: &a 1\nb: [" + "*a, " * 200_000 + "]", "alias"),
        (BOMB, "alias"),
        ("[" * 400_000, "nested deeper"),
        ("{a: " * 200_000, "nested deeper"),
        ("- " * 400_000, "nested deeper"),
        ("? " * 400_000, "nested deeper"),
        ("\n".join(" " * n + "a:" for n in range(1300)), "nested deeper"),
        ("? " + "a" * 900_000 + "\n: 1", "too long"),
    ],
    ids=["twice", "tags", "aliases", "bomb", "lists", "mappings", "items", "keys", "indented", "long key"],
)  # fmt: skip
@pytest.mark.fast_cases("twice", "bomb", "lists", "indented")
def test_what_is_no_plain_yaml_is_answered_at_once(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    began = time.process_time()
    with pytest.raises(InputError) as refused:
        read_yaml(
            file, first_look=lambda beginning: [Problem(f"a mapping is expected {type(beginning.data)}")]
        )
    assert time.process_time() - began < SECONDS
    assert any(said in problem.message for problem in refused.value.problems)


@pytest.mark.parametrize("shape", ["list", "mapping", "lists"])
@pytest.mark.fast_cases("list")
def test_a_file_of_too_many_values_is_refused_with_its_line(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_VALUES", 8000)
    n = 4002
    text = {
        "list": "x:\n" + "- 1\n" * (2 * n),
        "mapping": "".join(f"a{number}: 1\n" for number in range(n)),
        "lists": "x:\n" + "- [1]\n" * n,
    }[shape]
    with pytest.raises(InputError, match="are too many") as refused:
        parse_yaml(text, "long.yaml")
    assert refused.value.problems[0].line > n // 2


def test_a_long_file_with_nothing_wrong_in_its_beginning_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text("groups:\n" + "- {name: a, count: 1}\n" * 2000)
    seen: list[int] = []
    whole = read_yaml(file, first_look=lambda beginning: seen.append(len(beginning.data["groups"])) or [])
    assert 0 < seen[0] < len(whole.data["groups"]) == 2000


@pytest.mark.slow
def test_many_overrides_take_no_longer_each(tmp_path: Path) -> None:
    n = 2000
    file = tmp_path / "long.yaml"
    lines = "".join(f"  groups.g{number}.households: 1\n" for number in range(0, n, 50))
    unknown = "".join(f"  time.key{number}.x: 1\n" for number in range(n))
    groups = "".join(f"- {{name: g{number}, households: 2}}\n" for number in range(n))
    file.write_text(f"name: a\ngroups:\n{groups}override:\n{lines}{unknown}")
    began = time.process_time()
    with pytest.raises(InputError, match="unknown key 'key0'"):
        load_scenario(str(file))
    assert time.process_time() - began < 2 * SECONDS
