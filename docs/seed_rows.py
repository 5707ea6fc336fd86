"""Runs over several seeds, kept as rows of a CSV file: what programs of docs/ share that compare cases."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Collection, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.study.robustness.estimates import estimate

Array = NDArray[np.float64]
Case = tuple[str, ...]
"""What tells one case from the others, as it stands in a row."""


def rows_of(raw: Path) -> list[dict[str, str]]:
    """The rows of a file of runs."""
    with raw.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def run_missing(
    out: Path,
    columns: tuple[Sequence[str], Collection[str]],
    cases: Collection[Case],
    n_seeds: int,
    numbers_of: Callable[[Case, int], Sequence[float]],
) -> None:
    """Run every case with every seed, and write a row for each when it is done; go on where it stopped.

    Parameters
    ----------
    out : Path
        Where rows go, after those that it has.
    columns : (sequence of str, collection of str)
        Names of the parts of a case, and of the numbers.
    cases : collection of Case
        What is run.
    n_seeds : int
        From 1 up to which seed.
    numbers_of : callable
        Runs a case with a seed.
    """
    keys, numbers = columns
    done = {(row["seed"], *(row[key] for key in keys)) for row in rows_of(out)} if out.exists() else set()
    with out.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if not stream.tell():
            writer.writerow(["seed", *keys, *numbers])
        for seed, case in product(range(1, n_seeds + 1), cases):
            stream.flush()  # so a program that is ended leaves whole rows below their names
            if (str(seed), *case) not in done:
                writer.writerow([seed, *case, *(f"{each:.10g}" for each in numbers_of(case, seed))])


def read(raw: Path, keys: Sequence[str], numbers: Collection[str]) -> dict[Case, Array]:
    """By case, the numbers by seed; shape (n_seeds, n_numbers), for the seeds that every case has."""
    rows: dict[Case, dict[int, list[float]]] = {}
    for row in rows_of(raw):
        case = tuple(row[key] for key in keys)
        rows.setdefault(case, {})[int(row["seed"])] = [float(row[name]) for name in numbers]
    seeds = sorted(set.intersection(*(set(each) for each in rows.values())))
    return {case: np.array([each[seed] for seed in seeds]) for case, each in rows.items()}


def half_width(values: Array) -> float:
    """Half the width of the 95 % interval of a mean, Student's t; NaN for a single seed."""
    found = estimate(values)
    return found.high - found.mean


def command(
    description: str, raw: Path, run_missing: Callable[[int, Path], None], shown: Callable[[Path], str]
) -> None:
    """What such a program does when it is called: run what `--seeds` asks for, and print what it found.

    Parameters
    ----------
    description : str
        What the program is for; of several lines the first.
    raw : Path
        The file of runs, where `--out` names no other.
    run_missing : callable
        Runs up to so many seeds, into a file.
    shown : callable
        What is printed of a file.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=raw)
    given = parser.parse_args()
    if given.seeds:
        run_missing(given.seeds, given.out)
    print(shown(given.out))
