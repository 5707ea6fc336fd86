"""Whether a run exceeded limits, and which one binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cosim.grid.verdict import WORDS_BY_KEY
from cosim.study.impact.schema import LIMIT_KINDS, ImpactConfig

NOT_SOLVED = "not_solved"
"""Kind of what is worse than any limit: a power flow that has no solution."""
KINDS = (NOT_SOLVED, *LIMIT_KINDS)
"""Everything that can bind."""
WORDS = {NOT_SOLVED: "power flow not solved"} | {key: words.outside for key, words in WORDS_BY_KEY.items()}
"""The same in words."""


class Binding(NamedTuple):
    """The limit that is exceeded furthest."""

    kind: str
    """One of `KINDS`."""
    element: int
    """Index of the bus, line or transformer; -1 where no power flow was solved."""
    use: float
    """Share of its limit that it uses at worst."""
    time_h: float | None = None
    """When that is, in hours from the start; None where no power flow was solved."""

    @property
    def table(self) -> str:
        """Table of the network that the element is in."""
        return WORDS_BY_KEY[self.kind].table if self.kind in WORDS_BY_KEY else ""


def exceeded(summary: Mapping[str, Any], config: ImpactConfig) -> bool:
    """Whether some limit that counts is exceeded for longer than the study allows.

    Parameters
    ----------
    summary : mapping
        Numbers of the run.
    config : ImpactConfig
        The study. A power flow that was not solved counts in any case.
    """
    return bool(_kinds(summary, config))


def binding(summary: Mapping[str, Any], config: ImpactConfig) -> Binding | None:
    """The limit that counts and is exceeded furthest, relative to what it allows; None where none is."""
    kinds = _kinds(summary, config)
    if not kinds:
        return None
    found = [each for kind in kinds if kind != NOT_SOLVED and (each := most_used(kind, summary))]
    return max(found, key=lambda each: each.use) if found else Binding(NOT_SOLVED, -1, float("inf"))


def most_used(kind: str, summary: Mapping[str, Any]) -> Binding | None:
    """The element that uses its limit of a kind most, exceeded or not; None where there is none."""
    if not number_of(summary, f"{kind}_use_max"):
        return None
    element = int(summary[f"{kind}_use_max_{WORDS_BY_KEY[kind].table}"])
    return Binding(kind, element, float(summary[f"{kind}_use_max"]), float(summary[f"{kind}_use_max_time_h"]))


def _kinds(summary: Mapping[str, Any], config: ImpactConfig) -> Sequence[str]:
    n = summary["intervals"]
    allowed = config.allowed_share_of_time * n
    unsolved = [NOT_SOLVED] if summary["intervals_diverged"] or summary["intervals_skipped"] else []
    return [*unsolved, *(kind for kind in config.limits if number_of(summary, f"{kind}_intervals") > allowed)]


def number_of(summary: Mapping[str, Any], name: str) -> float:
    """A number of the summary; 0 where the feeder has no such element, or nothing was solved."""
    value = summary.get(name)
    return 0.0 if value is None or value != value else float(value)
