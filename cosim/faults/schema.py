"""Configuration of faults: what breaks, for whom, when, and what is left of it afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from cosim.config.choice import Choice
from cosim.faults.kinds import FAULTS, Fault

FaultConfig = Annotated[Fault, Choice(FAULTS)]
"""A fault, by `kind`."""


def fault_names(faults: Sequence[Fault]) -> tuple[str, ...]:
    """The name of each fault: its own, or its kind and its number among the nameless ones of that kind."""
    seen: Counter[str] = Counter()
    names = []
    for fault in faults:
        seen[fault.kind] += fault.name is None
        names.append(fault.name or f"{fault.kind}_{seen[fault.kind]}")
    return tuple(names)


def fault_words(fault: Fault) -> str:
    """What a fault is called in a sentence, after "the": by its kind, and by its own name if it has one."""
    title = fault.title or fault.kind.replace("_", " ")
    return f"{title} '{fault.name}'" if fault.name else title
