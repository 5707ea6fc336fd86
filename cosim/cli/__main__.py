"""`python -m cosim.cli`, where there is no console script."""

from __future__ import annotations

from cosim.cli.entry import main

main()
