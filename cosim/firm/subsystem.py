"""A local firm as a subsystem of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, Self

from cosim.comms.network import Network
from cosim.comms.subsystem import Comms
from cosim.config.library import file_problems
from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem
from cosim.core.message import FIRM as FIRM_ADDRESS
from cosim.core.message import platform_of
from cosim.core.numbers import Summary
from cosim.core.subsystem import Run, Setup, Subsystem, Uses
from cosim.firm import record
from cosim.firm.capacities import SetCapacity, set_capacities
from cosim.firm.firm_account import Energies, Prices, settle
from cosim.firm.firm_checks import built_problems, bus_of, firm_problems
from cosim.firm.firm_lines import firm_lines
from cosim.firm.firm_prices import files_of_prices, prices_of
from cosim.firm.island import Island
from cosim.firm.microgrid import Microgrid
from cosim.firm.plant import Plant, plant_of
from cosim.firm.record import FIRM, FIRM_BILLS, FIRM_CUTS, FirmRecorder
from cosim.firm.schema import ConnectedFirm, GridContract, IsolatedFirm
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households.meters import Reading
from cosim.households.schema import HouseholdsConfig
from cosim.households.subsystem import Households
from cosim.regulation.message_kinds import CAPACITY, CapacityOrder
from cosim.regulation.schema import CommunityConfig
from cosim.trading.schemas.energy_value import EnergyValueConfig


class WithFirm(Protocol):
    """What it reads of a scenario."""

    @property
    def firm(self) -> ConnectedFirm | IsolatedFirm | None:
        """The firm."""

    @property
    def groups(self) -> Sequence[HouseholdsConfig]:
        """The households."""

    @property
    def communities(self) -> Sequence[CommunityConfig]:
        """The communities whose capacities it may set."""

    @property
    def energy_value(self) -> EnergyValueConfig | None:
        """The other market that bills households."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""


def contract_kwh(config: ConnectedFirm | IsolatedFirm, context: Context) -> tuple[float, float]:
    """What the contract lets a firm draw from the main grid and feed into it in an interval."""
    hours = to_hours(context.time.interval_ms)
    contract = GridContract() if isinstance(config, IsolatedFirm) else config.contract
    most_kw = (contract.import_kw, contract.export_kw)
    import_kwh, export_kwh = (math.inf if each is None else each * hours for each in most_kw)
    return import_kwh, export_kwh


class Firm(Subsystem[WithFirm]):
    """The local firm of a run.

    Attributes
    ----------
    plant : Plant
        Its battery and generator.
    """

    tables = (FIRM, FIRM_BILLS, FIRM_CUTS)
    numbers = record.NUMBERS

    def __init__(
        self,
        config: ConnectedFirm | IsolatedFirm,
        prices: list[Prices],
        capacities: list[SetCapacity],
        households: Households,
        network: Network,
        grid: PowerGrid | None,
        context: Context,
    ) -> None:
        self.plant: Plant = plant_of(config.battery, config.generator)
        self._config, self._prices, self._capacities = config, prices, capacities
        self._households, self._network, self._grid = households, network, grid
        self._context = context
        self._contract_kwh = contract_kwh(config, context)
        self._microgrid: Microgrid | None = None
        self._island: Island | None = None

    @classmethod
    def uses(cls, source: WithFirm) -> Uses:
        """Meters, and links to the platforms whose capacities it sets."""
        if source.firm is None:
            return Uses()
        tells = bool(set_capacities(source.communities))
        return Uses({"platform": frozenset()} if tells else {}, meters=True)

    @classmethod
    def files(cls, source: WithFirm) -> Iterator[tuple[str, str]]:
        """Files of prices."""
        if source.firm is not None:
            yield from files_of_prices(source.firm).items()

    @classmethod
    def check(cls, source: WithFirm, context: Context, uses: Uses) -> Iterator[Problem]:
        """A firm that fits its grid, its households and its communities."""
        for path, file in cls.files(source):
            yield from file_problems(context, path, file)
        has_market = source.energy_value is not None
        yield from firm_problems(
            source.firm, source.groups, source.communities, source.grid, has_market, context
        )

    @classmethod
    def build(cls, source: WithFirm, setup: Setup) -> Self | None:
        """The firm with its battery and generator at the start."""
        config, context = source.firm, setup.context
        households, links, grid = setup.of(Households), setup.of(Comms), setup.of(PowerGrid)
        if config is None or households is None or links is None:
            return None
        if setup.failed(PowerGrid):
            return None
        problems = list(built_problems(config, households, grid, context))
        if problems:
            raise InputError(problems)
        prices, doubts = prices_of(config, context)
        setup.warn(doubts)
        capacities = set_capacities(source.communities)
        return cls(config, prices, capacities, households, links.network, grid, context)

    def explain(self) -> Iterator[str]:
        """What it has, and what it does with it."""
        yield "# firm: battery, generator, and what they are for"
        yield from firm_lines(self._config, len(self._capacities))

    def start(self, run: Run) -> None:
        """Let it balance the island, or work for its households."""
        self._run = run
        self._recorder = FirmRecorder(self._config, self._context, run.store)
        config, grid = self._config, self._grid
        if isinstance(config, IsolatedFirm):
            assert grid is not None  # else it was refused
            self._island = Island(config, self.plant, grid, self._context)
            self._households.balance_by(self._balance)
            return
        column = 0
        if grid is not None:
            column = int(grid.feeder.bus_positions([bus_of(config, grid.feeder)])[0])
        self._microgrid = Microgrid(config, self.plant, grid, column, self._context, self._keep)

    def meter(self, interval: int) -> None:
        """Work for what the meters show, and tell platforms their capacities."""
        if self._microgrid is not None:
            self._microgrid.work(interval, self._households.reading, self._prices_in(interval))
        self._run.events += 1
        for position, order in enumerate(self._capacities):
            told = CapacityOrder(order.community, order.resource, order.rule.of(self.plant.soc))
            address = platform_of(order.community)
            # Numbers of one link and kind are one sequence, whatever resource a message is about.
            number = interval * len(self._capacities) + position
            self._network.send("platform", FIRM_ADDRESS, address, CAPACITY, number, told)

    def _balance(self, interval: int, reading: Reading) -> Reading:
        assert self._island is not None  # it began with the run
        made = self._island.balance(interval, reading)
        self._keep(interval, made.energies, float(reading.load_kwh.sum()))
        return made.reading

    def _keep(self, interval: int, energies: Energies, load_kwh: float) -> None:
        money = settle(energies, self._prices_in(interval), self._contract_kwh)
        self._recorder.add(interval, energies, money, load_kwh)

    def _prices_in(self, interval: int) -> Prices:
        return self._prices[interval * self._context.time.interval_ms // MS_PER_HOUR]

    def save(self) -> None:
        """Write the account so far."""
        self._recorder.flush()

    def close(self) -> None:
        """Write what is held back, and the bills."""
        self._recorder.close()

    def summary(self) -> Summary:
        """Its account of the run."""
        return self._recorder.summary()
