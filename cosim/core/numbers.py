"""What a number of a summary is: declared once, beside the code that computes it.

``summary.json`` holds names and values alone. Their labels, units and meanings, and which side is the better
one, come from here wherever numbers are shown or compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Summary = dict[str, float | int | None]
"""Numbers by name; None stands for a number that does not exist in this run."""

COMMUNITY = "Communities"
"""Section of numbers whose name begins with a community's; shown, each community has a section of its own."""
OTHERS = "Others"
"""Section of numbers that nobody declares, as in a run made with a plugin that is not loaded."""

Kind = Literal["amount", "share", "ratio", "place", "time"]
"""An amount; a share of 1, and a ratio, which may be more than 1, both shown in %; the index of an element;
hours since the start, shown as a date."""


@dataclass(frozen=True)
class Number:
    """A number of ``summary.json``, or many of one kind.

    Attributes
    ----------
    pattern : str
        Its name, which ends in its unit. Names of the scenario stand in braces:
        ``{community}_{resource}_tracking_rmse_units``.
    label : str
        What it is called, in few words.
    unit : str
        Empty for counts, shares and ratios.
    meaning : str
        What it says, exactly, and when it is null.
    better : str
        ``less`` or ``more`` where one side is better; ``neither`` where that depends on what is wanted.
    kind : str
        How it is shown, and whether it can be compared: of two places or times a difference means nothing.
    least : float
        The least that it can be; confidence intervals are cut off there.
    digits : int
        Significant digits that are shown at least.
    section : str
        Where it is shown.
    source : str
        What it is computed from.
    told : str
        How the answer of a run mentions it where it is not 0, with ``{}`` in place of its value; empty of one
        that it does not mention so.
    """

    pattern: str
    label: str
    unit: str
    meaning: str
    better: Literal["less", "more", "neither"] = "neither"
    kind: Kind = "amount"
    least: float = 0.0
    digits: int = 4
    section: str = OTHERS
    source: str = ""
    told: str = ""

    @property
    def most(self) -> float:
        """What it can be at most."""
        return 1.0 if self.kind == "share" else math.inf

    @property
    def ends(self) -> tuple[str, str]:
        """What its name begins with before, and ends in behind, the names of the scenario."""
        parts = re.split(r"\{.*\}", self.pattern)
        return (parts[0], parts[-1]) if len(parts) > 1 else (self.pattern, "")


def declared(section: str, source: str, *numbers: Number) -> tuple[Number, ...]:
    """Numbers of one section and source."""
    return tuple(replace(number, section=section, source=source) for number in numbers)


class Described(NamedTuple):
    """A number of one run, as it is shown."""

    number: Number
    """What it is."""
    section: str
    phrase: str
    unit: str
    """As a reader wants them; the phrase within a sentence."""
    scale: int
    """What the value is multiplied by to be in this unit."""

    @property
    def name(self) -> str:
        """The phrase as a title: a capital letter, unless it is a name of the scenario's or of the number."""
        is_plain = self.phrase == self.number.label and bool(self.number.source)
        return self.phrase[:1].upper() + self.phrase[1:] if is_plain else self.phrase

    @property
    def is_comparable(self) -> bool:
        """Whether a difference of two such numbers means something."""
        return self.number.kind in ("amount", "share", "ratio")


class Catalogue:
    """Numbers of several wings together.

    Parameters
    ----------
    numbers : iterable of Number
        In the order in which their sections are shown.
    """

    def __init__(self, numbers: Iterable[Number]) -> None:
        self.numbers = tuple(numbers)
        self._exact = {number.pattern: number for number in self.numbers if "{" not in number.pattern}
        named = [number for number in self.numbers if "{" in number.pattern]
        # What begins with a word of its own is no community's; of two endings that fit, the longer.
        self._named = sorted(named, key=lambda number: [-len(end) for end in number.ends])

    def find(self, key: str) -> Number | None:
        """The declaration of a number; None where there is none."""
        if key in self._exact:
            return self._exact[key]
        return next((number for number in self._named if names_in(key, number)), None)

    def describe(self, key: str, communities: Sequence[str] = ()) -> Described:
        """A number as it is shown; one that nobody declares is called by its name, without a unit.

        Parameters
        ----------
        key : str
            Its name in ``summary.json``.
        communities : sequence of str
            Names of the run's communities.
        """
        number = self.find(key)
        if number is None:
            # Without a declaration nothing is known of it, nor can anything be read off its name.
            number = Number(key, key, "", "not declared by any module that is loaded", least=-math.inf)
        section, of = number.section, names_in(key, number)
        if section == COMMUNITY:
            owners = [name for name in communities if of == name or of.startswith(f"{name}_")]
            if owners:
                owner = max(owners, key=len)
                section, of = section_of(owner), of[len(owner) + 1 :]
        phrase = f"{of}: {number.label}" if of else number.label
        in_percent = number.kind in ("share", "ratio")
        return Described(
            number, section, phrase, "%" if in_percent else number.unit, 100 if in_percent else 1
        )

    def sections(self, communities: Sequence[str] = ()) -> list[str]:
        """Every section in its order: each community, then what all runs have in common."""
        own = dict.fromkeys(number.section for number in self.numbers)
        return list(dict.fromkeys([*map(section_of, communities), *own, OTHERS]))

    @property
    def first_words(self) -> frozenset[str]:
        """Words that numbers of no community begin with."""
        begins = (number.ends[0] for number in self.numbers)
        return frozenset(begin.split("_")[0] for begin in begins if begin)


def section_of(community: str) -> str:
    """The section of a community's numbers."""
    return f"Community {community}"


def names_in(key: str, number: Number) -> str:
    """What stands in a number's name for names of the scenario; empty where it does not fit or has none."""
    begin, end = number.ends
    if "{" not in number.pattern or len(key) <= len(begin) + len(end):
        return ""
    return key[len(begin) : len(key) - len(end)] if key.startswith(begin) and key.endswith(end) else ""


def finite(value: float) -> float | None:
    """A number as ``summary.json`` holds it: None for what does not exist."""
    return value if math.isfinite(value) else None
