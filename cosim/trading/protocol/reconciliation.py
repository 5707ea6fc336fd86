"""Which trades stand after the deadline: buyers' receipts against sellers' ledgers.

A receipt is given for firm energy only, and firm energy is freed only when its buyer says that it will never
claim it. So what buyers can claim is always a part of what sellers have sold, and the receipts decide:

- a receipt and its ledger entry: the trade stands;
- an entry without a receipt: the buyer never knew, or no longer knows; the energy feeds in;
- a receipt of a seller that has lost its ledger: the trade stands, for the seller has sold nothing over it
since.

Anything else would be a fault of the protocol, and is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from cosim.core.errors import SimulationError
from cosim.trading.protocol.ledger import Ledger
from cosim.trading.protocol.messages import Line, RequestId
from cosim.trading.protocol.purchase_book import Claim

AgreementStatus = Literal["agreed", "restored", "unclaimed"]
"""On both books; on the buyer's alone, for the seller lost its own; on the seller's alone: of no effect."""


class Agreement(NamedTuple):
    """Energy of one hour as the books have it after the deadline."""

    request: RequestId
    """Where it comes from."""
    hour: int
    """Hour of the delivery day."""
    buyer: int
    seller: int
    """Households."""
    requested_kwh: float
    agreed_kwh: float
    """Asked for, and sold; nothing is sold of what is unclaimed."""
    price: float
    """EUR/kWh."""
    status: AgreementStatus
    """See `AgreementStatus`."""


def reconcile(day: int, claims: Iterable[Claim], ledgers: Mapping[int, Ledger | None]) -> list[Agreement]:
    """Compare all books of a day.

    Parameters
    ----------
    day : int
        Delivery day.
    claims : iterable of Claim
        Of all buyers.
    ledgers : mapping of int to Ledger or None
        Of every household; None for one that offered nothing or has lost its ledger.

    Returns
    -------
    list of Agreement
        By hour, seller and request. The two sides of a trade both follow from it, so they agree.

    Raises
    ------
    SimulationError
        If two books contradict each other, or an hour's energy was sold twice.
    """
    found: dict[tuple[RequestId, int], Agreement] = {}
    for claim in claims:
        key = (claim.request, claim.hour)
        if key in found:
            raise SimulationError(f"day {day}: request {_name(claim.request)} is claimed twice")
        ledger = ledgers.get(claim.seller)
        if ledger is not None:
            _check(day, claim, ledger)
        status: AgreementStatus = "restored" if ledger is None else "agreed"
        found[key] = Agreement(*claim, status)
    for seller, ledger in ledgers.items():
        if ledger is not None:
            _check_not_oversold(day, seller, ledger)
            for unclaimed in _unclaimed(seller, ledger, found):
                found[unclaimed.request, unclaimed.hour] = unclaimed
    return sorted(found.values(), key=lambda each: (each.hour, each.seller, each.request))


def _check(day: int, claim: Claim, ledger: Ledger) -> None:
    """A receipt was given for what the seller's ledger says, or the protocol is at fault."""
    entry = ledger.reservations.get(claim.request)
    line = Line(claim.hour, claim.agreed_kwh, claim.price)
    if entry is None or entry.status != "firm" or line not in entry.granted:
        state = "nothing" if entry is None else f"{entry.status}, {entry.granted}"
        raise SimulationError(
            f"day {day}: household {claim.buyer} holds a receipt of household {claim.seller} for {line}, "
            f"whose ledger has {state} for request {_name(claim.request)}"
        )


def _check_not_oversold(day: int, seller: int, ledger: Ledger) -> None:
    sold: dict[int, float] = {}
    for entry in ledger.firm():
        for line in entry.granted:
            sold[line.hour] = sold.get(line.hour, 0.0) + line.energy_kwh
    for hour in sorted(sold):
        # Both are sums of whole grains, and so exact.
        if sold[hour] > ledger.offered_kwh.get(hour, 0.0):
            raise SimulationError(
                f"day {day}, hour {hour}: household {seller} sold {sold[hour]} kWh "
                f"of {ledger.offered_kwh.get(hour, 0.0)} kWh"
            )


def _unclaimed(
    seller: int, ledger: Ledger, found: Mapping[tuple[RequestId, int], Agreement]
) -> list[Agreement]:
    return [
        Agreement(
            entry.id, line.hour, entry.id.buyer, seller, _asked_kwh(entry.asked, line.hour), 0.0, line.price,
            "unclaimed",
        )
        for entry in ledger.firm()
        for line in entry.granted
        if (entry.id, line.hour) not in found
    ]  # fmt: skip


def _asked_kwh(asked: Iterable[Line], hour: int) -> float:
    return next(line.energy_kwh for line in asked if line.hour == hour)


def _name(request: RequestId) -> str:
    return f"{request.buyer}.{request.epoch}.{request.number}"
