"""A connected firm at work: battery and generator by interval, and what the main grid is left with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from cosim.core.clock import to_hours
from cosim.core.context import Context
from cosim.firm.dispatch import connected_dispatch
from cosim.firm.firm_account import Energies, Prices
from cosim.firm.plant import Plant
from cosim.firm.schema import ConnectedFirm
from cosim.grid.coupling import Block
from cosim.grid.subsystem import PowerGrid
from cosim.households.meters import Reading


class _Open(NamedTuple):
    """An interval whose losses are not known yet."""

    interval: int
    energies: Energies
    load_kwh: float


class Microgrid:
    """A connected firm and its households.

    Parameters
    ----------
    config : ConnectedFirm
        As configured.
    plant : Plant
        Its battery and generator.
    grid : PowerGrid or None
        The feeder.
    column : int
        The column of the firm's bus.
    context : Context
        The run.
    keep : callable
        Takes each interval, what the firm did in it, and what the households used, kWh.
    """

    def __init__(
        self,
        config: ConnectedFirm,
        plant: Plant,
        grid: PowerGrid | None,
        column: int,
        context: Context,
        keep: Callable[[int, Energies, float], None],
    ) -> None:
        self._config, self._plant, self._grid, self._column = config, plant, grid, column
        self._hours = to_hours(context.time.interval_ms)
        self._interval_ms = context.time.interval_ms
        self._keep = keep
        self._open: list[_Open] = []
        if grid is not None:
            grid.on_flow(self._close)

    def work(self, interval: int, reading: Reading, prices: Prices) -> None:
        """Let battery and generator do what they can for what the meters show; the main grid does the rest.

        Losses are the main grid's to give: the firm does not know them while it works.
        """
        hours, config = self._hours, self._config
        contract, generator = config.contract, config.generator
        net_kwh = reading.net_kwh
        plan = connected_dispatch(
            float(net_kwh.sum()) / hours,
            self._plant.limits(hours),
            math.inf if contract.import_kw is None else contract.import_kw,
            prices.bought,
            math.inf if generator is None else generator.eur_per_kwh,
        )
        if self._grid is not None:
            self._grid.draw_at(self._column, -(plan.generator_kw + plan.battery_kw))
        energies = self._plant.run(plan.generator_kw, plan.battery_kw, net_kwh, hours)
        self._open.append(_Open(interval, energies, float(reading.load_kwh.sum())))
        if self._grid is None:
            self._finish(self._open.pop(), 0.0)

    def _close(self, block: Block) -> None:
        """The losses of intervals that have been solved."""
        for start_ms, losses_mw in zip(block.starts_ms.tolist(), block.flow.losses_mw.tolist(), strict=True):
            done = self._open.pop(0)
            assert done.interval == start_ms // self._interval_ms  # power flows come in their order
            self._finish(done, 1000 * losses_mw * self._hours)

    def _finish(self, done: _Open, losses_kwh: float) -> None:
        without = done.energies
        exchange_kwh = losses_kwh - without.residual_kwh
        known = not math.isnan(exchange_kwh)
        energies = without._replace(
            losses_kwh=losses_kwh,
            grid_import_kwh=max(exchange_kwh, 0.0) if known else math.nan,
            grid_export_kwh=max(-exchange_kwh, 0.0) if known else math.nan,
        )
        self._keep(done.interval, energies, done.load_kwh)
