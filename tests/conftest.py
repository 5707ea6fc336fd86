"""What all tests share: which cases of a kind run with every change, and empty tables of pandapower.

Making the hundred empty tables of a net takes pandapower about 0.2 s, nearly half of what a test of a small
grid takes. They are always the same, so they are made once for each set of columns and copied from then on;
`tests/test_pandapower_tables.py` holds that a net made so is the one that pandapower makes.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

_made: dict[tuple[tuple[str, str], ...], Any] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Cases that a test's mark `fast_cases` does not name are slow; a name that is no case is an error."""
    unknown: dict[str, set[str]] = {}
    for item in items:
        mark = item.get_closest_marker("fast_cases")
        if mark is not None:
            case = item.callspec.id  # type: ignore[attr-defined]
            unknown.setdefault(item.nodeid.partition("[")[0], set(mark.args)).discard(case)
            if case not in mark.args:
                item.add_marker(pytest.mark.slow)
    is_whole = not any("::" in argument for argument in config.args)
    wrong = [f"{test}: {', '.join(sorted(cases))}" for test, cases in unknown.items() if cases]
    if is_whole and wrong:
        raise pytest.UsageError("fast_cases names what is no case of\n" + "\n".join(wrong))


def pytest_runtest_setup() -> None:
    """Whoever loaded pandapower: from now on its empty tables are copies."""
    net = getattr(sys.modules.get("pandapower.auxiliary"), "pandapowerNet", None)
    if net is None or hasattr(net, "tables_made_anew"):
        return
    net.tables_made_anew = net.create_dataframes

    def create_dataframes(data: dict[str, Any]) -> dict[str, Any]:
        for name, columns in data.items():
            if isinstance(columns, dict):
                key = tuple((column, repr(dtype)) for column, dtype in columns.items())
                if key not in _made:
                    _made[key] = net.tables_made_anew({name: columns})[name]
                data[name] = _made[key].copy()
        return data

    net.create_dataframes = create_dataframes
