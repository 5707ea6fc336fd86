"""When a battery of a household charges and discharges: a linear program against prices.

With L the load, G the generation, c and d what the battery takes and gives, x what is drawn and e what is
given away in each interval, b and s their prices, and what was bought and sold already:

    min Σ b x - s e    with   L + c + e + sold = G + d + bought + x,   e + sold ≤ G + d,
                              stored(t+1) = stored(t) exp(-λh) + η_c c - d / η_d   within its limits

A battery that takes prices as they come and knows them all: R. Sioshansi, P. Denholm, T. Jenkin and J. Weiss,
Estimating the value of electricity storage in PJM: arbitrage and some welfare effects, Energy Economics 31
(2009), 269-277. At its end the day's store is as full as asked, as far as that can be reached.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.planned_use import Store

Array = NDArray[np.float64]

_WEAR_EUR_PER_KWH = 1e-6
"""So that of plans that cost the same the one with the least use is taken."""


class Exchange(NamedTuple):
    """What a battery is planned to take and to give in each interval, kWh at its terminals."""

    charge_kwh: Array
    discharge_kwh: Array


def beside(battery: Exchange, load_kwh: Array, generation_kwh: Array) -> tuple[Array, Array]:
    """Load and generation of a household with its battery, as it deals with others.

    What the battery takes of its own generation, and gives to its own load, happens behind the meter and is
    neither offered nor asked for.
    """
    from_own = np.minimum(battery.charge_kwh, generation_kwh)
    to_own = np.minimum(battery.discharge_kwh, load_kwh)
    load = load_kwh - to_own + (battery.charge_kwh - from_own)
    return load, generation_kwh - from_own + (battery.discharge_kwh - to_own)


class StorageDay(NamedTuple):
    """What a battery is planned by; energies in kWh of an interval, shape (n_slots,)."""

    load_kwh: Array
    generation_kwh: Array
    """Of the household, but for the battery."""
    most_load_kwh: Array
    """Up to which load it may charge."""
    buy_eur_per_kwh: Array
    sell_eur_per_kwh: Array
    """What a kWh costs, and what one earns that is not sold yet; the first is nowhere lower."""
    bought_kwh: Array
    sold_kwh: Array
    """What is agreed."""
    slot_h: float
    """Length of an interval, h."""


def plan_storage(store: Store, begin_kwh: float, end_kwh: float, day: StorageDay) -> Exchange:
    """The cheapest use of a battery on a day.

    What was bought and sold is kept wherever that is possible, and the end reached: what is missing of either
    costs twice the dearest price.

    Parameters
    ----------
    store : Store
        Its limits.
    begin_kwh, end_kwh : float
        Stored at the beginning, and to be stored at the end.
    day : StorageDay
        Loads, prices, contracts.

    Returns
    -------
    Exchange
        In each interval one of both is 0.
    """
    from scipy.optimize import linprog  # takes long to load, and few runs need it
    from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

    n, hours = len(day.load_kwh), day.slot_h
    dearest = float(np.abs(np.concatenate([day.buy_eur_per_kwh, day.sell_eur_per_kwh])).max())
    fine = np.full(n, 2.0 * dearest)
    one, none = eye_array(n), csr_array((n, n))
    # Columns: charged, discharged, drawn, given away, not delivered of what is sold, not used of what is
    # bought, stored at the end of each interval, and one for what the end is short of.
    balance = hstack([one, -one, -one, one, none, none, none, csr_array((n, 1))])
    kept = math.exp(-store.leak_per_hour * hours)
    before = coo_array((np.full(n - 1, kept), (np.arange(1, n), np.arange(n - 1))), shape=(n, n))
    charging, discharging = -store.charge_efficiency * one, one / store.discharge_efficiency
    storing = hstack([charging, discharging, none, none, none, none, one - before, csr_array((n, 1))])
    begin = np.zeros(n)
    begin[0] = kept * begin_kwh
    equal = vstack([balance, storing])
    equal_to = np.concatenate([day.generation_kwh + day.bought_kwh - day.load_kwh - day.sold_kwh, begin])
    given = hstack([none, -one, none, one, -one, none, none, csr_array((n, 1))])
    used = hstack([-one, none, none, none, none, -one, none, csr_array((n, 1))])
    last = coo_array(([-1.0, -1.0], ([0, 0], [7 * n - 1, 7 * n])), shape=(1, 7 * n + 1))
    at_most = np.concatenate([day.generation_kwh - day.sold_kwh, day.load_kwh - day.bought_kwh, [-end_kwh]])
    room_kwh = np.maximum(day.most_load_kwh - day.load_kwh, 0.0)
    if not store.takes_from_grid:
        room_kwh = np.minimum(room_kwh, np.maximum(day.generation_kwh - day.load_kwh, 0.0))
    high = np.concatenate(
        [
            np.minimum(room_kwh, store.charge_kw * hours),
            np.full(n, store.discharge_kw * hours),
            np.full(4 * n, np.inf),
            np.full(n, store.capacity_kwh),
            [np.inf],
        ]
    )
    # A store below its floor cannot be emptied further, and need not be filled at once.
    low = np.concatenate([np.zeros(6 * n), np.full(n, 0.0), [0.0]])
    low[6 * n : 7 * n] = min(store.floor_kwh, begin_kwh * kept**n)
    cost = np.concatenate(
        [
            np.full(2 * n, _WEAR_EUR_PER_KWH),
            day.buy_eur_per_kwh,
            -day.sell_eur_per_kwh,
            fine,
            fine,
            np.zeros(n),
            fine[:1],
        ]
    )
    found = linprog(
        cost, vstack([given, used, last]), at_most, equal, equal_to, np.column_stack([low, high]), "highs"
    )
    assert found.x is not None  # to rest is always a plan
    net_kwh = found.x[:n] - found.x[n : 2 * n]
    return Exchange(np.maximum(net_kwh, 0.0), np.maximum(-net_kwh, 0.0))
