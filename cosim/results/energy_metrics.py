"""Energies of all connection points, and how much of its own generation each household uses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.core.tables import Summary

Array = NDArray[np.float64]


class EnergyMetrics:
    """Energy at the connection points, from interval means, kWh.

    Imports and exports are those of each household by itself; what neighbours exchange counts in both.

    Parameters
    ----------
    stored_kwh : ndarray, shape (n_households,)
        What is stored in each household's battery at the start.
    charge_efficiency : ndarray, shape (n_households,)
        Stored energy over energy at the terminals.
    """

    def __init__(self, stored_kwh: Array, charge_efficiency: Array) -> None:
        self._efficiency = charge_efficiency
        self._own = OwnUse(stored_kwh, charge_efficiency)
        self._stored_start_kwh = self._stored_end_kwh = math.fsum(stored_kwh)
        self._n_intervals = 0
        self._load_kwh = self._pv_kwh = self._used_kwh = 0.0
        self._needed_kwh = self._generated_kwh = 0.0
        self._imported_kwh = self._exported_kwh = 0.0
        self._charged_kwh = self._discharged_kwh = 0.0

    def add(
        self,
        load: Array,
        pv: Array,
        net: Array,
        charged: Array,
        discharged: Array,
        stored: Array,
        counts: bool = True,
    ) -> None:
        """Take one interval: kWh of each household, and what is stored at its end.

        After an interval of the warm-up, which does not count, all begins with what is stored then.
        """
        self._stored_end_kwh = math.fsum(stored)
        if not counts:
            self._own = OwnUse(stored, self._efficiency)
            self._stored_start_kwh = self._stored_end_kwh
            return
        needed, generated = _by_sign(load, pv)
        used = self._own.add(needed, generated, charged, discharged, stored)
        self._n_intervals += 1
        self._load_kwh += math.fsum(load)
        self._pv_kwh += math.fsum(pv)
        self._needed_kwh += math.fsum(needed)
        self._generated_kwh += math.fsum(generated)
        self._used_kwh += math.fsum(used)
        self._imported_kwh += math.fsum(net[net > 0])
        self._exported_kwh -= math.fsum(net[net < 0])
        self._charged_kwh += math.fsum(charged)
        self._discharged_kwh += math.fsum(discharged)

    def result(self) -> Summary:
        """Energies, self-consumption and self-sufficiency (see `OwnUse`), each of these in [0, 1].

        Null where no interval has counted.
        """
        stored_kwh = self._stored_end_kwh - self._stored_start_kwh
        sums: Summary = {
            "energy_load_kwh": self._load_kwh,
            "energy_generated_kwh": self._pv_kwh,
            "energy_imported_kwh": self._imported_kwh,
            "energy_exported_kwh": self._exported_kwh,
            "energy_battery_charged_kwh": self._charged_kwh,
            "energy_battery_discharged_kwh": self._discharged_kwh,
            "energy_battery_lost_kwh": self._charged_kwh - self._discharged_kwh - stored_kwh,
            "energy_stored_change_kwh": stored_kwh,
            "self_consumption_fraction": _share(self._used_kwh, self._generated_kwh),
            "self_sufficiency_fraction": _share(self._used_kwh, self._needed_kwh),
        }
        return sums if self._n_intervals else dict.fromkeys(sums)


class OwnUse:
    """How much of its own generation each household uses, at once or from its battery.

    Parameters
    ----------
    stored_kwh, charge_efficiency : ndarray, shape (n_households,)
        As for `EnergyMetrics`.

    Notes
    -----
    Luthander et al. (2015) call M(t) = min(L(t), P(t) + S(t)) the generation that is used on the spot, with
    load L, generation P and the power S that storage gives (negative while it charges); self-consumption is
    ∫M dt / ∫P dt and self-sufficiency ∫M dt / ∫L dt. That takes for granted that all stored energy is own
    generation. Where a battery also charges from the grid, feeds in, or is not empty at the start, M can
    fall below 0, and both shares leave [0, 1]. So the stored energy is accounted for by where it comes from:

    - the load is first served by the generation of the same interval, then by the battery, then by the grid;
    - what the battery takes is first the generation that the load leaves, then energy of the grid;
    - the battery is well mixed: what it gives, and what it loses, has the share of own generation that its
      content has; what was stored at the start counts as none.

    M is then the load that own generation serves, at once or by way of the battery. A battery that charges
    from surplus alone, never feeds in and begins empty has the M of the source. Energy of the grid that a
    battery gives to the load raises neither share; what is lost on the way, stored at the end or fed in from
    the battery is not self-consumed. A load below 0 generates, and a generation below 0 is a load. Within an
    interval, whose means all of this is about, generation and load are netted; shorter intervals give smaller
    shares (op. cit.).

    References
    ----------
    R. Luthander, J. Widén, D. Nilsson, J. Palm: "Photovoltaic self-consumption in buildings: A review",
    Applied Energy 142 (2015) 80-94, doi:10.1016/j.apenergy.2014.12.028.
    """

    def __init__(self, stored_kwh: Array, charge_efficiency: Array) -> None:
        self._stored_kwh = stored_kwh
        self._efficiency = charge_efficiency
        self._share = np.zeros_like(stored_kwh)

    def add(self, load: Array, pv: Array, charged: Array, discharged: Array, stored: Array) -> Array:
        """The load that own generation serves in the next interval, kWh of each household.

        Parameters
        ----------
        load, pv, charged, discharged : ndarray, shape (n_households,)
            Energies of the interval at the terminals, kWh, none below 0.
        stored : ndarray, shape (n_households,)
            What is stored at its end.
        """
        at_once = np.minimum(load, pv)
        taken = self._efficiency * charged
        own = self._share * self._stored_kwh + self._efficiency * np.minimum(charged, pv - at_once)
        content = self._stored_kwh + taken
        self._share = np.divide(own, content, out=np.zeros_like(own), where=content > 0)
        self._stored_kwh = stored
        return np.asarray(at_once + self._share * np.minimum(discharged, load - at_once))


def _by_sign(load: Array, pv: Array) -> tuple[Array, Array]:
    """What is needed and what is generated: a load below 0 generates, and a generation below 0 is a load."""
    needed = np.maximum(load, 0.0) + np.maximum(-pv, 0.0)
    return needed, np.maximum(pv, 0.0) + np.maximum(-load, 0.0)


def _share(part: float, whole: float) -> float | None:
    # The part cannot be more than the whole but for rounding.
    return min(part / whole, 1.0) if whole > 0 else None
