"""What the keys of a model mean: the docstrings below its attributes.

Pydantic can read them itself (``use_attribute_docstrings``), as each class is made, which took a third of a
second of each start. Here a class's source is read when somebody asks.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


def description_of(model: type[BaseModel], key: str) -> str:
    """What a key of a model means, as its field says or the docstring below it; empty where neither does."""
    described = model.model_fields[key].description
    if described is not None:
        return described
    for cls in model.__mro__:
        if key in inspect.get_annotations(cls):
            return _docstrings(cls).get(key, "")
    return ""


@cache
def _docstrings(cls: type) -> Mapping[str, str]:
    """The text below each attribute of a class's own; nothing where its source is not to be had."""
    try:
        source = textwrap.dedent(inspect.getsource(cls))
        made = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):  # of a class without a file
        return {}
    if not isinstance(made, ast.ClassDef):
        return {}
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in pairwise(made.body)
        if isinstance(above, ast.AnnAssign)
        and isinstance(above.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
