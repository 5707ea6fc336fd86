"""The operator of a market goes down and comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.message import PLATFORM
from cosim.core.population import Population
from cosim.faults.kinds.interface import DOWN_TOGETHER, FAULTS, Fault, FaultEvent, LastingEffect, Site
from cosim.faults.kinds.reach import Reach, Surroundings
from cosim.trading.auction.messages import KIND_OF


class OperatorCrashes(LastingEffect):
    """From its first crash on the operator hears and sends nothing, until the last ends."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        assert reach.operator is not None  # else the fault was refused
        self._operator = reach.operator
        self._network = reach.network
        self._loses = False
        reach.acknowledge_only_up()

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It goes down, or comes back with its book, or without."""
        self._loses |= any(
            isinstance(event.fault, OperatorCrash) and event.fault.state == "lost" for event in active
        )
        if not active:
            self._operator.come_back(keeps_state=not self._loses)
            self._loses = False
        elif not self._operator.is_down:
            self._operator.go_down()
            kinds = set(KIND_OF.values())
            self._network.abandon(lambda message: message.sender == PLATFORM and message.kind in kinds)


@FAULTS.register("operator_crash")
class OperatorCrash(Fault):
    """Who clears the households' market, or their broker, is down: it takes no orders, tells nothing."""

    title: ClassVar = "crash of the operator"
    effect: ClassVar = OperatorCrashes
    together: ClassVar = DOWN_TOGETHER

    state: Literal["kept", "lost"] = "lost"
    """What is left at the restart: `kept` is its book; `lost` is nothing, so it asks for orders again where
    the gate has not closed, and abstains from other days. What it has announced stands."""

    def concerned(self, around: Surroundings, population: Population) -> set[str]:
        """The one operator."""
        return {"operator"}

    def n_failing(self, around: Surroundings, population: Population) -> int:
        """One."""
        return 1

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Of the operator."""
        yield from self.at(site, "operator", [0], 0)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """No operator."""
        if not around.has_market_operator:
            message = "the market has no operator: households ask each other, or nobody trades"
            remedy = "Choose another `energy_value.rules.clearing`, or leave the fault out."
            yield Problem(message, remedy, value=self.kind)
