"""Inverters whose powers follow the voltage, as the power flow meets them: at buses, interval by interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.inverters import Conditions, Inverters

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ControlledPower:
    """Inverters that follow the voltage, over T intervals."""

    columns: NDArray[np.int64]
    """Column of the bus of each. Shape (n,)."""
    inverters: Inverters
    """All n of them."""
    met: Conditions
    """What they meet, of shape (T, n)."""

    def rows(self, which: Any) -> ControlledPower:
        """The intervals `which` alone."""
        return ControlledPower(self.columns, self.inverters, self.met.take(which))

    def some(self, which: NDArray[np.bool_]) -> ControlledPower:
        """Some of the inverters alone."""
        met = Conditions(*(each[:, which] for each in self.met))
        return ControlledPower(self.columns[which], self.inverters.some(which), met)

    def set_points(self, vm_pu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What each generates, kW, and draws as reactive power, kvar, shape (T, n).

        Parameters
        ----------
        vm_pu : ndarray of float64, shape (T, n_bus)
            Voltages of the buses; where there is none, there is no power either, but NaN.
        """
        met = Conditions(*(each.T for each in self.met))
        p, q = self.inverters.set_points(met, vm_pu[:, self.columns].T)
        unknown = np.isnan(vm_pu[:, self.columns])
        return np.where(unknown, np.nan, p.T), np.where(unknown, np.nan, q.T)

    def on_buses(
        self, p_mw: FloatArray, q_mvar: FloatArray, vm_pu: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """What the buses draw, from what they draw without these inverters; shape (T, n_bus)."""
        generated_kw, drawn_kvar = self.set_points(vm_pu)
        p, q = p_mw.copy(), q_mvar.copy()
        for unit, column in enumerate(self.columns):
            p[:, column] -= generated_kw[:, unit] / 1000
            q[:, column] += drawn_kvar[:, unit] / 1000
        return p, q


def stack_controlled(rows: list[ControlledPower | None]) -> ControlledPower | None:
    """Single intervals as one; None where none has anything."""
    some = [row for row in rows if row is not None]
    if not some:
        return None
    parts = zip(*(row.met for row in some), strict=True)
    met = Conditions(*(np.concatenate(part) for part in parts))
    return ControlledPower(some[0].columns, some[0].inverters, met)
