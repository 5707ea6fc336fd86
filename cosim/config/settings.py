"""Values for single paths of a scenario, such as those of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cosim.config.merge import Places
from cosim.config.yaml_reader import Document, parse_yaml
from cosim.core.errors import InputError, Problem


@dataclass(frozen=True)
class Setting:
    """A value for one path of a scenario."""

    path: str
    """Keys joined by dots; list items are named by number or by their `name`."""
    value: Any
    """Plain data; replaces what was there as a whole."""
    places: Places = field(default_factory=dict)
    """File and line of the value, for messages: ``""`` for itself, ``".0.start_h"`` for what is below it."""
    is_of_user: bool = False
    """Whether it was given on the command line or in Python: then it may name any file as the network."""


def option_settings(overrides: Sequence[str], seed: int | None = None) -> tuple[list[Setting], list[Problem]]:
    """What ``--set`` and ``--seed`` gave, and what is wrong with how it is written."""
    settings: list[Setting] = []
    problems: list[Problem] = []
    for text in overrides:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not path:
            remedy = "Write it as PATH=VALUE, for example --set time.steps=200."
            problems.append(Problem("this is not a path and a value", remedy, file=f"--set {text}"))
            continue
        option = f"--set {path}"
        try:
            parsed = parse_yaml(value, option) if value.strip() else Document(None, option)
        except InputError as error:
            problems += [Problem(p.message, p.remedy, file=option, value=value) for p in error.problems]
            continue
        places = {f".{below}" if below else "": (option, 0) for below in parsed.places} | {"": (option, 0)}
        settings.append(Setting(path, parsed.data, places, is_of_user=True))
    if seed is not None:
        settings.append(Setting("seed", seed, {"": ("--seed", 0)}))
    return settings, problems
