"""Damaged input is refused in sentences or run to its end: a slice of the fuzzer, and all of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cosim.core.errors import CosimError, InputError, Problem


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        import fuzzer

        yield fuzzer
    finally:
        sys.path.remove(folder)


def failures(fuzzer: ModuleType, seed: int, **numbers: int) -> dict[str, Any]:
    tally = fuzzer.Tally()
    for kind, n in numbers.items():
        fuzzer.fuzz(kind, range(n), seed, tally)
    assert sum(tally.counts.values()) == sum(numbers.values())
    return dict(tally.failures)


def on_a_good_case(fuzzer: ModuleType) -> Any:
    from cases import SCENARIO, Case, as_yaml, small_scenario

    [(_, verdict, _)] = fuzzer._in_child(
        [(0, Case({SCENARIO: as_yaml(small_scenario("section6")).encode()}, ""))]
    )
    return verdict


@pytest.mark.parametrize("n", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_a_slice(fuzzer: ModuleType, n: int) -> None:
    assert failures(fuzzer, seed=7, scenario=n, network=n // 2, csv=n // 2) == {}


@pytest.mark.slow
def test_all_of_it(fuzzer: ModuleType) -> None:
    assert failures(fuzzer, seed=1, scenario=20_000, network=2_500, csv=2_500) == {}


@pytest.mark.parametrize(
    "every", [pytest.param(1, id="all", marks=pytest.mark.slow), pytest.param(10, id="some")]
)
def test_what_is_damaged_is_good(fuzzer: ModuleType, every: int) -> None:
    """Else every case would be refused, for a reason that has nothing to do with its damage."""
    from cases import SCENARIO, Case, as_yaml, scenario_names, small_scenario

    cases = [
        (n, Case({SCENARIO: as_yaml(small_scenario(name)).encode()}, name))
        for n, name in enumerate(list(scenario_names())[::every])
    ]
    assert {verdict.status for _, verdict, _ in fuzzer._in_child(cases)} == {"ran"}


def test_a_case_is_a_function_of_its_seed_and_number(fuzzer: ModuleType) -> None:
    for kind in ("scenario", "csv"):
        made = [fuzzer.make_case(kind, 3, number) for number in range(3)]
        assert made == [fuzzer.make_case(kind, 3, number) for number in range(3)]
        assert made != [fuzzer.make_case(kind, 4, number) for number in range(3)]


def _fault() -> None:
    raise KeyError("a fault")


def _fills_memory() -> None:
    np.ones(2**29)  # 4 GiB


def _kills() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _is_slow() -> None:
    while True:
        sum(range(10_000))


PLANTED = {
    "KeyError": _fault,
    "MemoryError": _fills_memory,
    "ended with -9": _kills,
    "longer than": _is_slow,
}


@pytest.mark.parametrize("cause", PLANTED)
@pytest.mark.parametrize("step", ["check", "run"])
@pytest.mark.fast_cases("check-KeyError", "check-ended with -9", "run-MemoryError", "run-longer than")
def test_a_planted_fault_is_found(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, cause: str, step: str
) -> None:
    import judge

    monkeypatch.setattr(judge, "SECONDS", 0.3 if cause == "longer than" else 3.0)
    planted = PLANTED[cause]
    monkeypatch.setattr(judge, "preflight" if step == "check" else "run_scenario", lambda *_: planted())
    verdict = on_a_good_case(fuzzer)
    assert verdict.status == "failed"
    assert cause in verdict.cause
    assert step in verdict.cause or "ended" in verdict.cause


@pytest.mark.parametrize("error", [InputError([Problem("too late")]), CosimError("too late")])
def test_a_run_that_refuses_or_fails_after_check_is_found(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, error: CosimError
) -> None:
    import judge

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(judge, "run_scenario", refuse)
    assert "too late" in on_a_good_case(fuzzer).cause


def test_a_failure_is_made_smaller(fuzzer: ModuleType) -> None:
    from shrink import smaller

    case = fuzzer.Case({"scenario.yaml": b"a: 1\nb: {c: 2, d: 3}\n", "x.csv": b"1\n2\n3\n4\n"}, "")

    def fails_alike(other: Any) -> bool:
        return b"d: 3" in other.files["scenario.yaml"] and b"3" in other.files["x.csv"]

    less = smaller(case, fails_alike, time.monotonic() + 10)
    assert less.files == {"scenario.yaml": b"b:\n  d: 3\n", "x.csv": b"3\n"}
