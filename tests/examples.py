"""How many examples a property is tried on: a third with every change, all with the slow tests."""

from __future__ import annotations

import os

ALL = "COSIM_ALL_EXAMPLES"
"""The environment variable that `make test-slow` sets."""


def examples(number: int) -> int:
    """How many of so many examples to try."""
    return number if os.environ.get(ALL) else max(2, number // 3)
