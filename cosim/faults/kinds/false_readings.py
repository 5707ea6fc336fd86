"""Households that report what they did not do, and meters that stick."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

from cosim.config.base import Finite
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.faults.kinds.interface import FAULTS, Effect, FaultEvent, HouseholdFault, Site
from cosim.faults.kinds.reach import Reach, Surroundings

Report = tuple[float, ...]
"""What is reported of each resource."""
Lie = Callable[[Report], Report]
"""From what was delivered of each resource to what is reported of it."""


class FalseReadings(Effect):
    """See `Effect`.

    It stands between households and their reports; of several lies of a household, each takes what the one
    before it says.
    """

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        self._agents = reach.agents()
        self._meters = reach.meters
        self._lies: dict[int, dict[str, Lie]] = {}
        self._last: dict[int, Report] = {}
        if reach.reports is not None and any(event.members for event in events):
            reach.reports.disturb(self._distort)

    def begin(self, event: FaultEvent) -> None:
        """What is shown or reported is false from now on."""
        fault = event.fault
        assert isinstance(fault, FalseReading)
        for household in event.members:
            shown = self._last.get(household) or tuple(self._agents[household].state.delivered)
            self._lies.setdefault(household, {})[event.name] = fault.lie(shown)
        if isinstance(fault, StuckMeter) and fault.meter == "feeder":
            for meter in self._meters:
                meter.stick(fault.value)

    def end(self, event: FaultEvent) -> None:
        """It is true again."""
        for household in event.members:
            del self._lies[household][event.name]
        if not event.members:
            for meter in self._meters:
                meter.release()

    def _distort(self, household: int, delivered: Report) -> Report:
        for lie in self._lies.get(household, {}).values():
            delivered = lie(delivered)
        self._last[household] = delivered
        return delivered


class FalseReading(HouseholdFault):
    """A fault of what households, or the feeder meter, say."""

    effect: ClassVar = FalseReadings
    needs_community: ClassVar = True
    of_agents: ClassVar = True

    @abstractmethod
    def lie(self, shown: Report) -> Lie:
        """What a household says, that has shown this last."""

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """Reports that nobody uses."""
        yield from super().problems(around, context)
        measured = [community.platform.measurement == "meter" for community in around.communities]
        if measured and all(measured):
            message = "the platform uses the feeder meter, so nothing depends on what households report"
            yield Problem(message, "Set `measurement: reports`.", value=self.kind, severity="warning")


@FAULTS.register("stuck_meter")
class StuckMeter(FalseReading):
    """A meter shows the same value all the time."""

    title: ClassVar = "standstill of meters"

    meter: Literal["household", "feeder"] = "household"
    """`household`: what these households report; `feeder`: the feeder's measurements of the aggregate and of
    voltage and loading."""
    value: Finite | None = None
    """The value that it shows, for every resource; what it showed last by default, and always so for voltage
    and loading [units per step]."""

    def lie(self, shown: Report) -> Lie:
        """The same all the time."""
        value = self.value
        return (lambda delivered: shown) if value is None else (lambda delivered: (value,) * len(delivered))

    def reaches_operator(self) -> bool:
        """It watches the feeder's meter."""
        return self.meter == "feeder"

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Each household's, or the feeder's."""
        yield from self.at(site, "feeder meter", [], 0) if self.meter == "feeder" else super().events(site)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """A feeder meter that is somebody's, or that nobody reads."""
        if self.meter == "household":
            yield from super().problems(around, context)
            return
        if self.names_some() or self.share is not None or self.count is not None:
            message = "the feeder meter belongs to no household"
            yield Problem(message, "Leave out households, groups, share and count.")
        if not around.has_feeder_meter:
            message = "nothing reads the feeder meter"
            yield Problem(message, "Set `measurement: meter`, or `grid.feedback: true`.", "meter")


@FAULTS.register("liar")
class Liar(FalseReading):
    """Households report what they did not do."""

    title: ClassVar = "false reporting of households"

    reports: Literal["constant", "inverted", "scaled"] = "constant"
    """`constant`: always `value`; `inverted`: one unit less what they did; `scaled`: `factor` times what they
    did."""
    value: Finite = 1.0
    """What a constant liar reports, for every resource [units per step]."""
    factor: Finite = 2.0
    """What a scaling liar multiplies by [1]."""

    def lie(self, shown: Report) -> Lie:
        """As `reports` says."""
        if self.reports == "inverted":
            return lambda delivered: tuple(1 - one for one in delivered)
        if self.reports == "scaled":
            return lambda delivered: tuple(self.factor * one for one in delivered)
        return lambda delivered: (self.value,) * len(delivered)
