"""A failing case made smaller, as long as it fails alike."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from cases import Case, as_yaml, encoded, folded, unfolded
from mutations import at, paths
from ruamel.yaml import YAML


def smaller(case: Case, fails_alike: Callable[[Case], bool], until: float) -> Case:
    """`case` with what is not needed for its failure removed, until `until` on the monotonic clock."""
    for name in case.files:
        shrinking = True
        while shrinking and time.monotonic() < until:
            shrinking = False
            for raw in _candidates(name, case.files[name]):
                if time.monotonic() > until:
                    break
                other = Case({**case.files, name: raw}, case.origin)
                if fails_alike(other):
                    case, shrinking = other, True
                    break
    return case


def _candidates(name: str, raw: bytes) -> Iterator[bytes]:
    """The file without one of its parts, large parts first."""
    try:
        if name.endswith(".json"):
            tree = unfolded(json.loads(raw))
            yield from (encoded(json.dumps(folded(less))) for less in _without_one(tree))
            return
        if name.endswith(".yaml"):
            tree = YAML(typ="safe", pure=True).load(raw.decode())
            yield from (encoded(as_yaml(less)) for less in _without_one(tree))
            return
    except Exception:
        pass  # no tree: by lines, then
    lines = raw.splitlines(keepends=True)
    for size in (len(lines) // 2, len(lines) // 4, 1):
        for first in range(0, len(lines), size) if size else ():
            yield b"".join([*lines[:first], *lines[first + size :]])


def _without_one(tree: Any) -> Iterator[Any]:
    for path in sorted(paths(tree), key=len)[:400]:
        less = copy.deepcopy(tree)
        del at(less, path[:-1])[path[-1]]
        yield less
