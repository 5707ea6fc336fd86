"""Tables whose cells were found right, in the types that pandapower computes with; no value changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cosim.core.errors import Problem
from cosim.grid.column_check import Cells, cells_of
from cosim.grid.column_facts import FACTS, WORDS, Fact, modern_name

if TYPE_CHECKING:
    import pandas as pd

_INJECTING = frozenset(
    (
        "load",
        "sgen",
        "storage",
        "asymmetric_load",
        "asymmetric_sgen",
        "gen",
        "motor",
        "shunt",
        "ward",
        "xward",
    )
)
"""Tables whose powers pandapower multiplies by 0 where they are out of service, so that NaN would spread."""


_PLAIN = dict.fromkeys(("number", "nonzero", "positive", "not_negative", "share"), "f")
_PLAIN |= {"truth": "b"} | dict.fromkeys(("count", "whole", "bus", "bus_dc"), "iu")
"""Kinds of numpy's types in which a column that misses nothing is left as it is."""


def typed(table: str, rows: pd.DataFrame, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """The table with every column that a power flow reads in its own type, others as the file has them.

    Parameters
    ----------
    table : str
        pandapower's name of it.
    rows : DataFrame
        Its rows, which `column_problems` found nothing wrong with.
    dtypes : mapping of str to str
        The file's own types, for the columns that no power flow reads.
    """
    import pandas as pd

    facts = {fact.column: fact for fact in FACTS.get(table, ())}
    columns: dict[str, pd.Series] = {}
    for column, values in rows.items():
        fact = facts.get(modern_name(table, str(column)))
        if fact is not None and not _is_typed(values, fact):
            columns[column] = _as_fact(table, values, fact)
        elif fact is None and str(column) in dtypes:
            columns[column] = _as_file(values, dtypes[str(column)])
        else:
            columns[column] = values
    # At once: column by column, pandas would divide its blocks again and again.
    return pd.DataFrame(columns, index=rows.index, columns=rows.columns)


def _is_typed(values: pd.Series, fact: Fact) -> bool:
    """Whether a column has its type already."""
    return (
        isinstance(values.dtype, np.dtype)
        and values.dtype.kind in _PLAIN.get(fact.kind, "")
        and not values.isna().any()
    )


def _as_fact(table: str, values: pd.Series, fact: Fact) -> pd.Series:
    """A column in the type that its fact asks for."""
    import pandas as pd

    if fact.kind in WORDS:
        cells = values.astype(object)
        return cells.where(cells.isin(WORDS[fact.kind]), None)
    found: Cells = cells_of(values)
    number = pd.Series(found.number, index=values.index, name=values.name)
    if fact.kind == "truth":
        return (number == 1).astype(bool)
    if table in _INJECTING:
        number = number.fillna(0.0) if not fact.may_be_missing else number
    if fact.kind in ("count", "whole", "bus", "bus_dc"):
        if fact.may_be_missing:
            return number.astype("Int64")
        return number.fillna(1).astype(np.int64)
    return number


def _as_file(values: pd.Series, kind: str) -> pd.Series:
    """A column that no power flow reads, in the file's type for it where its cells allow that."""
    import pandas as pd

    if kind in ("object", "str", "string", "category"):
        return values.astype(object).where(values.notna(), None)
    found = cells_of(values)
    if kind.lower().startswith(("float", "int", "uint")) and (found.is_number | found.missing).all():
        return pd.Series(found.number, index=values.index, name=values.name)
    return values


_NAMED_TABLES = ("bus", "line", "trafo", "trafo3w")
"""Tables whose elements results and messages call by their names."""


def filled(net: Mapping[str, Any]) -> Iterator[Problem]:
    """Columns that a table does not have get their default; a warning for each says which.

    Names bear on no number and are not missed; ratings are, and are doubted as missing cells are.
    """
    for table in _NAMED_TABLES:
        if "name" not in net[table].columns:
            net[table]["name"] = None
    if "max_i_ka" not in net["line"].columns:
        net["line"]["max_i_ka"] = np.nan
    for table, facts in FACTS.items():
        rows = net.get(table)
        if rows is None or not len(rows):
            continue
        for fact in facts:
            if fact.default is not None and fact.column not in rows.columns:
                rows[fact.column] = fact.default if isinstance(fact.default, bool) else float(fact.default)
                if fact.kind == "count":
                    rows[fact.column] = rows[fact.column].astype(np.int64)
                taken = str(fact.default).lower() if isinstance(fact.default, bool) else f"{fact.default:g}"
                message = f"the table has no column {fact.column}; {taken} is taken"
                yield Problem(message, "add it", f"{table}.{fact.column}", severity="warning")
