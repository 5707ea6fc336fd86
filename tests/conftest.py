"""What all tests share: which cases run with every change, and what need not be made anew each time.

Making the hundred empty tables of a net takes pandapower about 0.2 s, nearly half of what a test of a small
grid takes. They are always the same, so they are made once for each set of columns and copied from then on;
`tests/test_pandapower_tables.py` holds that a net made so is the one that pandapower makes. Likewise typer
reads the signatures of all commands whenever one is called.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from hypothesis import settings

from tests.examples import examples

settings.register_profile("of this call", max_examples=examples(settings.default.max_examples))
settings.load_profile("of this call")

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


def pytest_collection_finish() -> None:
    """What the tests loaded stays until the end: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_runtest_setup() -> None:
    """Whoever loaded typer or pandapower: from now on what they make anew each time is made once."""
    typer = sys.modules.get("typer.main")
    if typer is not None and not hasattr(typer.get_command, "cache_info"):
        typer.get_command = functools.cache(typer.get_command)  # type: ignore[attr-defined]
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


@contextmanager
def _points_here() -> Iterator[None]:
    from cosim.engine.load import ScenarioSource
    from cosim.study.sweep.local_workers import LocalWorkers
    from cosim.study.sweep.point import PointResult, PointTask, run_point
    from cosim.study.sweep.sweep_run import More, nothing_more

    def run(
        self: LocalWorkers, base: ScenarioSource, tasks: Sequence[PointTask], more: More = nothing_more
    ) -> Iterator[PointResult]:
        waiting = deque(tasks)
        while waiting:
            result = run_point(base, waiting.popleft())
            yield result
            waiting.extend(more(result))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalWorkers, "run", run)
        yield


@pytest.fixture(scope="session")
def points_here() -> Callable[[], AbstractContextManager[None]]:
    """Within it, the points of sweeps run in this process, where no worker has to start."""
    return _points_here
