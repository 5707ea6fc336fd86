"""``finished.jsonl``: the points of a sweep that have ended, a line each, written while it goes on."""

from __future__ import annotations

import fcntl
from pathlib import Path

from cosim.errors import InputError, Problem
from cosim.study.sweep.point import PointResult


class FinishedPoints:
    """The file, which is this process's alone until it is closed.

    Attributes
    ----------
    results : dict
        Number of a point to its result; of a point with several lines, the last. A line that was cut off is
        passed over, so that its point runs again.
    """

    def __init__(self, folder: Path) -> None:
        """Read what there is, and get ready to add to it.

        Raises
        ------
        InputError
            If another process has it.
        """
        # A line may have been cut off in the middle of a character.
        self._stream = (folder / "finished.jsonl").open("a+", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            message = "another `cosim sweep` is at work in this directory"
            raise InputError([Problem(message, "Wait for it, or end it.", file=str(folder))]) from None
        self._stream.seek(0)
        text = self._stream.read()
        self.results = dict(_results(text))
        if text and not text.endswith("\n"):
            self._stream.write("\n")

    def add(self, result: PointResult) -> None:
        """Write down what came of a point.

        Raises
        ------
        OSError
            If that cannot be.
        """
        self._stream.write(result.line() + "\n")
        self._stream.flush()
        self.results[result.index] = result

    def close(self) -> None:
        """Let others have it."""
        self._stream.close()


def _results(text: str) -> list[tuple[int, PointResult]]:
    found = []
    for line in text.split("\n"):  # splitlines() also parts at what a cause may hold, such as U+2028
        try:
            result = PointResult.from_line(line)
        except (ValueError, KeyError, TypeError):
            continue
        found.append((result.index, result))
    return found
