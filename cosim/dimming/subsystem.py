"""Dimming as a subsystem of a run: feeder meter, operator, control boxes, and the links between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, Protocol, Self

from cosim.comms.subsystem import Comms
from cosim.core.context import Context
from cosim.core.errors import Problem, count, suggest
from cosim.core.message import METER, PLATFORM, Message, MessageKind
from cosim.core.numbers import Summary
from cosim.core.subsystem import Run, Setup, Subsystem, Uses
from cosim.dimming.control_box import ControlBox
from cosim.dimming.grid_operator import Operator, Order
from cosim.dimming.record import NUMBERS, POWER_LIMITS, LimitRecord
from cosim.dimming.rule_lines import rule_lines
from cosim.dimming.schema import DimmingConfig
from cosim.grid.feeder_meter import FeederMeter
from cosim.grid.measurement import FeederReading
from cosim.grid.moments import Moments
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households.schema import HouseholdsConfig
from cosim.households.subsystem import Households

WATCHED: Final = MessageKind[FeederReading]("watched")
"""Voltages and loadings of the feeder, from its meter to the operator."""
LIMIT: Final = MessageKind[Order]("limit")
"""An order of the operator to a household."""


class Dimmed(Protocol):
    """What it reads of a scenario."""

    @property
    def dimming(self) -> DimmingConfig | None:
        """The operator."""

    @property
    def groups(self) -> Sequence[HouseholdsConfig]:
        """The households."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""


class Dimming(Subsystem[Dimmed]):
    """The operator of the feeder, and a control box in each household that it can limit.

    Attributes
    ----------
    boxes : dict of int to ControlBox
        By household; there once the run has started.
    feeder_meter : FeederMeter
        What the feeder meter shows to the operator.
    """

    tables = (POWER_LIMITS,)
    numbers = NUMBERS

    def __init__(
        self,
        config: DimmingConfig,
        obeying: list[int],
        households: Households,
        links: Comms,
        grid: PowerGrid,
        context: Context,
    ) -> None:
        self.boxes: dict[int, ControlBox] = {}
        self.feeder_meter = FeederMeter[FeederReading]()
        self._config, self._obeying, self._context = config, obeying, context
        self._households, self._network, self._grid = households, links.network, grid
        self._operator = Operator(config)
        self._moments = Moments()

    @classmethod
    def uses(cls, source: Dimmed) -> Uses:
        """Downlinks of the households, the meter's link, and meters."""
        if source.dimming is None:
            return Uses()
        groups = frozenset(source.dimming.groups or [group.name for group in source.groups])
        orders = ("an operator sends orders to single households",)
        return Uses({"downlink": groups, "meter": frozenset()}, meters=True, one_by_one=orders)

    @classmethod
    def check(cls, source: Dimmed, context: Context, uses: Uses) -> Iterator[Problem]:
        """A feeder that is measured, and groups that are there."""
        config = source.dimming
        if config is None:
            return
        if source.grid is None or not source.grid.feedback:
            message = "the operator watches the feeder, but nothing measures it"
            remedy = "Set `grid.feedback: true`." if source.grid else "Add a grid, with `feedback: true`."
            yield context.problem("dimming", message, remedy)
        known = [group.name for group in source.groups]
        for position, name in enumerate(config.groups):
            if name not in known:
                remedy = suggest(name, known) or "Define it under groups."
                yield context.problem(
                    f"dimming.groups.{position}", "there is no group of this name", remedy, name
                )
        interval_s = context.time.interval_ms / 1000
        if config.in_silence is not None and config.in_silence.after_s <= interval_s:
            message = f"orders come only every {interval_s:g} s, and the time between two would be silence"
            remedy = "Make after_s longer than an interval plus the latencies of meter and downlink."
            value = f"{config.in_silence.after_s:g}"
            yield context.problem("dimming.in_silence.after_s", message, remedy, value)

    @classmethod
    def build(cls, source: Dimmed, setup: Setup) -> Self | None:
        """The operator, and whom it can limit."""
        config, context = source.dimming, setup.context
        households, links, grid = setup.of(Households), setup.of(Comms), setup.of(PowerGrid)
        if config is None or households is None or links is None or grid is None:
            return None
        named = config.groups or [group.name for group in context.population.groups]
        members = [m for group in context.population.named(named) for m in group.members]
        # Infinity lifts a limit that is not there: only who obeys answers.
        obeying = [member for member in members if _limit(households, member, Order(), 0)]
        if not obeying:
            message = "no household of these groups has a device that can be limited"
            remedy = "Add `ev:`, `heat_pump:` or `battery:`, or for feed-in `pv.control: {}`."
            setup.warn([context.problem("dimming", message, remedy, warning=True)])
        return cls(config, obeying, households, links, grid, context)

    def explain(self) -> Iterator[str]:
        """When the operator limits what, whom, and what they do in silence."""
        yield "# dimming: the operator of the feeder"
        yield from rule_lines(self._config)
        names = [self._context.population.names[household] for household in self._obeying]
        yield f"obeyed by {count(len(names), 'household')}: {' '.join(names)}"

    def start(self, run: Run) -> None:
        """Let everybody hear."""
        context = self._context
        self._run = run
        self._record = LimitRecord(
            run.store.writer(POWER_LIMITS), context.time.start, context.population.names
        )
        for household in self._obeying:
            box = ControlBox(run.env, self._config.in_silence, partial(self._obey, household))
            self.boxes[household] = box
            self._network.on_receive(household, LIMIT, box.hear)
        self._network.on_receive(PLATFORM, WATCHED, self._watch)
        self._grid.on_reading(self._announce)

    def meter(self, interval: int) -> None:
        """Count how many households were limited in the interval."""
        start_ms = interval * self._context.time.interval_ms
        limited = self._record.limited(start_ms + self._context.time.interval_ms)
        self._moments.add(start_ms, {"limited_households": limited})

    def save(self) -> None:
        """Write the changes so far."""
        self._record.flush()
        self._moments.keep(self._grid.worst_ms.values())

    def close(self) -> None:
        """Write what has been collected."""
        self._record.close(int(self._run.env.now))

    def summary(self) -> Summary:
        """How often the operator limited, for how long, and how many when limits were used most."""
        return self._record.summary(self._operator) | self._moments.result(self._grid.worst_ms)

    def _announce(self, interval: int, reading: FeederReading) -> None:
        shown = self.feeder_meter.read(reading)
        self._network.send("meter", METER, PLATFORM, WATCHED, interval, shown)

    def _watch(self, message: Message[FeederReading]) -> None:
        order = self._operator.order(message.sequence, message.payload, int(self._run.env.now))
        if order is not None:
            self._network.broadcast(LIMIT, message.sequence, order, self._obeying)

    def _obey(self, household: int, order: Order, cause: str) -> None:
        now_ms = int(self._run.env.now)
        self._run.events += 1
        _limit(self._households, household, order, now_ms)
        self._record.changed(now_ms, household, order, cause)


def _limit(households: Households, household: int, order: Order, now_ms: int) -> bool:
    """Limit what a household has; says whether any of it obeys."""
    equipment = households.equipment
    obeys = equipment is not None and equipment.households[household].limit(order.max_kw, now_ms) > 0
    return households.limit_feed_in(household, order.feed_in_kw, now_ms) or obeys
