"""The aggregate that believes every report."""

from __future__ import annotations

from typing import ClassVar

from cosim.regulation.aggregates.interface import AGGREGATES, Aggregate


@AGGREGATES.register("sum")
class PlainSum(Aggregate):
    """Every report counts as it stands."""

    needs_reports: ClassVar[bool] = False
