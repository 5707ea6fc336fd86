"""Paper A's Algorithms 1 and 2 as a plain numpy recursion.

A run with no latency, no loss and no phase must equal it.

It uses nothing of cosim. So that two implementations can agree to the bit, the order of operations is fixed;
each line is worked out from left to right, with no fused operations:

1. gradient of resource r at the averages x̄(k)::

       s = x̄[0] + x̄[1] + ...            d = s − T
       shared = l + (2·q + 4·Q·(d·d))·d
       e = x̄[r] − α[r]·T
       ∇ = shared + (2·p[r] + 4·P[r]·(e·e))·e

2. response: ``proportional`` (Ω·x̄)/(∇ + 1e-300); ``inverse_average`` (Ω·∇)/(x̄ + 1e-300); ``additive``
   x̄ + κ·(Ω − ∇)
3. decision: x(k+1) = 1 if u(k) < response, else 0; the response is not clipped
4. average, cumulative: (k+1)/(k+2)·x̄(k) + 1/(k+2)·x(k+1); exponential: x̄(k) + w·(x(k+1) − x̄(k))
5. signal: Ω(k+1) = Ω(k) − τ·(Σ x(k) − C); the sum is over zeros and ones, so it is exact in any order

All arrays have the resources before the households, (m, N), but for what goes in and out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Trajectory:
    """What happened in K steps.

    signals (K+1, m) are Ω(0) ... Ω(K); decisions and averages (K+1, N, m) are x and x̄ at 0 ... K; gradients
    and responses (K, N, m) are those at k = 0 ... K−1, from which the decisions at k+1 came.
    """

    signals: Any
    decisions: Any
    averages: Any
    gradients: Any
    responses: Any


@dataclass
class Recursion:
    """A community in paper A's synchronous market.

    Parameters
    ----------
    cost : dict
        linear, target, quadratic, quartic of shape (N,); alpha, own_quadratic, own_quartic of shape (m, N).
    capacities, gains, signals : array, shape (m,)
        C, τ and Ω(0).
    policy : str
    kappa : float
    weight : float or None
        w of the exponential average; None is cumulative.
    """

    cost: dict[str, Any]
    capacities: Any
    gains: Any
    signals: Any
    policy: str = "additive"
    kappa: float = 0.3
    weight: float | None = None
    k: int = 0
    decisions: Any = field(init=False)
    averages: Any = field(init=False)

    def __post_init__(self) -> None:
        shape = self.cost["alpha"].shape
        self.capacities = np.asarray(self.capacities, dtype=float)
        self.gains = np.asarray(self.gains, dtype=float)
        self.signals = np.array(self.signals, dtype=float)
        self.decisions = np.ones(shape)
        self.averages = np.ones(shape)
        self._own_target = self.cost["alpha"] * self.cost["target"]
        self._double_quadratic = 2.0 * self.cost["quadratic"]
        self._fourfold_quartic = 4.0 * self.cost["quartic"]
        self._double_own = 2.0 * self.cost["own_quadratic"]
        self._fourfold_own = 4.0 * self.cost["own_quartic"]

    def gradients(self) -> Any:
        """∇g at the averages, shape (m, N)."""
        total = self.averages[0]
        for average in self.averages[1:]:
            total = total + average
        d = total - self.cost["target"]
        shared = self.cost["linear"] + (self._double_quadratic + self._fourfold_quartic * (d * d)) * d
        e = self.averages - self._own_target
        return shared + (self._double_own + self._fourfold_own * (e * e)) * e

    def responses(self, gradients: Any) -> Any:
        """σ, not clipped, shape (m, N)."""
        signal = self.signals[:, None]
        if self.policy == "proportional":
            return signal * self.averages / (gradients + 1e-300)
        if self.policy == "inverse_average":
            return signal * gradients / (self.averages + 1e-300)
        if self.policy != "additive":
            raise ValueError(self.policy)
        return self.averages + self.kappa * (signal - gradients)

    def step(self, draws: Any) -> tuple[Any, Any]:
        """Go from k to k+1 with uniform numbers of shape (N, m); gives gradients and responses at k."""
        k = self.k
        gradients = self.gradients()
        responses = self.responses(gradients)
        decisions = (responses > draws.T).astype(float)
        self.signals = self.signals - self.gains * (self.decisions.sum(axis=1) - self.capacities)
        if self.weight is None:
            self.averages = (k + 1) / (k + 2) * self.averages + 1 / (k + 2) * decisions
        else:
            self.averages = self.averages + self.weight * (decisions - self.averages)
        self.decisions = decisions
        self.k = k + 1
        return gradients, responses

    def run(self, draws: Any) -> Trajectory:
        """As many steps as there are draws; `draws` has shape (K, N, m), row k decides x(k+1)."""
        signals, decisions, averages = [self.signals], [self.decisions], [self.averages]
        gradients, responses = [], []
        for row in draws:
            slope, response = self.step(row)
            gradients.append(slope)
            responses.append(response)
            signals.append(self.signals)
            decisions.append(self.decisions)
            averages.append(self.averages)

        def by_household(rows: Any) -> Any:
            return np.moveaxis(np.array(rows), 1, 2)

        return Trajectory(np.array(signals), *map(by_household, (decisions, averages, gradients, responses)))


def section_6_cost(a: Any, b: Any, n_first: int = 50) -> dict[str, Any]:
    """Paper A section 6: the first households have Community 1's cost, the others Community 2's.

    `a` has one number for each household, `b` one for each of Community 2.
    """
    n = len(a)
    first = np.arange(n) < n_first
    quartic = np.zeros(n)
    quartic[n_first:] = 5.0 / 4.0 * np.asarray(b, dtype=float)
    return {
        "linear": np.where(first, 11.75, 11.65),
        "target": np.where(first, 1.74, 1.725),
        "quadratic": np.where(first, np.asarray(a) / 4.0, np.asarray(a) / 8.0),
        "quartic": quartic,
        "alpha": np.full((2, n), 0.5),
        "own_quadratic": np.full((2, n), 0.5),
        "own_quartic": np.zeros((2, n)),
    }
