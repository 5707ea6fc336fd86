"""The merge key `<<` of YAML: read where it merges plain data, refused where it would need an alias."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.config.yaml_reader import parse_yaml
from cosim.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: {<<: {kind: constant}, p: 1}", {"kind": "constant", "p": 1}),
        ("a: {<<: {kind: x, p: 3}, p: 1}", {"kind": "x", "p": 1}),
        ("a: {p: 1, <<: {kind: x, p: 3}}", {"kind": "x", "p": 1}),
        ("a:\n  <<: [{x: 1}, {x: 2, y: 3}]\n  z: 1", {"x": 1, "y": 3, "z": 1}),
        ("a: {<<: {<<: {n: 1, m: 1}, m: 2}}", {"n": 1, "m": 2}),
        ("a: {<<: {b: {c: 1}}}", {"b": {"c": 1}}),
        ("a: {'<<': {x: 1}}", {"<<": {"x": 1}}),
    ],
)
def test_keys_are_merged_and_own_ones_win(text: str, data: dict[str, Any]) -> None:
    assert parse_yaml(text, "s.yaml").data == {"a": data}


def test_a_merged_key_stands_where_it_is_written() -> None:
    document = parse_yaml("a:\n  p: 1\n  <<:\n    q: 2\n", "s.yaml")
    assert document.place_of("a.q") == ("s.yaml", 4)


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("b: &b {q: 1}\na: {<<: *b}", "alias", 2),
        ("b: &b {q: 1}\na: {<<: [{c: 1}, *b]}", "alias", 2),
        ("a: &a\n  <<: *a\n", "alias", 2),
        ("a: {<<: 3}", "merges keys and values", 1),
        ("a:\n  <<: [1, 2]\n", "merges keys and values", 2),
        ("a: {<<: {x: 1, x: 2}}", "twice", 1),
        ("a: {<<: !!python/object:os.system {x: 1}}", "tag", 1),
        ("a: {<<: {[1]: 2}}", "plain text", 1),
        ("a: " + "{<<: " * 40 + "{}" + "}" * 40, "deeper", 1),
    ],
)
def test_what_cannot_be_merged_is_refused(text: str, words: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "s.yaml")
    assert words in caught.value.problems[0].message
    assert caught.value.problems[0].line == line
