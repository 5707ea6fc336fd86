"""What can go wrong, as data: a problem says where, what, what would be right, and what was given."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

_LONGEST_WORD = 100
"""Characters of a word that may be a misspelling of another."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    Attributes
    ----------
    message : str
        What is wrong.
    remedy : str
        What would be right, or what to do.
    path : str
        Where in the configuration, dotted: ``communities.0.groups.1.battery.capacity_kwh``.
    file : str
        The file it stands in; empty when the value came from elsewhere (``--set``).
    line : int
        Line in that file, from 1; 0 when unknown.
    value : str
        The value that was given, as text; empty when nothing was given.
    severity : {"error", "warning"}
        An error stops a run before it starts; a warning does not.
    """

    message: str
    remedy: str = ""
    path: str = ""
    file: str = ""
    line: int = 0
    value: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = "" if place.endswith(f" {self.path}") else self.path  # `--set time.steps` says it already
        head = ": ".join(part for part in (place, path) if part)
        text = f"{head}: {self.message}" if head else self.message
        if self.value:
            text += f" (given: {self.value})"
        if self.remedy:
            remedy = self.remedy[0].upper() + self.remedy[1:]
            text += f"{'' if text[-1] in '.!?' else '.'} {remedy}{'' if remedy[-1] in '.!?' else '.'}"
        return text


class CosimError(Exception):
    """Root of every error cosim raises on purpose."""


class InputError(CosimError):
    """Bad input: carries every problem found, not only the first.

    SimPy rebuilds an exception from its positional arguments, so `problems` is positional.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@contextmanager
def collected(problems: list[Problem]) -> Iterator[None]:
    """Add what is wrong to `problems` in place of raising it, so that all of it can be told at once."""
    try:
        yield
    except InputError as error:
        problems += error.problems


class SimulationError(CosimError):
    """A run that started and could not go on."""


def suggest(word: str, known: Iterable[str]) -> str:
    """A sentence naming the closest of `known`, or all of them where none is close and they are few.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What could have been meant.
    """
    names = list(known)
    match = closest(word, names)
    if match:
        return f"Did you mean '{match}'?"
    return f"Known: {', '.join(names)}." if 0 < len(names) <= 20 else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The one of `known` that `word` is most likely a misspelling of; empty where none is close."""
    if len(word) > _LONGEST_WORD:
        return ""
    by_folded = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=0.55)
    return by_folded[matches[0]] if matches else ""


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun in the right form: ``1 household``, ``2 households``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
