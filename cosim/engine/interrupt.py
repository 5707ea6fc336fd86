"""Interruption of a run at a moment when its state is whole.

A signal can arrive in the middle of anything. While a run is going on, the first one is therefore only noted,
and acted upon when the run next says that it is at rest; a second one acts at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Within its ``with`` block, an interrupt (Ctrl-C) or a request to end waits for `check`.

    Attributes
    ----------
    requested : bool
        Whether one arrived.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Interruption:
        # Only the main thread may set handlers; elsewhere signals go to it anyway.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if one was requested."""
        if self.requested:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
