"""YAML as plain data with the line of every key, and nothing that YAML could do beyond that.

A scenario is data from outside. Tags, aliases, duplicate keys, huge files and deep nesting are refused
before any object is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from cosim.core.errors import InputError, Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_KEY = 1024
"""Characters of a key; YAML itself allows no more where a key is not marked by `?`."""
MAX_VALUES = 100_000
"""Keys, values and lists of a file; reading them takes some five seconds."""
_FIRST_LOOK = 3_000
"""How many of them are looked at before the rest is read, so that a file that is no scenario is refused
quickly."""

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass
class Document:
    """A YAML file as plain data."""

    data: Any
    """Mappings, lists and scalars; time stamps stay text."""
    file: str
    """The file's name, for messages."""
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Dotted path to the file and the line (from 1) where its key or list item stands."""
    named_anew: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Dotted path to the mapping with a `kind` that stood there until a name alone took its place."""

    def place_of(self, path: str) -> tuple[str, int]:
        """File and line of `path`, or of the closest thing around it that has one.

        A mapping that was made only because something below it was set stands where that was set.
        """
        while path:
            if path in self.places:
                return self.places[path]
            below = next((at for known, at in self.places.items() if known.startswith(f"{path}.")), None)
            if below is not None:
                return below
            path = path.rpartition(".")[0]
        return self.places.get("", (self.file, 0))


Look = Callable[["Document"], list[Problem]]
"""What is wrong with the beginning of a document, whatever follows."""


def read_yaml(file: Path, shown_as: str = "", first_look: Look | None = None) -> Document:
    """Read one YAML file.

    Parameters
    ----------
    file : Path
        The file.
    shown_as : str
        Its name in messages; the path itself by default.
    first_look : callable, optional
        Given the beginning of a long file: where it finds something wrong, the rest is not read.

    Raises
    ------
    InputError
        If the file cannot be read, is empty, larger than a megabyte, no UTF-8, no YAML, or uses tags,
        aliases or a key twice; every problem that can be found is named, with its line.
    """
    name = shown_as or str(file)
    try:
        if not file.is_file():
            remedy = "Name a YAML file."
            raise InputError([Problem("this is a folder or a device, not a file", remedy, file=name)])
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise InputError([_too_large(name, size)])
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        remedy = "Check the name and the permissions."
        raise InputError([Problem(f"cannot be read: {error.strerror or error}", remedy, file=name)]) from None
    if len(raw) > MAX_BYTES:
        raise InputError([_too_large(name, len(raw))])
    return parse_yaml(_decoded(raw, name), name, first_look)


def parse_yaml(text: str, name: str, first_look: Look | None = None) -> Document:
    """The same for text already read; `name` stands for the file in messages."""
    try:
        reader, root = _composed(text, name, _FIRST_LOOK)
    except _TooManyError as error:
        _refuse_beginning(error, name, first_look)
        reader, root = _composed(text, name, MAX_VALUES)
    if root is None:
        remedy = "`cosim scenarios` lists examples to start from."
        raise InputError([Problem("the file is empty", remedy, file=name)])
    return _built(reader, root, name)


def _refuse_beginning(read: _TooManyError, name: str, first_look: Look | None) -> None:
    """Refuse a long text for what its first values say, so that it is not read to its end in vain."""
    rest = Problem(f"only {_FIRST_LOOK:,} keys and values were read", "", file=name, line=read.line)
    try:
        beginning = _built(read.reader, read.root, name)
        problems = first_look(beginning) if first_look is not None else []
    except InputError as error:
        problems = list(error.problems)
    if problems:
        raise InputError([*problems, rest]) from None


def _composed(text: str, name: str, most: int) -> tuple[YAML, Node | None]:
    """The nodes of a text, `most` of them."""
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    reader.Composer = _composer(name, most, reader)
    try:
        return reader, reader.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(
            [_not_yaml(name, mark.line + 1 if mark else 0, error.problem or error.context)]
        ) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = "holds a character that YAML does not allow: this is not a text file"
        raise InputError([Problem(message, "Name a YAML file.", file=name, line=line)]) from None
    except RecursionError:
        raise InputError([_too_deep("", name, 0)]) from None
    except (YAMLError, ValueError) as error:
        raise InputError([_not_yaml(name, 0, str(error))]) from None


def _built(reader: YAML, root: Node, name: str) -> Document:
    builder = _Builder(name, reader)
    data = builder.build(root, "", 0)
    if builder.problems:
        raise InputError(builder.problems)
    return Document(data, name, {path: (name, line) for path, line in builder.lines.items()})


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError([Problem("is not UTF-8 text", "Save it as UTF-8.", file=name, line=line)]) from None


def _not_yaml(name: str, line: int, what: str | None) -> Problem:
    remedy = "Check colons, brackets, quotes and the indentation here and in the line above."
    told = re.sub(r"'?<([a-z ]+)>'?", r"the \1", (what or "it cannot be parsed").splitlines()[0])
    return Problem(f"not valid YAML: {told.replace('stream end', 'end')}", remedy, file=name, line=line)


def _too_deep(path: str, name: str, line: int) -> Problem:
    return Problem(
        f"nested deeper than {MAX_DEPTH} levels", "Remove brackets or indentation.", path, name, line
    )


def _too_large(name: str, size: int) -> Problem:
    return Problem(
        f"{size / 1e6:.0f} MB is too large for a configuration file (limit {MAX_BYTES / 1e6:.0f} MB)",
        "Put series into CSV files and name those.",
        file=name,
    )


class _TooManyError(InputError):
    """Raised where a text has more values than are to be read; `root` has what was read whole."""

    def __init__(self, name: str, line: int, most: int, reader: YAML, root: Node) -> None:
        message = f"more than {most:,} keys and values are too many for a configuration file"
        super().__init__([Problem(message, "Put series into CSV files and name those.", "", name, line)])
        self.line, self.reader, self.root = line, reader, root


def _composer(name: str, most: int, reader: YAML) -> type[Composer]:
    """Makes nodes one by one, and stops where there are too many, or too deep a nesting."""

    class Bounded(Composer):
        _made = 0

        def __init__(self, loader: Any = None) -> None:
            super().__init__(loader)
            self._open: list[tuple[Any, Any]] = []

        def compose_node(self, parent: Node | None, index: Any) -> Any:
            line = self.parser.peek_event().start_mark.line + 1
            self._made += 1
            self._open.append((parent, index))
            if self._made > most:
                raise _TooManyError(name, line, most, reader, _closed(self._open))
            if len(self._open) > 3 * MAX_DEPTH:  # what is not as deep, the builder tells of by its path
                raise InputError([_too_deep("", name, line)])
            node = super().compose_node(parent, index)
            self._open.pop()
            return node

    return Bounded


def _closed(unfinished: list[tuple[Any, Any]]) -> Node:
    """The outermost of nodes that are not finished, each with the next one in its place."""
    nodes = unfinished[1:]  # the outermost has none around it
    for (above, index), (below, _) in pairwise(nodes):
        if isinstance(above, SequenceNode):
            above.value.append(below)
        elif index is not None:  # else it is within a key
            above.value.append((index, below))
    root: Node = nodes[0][0]
    return root


class _Builder:
    """Plain data from composed nodes, with lines kept and problems collected."""

    def __init__(self, name: str, reader: YAML) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._constructor = reader.constructor
        self._seen: set[int] = set()

    def build(self, node: Node, path: str, depth: int) -> Any:
        if id(node) in self._seen:
            # The node is the anchor's; the alias stands where its key or the list around it stands.
            self._alias(path, self.lines.get(path) or self.lines.get(path.rpartition(".")[0], 0))
            return None
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if depth > MAX_DEPTH:
            self.problems.append(_too_deep(path.rpartition(".")[2], self.name, line))
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            if not self._plain(node, "tag:yaml.org,2002:seq", path):
                return None
            return [self.build(item, _join(path, str(i)), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _mapping(self, node: MappingNode, path: str, depth: int) -> dict[str, Any] | None:
        if not self._plain(node, "tag:yaml.org,2002:map", path):
            return None
        result: dict[str, Any] = {}
        for key_node, value_node in self._pairs(node, path, depth):
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._problem("a key must be plain text", "Write it as `key: value`.", path, line)
                continue
            key = str(key_node.value)
            if len(key) > MAX_KEY:
                remedy = "Shorten it; `key: value` needs a space after the colon."
                self._problem(f"a key of {len(key):,} characters is too long", remedy, path, line, key[:60])
                continue
            below = _join(path, key)
            if id(key_node) in self._seen:
                self._problem("an alias (*name) is not allowed as a key", "Write the key out.", path, line)
                continue
            self._seen.add(id(key_node))
            if key in result:
                first = self.lines[below]
                self._problem(
                    f"this key is given twice, first in line {first}", "Keep one of them.", below, line
                )
                continue
            self.lines[below] = line
            result[key] = self.build(value_node, below, depth + 1)
        return result

    def _pairs(self, node: MappingNode, path: str, depth: int) -> list[tuple[Node, Node]]:
        """Keys and values of a mapping, and those that it merges (`<<`) and does not have itself."""
        own = [pair for pair in node.value if pair[0].tag != _MERGE]
        names = {_scalar_text(key) for key, _ in own} - {None}
        for key, value in node.value:
            if key.tag != _MERGE:
                continue
            line = key.start_mark.line + 1
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if id(source) in self._seen:
                    self._alias(_join(path, "<<"), line)
                elif not isinstance(source, MappingNode):
                    message = "`<<` merges keys and values, and this value has none"
                    self._problem(message, "Write `<<: {key: value}`, or the keys themselves.", path, line)
                elif depth >= MAX_DEPTH:
                    self.problems.append(_too_deep("<<", self.name, line))
                elif self._plain(source, "tag:yaml.org,2002:map", path):
                    self._seen.add(id(source))
                    merged = self._pairs(source, path, depth + 1)
                    own += [pair for pair in merged if _scalar_text(pair[0]) not in names]
                    names |= {_scalar_text(key) for key, _ in merged} - {None}
        return own

    def _alias(self, path: str, line: int) -> None:
        remedy = "Write the values out, or use `base:` and `override:`."
        message = "an anchor (&name) is used again by an alias (*name), which is not allowed"
        self._problem(message, remedy, path, line)

    def _scalar(self, node: Node, path: str, line: int) -> Any:
        tag = str(node.tag)
        if tag not in _PLAIN_TAGS:
            self._problem(
                f"the tag {_short_tag(tag)} is not allowed", "Write plain data without tags.", path, line
            )
            return None
        if tag.endswith(("str", "timestamp")):
            return str(node.value)
        try:
            return self._constructor.construct_object(node)
        except (ValueError, YAMLError):
            self._problem("this value cannot be read", "Write a plain one.", path, line, str(node.value)[:60])
            return None

    def _plain(self, node: Node, tag: str, path: str) -> bool:
        if str(node.tag) == tag:
            return True
        line = node.start_mark.line + 1
        self._problem(
            f"the tag {_short_tag(node.tag)} is not allowed", "Write plain data without tags.", path, line
        )
        return False

    def _problem(self, message: str, remedy: str, path: str, line: int, value: str = "") -> None:
        self.problems.append(Problem(message, remedy, path, self.name, line, value))


def _scalar_text(node: Node) -> str | None:
    return str(node.value) if isinstance(node, ScalarNode) else None


def _short_tag(tag: object) -> str:
    return str(tag).replace("tag:yaml.org,2002:", "!!")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
