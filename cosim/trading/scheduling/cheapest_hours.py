"""Energy at variable power within a time: the cheapest hours of it are filled first.

With c_hs kWh at price p_hs in step s of hour h, and at most m_h kWh in the hour, what x_hs to take of each is

    min Σ p_hs x_hs   with   0 ≤ x_hs ≤ c_hs,   Σ_s x_hs ≤ m_h,   Σ x_hs = E or as much of it as there is

a linear program whose constraints are nested (steps in hours, hours in all). For such, taking the cheapest
step that is left, as far as its hour allows, is exact (a polymatroid: Edmonds, 1970).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cosim.trading.scheduling.supply import Supply


class HourRoom(NamedTuple):
    """What can be taken in an hour."""

    most_kwh: float
    """Altogether."""
    steps: tuple[tuple[float, float], ...]
    """Prices, EUR/kWh, and what there is at each, kWh."""


def room_above(supply: Supply, load_kwh: Sequence[float]) -> list[HourRoom]:
    """What a supply leaves above a load, within the contracted power.

    Parameters
    ----------
    supply : Supply
        Of some hours.
    load_kwh : sequence of float, shape (n_hours,)
        What is used already in each.
    """
    rooms = []
    for hour, load in enumerate(load_kwh):
        starts, sizes = supply.start_kwh[hour].tolist(), supply.quantity_kwh[hour].tolist()
        left = [start + size - max(start, load) for start, size in zip(starts, sizes, strict=True)]
        prices = supply.price[hour].tolist()
        steps = tuple((price, kwh) for price, kwh in zip(prices, left, strict=True) if kwh > 0)
        rooms.append(HourRoom(max(float(supply.limit_kwh[hour]) - load, 0.0), steps))
    return rooms


def fill_cheapest(energy_kwh: float, hours: Sequence[HourRoom]) -> list[float]:
    """Take energy where it is cheapest; of equal prices in the earlier hour.

    Parameters
    ----------
    energy_kwh : float
        How much is needed; where there is less, all of it is taken.
    hours : sequence of HourRoom
        In the order of time.

    Returns
    -------
    list of float
        kWh, hour by hour.
    """
    taken, left = [0.0] * len(hours), energy_kwh
    by_price = sorted((price, number, kwh) for number, hour in enumerate(hours) for price, kwh in hour.steps)
    for _, number, kwh in by_price:
        if left <= 0:
            break
        more = min(kwh, hours[number].most_kwh - taken[number], left)
        taken[number] += more
        left -= more
    return taken
