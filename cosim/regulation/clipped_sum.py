"""The aggregate of reports as far as they are possible.

A household takes 0 to 1 unit of a resource in a step. With clipped reports one that lies, or whose meter is
stuck, is wrong by one unit at most, so `n` of them move the sum by no more than `n` units, whatever they say.
"""

from __future__ import annotations

from collections.abc import Sequence

from cosim.regulation.mitigation import MITIGATIONS, AgainstFalseReports


@MITIGATIONS.register("clipped")
class ClippedSum(AgainstFalseReports):
    """Every report counts as what is physically possible, 0 to 1 unit.

    So a household that lies moves the aggregate by no more than its own share of one unit, whatever it says.
    """

    def counted(self, delivered: Sequence[float]) -> Sequence[float]:
        """Each resource in [0, 1]; what is no number counts as 0."""
        # A comparison with NaN is false, and then `max` keeps its first argument.
        return tuple(min(max(0.0, value), 1.0) for value in delivered)
