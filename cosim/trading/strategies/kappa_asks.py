"""Asks by κ of paper B (11)–(13): drawn, or always the same."""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from cosim.config.base import Fraction, OpenFraction
from cosim.core.errors import Problem, count
from cosim.trading.strategies.price_band import feed_in_ratio, has_margin, prices_at, prices_from_kappa
from cosim.trading.strategies.strategy_interface import (
    EDGE,
    SELLING,
    Array,
    Chosen,
    SellingStrategy,
)


@SELLING.register("random")
class RandomAsks(SellingStrategy):
    """κ drawn anew for every hour, as in paper B's case study."""

    low: OpenFraction | None = None
    """Smallest κ; φ^IEP by default."""
    high: Fraction = 1.0
    """Largest κ, itself not drawn."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}; raise high, or lower low")
        return self

    def asks(
        self, feed_in: Array, grid: Array, uniforms: Array, memory: Array
    ) -> tuple[Array, Chosen | None]:
        """See `SellingStrategy.asks`."""
        return random_prices(self, uniforms, feed_in, grid), None

    def problems(self, feed_in: Array, grid: Array) -> list[Problem]:
        """See `SellingStrategy.problems`."""
        # A range that begins at φ itself is the paper's.
        low = () if self.low is None else (_Bound("low", self.low, "φ is used instead", True),)
        bounds = (*low, _Bound("high", self.high, "nothing is offered"))
        return [problem for bound in bounds for problem in bound.problems(feed_in, grid)]


@SELLING.register("fixed")
class FixedAsks(SellingStrategy):
    """The same κ always."""

    kappa: OpenFraction
    """κ, in (φ^IEP, 1)."""

    def asks(
        self, feed_in: Array, grid: Array, uniforms: Array, memory: Array
    ) -> tuple[Array, Chosen | None]:
        """See `SellingStrategy.asks`."""
        return prices_from_kappa(self.kappa, feed_in, grid), None

    def problems(self, feed_in: Array, grid: Array) -> list[Problem]:
        """See `SellingStrategy.problems`."""
        return _Bound("kappa", self.kappa, "nothing is offered").problems(feed_in, grid)


def random_prices(
    bidding: RandomAsks, uniforms: ArrayLike, feed_in_price: ArrayLike, grid_price: ArrayLike
) -> NDArray[np.float64]:
    """Prices with κ uniform on (φ^IEP, 1), or on the part of it between `low` and `high`.

    Parameters
    ----------
    bidding : RandomAsks
        The range of κ.
    uniforms : array_like, shape (..., n_hours)
        Numbers on [0, 1), one a price.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh.

    Returns
    -------
    ndarray, shape (..., n_hours)
        EUR/kWh; NaN where nothing is offered, since no price suits both sides or the range of κ holds none.
    """
    iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
    start, end = np.zeros(grid.shape), np.ones(grid.shape)
    # A range of κ says something where the grid's price is positive; else the whole margin is taken.
    positive = (grid > 0) & has_margin(iep, grid)
    ratio = np.where(positive, feed_in_ratio(iep, grid), 0.0)
    if bidding.low is not None:
        start = np.where(positive, np.maximum((bidding.low - ratio) / (1 - ratio), 0.0), start)
    end = np.where(positive, (bidding.high - ratio) / (1 - ratio), end)
    position = start + np.asarray(uniforms, dtype=np.float64) * (end - start)
    prices = prices_at(np.clip(position, EDGE, 1 - EDGE), iep, grid)
    return np.where(start < end, prices, np.nan)


class _Bound(NamedTuple):
    """A κ that a key gives, what happens in hours that it does not fit, and whether φ itself fits."""

    key: str
    kappa: float
    consequence: str
    may_be_phi: bool = False

    def problems(self, feed_in_price: ArrayLike, grid_price: ArrayLike) -> list[Problem]:
        """Where it leaves its range (12), (φ^IEP, 1): an error if in every hour of a run, else a warning.

        Hours that leave no price between feed-in price and grid price, or have a grid price of 0 or less, do
        not count: κ says nothing there.
        """
        iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
        tradable = has_margin(iep, grid) & (grid > 0)
        iep, grid = iep[tradable], grid[tradable]
        asked = self.kappa * grid
        below = asked < iep if self.may_be_phi else asked <= iep
        if not below.any():
            return []
        ratio = feed_in_ratio(iep, grid)
        return [_kappa_problem(self.key, self.kappa, below, ratio, self.consequence)]


def _kappa_problem(
    key: str, kappa: float, below: NDArray[np.bool_], ratio: NDArray[np.float64], consequence: str
) -> Problem:
    is_never = bool(below.all())
    phi = float(ratio.min() if is_never else ratio.max())
    where = (
        "any hour" if is_never else f"{int(below.sum())} of {count(len(below), 'hour')}; {consequence} there"
    )
    message = f"κ is not above the feed-in price over the grid's (φ = {phi:.3g}) in {where}"
    severity: Literal["error", "warning"] = "error" if is_never else "warning"
    return Problem(
        message, f"Choose a κ between {phi:.3g} and 1.", key, value=f"{kappa:g}", severity=severity
    )
