"""Whether lists of one number for each household have as many as there are households."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from cosim.config.values import Each, wrong_length
from cosim.core.context import Context
from cosim.core.errors import Problem


def each_problems(
    context: Context, path: str, value: object, households: int, group: str = ""
) -> Iterator[Problem]:
    """Every `each` in a part of a group that lists more or fewer numbers than it has households.

    Parameters
    ----------
    context : Context
        The run.
    path : str
        Where the part stands in the scenario.
    value : object
        The part.
    households : int
        How many there are in the group.
    group : str
        Its name, for messages, where the path does not tell it.
    """
    if isinstance(value, Each) and len(value.each) != households:
        problem = wrong_length(len(value.each), households)
        of_group = f" of group '{group}'" if group else ""
        yield context.problem(f"{path}.each", f"{problem.message}{of_group}", problem.remedy)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from each_problems(context, f"{path}.{name}", getattr(value, name), households, group)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from each_problems(context, f"{path}.{number}", item, households, group)
