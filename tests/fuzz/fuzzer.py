"""Damages scenarios, networks and CSV files by seed, and says what cosim does not answer as it promises.

    python tests/fuzz/fuzzer.py --scenarios 20000 --networks 2500 --csvs 2500    # all of it; `make fuzz`
    python tests/fuzz/fuzzer.py --only network:17 --seed 1                       # one case, shown whole

It promises: bad input is refused in sentences; what `check` accepts, `run` takes to its end; neither meets a
fault of its own, takes more than 20 s, or more than 2 GiB. A failure is printed with its case, and with
``--shrink`` made as small as it gets.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from cases import Case, Kind, make_case, network_texts
from judge import Verdict, judge
from shrink import smaller

BATCH = 50
"""Cases that one child process judges: a crash costs no more than these, and leaks cannot add up."""
HUNG_S = 300.0
"""A child that says nothing for so long on the wall's clock hangs where no signal reaches it."""


@dataclass
class Tally:
    """What came of all cases.

    Attributes
    ----------
    counts : Counter
        By (kind, status).
    failures : dict
        The first case of each cause: kind and number.
    slowest_s : float
        Longest time that a case took.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[str, tuple[Kind, int]] = field(default_factory=dict)
    slowest_s: float = 0.0

    @property
    def n_failed(self) -> int:
        """How many cases failed."""
        return sum(n for (_, status), n in self.counts.items() if status == "failed")

    def lines(self) -> Iterator[str]:
        """A table of the counts."""
        yield f"{'kind':<10} {'cases':>7} {'refused':>8} {'accepted':>8} {'ran':>8} {'failed':>8}"
        for kind in dict.fromkeys(kind for kind, _ in self.counts):
            of = {s: self.counts[kind, s] for s in ("refused", "accepted", "ran", "failed")}
            yield f"{kind:<10} {sum(of.values()):>7} " + " ".join(f"{n:>8}" for n in of.values())
        yield f"slowest case: {self.slowest_s:.1f} s of processor time"


def fuzz(
    kind: Kind, numbers: range, seed: int, tally: Tally, show: bool = False, until: float | None = None
) -> None:
    """Judge the cases `numbers` of a kind, in child processes; stops at `until` (monotonic)."""
    waiting = list(numbers)
    while waiting and (until is None or time.monotonic() < until):
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        while batch:
            verdicts = _in_child([(number, make_case(kind, seed, number)) for number in batch], until)
            for number, verdict, seconds in verdicts:
                tally.counts[kind, verdict.status] += 1
                tally.slowest_s = max(tally.slowest_s, seconds)
                if verdict.status == "failed" and verdict.cause not in tally.failures:
                    tally.failures[verdict.cause] = (kind, number)
                    if show:
                        print(f"  {kind}:{number} {verdict.cause}", flush=True)
            batch = batch[len(verdicts) :]
            if not verdicts:
                break


def _in_child(cases: list[tuple[int, Case]], until: float | None = None) -> list[tuple[int, Verdict, float]]:
    """The verdicts on cases, up to and with the first that takes the child down."""
    # Forked: what is loaded is there, and a child starts in milliseconds.
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(cases, theirs, until))
    child.start()
    theirs.close()
    found: list[tuple[int, Verdict, float]] = []
    cause = ""
    try:
        while len(found) < len(cases):
            if not ours.poll(HUNG_S):
                cause = f"hung for {HUNG_S:g} s"
                break
            answer = ours.recv()
            if answer is None:
                return found
            found.append(answer)
    except EOFError:
        child.join()
        cause = f"the process ended with {child.exitcode}"
    finally:
        if child.is_alive() and cause:
            child.kill()
        child.join()
    if cause:
        found.append((cases[len(found)][0], Verdict("failed", cause), 0.0))
    return found


def _child(cases: list[tuple[int, Case]], answers: Connection, until: float | None) -> None:
    # What the libraries print is of no interest here; a crash still shows in the exit code.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("ignore")
    for number, case in cases:
        if until is not None and time.monotonic() > until:
            break
        began = time.process_time()
        verdict = judge(case)
        answers.send((number, verdict, time.process_time() - began))
    answers.send(None)
    answers.close()


def show_case(kind: Kind, number: int, seed: int, seconds: float = 60.0) -> None:
    """Print a case, made smaller where it fails, and what came of it."""
    case = make_case(kind, seed, number)
    [(_, verdict, _)] = _in_child([(number, case)])
    print(f"{kind}:{number}, seed {seed}, {case.origin}: {verdict.status} {verdict.cause}\n{verdict.details}")
    if verdict.status == "failed":

        def fails_alike(other: Case) -> bool:
            [(_, again, _)] = _in_child([(number, other)])
            return again.cause == verdict.cause

        case = smaller(case, fails_alike, time.monotonic() + seconds)
    for name, raw in case.files.items():
        print(f"--- {name}\n{raw.decode('utf-8', 'backslashreplace')[:4000]}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind")
    for kind in ("scenario", "network", "csv"):
        parser.add_argument(f"--{kind}s", type=int, default=0)
    parser.add_argument("--only", help="one case, as KIND:NUMBER")
    parser.add_argument("--seconds", type=float, help="stop after this time")
    parser.add_argument("--shrink", action="store_true", help="show a case of each cause, made smaller")
    given = parser.parse_args()
    network_texts()
    if given.only:
        kind, _, number = given.only.partition(":")
        show_case(kind, int(number), given.seed)
        return
    until = None if given.seconds is None else time.monotonic() + given.seconds
    tally = Tally()
    for kind in ("scenario", "network", "csv"):
        fuzz(
            kind, range(given.first, given.first + getattr(given, f"{kind}s")), given.seed, tally, True, until
        )
    print("\n".join(tally.lines()))
    for cause, (kind, number) in tally.failures.items():
        print(f"{kind}:{number} {cause}")
        if given.shrink:
            show_case(kind, number, given.seed)
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
