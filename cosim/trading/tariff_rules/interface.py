"""What a tariff rule is: who trades, what fed-in energy earns, and what appliances are scheduled for."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.registry import Registry

Array = NDArray[np.float64]

SchedulingAim = Literal["value", "cost", "preferences"]
"""What appliances are scheduled for: paper B's objective, the same with γ = 0, or preferred hours alone."""

OwnGenerationPrice = Literal["asked", "fed_in"]
"""What own generation costs its household in its schedule: what it asks of others for it (paper B's
self-transaction), or what feeding in would have earned."""


class TariffRule(Model):
    """A rule that households are coordinated and billed by.

    Attributes
    ----------
    trades : bool
        Households offer energy to each other; otherwise each knows its own generation and the grid alone.
    aim : {"value", "cost", "preferences"}
        What appliances are scheduled for.
    own_generation : {"asked", "fed_in"}
        What own generation costs in the schedule.
    """

    kind: str = ""
    trades: ClassVar[bool] = False
    aim: ClassVar[SchedulingAim] = "value"
    own_generation: ClassVar[OwnGenerationPrice] = "fed_in"

    @abstractmethod
    def feed_in_price(self, grid: Array, indexed: Array) -> Array:
        """What a kWh earns that is fed in, EUR/kWh, hour by hour.

        Parameters
        ----------
        grid, indexed : ndarray, shape (n_hours,)
            P^G, what a kWh from the grid costs, and P^IEP, the indexed price.
        """


TARIFF_RULES: Registry[TariffRule] = Registry("tariff rule", TariffRule)  # type: ignore[type-abstract]
"""Tariff rules by name.

`no_trading` differs from `trading` in the trading alone; `self_supply` from `no_trading` in the price of own
generation alone; `feed_in_tariff` and `net_metering` from `self_supply` in what feeding in earns alone;
`no_coordination` from `self_supply` in the aim alone.
"""
