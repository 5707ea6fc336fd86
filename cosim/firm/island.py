"""An isolated firm at work: it brings each interval into balance before the meters show it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.core.context import Context
from cosim.firm.firm_account import Energies
from cosim.firm.island_balance import Balanced, Wanted, balance, blackout
from cosim.firm.plant import Plant
from cosim.firm.schema import IsolatedFirm
from cosim.firm.sharing import ranks
from cosim.grid.subsystem import PowerGrid, Trial
from cosim.households.meters import Reading

Array = NDArray[np.float64]


class Balancing(NamedTuple):
    """What an interval comes to."""

    reading: Reading
    """What the meters show."""
    energies: Energies
    """What the firm did."""


class Island:
    """An isolated firm and its households.

    Parameters
    ----------
    config : IsolatedFirm
        As configured.
    plant : Plant
        Its battery and generator.
    grid : PowerGrid
        The feeder.
    context : Context
        The run.
    """

    def __init__(self, config: IsolatedFirm, plant: Plant, grid: PowerGrid, context: Context) -> None:
        self._config, self._plant, self._grid = config, plant, grid
        self._hours = to_hours(context.time.interval_ms)
        self._classes = (
            ranks(config.unserved_first, context.population),
            ranks(config.curtailed_first, context.population),
        )
        self._runs = False

    def balance(self, interval: int, reading: Reading) -> Balancing:
        """Curtail generation or leave load unserved, as far as battery and generator are not enough."""
        plant, hours = self._plant, self._hours
        wanted = Wanted(
            reading.p_kw, reading.q_kvar, np.maximum(reading.load_kwh, 0) / hours, reading.pv_kwh / hours
        )
        limits = plant.limits(hours)
        flow = partial(self._flow, interval)
        if plant.battery is None and limits.most_kw == 0:
            made = blackout(wanted)
        else:
            made = balance(wanted, limits, self._wants_generator(), self._classes, flow)
        if made.is_dark:
            self._grid.leave_dark(interval)
        return self._settled(reading, made)

    def _flow(self, interval: int, p_kw: Array, q_kvar: Array) -> Trial:
        return self._grid.tried(p_kw, q_kvar, interval)

    def _wants_generator(self) -> bool:
        """Whether the generator is to charge the battery; without one it must run."""
        plant, config = self._plant, self._config
        if plant.battery is None:
            return True
        self._runs = plant.soc < config.stop_soc if self._runs else plant.soc <= config.start_soc
        return self._runs

    def _settled(self, reading: Reading, made: Balanced) -> Balancing:
        hours = self._hours
        unserved_kwh, curtailed_kwh = made.unserved_kw * hours, made.curtailed_kw * hours
        net_kwh = made.p_kw * hours
        shown = reading._replace(
            load_kwh=reading.load_kwh - unserved_kwh,
            pv_kwh=reading.pv_kwh - curtailed_kwh,
            net_kwh=net_kwh,
            p_kw=made.p_kw,
            q_kvar=made.q_kvar,
        )
        energies = self._plant.run(made.generator_kw, made.battery_kw, net_kwh, hours)._replace(
            unserved_kwh=unserved_kwh,
            curtailed_kwh=curtailed_kwh,
            dumped_kwh=made.dumped_kw * hours,
            losses_kwh=made.losses_kw * hours,
        )
        return Balancing(shown, energies)
