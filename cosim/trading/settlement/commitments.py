"""What households owe each other in each hour of a traded day: energy that no battery may take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.trading.protocol.reconciliation import Agreement


def sold_less_bought(
    agreements: Iterable[Agreement], n_households: int, n_slots: int = HOURS
) -> NDArray[np.float64]:
    """Energy that each household has sold to others less what it has bought of them.

    Parameters
    ----------
    agreements : iterable of Agreement
        The trades of a day that stand.
    n_households : int
        Size of the population.
    n_slots : int
        Market intervals of a day.

    Returns
    -------
    ndarray, shape (n_households, n_slots)
        kWh; what a household buys of itself does not count.
    """
    balance = np.zeros((n_households, n_slots))
    for agreement in agreements:
        balance[agreement.seller, agreement.hour] += agreement.agreed_kwh
        balance[agreement.buyer, agreement.hour] -= agreement.agreed_kwh
    return balance
