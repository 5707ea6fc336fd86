"""Which deals of an auction stand: the operator's book, or, where that is lost, what it told somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from cosim.core.errors import SimulationError
from cosim.trading.auction.messages import Deal
from cosim.trading.auction.operator import DayBook
from cosim.trading.protocol.messages import RequestId


def standing_deals(
    day: int, book: DayBook | None, told: Mapping[int, Sequence[Deal]]
) -> tuple[list[Deal], Literal["agreed", "restored"]]:
    """Compare all books of a day.

    Parameters
    ----------
    day : int
        Delivery day.
    book : DayBook or None
        The operator's; None where it has lost it.
    told : mapping of int to sequence of Deal
        What each household holds a statement of.

    Returns
    -------
    deals : list of Deal
        Of the operator's book, told or not, for orders bind; without it, all that somebody was told.
    status : {"agreed", "restored"}

    Raises
    ------
    SimulationError
        If two books contradict each other.
    """
    on_statements: dict[RequestId, Deal] = {}
    for household, deals in told.items():
        for deal in deals:
            if household not in (deal.buyer, deal.seller) or on_statements.get(deal.name, deal) != deal:
                raise SimulationError(
                    f"day {day}: household {household} was told of {deal}, another of "
                    f"{on_statements.get(deal.name)}"
                )
            on_statements[deal.name] = deal
    if book is None:
        return [on_statements[name] for name in sorted(on_statements)], "restored"
    kept = {deal.name: deal for deal in book.deals or ()}
    for name, deal in on_statements.items():
        if kept.get(name) != deal:
            raise SimulationError(
                f"day {day}: somebody was told of {deal}, the operator has {kept.get(name)}"
            )
    return list(kept.values()), "agreed"
