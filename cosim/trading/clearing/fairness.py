"""Whether a way of clearing, which may be anybody's, keeps what each promises."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.errors import SimulationError
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.clearing.interface import Clearing, Match, Order


def require_fair(
    clearing: Clearing, matches: Sequence[Match], bids: Sequence[Order], asks: Sequence[Order], when: str
) -> None:
    """Refuse matches that somebody did not order.

    Parameters
    ----------
    clearing : Clearing
        What they come from.
    matches, bids, asks
        What it made of what.
    when : str
        Of which hour, for the message.

    Raises
    ------
    SimulationError
        If energy is no whole number of grains, or somebody buys or sells more than he ordered, altogether or
        at a price and those that are worse for him.
    """
    called = f"{when}: the way of clearing '{clearing.kind}' ({type(clearing).__module__})"
    for match in matches:
        if not match.energy_kwh > 0 or match.energy_kwh % GRAIN_KWH:
            raise SimulationError(
                f"{called} gives {match.energy_kwh} kWh, which is not a whole number of grains"
            )
    bought = [Order(match.buyer, match.energy_kwh, match.price) for match in matches]
    sold = [Order(match.seller, match.energy_kwh, -match.price) for match in matches]
    for what, got, ordered in (
        ("buy", bought, bids),
        ("sell", sold, [ask._replace(price=-ask.price) for ask in asks]),
    ):
        own, limits = _by_party(got), _by_party(ordered)
        for party, taken in own.items():
            for _, _, price in taken:
                passed = sum(each.energy_kwh for each in taken if each.price >= price)
                suits = sum(each.energy_kwh for each in limits.get(party, ()) if each.price >= price)
                if not passed <= suits:
                    raise SimulationError(
                        f"{called} has household {party} {what} {passed} kWh at {abs(price)} EUR/kWh or "
                        f"worse, and it ordered {suits} kWh at such prices"
                    )


def _by_party(orders: Sequence[Order]) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = {}
    for order in orders:
        found.setdefault(order.party, []).append(order)
    return found
