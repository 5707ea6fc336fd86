"""What a household wants to buy in each hour, and from whom it would take it: made from its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cosim.trading.valuation.offers import Offer


class Candidate(NamedTuple):
    """A seller that energy of an hour could be bought from."""

    seller: int
    """Its number; the buyer's own for its own generation."""
    limit_kwh: float
    """The most to ask it for."""
    price: float
    """Its price, EUR/kWh."""
    charges: float = 0.0
    """What a kWh costs the buyer on top of that."""

    @property
    def cost(self) -> float:
        """What a kWh costs the buyer, EUR/kWh."""
        return self.price + self.charges


class HourlyNeed(NamedTuple):
    """What to buy in one hour."""

    hour: int
    """Hour of the delivery day, from 0."""
    demand_kwh: float
    """What to buy from households altogether."""
    candidates: tuple[Candidate, ...]
    """Whom to ask, one after the other: the cheapest first."""


class Planner(Protocol):
    """Plans a household's day at gate closure."""

    def __call__(self, household: int, day: int, offers: Sequence[Offer]) -> Sequence[HourlyNeed]:
        """Schedule the day with the offers that reached the household, its own among them.

        Parameters
        ----------
        household : int
            Number of the household.
        day : int
            Delivery day.
        offers : sequence of Offer
            By hour, cheapest first, equal prices by seller.

        Returns
        -------
        sequence of HourlyNeed
            At most one an hour.
        """
        ...


class PlansAgain(Protocol):
    """Plans the rest of a household's day in a further round."""

    def __call__(
        self, household: int, day: int, offers: Sequence[Offer], bought: Sequence[Offer], first_hour: int
    ) -> Sequence[HourlyNeed]:
        """Schedule what has not begun, from an hour on.

        Parameters
        ----------
        household : int
            Number of the household.
        day : int
            Delivery day.
        offers : sequence of Offer
            What the household believes is left, nothing of some, its own among it; by hour, cheapest first.
        bought : sequence of Offer
            What it has bought already, as offers that cost nothing.
        first_hour : int
            The first hour that is still open.
        """
        ...


def needs_from_load(
    load_kwh: Sequence[float],
    offers: Sequence[Offer],
    grid_price: Sequence[float],
    charges: Sequence[float] | None = None,
) -> list[HourlyNeed]:
    """Cover a planned load from everybody who is cheaper than the grid, the cheapest first.

    Whom the plan would have bought from does not matter: where one has sold out, as it will have where many
    want the same cheap offer, the next is asked.

    Parameters
    ----------
    load_kwh, grid_price : sequence of float, one an hour
        Planned load; P^G, EUR/kWh.
    offers : sequence of Offer
        As the planner was given them.
    charges : sequence of float, one an offer, optional
        What a kWh of it costs the buyer on top of its price, EUR/kWh; nothing by default.
    """
    hours: dict[int, list[Candidate]] = {}
    for offer, more in zip(offers, charges or [0.0] * len(offers), strict=True):
        candidate = Candidate(offer.seller, offer.quantity_kwh, offer.price, more)
        if load_kwh[offer.hour] > 0 and candidate.cost < grid_price[offer.hour]:
            hours.setdefault(offer.hour, []).append(candidate)
    return [HourlyNeed(hour, float(load_kwh[hour]), _cheapest_first(hours[hour])) for hour in sorted(hours)]


def _cheapest_first(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda each: (each.cost, each.seller)))
