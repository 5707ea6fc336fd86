"""The links as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self

from cosim.comms import record
from cosim.comms.latency import TraceReader
from cosim.comms.link_checks import link_doubts
from cosim.comms.network import Network
from cosim.comms.record import MESSAGE_LATENCY, MESSAGES, message_numbers, write_messages
from cosim.comms.schema import (
    DIRECTIONS,
    OF_NO_HOUSEHOLD,
    CommsConfig,
    LinkConfig,
    resolve,
    unmatched_overrides,
)
from cosim.comms.tally import AccountColumns
from cosim.comms.trace import trace_reader
from cosim.config.library import file_problems
from cosim.config.shown_values import measured_value
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.message import Address
from cosim.core.numbers import Summary
from cosim.core.population import Population
from cosim.core.subsystem import ANY_NUMBER, Run, Setup, Subsystem, Uses


class Linked(Protocol):
    """What it reads of a scenario."""

    @property
    def comms(self) -> CommsConfig:
        """The links."""


class Comms(Subsystem[Linked]):
    """All links of a run.

    Attributes
    ----------
    network : Network
        Carries messages.
    read_trace : callable
        Reads files of measured latencies, each once.
    """

    tables = (MESSAGES, MESSAGE_LATENCY)
    numbers = record.NUMBERS

    def __init__(
        self, config: CommsConfig, network: Network, read_trace: TraceReader, population: Population
    ) -> None:
        self.network = network
        self.read_trace = read_trace
        self._config = config
        self._population = population
        self._run: Run | None = None
        self._account: AccountColumns | None = None

    @classmethod
    def files(cls, source: Linked) -> Iterator[tuple[str, str]]:
        """Files of measured latencies."""
        comms = source.comms
        links = {"comms.default": comms.default.latency}
        links |= {
            f"comms.overrides.{number}": override.changes()["latency"]
            for number, override in enumerate(comms.overrides)
            if "latency" in override.changes()
        }
        for path, latency in links.items():
            for key, file in latency.files().items():
                yield f"{path}.latency.{key}", file

    @classmethod
    def check(cls, source: Linked, context: Context, uses: Uses) -> Iterator[Problem]:
        """Files that are there, overrides that apply, and links that carry something."""
        for path, file in cls.files(source):
            yield from file_problems(context, path, file)
        population = context.population
        groups = [group.name for group in population.groups]
        for problem in unmatched_overrides(source.comms, groups, population.names):
            yield context.problem(problem.path, problem.message, problem.remedy, problem.value)
        yield from link_doubts(source.comms, uses.links, context)

    @classmethod
    def build(cls, source: Linked, setup: Setup) -> Self:
        """The network, whose links open when they are first used."""
        context = setup.context
        population, reader = context.population, trace_reader(context.folder)
        addresses = [
            Address(name, group.name)
            for group in population.groups
            for name in population.names[group.first : group.last]
        ]
        network = Network(setup.env, source.comms, addresses, context.streams, reader)
        return cls(source.comms, network, reader, population)

    def explain(self) -> Iterator[str]:
        """Each household's links, where they differ from those of the one before."""
        yield "# links: each household's, where it differs from the one before"
        for direction in DIRECTIONS:
            if direction in OF_NO_HOUSEHOLD:
                yield f"{direction}: {_link_line(resolve(self._config, direction, None, None))}"
                continue
            before = None
            for group in self._population.groups:
                for name in self._population.names[group.first : group.last]:
                    link = resolve(self._config, direction, group.name, name)
                    if link != before:
                        yield f"{direction}/{name} and those after it: {_link_line(link)}"
                    before = link

    def start(self, run: Run) -> None:
        """Remember where the account of messages goes."""
        self._run = run

    def intervals_at_once(self, interval: int) -> int:
        """Any number: messages do not come from it."""
        return ANY_NUMBER

    def close(self) -> None:
        """Write the account of all messages."""
        if self._run is not None:
            self._account = self.network.account()
            if self._run.store.keeps_rows:
                write_messages(self._account, self.network, self._run.store)

    def summary(self) -> Summary:
        """How many messages there were, and what became of them."""
        return message_numbers(self._account or self.network.account())


def _link_line(link: LinkConfig) -> str:
    parts = []
    for key, value in link.model_dump(mode="json").items():
        if isinstance(value, dict):
            shown = " ".join(measured_value(name, number) for name, number in value.items())
        else:
            shown = "-" if value in (None, []) else measured_value(key, value)
        parts.append(f"{key}: {shown}")
    return ", ".join(parts)
