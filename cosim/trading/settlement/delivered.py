"""What of a trade is delivered on the day: no more than the seller generated and the buyer used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.trading.protocol.reconciliation import Agreement

Array = NDArray[np.float64]


class Delivered(NamedTuple):
    """A trade after the day."""

    agreement: Agreement
    """What was agreed."""
    sent_kwh: float
    """What the seller could give of it; ``agreed - sent`` is the seller's deviation."""
    taken_kwh: float
    """What the buyer could use of that: what is delivered. ``sent - taken`` is the buyer's deviation."""


def deliver(agreements: Iterable[Agreement], load_kwh: Array, generation_kwh: Array) -> list[Delivered]:
    """Share what there is among a day's trades.

    Parameters
    ----------
    agreements : iterable of Agreement
        Of the day; those with nothing agreed come out with nothing delivered.
    load_kwh, generation_kwh : ndarray, shape (n_households, 24)
        Metered; both at least 0.

    Returns
    -------
    list of Delivered
        In the order of `agreements`.

    Notes
    -----
    In every hour, a seller that generated less than it sold gives every buyer, itself among them, the same
    share of what was agreed. Then a buyer that used less than it was given takes the same share of each.
    Neither depends on an order of trades, and a household's failing reaches its own partners only. What a
    buyer leaves is not passed on to another: it is fed in.
    """
    listed = list(agreements)
    agreed = [each.agreed_kwh for each in listed]
    sent = _share(listed, agreed, "seller", generation_kwh)
    taken = _share(listed, sent, "buyer", load_kwh)
    return [Delivered(*each) for each in zip(listed, sent, taken, strict=True)]


def _share(
    agreements: Sequence[Agreement], wanted_kwh: Sequence[float], side: str, available_kwh: Array
) -> list[float]:
    """Cut what is wanted of each household in each hour to what it has, in proportion."""
    parts: dict[tuple[int, int], list[float]] = {}
    keys = [(getattr(each, side), each.hour) for each in agreements]
    for key, wanted in zip(keys, wanted_kwh, strict=True):
        parts.setdefault(key, []).append(wanted)
    shares = {}
    for key, each in parts.items():
        total, available = fsum(each), float(available_kwh[key])
        shares[key] = 1.0 if total <= available else max(0.0, available) / total
    return [shares[key] * wanted for key, wanted in zip(keys, wanted_kwh, strict=True)]
