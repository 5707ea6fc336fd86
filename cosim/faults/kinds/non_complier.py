"""Households that do not answer the signal; of several such faults the one that began last holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from cosim.faults.kinds.interface import FAULTS, LAST_HOLDS, FaultEvent, HouseholdFault, LastingEffect
from cosim.faults.kinds.reach import Reach


class NonCompliance(LastingEffect):
    """A household goes its own way, by the fault that began last."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        self._agents = reach.agents()

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It complies again, or does not."""
        state, fault = self._agents[member].state, active[-1].fault if active else None
        takes = fault.takes if isinstance(fault, NonComplier) else None
        state.is_deaf = takes == "as_before"
        state.fixed_request = {"nothing": 0, "everything": 1}.get(takes or "")


@FAULTS.register("non_complier")
class NonComplier(HouseholdFault):
    """Households do not answer the signal, and report truly what they do."""

    title: ClassVar = "non-compliance of households"
    effect: ClassVar = NonCompliance
    needs_community: ClassVar = True
    of_agents: ClassVar = True
    together: ClassVar = LAST_HOLDS

    takes: Literal["nothing", "everything", "as_before"] = "nothing"
    """`nothing`: 0 in every step; `everything`: 1, as far as the device can; `as_before`: by the policy, but
    with the signal that they knew when it began."""
