"""The feeder as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, count
from cosim.core.numbers import Summary
from cosim.core.subsystem import ANY_NUMBER, Run, Setup, Subsystem, Uses
from cosim.grid import agreement, copy_record, extremes, limit_violations, record, verdict
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.copies import CopiedFlow, copied, copied_limits, memory_problems, needed_bytes
from cosim.grid.copy_checks import copy_problems
from cosim.grid.copy_record import FEEDER_COPIES
from cosim.grid.coupling import Block, Coupling, stack_blocks
from cosim.grid.element_limits import feeder_limits, held_voltage_doubts
from cosim.grid.feeder_lines import feeder_lines
from cosim.grid.feeder_tables import FEEDER_BRANCHES, FEEDER_BUSES, SOURCE_ELEMENTS, write_feeder
from cosim.grid.flow_tables import (
    BUS_VOLTAGE,
    EN50160,
    INJECTIONS,
    LINE_LOADING,
    POWER_FLOW,
    TAP_POSITIONS,
    TRAFO3W_LOADING,
    TRAFO_LOADING,
)
from cosim.grid.limit_violations import OVERLOADS, VIOLATIONS
from cosim.grid.limits import FeederLimits, loading_factors
from cosim.grid.measurement import FeederReading, read_feeder
from cosim.grid.network_file import load_network
from cosim.grid.power_flow import PowerFlow
from cosim.grid.record import GridRecorder
from cosim.grid.recorded_copies import FeederSample, Recorded
from cosim.grid.schema import GridConfig, PlaceByList
from cosim.grid.solvers import solver_of
from cosim.grid.tap_changers import TapChanger, tap_changers
from cosim.grid.tap_lines import tap_lines
from cosim.grid.tap_stepping import TapStepping
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import stack

Array = NDArray[np.float64]
_DARK = "no voltage: the source of the feeder has nothing to give"
_PER_BLOCK = 168
"""Intervals that are solved together where nothing waits for them; with copies of a feeder, copies times
intervals."""
_MOST_HELD = 2_000_000
"""Buses times blocks that wait to be written, of copies of a feeder."""


class Fed(Protocol):
    """What it reads of a scenario."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""

    @property
    def record(self) -> Recorded:
        """What is written down."""


class Trial(NamedTuple):
    """What an interval that is tried gives; NaN where the power flow does not converge."""

    supplied_kw: float
    """What the grid above, or the source in its place, gives."""
    losses_kw: float
    """What is lost in lines and transformers."""


class PowerGrid(Subsystem[Fed]):
    """The feeder, its power flows, and its meter.

    Attributes
    ----------
    config : GridConfig
        As configured.
    power_flow : PowerFlow
        The solver.
    limits : FeederLimits
        Within which each element is in order.
    tap_changers : tuple of TapChanger
        Those that act.
    connected : ConnectedFeeder or None
        The feeder with households at its buses; who has the households connects them.
    """

    tables = (
        *(INJECTIONS, BUS_VOLTAGE, LINE_LOADING, TRAFO_LOADING, TRAFO3W_LOADING, POWER_FLOW),
        *(TAP_POSITIONS, VIOLATIONS, OVERLOADS, EN50160),
        *(FEEDER_COPIES, FEEDER_BUSES, FEEDER_BRANCHES, SOURCE_ELEMENTS),
    )
    numbers = (
        *copy_record.NUMBERS,
        *extremes.NUMBERS,
        *verdict.NUMBERS,
        *limit_violations.NUMBERS,
        *record.NUMBERS,
        *agreement.NUMBERS,
    )

    def __init__(
        self,
        config: GridConfig,
        power_flow: PowerFlow | CopiedFlow,
        limits: FeederLimits,
        context: Context,
        changers: tuple[TapChanger, ...] = (),
        recorded: bool | FeederSample = True,
    ) -> None:
        self.config = config
        self.power_flow = power_flow
        self.feeder = power_flow.feeder
        self.limits = limits
        self.tap_changers = changers
        self._recorded = recorded
        self.connected: ConnectedFeeder | None = None
        self._context = context
        self._drawn: tuple[Array, Array] | None = None
        self._drawn_at: list[tuple[int, float]] = []
        self._controlled: ControlledPower | None = None
        self._listeners: list[Callable[[int, FeederReading], None]] = []
        self._dark_ms: set[int] = set()
        self._on_flow: list[Callable[[Block], None]] = []
        self._on_set_points: Callable[[Array, Array], None] | None = None
        self._is_waited_for = config.feedback
        self._unrecorded: list[Block] = []

    @classmethod
    def uses(cls, source: Fed) -> Uses:
        """Meters, whose means the power flow sees."""
        return Uses(meters=source.grid is not None)

    @classmethod
    def check(cls, source: Fed, context: Context, uses: Uses) -> Iterator[Problem]:
        """The network's file, limits that fit it, and room for the households."""
        if source.grid is not None:
            yield from _network_problems(source.grid, context)
            yield from copy_problems(source.grid, source.record.grid, context)

    @classmethod
    def build(cls, source: Fed, setup: Setup) -> Self | None:
        """The feeder, loaded and ready to be solved."""
        config, context = source.grid, setup.context
        if config is None:
            return None
        network, folder = load_network(config.network, context.folder)
        power_flow = solver_of(network, folder, config.run_control, config.supply)
        feeder = power_flow.feeder
        limits, doubts = feeder_limits(feeder, config.limits)
        if config.supply is not None:
            doubts += held_voltage_doubts(feeder, limits, config.supply)
        if config.tap_changers and config.run_control:
            message = "the controllers of the network and the scenario's tap_changers cannot both act"
            raise InputError([Problem(message, "Leave one of them out.", "grid.run_control")])
        changers = tap_changers(feeder, config.tap_changers, config.interval_min)
        solver: PowerFlow | CopiedFlow = power_flow
        if config.copies > 1:
            too_many = list(memory_problems(feeder, config.copies))
            if too_many:
                raise InputError(too_many)
            solver = CopiedFlow(power_flow, copied(feeder, config.copies))
            limits = copied_limits(limits, config.copies)
        setup.warn((*feeder.warnings, *solver.warnings(context.time.n_intervals), *doubts))
        return cls(config, solver, limits, context, changers, source.record.grid)

    def on_reading(self, listener: Callable[[int, FeederReading], None]) -> None:
        """Have `listener` told what is measured in each interval, where the scenario has feedback."""
        self._listeners.append(listener)

    def on_flow(self, listener: Callable[[Block], None]) -> None:
        """Have `listener` told of each solved block of intervals, in their order."""
        self._on_flow.append(listener)

    def on_set_points(self, listener: Callable[[Array, Array], None]) -> None:
        """Have `listener` told what inverters that follow the voltage did, block by block.

        It is given what each generated, kW, and drew, kvar; both of shape (n_intervals, n_inverters).
        """
        self._on_set_points = listener

    @property
    def worst_ms(self) -> dict[str, int]:
        """When each kind of limit is used most, of the intervals that are saved: ms since the run's start."""
        return self._recorder.watch.worst_ms

    def solve_at_once(self) -> None:
        """Solve each interval when it ends: somebody needs what comes out before time goes on."""
        self._is_waited_for = True

    def draw(self, p_kw: Array, q_kvar: Array, controlled: ControlledPower | None = None) -> None:
        """What each household draws on the mean of the interval that ends now.

        Parameters
        ----------
        p_kw, q_kvar : ndarray, shape (N,)
            But for the inverters that follow the voltage.
        controlled : ControlledPower, optional
            These.
        """
        self._drawn, self._controlled = (p_kw, q_kvar), controlled

    def draw_at(self, column: int, p_kw: float) -> None:
        """Have somebody besides the households draw at a bus, on the mean of the interval that ends now.

        Parameters
        ----------
        column : int
            The column of the bus.
        p_kw : float
            Its power; negative where it feeds in.
        """
        self._drawn_at.append((column, p_kw))

    def leave_dark(self, interval: int) -> None:
        """Leave out the power flow of an interval: nothing holds the voltage, and nothing flows."""
        self._dark_ms.add(interval * self._context.time.interval_ms)

    def tried(self, p_kw: Array, q_kvar: Array, interval: int) -> Trial:
        """What an interval would be if the households drew this; nothing is recorded.

        Parameters
        ----------
        p_kw, q_kvar : ndarray, shape (N,)
            As for `draw`.
        interval : int
            Its number.
        """
        assert self.connected is not None
        p_mw, q_mvar, dependent = self.connected.injections(p_kw, q_kvar, interval)
        flow = self.power_flow.solve(p_mw[np.newaxis], q_mvar[np.newaxis], stack([dependent]))
        return Trial(1000 * float(flow.p_slack_mw[0]), 1000 * float(flow.losses_mw[0]))

    def explain(self) -> Iterator[str]:
        """The feeder, what became of its source, and which tap changers act."""
        if self.connected is not None:
            yield from feeder_lines(self.connected)
            if self.feeder.copies is not None:
                needed = needed_bytes(self.feeder.copies.one, self.config.copies)
                each = needed / self.config.copies
                yield f"memory of the feeders: about {needed / 1e6:.3g} MB, {each / 1e3:.3g} kB each"
            yield from tap_lines(self.feeder, self.tap_changers, self.config.interval_min)

    def start(self, run: Run) -> None:
        """Write what the feeder is, and prepare to solve it."""
        assert self.connected is not None  # households have been connected when they were built
        write_feeder(self.connected, run.store)
        self._recorder = GridRecorder(self.connected, self._context, run.store, self._recorded)
        self._loading_factor = loading_factors(self.limits)
        per_block = 1 if self._is_waited_for else max(1, _PER_BLOCK // self.config.copies)
        solver: PowerFlow | CopiedFlow | TapStepping = self.power_flow
        if self.tap_changers:  # where taps stand is a matter of the run; the solver is shared with others
            assert isinstance(solver, PowerFlow)  # taps and copies do not go together
            solver = TapStepping(solver, self.tap_changers)
        self._coupling = Coupling(solver, self._keep, per_block)

    def intervals_at_once(self, interval: int) -> int:
        """Any number, unless somebody waits for what comes out of each."""
        return 1 if self._is_waited_for else ANY_NUMBER

    def flow(self, interval: int) -> None:
        """Take what was drawn in an interval; it is solved at once where somebody waits, and measured."""
        assert self.connected is not None
        assert self._drawn is not None  # meters are read before
        injections = self.connected.injections(*self._drawn, interval)
        others, self._drawn_at = self._drawn_at, []
        for column, p_kw in others:
            injections[0][column] += p_kw / 1000
        start_ms = interval * self._context.time.interval_ms
        if start_ms in self._dark_ms:
            injections[0][:] = np.nan  # so the solver leaves it out
        block = self._coupling.add(start_ms, *injections, self._controlled)
        if block is not None and self.config.feedback:
            reading = read_feeder(block.flow, self._loading_factor)
            for listener in self._listeners:
                listener(interval, reading)

    def _keep(self, block: Block) -> None:
        if self._dark_ms:
            block = self._darkened(block)
        self._unrecorded.append(block)
        for listener in self._on_flow:
            listener(block)
        if self._on_set_points is not None:
            self._on_set_points(block.generated_kw, block.drawn_kvar)
        if self.feeder.copies is not None and len(self._unrecorded) * self.feeder.n_bus > _MOST_HELD:
            self._record()

    def _darkened(self, block: Block) -> Block:
        """The block, in whose dark intervals nothing is drawn."""
        # The solver's own arrays keep what would be drawn as unknown, so that nobody solves it again.
        block = block._replace(p_mw=block.p_mw.copy(), q_mvar=block.q_mvar.copy())
        for row, start_ms in enumerate(block.starts_ms.tolist()):
            if start_ms in self._dark_ms:
                self._dark_ms.remove(start_ms)
                block.flow.cause[row] = _DARK
                block.p_mw[row] = block.q_mvar[row] = 0.0
        return block

    def save(self) -> None:
        """Solve what waits, and write the intervals since it was last called, all at once."""
        self._coupling.flush()
        self._record()

    def _record(self) -> None:
        blocks, self._unrecorded = self._unrecorded, []
        if blocks:
            self._recorder.keep(stack_blocks(blocks))

    def close(self) -> None:
        """Solve what waits, and write what is known at the end."""
        self.save()
        self._recorder.close()

    def summary(self) -> Summary:
        """Voltages, loadings, losses, and intervals outside limits."""
        return self._recorder.summary()

    @classmethod
    def result_doubts(cls, summary: Summary) -> Iterable[Problem]:
        """Intervals that were not solved, results that cannot be meant, and disagreement with `runpp`."""
        return agreement.doubts(summary)


def _network_problems(grid: GridConfig, context: Context) -> Iterator[Problem]:
    n, each = -(-context.population.size // grid.copies), " in each feeder" if grid.copies > 1 else ""
    try:
        network, _ = load_network(grid.network, context.folder)
    except InputError as error:
        for problem in error.problems:
            in_the_network_file = problem.line or problem.file.endswith(grid.network)
            if in_the_network_file:
                yield problem
            else:
                yield context.problem("grid.network", problem.message, problem.remedy, grid.network)
        return
    try:
        grid.limits.over(network.limits)
    except InputError as error:
        for problem in error.problems:
            yield context.problem(problem.path, problem.message, problem.remedy, problem.value)
    if isinstance(grid.placement, PlaceByList):
        n_buses = len(grid.placement.buses)
        if n_buses < n:
            message = f"{count(n_buses, 'bus', 'buses')} listed for {count(n, 'household')}{each}"
            remedy = "List one bus for each household, in their order; a bus may be named more than once."
            yield context.problem("grid.placement.buses", message, remedy)
    elif network.places is not None and n > network.places:
        message = f"{count(n, 'household')}{each}, and '{network.name}' has {count(network.places, 'place')}"
        remedy = "Use fewer households, another network (`cosim networks`), or `placement: {kind: list}`."
        yield context.problem("grid.network", message, remedy, grid.network)
