"""The feeder of a run, with households at its buses, ready to take their power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.core.inverters import Conditions, Inverters
from cosim.grid.account import Entry
from cosim.grid.background import Background
from cosim.grid.copies import CopiedFlow
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig
from cosim.grid.tap_changers import TapChanger
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower

Array = NDArray[np.float64]


@dataclass
class ConnectedFeeder:
    """The feeder of a run.

    Attributes
    ----------
    config : GridConfig
        As configured.
    feeder, power_flow
        The feeder and its solver.
    buses : tuple of int
        The bus of each household.
    columns : ndarray of int, shape (N,)
        The column of each household's bus.
    limits : FeederLimits
        Within which each element is in order.
    background : Background
        What the feeder's own remaining elements draw.
    silent : tuple of ElementRecord
        The feeder's own elements that draw nothing because the scenario says so.
    account : tuple of Entry
        What became of everything that the grid's source holds.
    tap_changers : tuple of TapChanger
        Those that act from interval to interval.
    """

    config: GridConfig
    feeder: Feeder
    power_flow: PowerFlow | CopiedFlow
    buses: tuple[int, ...]
    columns: NDArray[np.int64]
    limits: FeederLimits
    background: Background
    silent: tuple[ElementRecord, ...]
    account: tuple[Entry, ...]
    tap_changers: tuple[TapChanger, ...] = ()

    @property
    def supplied(self) -> NDArray[np.bool_]:
        """Which households stand where there is a voltage, shape (N,)."""
        return self.feeder.bus.supplied[self.columns]

    def controlled(self, owners: NDArray[np.int64], inverters: Inverters, met: Conditions) -> ControlledPower:
        """Inverters that follow the voltage, in one interval.

        Parameters
        ----------
        owners : ndarray of int, shape (n,)
            The household of each.
        inverters : Inverters
            All n of them.
        met : Conditions
            What they meet, of shape (n,).
        """
        return ControlledPower(self.columns[owners], inverters, met.take(np.newaxis))

    def injections(
        self, p_kw: Array, q_kvar: Array, interval: int
    ) -> tuple[Array, Array, DependentPower | None]:
        """Mean power drawn at every bus at 1 pu in an interval, MW and Mvar, shape (n_bus,) each.

        The third says what of it follows the voltage; None where nothing does. Inverters that follow the
        voltage are not in it.

        Parameters
        ----------
        p_kw, q_kvar : ndarray, shape (N,)
            What each household draws.
        interval : int
            Its number from the start.
        """
        n_bus = self.feeder.n_bus
        background_p_mw, background_q_mvar, dependent = self.background.at(interval)
        p_mw = np.bincount(self.columns, p_kw, n_bus) / 1000 + background_p_mw
        q_mvar = np.bincount(self.columns, q_kvar, n_bus) / 1000 + background_q_mvar
        return p_mw, q_mvar, dependent
