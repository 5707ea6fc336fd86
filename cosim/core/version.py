"""The version of cosim, where every wing can read it."""

from __future__ import annotations

VERSION = "0.1.0"
