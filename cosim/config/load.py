"""From a file, its base and the overrides to one frozen scenario, or to every problem at once.

Precedence, the later wins: defaults of the schema, the base scenario (``base:``), the file, its
``override:`` block, ``--set``, ``--seed``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cosim.config.library import locate
from cosim.config.network import NetworkConfig
from cosim.config.scenario import Scenario
from cosim.config.yaml_reader import Document, parse_yaml, read_yaml
from cosim.errors import InputError, Problem, suggest

_MAX_BASES = 8


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario and where it came from.

    Attributes
    ----------
    scenario : Scenario
        The frozen model.
    folder : Path
        What its relative paths are relative to.
    file : str
        The file it was read from, for messages.
    document : Document
        The merged data with line numbers, to place problems found later.
    """

    scenario: Scenario
    folder: Path
    file: str
    document: Document

    def problem(
        self, path: str, message: str, remedy: str = "", value: object = "", warning: bool = False
    ) -> Problem:
        """A problem at `path` of this scenario, with its file and line."""
        text = "" if value == "" else str(value)
        file, line = self.document.place_of(path)
        return Problem(message, remedy, path, file, line, text, "warning" if warning else "error")


def load_scenario(
    source: str, overrides: Sequence[str] = (), seed: int | None = None, folder: Path | None = None
) -> LoadedScenario:
    """Read and validate a scenario.

    Parameters
    ----------
    source : str
        A built-in name, or a path to a YAML file.
    overrides : sequence of str
        ``path=value``, the value written as in YAML; list items are named by number or by their `name`.
    seed : int, optional
        Replaces the scenario's seed.
    folder : Path, optional
        What a relative `source` is relative to.

    Raises
    ------
    InputError
        With every problem found.
    """
    file = locate("scenarios", source, folder)
    document, data_folder = _read_with_base(file, 0)
    problems = [*_apply_all(document, overrides)]
    if seed is not None:
        document.data["seed"] = seed
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        problems += translate(error, document, Scenario)
    if problems:
        raise InputError(problems)
    return LoadedScenario(scenario, data_folder, document.file, document)


def load_network(name_or_path: str, folder: Path) -> tuple[NetworkConfig, Path]:
    """Read the file of a network.

    Parameters
    ----------
    name_or_path : str
        A built-in name, or a path relative to `folder`.
    folder : Path
        The scenario's folder.

    Returns
    -------
    NetworkConfig, Path
        The network, and the folder its file lies in.

    Raises
    ------
    InputError
        With every problem found.
    """
    file = locate("networks", name_or_path, folder)
    document = read_yaml(file, name_or_path if name_or_path.endswith((".yaml", ".yml")) else "")
    try:
        return NetworkConfig.model_validate(document.data), file.parent
    except ValidationError as error:
        raise InputError(translate(error, document, NetworkConfig)) from None


def _read_with_base(file: Path, depth: int) -> tuple[Document, Path]:
    document = read_yaml(file)
    if not isinstance(document.data, dict):
        remedy = "A scenario starts with `name: ...`."
        raise InputError([Problem("this is no mapping of keys to values", remedy, file=document.file, line=1)])
    base_name = document.data.pop("base", None)
    override = document.data.pop("override", {}) or {}
    folder = file.parent
    if base_name is not None:
        document, folder = _on_base(document, str(base_name), file, depth)
    if not isinstance(override, dict):
        raise InputError([Problem("must map paths to values", "", "override", *document.place_of("override"))])
    problems = [
        Problem(problem, remedy, f"override.{path}", *document.place_of("override"))
        for path, value in override.items()
        for problem, remedy in _set(document.data, path, value)
    ]
    if problems:
        raise InputError(problems)
    return document, folder


def _on_base(document: Document, base_name: str, file: Path, depth: int) -> tuple[Document, Path]:
    if depth >= _MAX_BASES:
        raise InputError([Problem("bases build on each other in a circle", "", "base", str(file))])
    base, folder = _read_with_base(locate("scenarios", base_name, file.parent), depth + 1)
    places = {**base.places, **document.places}
    merged = Document(_merge(base.data, document.data), document.file, places)
    return merged, folder if folder.is_dir() else file.parent


_FORM_KEYS = ("model", "kind", "form")
_WHOLE_FORMS = ("uniform", "uniform_int", "normal", "choice", "each", "by_hour", "steps", "margin")


def _merge(below: Any, above: Any) -> Any:
    """`above` over `below`: mappings key by key, everything else as a whole.

    A mapping that says which form it is (another `model:`, another distribution) replaces what was there,
    for the keys of two forms do not mix.
    """
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    other_form = any(key in above and above[key] != below.get(key) for key in _FORM_KEYS)
    whole_form = any(key in above and key not in below for key in _WHOLE_FORMS)
    if other_form or (whole_form and "start" not in below):
        return above
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _merge(below[key], value) if key in below else value
    if "steps" in above and "start" in below:  # the time section: one length replaces the other
        merged.pop("duration_h", None)
    elif "duration_h" in above and "steps" not in above:
        merged.pop("steps", None)
    return merged


def _apply_all(document: Document, overrides: Sequence[str]) -> list[Problem]:
    problems = []
    for text in overrides:
        path, equals, value = text.partition("=")
        if not equals or not path:
            problems.append(Problem("must be written path=value", "Example: --set seed=7", f"--set {text}"))
            continue
        try:
            parsed = parse_yaml(value, f"--set {path}").data if value.strip() else None
        except InputError as error:
            problems += error.problems
            continue
        problems += [
            Problem(message, remedy, f"--set {path}") for message, remedy in _set(document.data, path, parsed)
        ]
    return problems


_INSTEAD_OF = {"time.steps": "duration_h", "time.duration_h": "steps"}
"""Of these only one is given; to override one is to drop the other."""


def _set(data: Any, path: str, value: Any) -> list[tuple[str, str]]:
    """Write `value` at the dotted `path` of `data`; what is wrong as (message, remedy)."""
    place = data
    keys = path.split(".")
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        where = ".".join(keys[: position + 1])
        if isinstance(place, list):
            index = _index(place, key)
            if index is None:
                known = [str(item.get("name")) for item in place if isinstance(item, dict) and "name" in item]
                return [(f"'{where}' names no item of this list", suggest(key, known))]
            if last:
                place[index] = value
            place = place[index]
        elif isinstance(place, dict):
            if last:
                place[key] = value
                place.pop(_INSTEAD_OF.get(path, ""), None)
            elif place.get(key) is None:
                place[key] = {}
            place = place[key]
        else:
            return [(f"'{where}' lies below a plain value", "Name the key above it.")]
    return []


def _index(items: list[Any], key: str) -> int | None:
    if re.fullmatch(r"\d+", key):
        return int(key) if int(key) < len(items) else None
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == key:
            return index
    return None


def translate(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """Pydantic's errors as problems with file, line and remedy, one for each place.

    A union reports one error for each member it tried; the first of a place is kept, with what the
    others would have taken.
    """
    problems: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _path(detail, document.data)
        if path in problems:
            continue
        value = _shown(detail.get("input"))
        message, remedy = _wording(detail, model, document.data)
        problems[path] = Problem(message, remedy, path, *document.place_of(path), value)
    return list(problems.values())


def _path(detail: ErrorDetails, data: Any) -> str:
    """The dotted path in the file: pydantic's location without the names of union members."""
    parts: list[str] = []
    place = data
    for position, part in enumerate(detail["loc"]):
        last = position == len(detail["loc"]) - 1
        if isinstance(part, int) and isinstance(place, list) and part < len(place):
            place = place[part]
        elif isinstance(part, str) and isinstance(place, dict) and part in place:
            place = place[part]
        elif last and detail["type"] in ("missing", "union_tag_not_found") and isinstance(part, str):
            place = None
        else:
            continue
        parts.append(str(part))
    return ".".join(parts)


def _wording(detail: ErrorDetails, model: type[BaseModel], data: Any) -> tuple[str, str]:
    kind, key = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key '{key}'", suggest(key, sorted(_all_keys(model)))
    if kind == "missing":
        return "this key is missing", f"Add `{key}: ...`."
    if kind in ("union_tag_invalid", "literal_error"):
        expected = str(context.get("expected_tags", context.get("expected", "")))
        given = str(context.get("tag", detail.get("input")))
        return f"'{given}' is not one of the choices", f"{suggest(given, _quoted(expected))} Choices: {expected}."
    if kind == "union_tag_not_found":
        return f"the key {context.get('discriminator', 'kind')} is missing", "It says which of the forms this is."
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), ""
    quantity = _quantity(detail.get("input"))
    if quantity and kind in ("float_parsing", "int_parsing", "float_type", "int_type", "model_type"):
        number, unit = quantity
        named = f" The unit belongs to the key's name ({key})." if "_" in key else ""
        return f"a plain number is expected, not a number with the unit '{unit}'", f"Write {number}.{named}"
    return detail["msg"][0].lower() + detail["msg"][1:], ""


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']+)'", text)


def _quantity(value: Any) -> tuple[str, str] | None:
    match = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([%a-zA-Z/]+)\s*", str(value))
    return (match[1], match[2]) if isinstance(value, str) and match else None


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, default=str)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _all_keys(model: type[BaseModel]) -> set[str]:
    """Every key that occurs anywhere in the schema: a misspelt one is most often among them."""
    schema = model.model_json_schema()
    keys = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        keys |= set(definition.get("properties", {}))
    return keys
