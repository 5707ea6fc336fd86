"""An upper bound of what any schedule is worth, from a price for load in each hour (Lagrangian relaxation).

Once every hour has a price λ_t for load, each appliance can choose by itself and so can each hour its load:

    bound(λ) = Σ_α max over ways (worth - λ·load of the way) + Σ_t max over loads (λ_t load - cost_t(load))

is at least the value of every schedule (Held and Karp, 1971; Fisher, Management Science 27, 1981). How much
less than its best a way is worth at these prices, its *regret*, and how much less than best a load is, its
*slack*, are what a schedule loses against the bound: value = bound - Σ regrets - Σ slacks, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices

_PATIENCE = 3
_SHRINK = 0.6
_MEMORY = 0.5


@dataclass(frozen=True, eq=False)
class Relaxation:
    """What is known at given prices."""

    bound: float
    """No schedule is worth more, EUR; ``-inf`` where the load decided already is too much for an hour."""
    prices: NDArray[np.float64]
    """λ, EUR/kWh. Shape (n_hours,)."""
    regrets: tuple[NDArray[np.float64], ...]
    """Of each way of each listed appliance, EUR, at least 0. Each of shape (n_ways,)."""
    slack: NDArray[np.float64]
    """Of each load, the regrets of the flexible appliances included, EUR, at least 0; ``inf`` past the limit.
    Shape (n_subsets, n_levels, n_hours)."""


class PriceSearch:
    """Looks for the prices with the least bound, by subgradient steps.

    Parameters
    ----------
    choices : Choices
        What is to be decided.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        n_hours = choices.n_hours
        self._hours = np.arange(n_hours)
        self._load = choices.load_kwh.ravel()
        cost = choices.cost if choices.excess_only else np.where(choices.excess_kwh > 0, np.inf, choices.cost)
        self._cost = cost.reshape(-1, n_hours)
        self._counts = [len(rows) for rows in choices.ways]
        self._starts = np.concatenate(([0], np.cumsum(self._counts))).astype(np.int64)
        parts = [power * rows for power, rows in zip(choices.powers_kw, choices.ways, strict=True)]
        self._loads = np.concatenate(parts) if parts else np.zeros((0, n_hours))
        self._worth = np.concatenate(choices.worth) if parts else np.zeros(0)
        widest = max(self._counts, default=0)
        # One row per appliance, padded, so that all choose in one step.
        self._place = np.concatenate(
            [row * widest + np.arange(count) for row, count in enumerate(self._counts)]
            or [np.zeros(0, np.int64)]
        ).astype(np.int64)
        self._padded = np.full(widest * len(self._counts), -np.inf)
        self.feasible = bool(np.all(np.isfinite(self._cost[0])))
        self.best = np.inf
        self.prices = np.zeros(n_hours)

    def evaluate(self, prices: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.int64]]:
        """Bound and subgradient at given prices, and the way each listed appliance chooses.

        Returns
        -------
        bound : float
            EUR.
        slope : ndarray, shape (n_hours,)
            Its subgradient: load the hours choose less load the appliances choose, kWh.
        chosen : ndarray of int, shape (n_listed,)
            The best way of each listed appliance at these prices.
        """
        choices = self.choices
        gain = np.multiply.outer(self._load, prices)
        gain -= self._cost
        pick = gain.argmax(axis=0)
        bound = float(gain[pick, self._hours].sum())
        slope = self._load[pick]
        chosen = self._starts[:-1]
        if len(self._counts):
            self._padded[self._place] = self._worth - self._loads @ prices
            table = self._padded.reshape(len(self._counts), -1)
            chosen = table.argmax(axis=1)
            rows = self._starts[:-1] + chosen
            bound += float(table.max(axis=1).sum())
            slope = slope - self._loads[rows].sum(axis=0)
        for worth, hours, power in zip(
            choices.flexible_worth, choices.flexible_hours, choices.flexible_kw, strict=True
        ):
            net = power * prices - worth
            taken = np.argpartition(net, hours - 1)[:hours]
            bound -= float(net[taken].sum())
            slope[taken] -= power
        if bound < self.best:
            self.best = bound
            self.prices = prices
        return bound, slope, chosen

    def descend(self, target: float, n_steps: int, enough: float) -> NDArray[np.int64]:
        """Lower the bound from the best prices so far.

        Parameters
        ----------
        target : float
            Value of the best schedule known, EUR; sets the length of the steps (Polyak, 1969).
        n_steps : int
            At most so many.
        enough : float
            Stop when the bound is within this of the target.

        Returns
        -------
        ndarray of int, shape (n_listed,)
            What the listed appliances chose at the last prices; a good start for an improvement.
        """
        prices = self.prices
        direction = np.zeros_like(prices)
        length, stalled = 1.0, 0
        chosen = self._starts[:-1]
        for _ in range(n_steps):
            before = self.best
            bound, slope, chosen = self.evaluate(prices)
            if self.best < before:
                stalled = 0
            else:
                stalled += 1
                if stalled >= _PATIENCE:
                    length, stalled = length * _SHRINK, 0
            # Part of the last direction is kept, against zigzag (Camerini, Fratta and Maffioli, 1975).
            direction = slope + _MEMORY * direction
            norm = float(direction @ direction)
            if self.best - target <= enough or norm < 1e-18:
                break
            prices = prices - (length * (bound - target) / norm) * direction
        return chosen

    def relax(self) -> Relaxation:
        """Regrets and slacks at the best prices."""
        choices, prices = self.choices, self.prices
        gain = np.multiply.outer(self._load, prices) - self._cost
        best = gain.max(axis=0)
        slack = (best - gain).reshape(choices.cost.shape)
        bound = float(best.sum())
        net = self._worth - self._loads @ prices
        regrets = []
        for first, last in zip(self._starts[:-1], self._starts[1:], strict=True):
            top = float(net[first:last].max())
            bound += top
            regrets.append(top - net[first:last])
        for number, (worth, hours, power) in enumerate(
            zip(choices.flexible_worth, choices.flexible_hours, choices.flexible_kw, strict=True)
        ):
            excess = worth - power * prices
            ranked = np.sort(excess)[::-1]
            # Any threshold between the last hour taken and the first one left gives a valid bound.
            threshold = float(ranked[hours - 1] + ranked[hours]) / 2
            excess = excess - threshold
            bound += float(ranked[:hours].sum())
            on = choices.subset[:, number][:, None, None] == 1
            slack = slack + np.where(on, np.maximum(-excess, 0.0), np.maximum(excess, 0.0))
        return Relaxation(bound, prices, tuple(regrets), slack)
