"""The command line: parses, calls, and translates errors once.

Nothing in this package imports what takes long to load before it is needed, so that help and messages come
at once.
"""

from __future__ import annotations

from cosim.cli.entry import main

__all__ = ["main"]
