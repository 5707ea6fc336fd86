"""Faults as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, Self

from cosim.comms.schema import CommsConfig
from cosim.comms.subsystem import Comms
from cosim.config.library import file_problems
from cosim.core.clock import MS_PER_HOUR
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.numbers import Summary
from cosim.core.subsystem import Run, Setup, Subsystem, Uses
from cosim.dimming.schema import DimmingConfig
from cosim.dimming.subsystem import Dimming
from cosim.faults import record
from cosim.faults.fault_checks import fault_problems
from cosim.faults.fault_plan import plan_faults
from cosim.faults.kinds import Fault, FaultEvent
from cosim.faults.kinds.reach import Reach, Sticking, Surroundings
from cosim.faults.processes import FaultProcess
from cosim.faults.record import FAULT_EFFECTS, FAULTS, FaultRecord, write_faults
from cosim.firm.capacities import set_capacities
from cosim.firm.schema import ConnectedFirm, IsolatedFirm
from cosim.firm.subsystem import Firm
from cosim.grid.schema import GridConfig
from cosim.households.subsystem import Households
from cosim.regulation.group_schema import Grouped
from cosim.regulation.schema import CommunityConfig
from cosim.regulation.subsystem import Regulation
from cosim.ties.schema import TieConfig
from cosim.trading.schemas.energy_value import EnergyValueConfig
from cosim.trading.subsystem import Trading

_SHOWN_TIMES = 5


class Faulty(Protocol):
    """What it reads of a scenario."""

    @property
    def faults(self) -> Sequence[Fault]:
        """The faults."""

    @property
    def communities(self) -> Sequence[CommunityConfig]:
        """The communities that are regulated."""

    @property
    def groups(self) -> Sequence[Grouped]:
        """The households."""

    @property
    def comms(self) -> CommsConfig:
        """The links."""

    @property
    def energy_value(self) -> EnergyValueConfig | None:
        """The energy-value market."""

    @property
    def dimming(self) -> DimmingConfig | None:
        """The operator."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""

    @property
    def firm(self) -> ConnectedFirm | IsolatedFirm | None:
        """The local firm."""

    @property
    def ties(self) -> Sequence[TieConfig]:
        """The ties between communities."""


def surroundings(source: Faulty) -> Surroundings:
    """What faults of a scenario can concern."""
    grid, market = source.grid, source.energy_value
    return Surroundings(
        communities=source.communities,
        membership=[group.membership for group in source.groups],
        has_trading=market is not None,
        has_market_operator=market is not None and market.has_operator,
        has_dimming=source.dimming is not None,
        has_platform_links=bool(source.ties or set_capacities(source.communities)),
        has_firm_generator=source.firm is not None and source.firm.generator is not None,
        has_grid=grid is not None,
        has_feedback=grid is not None and grid.feedback,
        comms=source.comms,
    )


class Faults(Subsystem[Faulty]):
    """All faults of a run.

    Attributes
    ----------
    events : tuple of FaultEvent
        What breaks, and when.
    """

    tables = (FAULTS, FAULT_EFFECTS)
    numbers = record.NUMBERS

    def __init__(
        self,
        events: tuple[FaultEvent, ...],
        context: Context,
        comms: Comms,
        regulation: Regulation | None,
        trading: Trading | None,
        dimming: Dimming | None,
        firm: Firm | None,
    ) -> None:
        self.events = events
        self._context = context
        self._comms = comms
        self._regulation = regulation
        self._trading = trading
        self._dimming = dimming
        self._firm = firm
        self._record: FaultRecord | None = None

    @classmethod
    def files(cls, source: Faulty) -> Iterator[tuple[str, str]]:
        """Traces of churn."""
        for number, fault in enumerate(source.faults):
            for file in fault.files():
                yield f"faults.{number}.file", file

    @classmethod
    def uses(cls, source: Faulty) -> Uses:
        """Agents, platforms and links that can be disturbed one by one."""
        return Uses(one_by_one=("there are faults",) if source.faults else ())

    @classmethod
    def check(cls, source: Faulty, context: Context, uses: Uses) -> Iterator[Problem]:
        """Faults of what is there, at times that make sense."""
        for path, file in cls.files(source):
            yield from file_problems(context, path, file)
        yield from fault_problems(source.faults, surroundings(source), context)

    @classmethod
    def build(cls, source: Faulty, setup: Setup) -> Self | None:
        """Everything that will break."""
        if not source.faults:
            return None
        households, comms = setup.of(Households), setup.of(Comms)
        regulation, trading = setup.of(Regulation), setup.of(Trading)
        placement = None if households is None else households.placement
        events = plan_faults(source.faults, surroundings(source), placement, setup.context)
        if not events or comms is None:
            return None
        return cls(events, setup.context, comms, regulation, trading, setup.of(Dimming), setup.of(Firm))

    def explain(self) -> Iterator[str]:
        """A line for each target of each fault, with the first of its times."""
        yield "# faults: name, kind, what breaks, when"
        for name, target in dict.fromkeys((event.name, event.target) for event in self.events):
            own = [event for event in self.events if (event.name, event.target) == (name, target)]
            times = [
                f"{event.start_ms / MS_PER_HOUR:.6g} to {event.end_ms / MS_PER_HOUR:.6g} h"
                for event in own[:_SHOWN_TIMES]
            ]
            more = f", and {len(own) - _SHOWN_TIMES} more" if len(own) > _SHOWN_TIMES else ""
            yield f"{name}  {own[0].fault.kind}  {target}  {', '.join(times)}{more}"

    def start(self, run: Run) -> None:
        """Write what will break, watch what it does, and begin."""
        self._run = run
        write_faults(self.events, self._context.time, run.store)
        regulation, trading = self._regulation, self._trading
        if regulation is not None and regulation.communities:
            communities = [community.design.config for community in regulation.communities]
            self._record = FaultRecord(communities, self.events, self._context.time)
            for recorder in regulation.recorders:
                recorder.watchers.append(self._record.take)
        meters: list[Sticking] = []
        if regulation is not None:
            meters += (*regulation.aggregate_meters, *regulation.feeder_meters)
        if self._dimming is not None:
            meters.append(self._dimming.feeder_meter)
        reach = Reach(
            network=self._comms.network,
            communities=() if regulation is None else regulation.communities,
            members=() if regulation is None else regulation.members,
            reports=None if regulation is None else regulation.reports,
            floor=None if trading is None else trading.days.floor,
            operator=None if trading is None else trading.days.operator,
            plant=None if self._firm is None else self._firm.plant,
            meters=meters,
            context=self._context,
        )
        FaultProcess(run.env, self.events, reach).start()

    def close(self) -> None:
        """Write what faults did."""
        if self._record is not None:
            self._record.write(int(self._run.env.now), self._run.store)

    def summary(self) -> Summary:
        """What faults did to the resources."""
        return {} if self._record is None else self._record.summary(int(self._run.env.now))
