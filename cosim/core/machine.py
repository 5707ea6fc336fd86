"""What the machine has."""

from __future__ import annotations

import os


def physical_bytes() -> int | None:
    """All memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
