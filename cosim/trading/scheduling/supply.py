"""Supply of a day in merit order: offers and the grid, cheapest first, paper B (9), (14) and section II.D.

What a load costs in an hour is a convex, piecewise-linear function of it. Step 3 of the paper says
"descending order of cost"; only ascending makes sense, and that is what its step 1 sorts for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.core.errors import InputError, Problem
from cosim.trading.valuation.offers import GRID, Offer

TOLERANCE_KWH = 1e-7
"""A load is within a limit if it exceeds it by no more than this."""


class Purchase(NamedTuple):
    """What is bought from one supplier in one hour."""

    hour: int
    """Hour of the day, from 0."""
    seller: int
    """Number of the household, or `GRID`."""
    quantity_kwh: float
    """τ of paper B (14)."""
    price: float
    """EUR/kWh."""


@dataclass(frozen=True, eq=False)
class Supply:
    """Every hour's suppliers in ascending order of price. Made by `merit_order`."""

    price: NDArray[np.float64]
    """EUR/kWh, ascending; where an hour has fewer steps, its last price is repeated for a quantity of 0.
    Shape (n_hours, n_steps)."""
    quantity_kwh: NDArray[np.float64]
    """What each step holds. Shape (n_hours, n_steps)."""
    seller: NDArray[np.int64]
    """Who sells it; `GRID` for the grid. Shape (n_hours, n_steps)."""
    start_kwh: NDArray[np.float64]
    """Load at which each step begins. Shape (n_hours, n_steps)."""
    start_cost: NDArray[np.float64]
    """What a load of `start_kwh` costs, EUR. Shape (n_hours, n_steps)."""
    limit_kwh: NDArray[np.float64]
    """The largest load: the contracted power, or all of the supply if that is less. Shape (n_hours,)."""
    grid_price: NDArray[np.float64]
    """P^G, EUR/kWh. Shape (n_hours,)."""

    @property
    def n_hours(self) -> int:
        """Number of hours."""
        return len(self.price)

    def steps(self, load_kwh: ArrayLike) -> NDArray[np.int64]:
        """The step that the last kWh of a load comes from.

        Parameters
        ----------
        load_kwh : array_like, shape (..., n_hours)
            Energy taken in each hour.

        Returns
        -------
        ndarray of int, shape (..., n_hours)
        """
        load = np.asarray(load_kwh, dtype=np.float64)
        # One sorted axis for all hours: every hour gets a stretch of its own, longer than any load.
        stretch = 2.0 * (1.0 + float(max(self.start_kwh.max(), load.max(initial=0.0))))
        offset = stretch * np.arange(self.n_hours)
        axis = (self.start_kwh + offset[:, None]).ravel()
        found = np.searchsorted(axis, (load + offset).ravel(), side="left") - 1
        step = found.reshape(load.shape) - np.arange(self.n_hours) * self.price.shape[1]
        return np.asarray(np.maximum(step, 0), dtype=np.int64)

    def cost(self, load_kwh: ArrayLike) -> NDArray[np.float64]:
        """What a load costs in each hour, EUR; shape ``(..., n_hours)``. Past the limit the last price goes
        on.
        """
        load = np.asarray(load_kwh, dtype=np.float64)
        step, hour = self.steps(load), np.arange(self.n_hours)
        rest = load - self.start_kwh[hour, step]
        return np.asarray(self.start_cost[hour, step] + rest * self.price[hour, step])

    def marginal_cost(self, load_kwh: ArrayLike) -> NDArray[np.float64]:
        """Price of the last kWh of a load, EUR/kWh; of the first one where the load is 0; ``(...,
        n_hours)``.
        """
        return np.asarray(self.price[np.arange(self.n_hours), self.steps(load_kwh)])

    def split(self, load_kwh: ArrayLike) -> NDArray[np.float64]:
        """What each step supplies of a load, kWh; it adds up to the load.

        Parameters
        ----------
        load_kwh : array_like, shape (n_hours,)
            Energy taken in each hour, within `limit_kwh`.

        Returns
        -------
        ndarray, shape (n_hours, n_steps)
        """
        load = np.asarray(load_kwh, dtype=np.float64)
        taken = np.clip(load[:, None] - self.start_kwh, 0.0, self.quantity_kwh)
        # The last step touched takes what rounding left.
        hour, step = np.arange(self.n_hours), self.steps(load)
        taken[hour, step] += load - taken.sum(axis=1)
        return np.asarray(np.maximum(taken, 0.0))

    def purchases(self, load_kwh: ArrayLike) -> list[Purchase]:
        """Who sells what, cheapest first in every hour; adds up to the load of each hour."""
        taken = self.split(load_kwh)
        return [
            Purchase(
                int(hour),
                int(self.seller[hour, step]),
                float(taken[hour, step]),
                float(self.price[hour, step]),
            )
            for hour, step in zip(*np.nonzero(taken), strict=True)
        ]


def merit_order(
    offers: Iterable[Offer],
    grid_price: ArrayLike,
    most_kwh: float,
) -> Supply:
    """Sort a day's suppliers by price: paper B, step 1.

    Parameters
    ----------
    offers : iterable of Offer
        Of other households and of the household itself, whose own generation competes at its own price.
    grid_price : array_like, shape (n_hours,)
        P^G, EUR/kWh; may be negative, and then the grid comes before the offers.
    most_kwh : float
        By the contracted power: the largest load of an hour, and the most that the grid supplies.

    Returns
    -------
    Supply
        Equal prices: offers before the grid, then by seller, then the smaller quantity.

    Raises
    ------
    InputError
        If an offer is outside the day, its quantity negative, or a price not finite.
    """
    grid = np.asarray(grid_price, dtype=np.float64)
    n_hours = len(grid)
    listed = list(offers)
    problems = list(_problems(listed, grid, most_kwh))
    if problems:
        raise InputError(problems)
    from_grid = np.full(n_hours, most_kwh, dtype=np.float64)
    hour = np.concatenate([np.array([offer.hour for offer in listed], dtype=np.int64), np.arange(n_hours)])
    seller = np.array([offer.seller for offer in listed] + [GRID] * n_hours, dtype=np.int64)
    quantity = np.concatenate([[offer.quantity_kwh for offer in listed], from_grid])
    price = np.concatenate([[offer.price for offer in listed], grid])
    order = np.lexsort((quantity, seller, seller == GRID, price, hour))
    return _pack(hour[order], seller[order], quantity[order], price[order], grid, most_kwh)


def _pack(
    hour: NDArray[np.int64],
    seller: NDArray[np.int64],
    quantity: NDArray[np.float64],
    price: NDArray[np.float64],
    grid_price: NDArray[np.float64],
    most_kwh: float,
) -> Supply:
    """Tables of one row an hour from entries sorted by hour and price."""
    n_hours = len(grid_price)
    count = np.bincount(hour, minlength=n_hours)
    first = np.concatenate(([0], np.cumsum(count)[:-1]))
    n_steps = int(count.max())
    # Where an hour is short of steps its last one is repeated, with nothing in it.
    column = np.minimum(np.arange(n_steps), count[:, None] - 1)
    index = first[:, None] + column
    quantities = np.where(np.arange(n_steps) < count[:, None], quantity[index], 0.0)
    prices = price[index]
    ends = np.cumsum(quantities, axis=1)
    costs = np.cumsum(quantities * prices, axis=1)
    zero = np.zeros((n_hours, 1))
    return Supply(
        prices,
        quantities,
        seller[index],
        np.concatenate([zero, ends[:, :-1]], axis=1),
        np.concatenate([zero, costs[:, :-1]], axis=1),
        np.minimum(most_kwh, ends[:, -1]),
        grid_price,
    )


def _problems(offers: list[Offer], grid: NDArray[np.float64], most_kwh: float) -> Iterable[Problem]:
    if not np.all(np.isfinite(grid)):
        yield Problem("a grid price is not a finite number", "Give one price for every hour.")
    if not most_kwh > 0:
        yield Problem("the contracted power must be above 0", "Give it in kW.", value=f"{most_kwh:g}")
    for offer in offers:
        what = f"the offer of seller {offer.seller} for hour {offer.hour}"
        if not 0 <= offer.hour < len(grid):
            yield Problem(
                f"{what} is outside the day", f"Hours are 0 to {len(grid) - 1}.", value=str(offer.hour)
            )
        if not 0 <= offer.quantity_kwh < np.inf:
            yield Problem(f"{what} has no valid quantity", "At least 0 kWh.", value=f"{offer.quantity_kwh:g}")
        if not np.isfinite(offer.price):
            yield Problem(f"{what} has no valid price", "A finite price, EUR/kWh.", value=f"{offer.price:g}")
