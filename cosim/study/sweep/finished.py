"""``finished.jsonl``: the points of a sweep that have ended, a line each, written while it goes on."""

from __future__ import annotations

import fcntl
from pathlib import Path

from pydantic import ValidationError

from cosim.core.errors import InputError, Problem
from cosim.study.sweep.point import PointResult

FINISHED = "finished.jsonl"


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
            If another process has it, or a line of it is not what a sweep writes.
        """
        # A line may have been cut off in the middle of a character.
        self._stream = (folder / FINISHED).open("a+", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            message = "another `cosim sweep` is running in this directory"
            raise InputError([Problem(message, "Wait for it, or stop it.", file=str(folder))]) from None
        self._stream.seek(0)
        text = self._stream.read()
        try:
            self.results = dict(_results(text, folder / FINISHED))
        except InputError:
            self._stream.close()
            raise
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


def _results(text: str, file: Path) -> list[tuple[int, PointResult]]:
    found = []
    problems = []
    # splitlines() also parts at what a cause may hold, such as U+2028
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            result = PointResult.from_line(line)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] != "json_invalid":  # else it was cut off
                message = "this line is not the result of a point as a sweep writes it"
                remedy = "Remove the line, and its point runs again."
                problems.append(Problem(message, remedy, file=str(file), line=number))
            continue
        found.append((result.index, result))
    if problems:
        raise InputError(problems)
    return found
