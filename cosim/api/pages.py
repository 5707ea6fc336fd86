"""The page of a run, a sweep or a study: what a browser shows of it."""

from __future__ import annotations

import os
from pathlib import Path

from cosim.core.errors import InputError, Problem

_PLACES = ("report.html", "impact/report.html", "robustness/report.html")


def page_of(folder: str | os.PathLike[str]) -> Path:
    """The page in a directory.

    Raises
    ------
    InputError
        If there is none.
    """
    for place in _PLACES:
        if (Path(folder) / place).is_file():
            return Path(folder) / place
    remedy = f"`cosim report {folder}` makes the page of a run."
    raise InputError([Problem("this directory holds no page", remedy, file=str(folder))])
