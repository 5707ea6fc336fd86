"""A file over the file it builds on, and its override block over both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cosim.config.library import STUDY_KEYS, SWEEP_KEYS, local_file, locate, names, shelf_of_keys
from cosim.config.merge import Places, merge, set_value
from cosim.config.yaml_reader import Document, Look, read_yaml
from cosim.core.errors import InputError, Problem

NETWORK_ENDINGS = (".yaml", ".yml", ".json")


def over_base(
    document: Document, folder: Path, above: list[Path], first_look: Look
) -> tuple[Document, list[Problem]]:
    """A scenario over its base, its override block applied; and what is wrong with the block.

    Parameters
    ----------
    document : Document
        The file's data; may have a ``base`` and an ``override``.
    folder : Path
        What its base is relative to.
    above : list of Path
        The files that build on it, and itself; a base that is one of them closes a circle.
    first_look : Look
        See `cosim.config.yaml_reader.read_yaml`.

    Raises
    ------
    InputError
        If a base cannot be read, or the file is no scenario.
    """
    _require_mapping(document, "A scenario starts with `name: ...`.")
    _refuse_other_files(document)
    base = document.data.pop("base", None)
    block = document.data.pop("override", None)
    problems: list[Problem] = []
    block_places = _take_places(document, "override")
    if base is not None:
        below, problems = _read_base(document, base, folder, above, first_look)
        document = merge(below, document)
    if block is not None and not isinstance(block, dict):
        remedy = "Write one path and value per line: `communities.market.agent.policy: additive`."
        at = block_places.get("", (document.file, 0))
        return document, [*problems, Problem("must map paths to values", remedy, "override", *at)]
    by_path = _places_by_path(block_places, block or {})
    for path, value in (block or {}).items():
        places = by_path[path]
        problem = set_value(document, path, value, places)
        if problem is not None:
            at = places.get("", (document.file, 0))
            problems.append(Problem(problem.message, problem.remedy, f"override.{path}", *at))
    return document, problems


def _read_base(
    document: Document, base: Any, folder: Path, above: list[Path], first_look: Look
) -> tuple[Document, list[Problem]]:
    at = document.place_of("base")
    if not isinstance(base, str):
        remedy = "Write the name of a built-in scenario, or of a file in this folder."
        raise InputError([Problem("must name one scenario", remedy, "base", *at)])
    try:
        found = locate("scenarios", base, folder)
        if base not in names("scenarios"):
            local_file(folder, base)
        if found.resolve() in above:
            circle = " → ".join(path.name for path in (*above[above.index(found.resolve()) :], found))
            remedy = "Remove `base` from one of them."
            raise InputError([Problem(f"the bases build on each other in a circle: {circle}", remedy)])
    except InputError as error:
        raise InputError(
            [Problem(p.message, p.remedy, "base", *at, value=base) for p in error.problems]
        ) from None
    document = read_yaml(found, first_look=first_look)
    below, problems = over_base(document, found.parent, [*above, found.resolve()], first_look)
    if base not in names("scenarios"):
        _move_files(below.data, PurePosixPath(base).parent)
    return below, problems


def _move_files(data: Any, folder: PurePosixPath) -> None:
    """Make the paths that a base names relative to the folder of the file above it, which is `folder` up."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict | list):
            _move_files(value, folder)
        elif isinstance(value, str) and (
            key == "file" or (key == "network" and value.lower().endswith(NETWORK_ENDINGS))
        ):
            data[key] = str(folder / value)


def _take_places(document: Document, path: str) -> dict[str, tuple[str, int]]:
    """Move the places at and below `path` out of the document; ``""`` is `path` itself."""
    taken = {
        known: at for known, at in document.places.items() if known == path or known.startswith(f"{path}.")
    }
    for known in taken:
        del document.places[known]
    return {known.removeprefix(path): at for known, at in taken.items()}


def _places_by_path(block_places: Places, block: Mapping[str, Any]) -> dict[str, Places]:
    """Of each path of an override block the places at and below it, relative to it."""
    found: dict[str, Places] = {path: {} for path in block}
    for place, at in block_places.items():
        above = place.removeprefix(".")
        while above:  # paths hold dots themselves: each beginning of the place may be one
            if above in found:
                found[above][place.removeprefix(f".{above}")] = at
            above = above.rpartition(".")[0]
    return found


def _refuse_other_files(document: Document) -> None:
    """A sweep or an impact study."""
    shelf = shelf_of_keys(document.data)
    if shelf == "scenarios":
        return
    command, kind = ("sweep", "a sweep") if shelf == "sweeps" else ("impact", "an impact study")
    key = next(key for key in document.data if key in (SWEEP_KEYS if shelf == "sweeps" else STUDY_KEYS))
    remedy = f"`cosim {command}` runs it; a scenario is what it names as its base."
    raise InputError([Problem(f"this is {kind}, not a scenario", remedy, key, *document.place_of(key))])


def _require_mapping(document: Document, remedy: str) -> None:
    if not isinstance(document.data, dict):
        raise InputError([Problem("keys and values are expected", remedy, file=document.file, line=1)])
