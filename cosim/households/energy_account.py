"""Energies of all connection points, and how much of its own generation each household uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.numbers import Number, Summary, declared

_METERS = "tables `meters` and `batteries`"
NUMBERS = (
    *declared("Energy", _METERS,
        Number("energy_load_kwh", "load", "kWh", "what the loads of all households consumed"),
        Number("energy_generated_kwh", "generation", "kWh", "what all households generated"),
        Number("energy_imported_kwh", "imports of the households", "kWh",
            "each household's imports, including what neighbours exchange", "less"),
        Number("energy_exported_kwh", "exports of the households", "kWh",
            "each household's exports, including what neighbours exchange"),
        Number("energy_{device}_charged_kwh", "charged", "kWh",
            "taken at the terminals of all devices of this kind that store"),
        Number("energy_{device}_discharged_kwh", "discharged", "kWh", "given at their terminals"),
        Number("energy_{device}_lost_kwh", "lost", "kWh",
            "charged - discharged - change of what they store", "less"),
        Number("energy_stored_change_kwh", "change of what is stored", "kWh",
            "stored at the end less at the start", least=-math.inf),
        Number("self_consumption_fraction", "self-consumption", "",
            "share of generation that its household uses, at once or from its battery; "
            "null without any", "more", "share"),
        Number("self_sufficiency_fraction", "self-sufficiency", "",
            "share of load that own generation serves, at once or from a battery; null "
            "without any", "more", "share"),
    ),
)  # fmt: skip

Array = NDArray[np.float64]


class StoreFlows(NamedTuple):
    """What the stores of one kind did, one store a household; each of shape (n_intervals, n_households)."""

    charged_kwh: Array
    discharged_kwh: Array
    """At the terminals."""
    stored_kwh: Array
    """At the end."""


class Store(NamedTuple):
    """The stores of one kind at the start; each of shape (n_households,)."""

    stored_kwh: Array
    """What is stored; 0 for a household without one."""
    charge_efficiency: Array
    """Stored energy over energy at the terminals."""


class EnergyMetrics:
    """Energy at the connection points, from interval means, kWh.

    Imports and exports are those of each household by itself; what neighbours exchange counts in both.

    Parameters
    ----------
    stores : mapping of str to Store
        The stores of each kind, at the start.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        self._own = OwnUse(stores)
        self._start_kwh = {kind: math.fsum(store.stored_kwh) for kind, store in stores.items()}
        self._end_kwh = self._start_kwh
        self._n_intervals = 0
        self._load_kwh = self._pv_kwh = self._used_kwh = 0.0
        self._needed_kwh = self._generated_kwh = 0.0
        self._imported_kwh = self._exported_kwh = 0.0
        self._charged_kwh = dict.fromkeys(stores, 0.0)
        self._discharged_kwh = dict.fromkeys(stores, 0.0)

    def add(
        self, load: Array, pv: Array, net: Array, stores: Mapping[str, StoreFlows], counts: bool = True
    ) -> None:
        """Take intervals: kWh of each household, and what each kind of store did.

        After those of the warm-up, which do not count, all begins with what is stored then.

        Parameters
        ----------
        load, pv, net : ndarray, shape (n_intervals, n_households)
            Consumed, generated and drawn from the grid.
        stores : mapping of str to StoreFlows
            What each kind of store did.
        counts : bool
            Whether they count.
        """
        self._end_kwh = {kind: math.fsum(store.stored_kwh[-1]) for kind, store in stores.items()}
        if not counts:
            self._own = OwnUse(
                {
                    kind: self._stores[kind]._replace(stored_kwh=store.stored_kwh[-1])
                    for kind, store in stores.items()
                }
            )
            self._start_kwh = self._end_kwh
            return
        needed, generated = _by_sign(load, pv)
        used = self._own.add(needed, generated, stores)
        self._n_intervals += len(load)
        self._load_kwh = added_up(self._load_kwh, load)
        self._pv_kwh = added_up(self._pv_kwh, pv)
        self._needed_kwh = added_up(self._needed_kwh, needed)
        self._generated_kwh = added_up(self._generated_kwh, generated)
        self._used_kwh = added_up(self._used_kwh, used)
        self._imported_kwh = added_up(self._imported_kwh, np.where(net > 0, net, 0.0))
        self._exported_kwh = added_up(self._exported_kwh, np.where(net < 0, -net, 0.0))
        for kind, store in stores.items():
            self._charged_kwh[kind] = added_up(self._charged_kwh[kind], store.charged_kwh)
            self._discharged_kwh[kind] = added_up(self._discharged_kwh[kind], store.discharged_kwh)

    def result(self) -> Summary:
        """Energies, self-consumption and self-sufficiency (see `OwnUse`), each of these in [0, 1].

        Null where no interval has counted.
        """
        stored_kwh = {kind: self._end_kwh[kind] - start_kwh for kind, start_kwh in self._start_kwh.items()}
        sums: Summary = {
            "energy_load_kwh": self._load_kwh,
            "energy_generated_kwh": self._pv_kwh,
            "energy_imported_kwh": self._imported_kwh,
            "energy_exported_kwh": self._exported_kwh,
        }
        for kind, change_kwh in stored_kwh.items():
            charged_kwh, discharged_kwh = self._charged_kwh[kind], self._discharged_kwh[kind]
            sums[f"energy_{kind}_charged_kwh"] = charged_kwh
            sums[f"energy_{kind}_discharged_kwh"] = discharged_kwh
            sums[f"energy_{kind}_lost_kwh"] = charged_kwh - discharged_kwh - change_kwh
        sums |= {
            "energy_stored_change_kwh": sum(stored_kwh.values()),
            "self_consumption_fraction": _share(self._used_kwh, self._generated_kwh),
            "self_sufficiency_fraction": _share(self._used_kwh, self._needed_kwh),
        }
        return sums if self._n_intervals else dict.fromkeys(sums)


class OwnUse:
    """How much of its own generation each household uses, at once or from what it stored.

    Parameters
    ----------
    stores : mapping of str to Store
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

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._mixes = {
            kind: _Mix(store.stored_kwh, store.charge_efficiency, np.zeros_like(store.stored_kwh))
            for kind, store in stores.items()
        }

    def add(self, load: Array, pv: Array, stores: Mapping[str, StoreFlows]) -> Array:
        """The load that own generation serves in the next intervals, kWh of each household.

        Parameters
        ----------
        load, pv : ndarray, shape (n_intervals, n_households)
            Energies of the intervals, kWh, none below 0.
        stores : mapping of str to StoreFlows
            What each kind of store did, in the order in which they serve the load.
        """
        used = np.minimum(load, pv)
        load, pv = load - used, pv - used
        for kind, flows in stores.items():
            of_own, served = np.minimum(flows.charged_kwh, pv), np.minimum(flows.discharged_kwh, load)
            shares, self._mixes[kind] = _mixed(self._mixes[kind], flows, of_own)
            used = used + shares * served
            load, pv = load - served, pv - of_own
        return used


class _Mix(NamedTuple):
    """What is in the stores of a kind, and which share of it is own generation."""

    stored_kwh: Array
    efficiency: Array
    share: Array


def _mixed(mix: _Mix, flows: StoreFlows, of_own: Array) -> tuple[Array, _Mix]:
    """The shares of own generation in what each interval gives, and what is in the stores after the last."""
    before = np.concatenate([mix.stored_kwh[np.newaxis], flows.stored_kwh[:-1]])
    gained, content = mix.efficiency * of_own, before + mix.efficiency * flows.charged_kwh
    is_any, shares, share = content > 0, np.zeros_like(content), mix.share
    for row in range(len(shares)):
        own = share * before[row] + gained[row]
        share = np.divide(own, content[row], out=shares[row], where=is_any[row])
    return shares, _Mix(flows.stored_kwh[-1], mix.efficiency, share)


def added_up(total: float, rows: Array) -> float:
    """A total and, one interval after the other, the exact sum of each."""
    for row in rows.tolist():
        total += math.fsum(row)
    return total


def _by_sign(load: Array, pv: Array) -> tuple[Array, Array]:
    """What is needed and what is generated: a load below 0 generates, and a generation below 0 is a load."""
    needed = np.maximum(load, 0.0) + np.maximum(-pv, 0.0)
    return needed, np.maximum(pv, 0.0) + np.maximum(-load, 0.0)


def _share(part: float, whole: float) -> float | None:
    # The part cannot be more than the whole but for rounding.
    return min(part / whole, 1.0) if whole > 0 else None
