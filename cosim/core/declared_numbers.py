"""Numbers that classes from outside give, held against what they declare."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cosim.core.errors import Problem
from cosim.core.numbers import Catalogue, Number, Summary
from cosim.core.registry import PluginError


def as_declared(called: str, values: Summary, numbers: Iterable[Number], taken: Collection[str]) -> Summary:
    """The numbers as ``summary.json`` holds them.

    Parameters
    ----------
    called : str
        What the class is called, for messages.
    values : dict
        What it gives.
    numbers : iterable of Number
        What it declares.
    taken : collection of str
        Numbers that the run has already.

    Raises
    ------
    PluginError
        If one is not declared, is there already, or cannot be what it is declared as.
    """
    declared, found = Catalogue(numbers), Summary()
    again = sorted(key for key in values if key in taken)
    if again:
        raise misfit(f"{called} gives numbers that the run has already: {', '.join(again)}")
    for key, value in values.items():
        number = declared.find(key)
        if number is None:
            raise misfit(f"{called} gives a number that it does not declare: {key}")
        # NaN is in no range; numbers of numpy are turned into what JSON knows.
        if value is not None and not number.least <= value <= min(number.most, 1e300):
            raise misfit(f"{called} gives {key} = {value}, which its declaration does not allow")
        found[key] = value if value is None or isinstance(value, int) else float(value)
    return found


def misfit(message: str) -> PluginError:
    """The error of a class from outside that does not give what it should."""
    return PluginError([Problem(message, "Correct it, or leave the plugin out.")])
