"""A tie between two communities, as built: both ends, the converter, the step of the agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.core.clock import to_hours
from cosim.regulation.capacities.over_tie import OverTie
from cosim.regulation.community import Community
from cosim.regulation.optimum import solve_optimum
from cosim.ties.schema import TieConfig, TieEnd
from cosim.ties.tie_agreement import Converter, TieOffer, next_kw

_PROBE_UNITS = 0.5


@dataclass(frozen=True)
class End:
    """One end of a tie."""

    number: int
    """Of the community."""
    community: Community
    """The community."""
    resource: int
    """Number of its resource."""
    unit_kwh: float
    """What a unit of it is."""
    own: float
    """Its capacity without the tie, units per step."""
    column: int
    """Column of its bus in the feeder; -1 without one."""

    @property
    def marginal_cost(self) -> float:
        """What one kWh more over the tie costs its community, cost/kWh: its signal, which is the gradient."""
        return self.community.platform.state.signals[self.resource] / self.unit_kwh

    def tell(self, step: int, kwh_per_step: float) -> None:
        """Have its platform keep to what passes, unless it is down."""
        if not self.community.is_down:
            units = self.own + kwh_per_step / self.unit_kwh
            most = float(len(self.community.platform.state.members))
            self.community.platform.hear_capacity(step, self.resource, min(units, most))

    def curvature(self) -> float:
        """By how much its marginal cost rises with a kWh more in each step: of the exact optimum.

        Where costs change in time, the steepest: a step of the agreement is the smaller the steeper it is.
        """
        designed = self.community.design
        capacities, n = designed.mean_capacities, len(designed.members)
        at = capacities[self.resource]
        low, high = max(at - _PROBE_UNITS, 0.0), min(at + _PROBE_UNITS, float(n))
        rises = []
        for _, costs in designed.schedule.different():
            slopes: list[float] = []
            for units in (low, high):
                probe = np.array(capacities, dtype=np.float64)
                probe[self.resource] = units
                slopes.append(float(solve_optimum(costs, probe).multipliers[self.resource]))
            rises.append((slopes[1] - slopes[0]) / (high - low))
        return float(max(rises)) / self.unit_kwh**2


@dataclass(frozen=True)
class Tie:
    """A tie."""

    config: TieConfig
    """As configured."""
    seller: End
    buyer: End
    """Its ends."""
    converter: Converter
    """What carries the power."""
    kw_per_cost: float
    """Step of the agreement."""
    step_h: float
    """Length of a step, h."""

    def answer_kw(self, offer: TieOffer) -> float:
        """What the buyer takes on an offer."""
        costs = (offer.marginal_cost, self.buyer.marginal_cost)
        return next_kw(self.converter.kw, costs, self.kw_per_cost, self.converter.limit_kw)


def end_of(end: TieEnd, communities: list[Community], column: int) -> End:
    """An end of a tie, where its community is found."""
    names = [each.design.config.name for each in communities]
    number = names.index(end.community)
    community = communities[number]
    resources = community.design.config.resources
    position = [each.name for each in resources].index(end.resource)
    capacity, unit_kwh = resources[position].capacity, end.unit_kwh or resources[position].unit_kwh
    assert isinstance(capacity, OverTie)  # else it was refused
    return End(number, community, position, unit_kwh, capacity.own, column)


def tie_of(config: TieConfig, seller: End, buyer: End, step_ms: int) -> Tie:
    """A tie between two ends, before anything has passed."""
    step_h = to_hours(step_ms)
    curvature = seller.curvature() + buyer.curvature()
    # Of a kWh in each step; where costs are straight lines no step is too long but by the limit.
    kw_per_cost = config.share / (curvature * step_h) if curvature > 0 else config.share * config.limit_kw
    converter = Converter(config.limit_kw, config.valid_steps * step_ms)
    return Tie(config, seller, buyer, converter, kw_per_cost, step_h)
