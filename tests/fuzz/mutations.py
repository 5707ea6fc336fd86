"""Seeded damage: to a tree of plain data, to a text, to the cells of a table in CSV."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

# fmt: off
EXTREMES: tuple[Any, ...] = (
    0, -1, 1, 2, 3, 1.5, -0.0, 0.1, 0.999, 24, 1e-9, 1e-13, 1e-300, 5e-324, 1e6, 1e9, 1e12, 1e16, 1e300, 1.7e308,
    -1e9, -1e300, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 10**400, float("inf"), float("-inf"), float("nan"),
)
# fmt: on
"""Numbers at which arithmetic, memory or time give way."""
# fmt: off
ENDS = (0, 1, 24, 100, 1_000, 10_000, 100_000, 1_000_000, 1e8, 1e9, 3.6e9, 3.6e12, 2**63 - 1, 0.01, 0.001, 1e-12, 10)
# fmt: on
"""Where ranges of the schema end."""
# fmt: off
STRANGE: tuple[Any, ...] = (
    None, True, False, "", " ", "0", "nan", "1e3", "5 kW", "no", "additive", [], {}, [[]], [0], {"": 0}, [None], "x" * 70,
    "y" * 3000, "ä ö", "\u202eevil", "\x1b[31m", "\x00", "名前", "e\u0301", "\ud800", "../x", "/etc/passwd", "~", "CON",
    "=1+1", "$\\frac$", "[bold]", "a.b", "-", "2016-13-45", "9999-12-31T23:59:59Z", "0001-01-01", {"uniform": [0, 1]},
    {"uniform": [1e9, 1e9]}, {"uniform_int": [0, 9]}, {"normal": {"mean": 1, "std": 1e9}}, {"choice": [0, 1e6]},
    {"each": [1, 2, 3]}, {"kind": "none"}, {"kind": "hourly", "by_hour": [1] * 24}, list(range(50)),
)
# fmt: on
"""What is no number, and what looks like one."""
Path = tuple[Any, ...]


def paths(tree: Any, path: Path = ()) -> list[Path]:
    """Where the parts of a tree are, but for the tree itself."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found = []
    for key, below in items:
        found += [(*path, key), *paths(below, (*path, key))]
    return found


def at(tree: Any, path: Path) -> Any:
    """The part at `path`."""
    for key in path:
        tree = tree[key]
    return tree


def damage_tree(tree: Any, rng: random.Random, keys: tuple[str, ...] = ()) -> Any:
    """A copy of `tree` with one part of it changed; `keys` are names that a new key can have."""
    tree = copy.deepcopy(tree)
    path = _somewhere(tree, rng)
    if not path:
        return rng.choice(STRANGE)
    above, key = at(tree, path[:-1]), path[-1]
    is_number = isinstance(above[key], int | float) and not isinstance(above[key], bool)
    rng.choice(_OF_NUMBERS if is_number else _CHANGES)(above, key, rng, tree, keys)
    return tree


def _somewhere(tree: Any, rng: random.Random) -> Path:
    """A way down from the root, so that a long list is met as often as a single number."""
    path: Path = ()
    while isinstance(tree, dict | list) and tree and (not path or rng.random() < 0.92):
        key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        path, tree = (*path, key), tree[key]
    return path


Change = Callable[[Any, Any, random.Random, Any, tuple[str, ...]], None]


def _number(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    power = 10 ** rng.uniform(-13, 13) * rng.choice((1, 1, 1, -1))
    above[key] = rng.choice((rng.choice(EXTREMES), rng.choice(ENDS), power, round(power)))


def _scale(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    old = above[key]
    if isinstance(old, bool) or not isinstance(old, int | float):
        above[key] = rng.choice(STRANGE)
        return
    new = old * rng.choice((1, 0.5, 2, 1.1, -1, 10, 0.1, 1e3, 1e-3)) + rng.choice((0, 0, 0, 1, -1))
    above[key] = int(new) if isinstance(old, int) and abs(new) < 1e15 else new


def _strange(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    above[key] = copy.deepcopy(rng.choice(STRANGE))


def _delete(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    del above[key]


def _duplicate(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    again = copy.deepcopy(above[key])
    if isinstance(above, list):
        above[key:key] = [again] * rng.choice((1, 1, 2, 30))
    else:
        above[rng.choice(keys or ("x",))] = again


def _rename(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    value = above.pop(key)
    if isinstance(above, dict):
        above[rng.choice((str(key)[:-1], f"{key}_", str(key).upper(), *(keys or ("x",))))] = value


def _swap(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    other = rng.choice(paths(tree))
    above[key] = copy.deepcopy(at(tree, other))


def _text(above: Any, key: Any, rng: random.Random, tree: Any, keys: tuple[str, ...]) -> None:
    above[key] = str(above[key])[:200] if not isinstance(above[key], str) else damage_text(above[key], rng)


_OF_NUMBERS: tuple[Change, ...] = (*[_scale] * 6, *[_number] * 5, _strange, _delete, _duplicate, _swap)
_CHANGES: tuple[Change, ...] = (_strange, _delete, _delete, _duplicate, _rename, _swap, _text)
# fmt: off
SIGNS = (
    "\t", "\n", " ", ":", "- ", "{", "}", "[", "]", ",", ";", "&a ", "*a", "!!python/object:os.system ", "#", "'", '"', "|",
    ">", "%", "---\n", "<<: ", "0", "9", "e", ".", "\ufeff", "\x00", "\u2028", "é", "\r",
)
# fmt: on


def damage_text(text: str, rng: random.Random) -> str:
    """`text` with one place of it changed."""
    place, other = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
    low, high = sorted((place, min(other, place + 40) if other > place else max(other, place - 40)))
    lines = text.splitlines(keepends=True) or [""]
    line = rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            return text[:place] + rng.choice(SIGNS) + text[place:]
        case 1:
            return text[:low] + text[high:]
        case 2:
            return text[:place] + text[low:high] + text[place:]
        case 3:
            return "".join([*lines[:line], *lines[line + 1 :]])
        case 4:
            return "".join([*lines[: line + 1], *[lines[line]] * rng.choice((1, 3)), *lines[line + 1 :]])
        case _:
            return text[:place]


ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32")


def damage_bytes(raw: bytes, rng: random.Random) -> bytes:
    """`raw` cut, with other bytes, or in another encoding."""
    place = rng.randrange(len(raw) + 1)
    match rng.randrange(4):
        case 0:
            return raw[:place]
        case 1:
            return raw[:place] + bytes([rng.randrange(256)]) + raw[place + 1 :]
        case 2:
            return raw[:place] + rng.randbytes(rng.choice((1, 4, 64))) + raw[place:]
        case _:
            return raw.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


# fmt: off
CELLS = (
    "", "nan", "NaN", "-", "n/a", "-999", "-1", "0", "1e20", "1e400", "1,5", "1.234,5", "1 000", "abc", "true", "5 kW", '"', '""',
    "=1+1", "inf", "2016-01-01", "2016-07-04T00:00:00Z", "2016-07-04 00:00", "04.07.2016 00:00", "0x10", "١٢", "\x00", "9" * 400,
)
# fmt: on


def damage_csv(text: str, rng: random.Random) -> str:
    """A CSV text with a cell, a row, a column, its separators or its decimal marks changed."""
    rows = [line.split(",") for line in text.splitlines()] or [[""]]
    row = rng.randrange(len(rows))
    column = rng.randrange(max(1, len(rows[row])))
    match rng.randrange(9):
        case 0 | 1:
            rows[row][column : column + 1] = [rng.choice(CELLS)]
        case 2:
            return text.replace(",", rng.choice((";", "\t", "|", " ", ", ", ",,")))
        case 3:
            return text.replace(",", ";").replace(".", ",")
        case 4:
            del rows[row]
        case 5:
            rows[row:row] = [rows[row]] * rng.choice((1, 2, 20))
        case 6:
            rows[row] = rows[row][:column] if rng.random() < 0.5 else [*rows[row], "1"]
        case 7:
            rows = [rows[0], *reversed(rows[1:])] if rng.random() < 0.5 else [r[::-1] for r in rows]
        case _:
            return damage_text(text, rng)
    return "\n".join(",".join(cells) for cells in rows) + "\n"
