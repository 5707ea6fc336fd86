"""Ties between communities as a subsystem of a run: what platforms say to each other, and what passes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol, Self

import simpy

from cosim.comms.network import Network
from cosim.comms.subsystem import Comms
from cosim.core.clock import Priority, to_hours, wait_until
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, collected
from cosim.core.message import Message, platform_of
from cosim.core.numbers import Summary
from cosim.core.subsystem import Run, Setup, Subsystem, Uses
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.regulation.schema import CommunityConfig
from cosim.regulation.subsystem import Regulation
from cosim.ties import tie_record
from cosim.ties.schema import TieConfig, TieEnd
from cosim.ties.tie import Tie, end_of, tie_of
from cosim.ties.tie_agreement import ANSWER, OFFER, TieAnswer, TieOffer
from cosim.ties.tie_checks import same_bus, tie_problems
from cosim.ties.tie_record import TIES, TieRecorder


class Tied(Protocol):
    """What it reads of a scenario."""

    @property
    def ties(self) -> Sequence[TieConfig]:
        """The ties."""

    @property
    def communities(self) -> Sequence[CommunityConfig]:
        """The communities."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""


class Ties(Subsystem[Tied]):
    """All ties of a run.

    Attributes
    ----------
    ties : list of Tie
        The ties.
    """

    tables = (TIES,)
    numbers = tie_record.NUMBERS

    def __init__(self, ties: list[Tie], network: Network, grid: PowerGrid | None, context: Context) -> None:
        self.ties = ties
        self._network, self._grid, self._context = network, grid, context
        self._answered = [-1] * len(ties)

    @classmethod
    def uses(cls, source: Tied) -> Uses:
        """Links between platforms, and meters, whose intervals it counts in."""
        return Uses({"platform": frozenset()}, meters=True) if source.ties else Uses()

    @classmethod
    def check(cls, source: Tied, context: Context, uses: Uses) -> Iterator[Problem]:
        """Communities and resources that are there and follow the tie."""
        yield from tie_problems(source.ties, source.communities, source.grid is not None, context)

    @classmethod
    def build(cls, source: Tied, setup: Setup) -> Self | None:
        """Ties with nothing agreed."""
        regulation, links, grid = setup.of(Regulation), setup.of(Comms), setup.of(PowerGrid)
        if not source.ties or regulation is None or links is None or setup.failed(PowerGrid):
            return None
        problems: list[Problem] = []
        ties: list[Tie] = []
        step_ms = setup.context.time.step_ms
        for number, config in enumerate(source.ties):
            with collected(problems):
                ends = [
                    end_of(end, regulation.communities, _column(end, grid, f"ties.{number}.{key}.bus"))
                    for key, end in (("seller", config.seller), ("buyer", config.buyer))
                ]
                if grid is not None and ends[0].column == ends[1].column:
                    problems.append(same_bus(number, config, setup.context))
                ties.append(tie_of(config, ends[0], ends[1], step_ms))
        if problems:
            raise InputError(problems)
        return cls(ties, links.network, grid, setup.context)

    def explain(self) -> Iterator[str]:
        """Who sells to whom, and how they agree."""
        yield "# ties: who sells to whom, up to which power"
        for tie in self.ties:
            config = tie.config
            yield (
                f"{config.name}: {config.seller.community} sells {config.seller.resource} to "
                f"{config.buyer.community}, up to {config.limit_kw:g} kW at {config.price:g} EUR/kWh; a step "
                f"of {tie.kw_per_cost:.3g} kW for a cost/kWh, an answer holds {config.valid_steps} steps"
            )

    def start(self, run: Run) -> None:
        """Let platforms hear each other, and begin."""
        self._run = run
        writer = run.store.writer(TIES)
        self._recorders = [TieRecorder(tie.config, self._context.time, writer) for tie in self.ties]
        for tie in self.ties:
            self._network.on_receive(platform_of(tie.buyer.number), OFFER, self._hear_offer)
            self._network.on_receive(platform_of(tie.seller.number), ANSWER, self._hear_answer)
        run.env.process(self._steps(run))

    def _steps(self, run: Run) -> Generator[simpy.Event, None, None]:
        """Before each tick platforms take what passes into their capacities; then sellers offer."""
        for step, at_ms in enumerate(self._context.time.steps):
            yield wait_until(run.env, at_ms, Priority.DECISION)
            for number, tie in enumerate(self.ties):
                tie.converter.advance(at_ms)
                passes_kwh = tie.converter.kw * tie.step_h
                tie.seller.tell(step, passes_kwh)
                tie.buyer.tell(step, passes_kwh)
                if not tie.seller.community.is_down:
                    self._offer(number, step * len(self.ties) + number)
            run.events += len(self.ties)

    def _offer(self, number: int, sequence: int) -> None:
        tie = self.ties[number]
        offer = TieOffer(number, tie.seller.marginal_cost)
        ends = platform_of(tie.seller.number), platform_of(tie.buyer.number)
        self._network.send("platform", *ends, OFFER, sequence, offer)

    def _hear_offer(self, message: Message[TieOffer]) -> None:
        number = message.payload.tie
        tie = self.ties[number]
        if tie.buyer.community.is_down or message.sequence <= self._answered[number]:
            return
        self._answered[number] = message.sequence
        tie.converter.advance(int(self._run.env.now))  # the buyer measures what passes
        answer = TieAnswer(number, tie.answer_kw(message.payload))
        ends = message.recipient, message.sender
        self._network.send("platform", *ends, ANSWER, message.sequence, answer)

    def _hear_answer(self, message: Message[TieAnswer]) -> None:
        number = message.payload.tie
        tie, now_ms = self.ties[number], int(self._run.env.now)
        if tie.seller.community.is_down:
            return
        taken = tie.converter.hear(message.sequence, message.payload.kw, message.sent_ms, now_ms)
        self._recorders[number].answers += taken

    def meter(self, interval: int) -> None:
        """Count what has passed, and let it flow: drawn at the seller's bus, given at the buyer's."""
        time = self._context.time
        end_ms, hours = (interval + 1) * time.interval_ms, to_hours(time.interval_ms)
        for tie, recorder in zip(self.ties, self._recorders, strict=True):
            energy_kwh = tie.converter.read_kwh(end_ms)
            recorder.add(interval, energy_kwh, (tie.seller.marginal_cost, tie.buyer.marginal_cost))
            if self._grid is not None:
                self._grid.draw_at(tie.seller.column, energy_kwh / hours)
                self._grid.draw_at(tie.buyer.column, -energy_kwh / hours)

    def save(self) -> None:
        """Write what has passed so far."""
        for recorder in self._recorders:
            recorder.flush()

    def close(self) -> None:
        """Write what is held back."""
        self.save()

    def summary(self) -> Summary:
        """What passed."""
        result: Summary = {}
        for recorder in self._recorders:
            result |= recorder.summary()
        return result


def _column(end: TieEnd, grid: PowerGrid | None, path: str) -> int:
    if grid is None or end.bus is None:
        return -1
    return int(grid.feeder.bus_positions([grid.feeder.resolve_bus(end.bus, path)])[0])
