"""A firm's account of an interval: every kWh and every EUR once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Energies(NamedTuple):
    """What a firm did in an interval, kWh; nothing below 0."""

    drawn_kwh: Array
    fed_in_kwh: Array
    """What each household drew and fed in at its meter. Shape (n,)."""
    unserved_kwh: Array
    curtailed_kwh: Array
    """Load of each that was not served, and generation that was given up. Shape (n,)."""
    generator_kwh: float
    charge_kwh: float
    discharge_kwh: float
    """What the generator gave, what the battery took and gave."""
    leaked_kwh: float
    stored_kwh: float
    """What the battery lost by self-discharge, and what is stored at the end."""
    fuel_l: float
    """Fuel burnt, l."""
    dumped_kwh: float = 0.0
    """What went into the ballast load."""
    losses_kwh: float = 0.0
    """In lines and transformers; NaN where the power flow did not converge."""
    grid_import_kwh: float = 0.0
    grid_export_kwh: float = 0.0
    """Exchanged with the main grid, likewise."""

    @property
    def residual_kwh(self) -> float:
        """What comes in less what goes out: 0 but for rounding, and for what was not solved."""
        came = self.generator_kwh + self.discharge_kwh + self.grid_import_kwh + float(self.fed_in_kwh.sum())
        went = self.charge_kwh + self.dumped_kwh + self.grid_export_kwh + float(self.drawn_kwh.sum())
        return came - went - self.losses_kwh


class Prices(NamedTuple):
    """What holds in an interval, EUR/kWh, and of fuel EUR/l."""

    drawn: float
    fed_in: float
    """Between a household and the firm."""
    bought: float = 0.0
    sold: float = 0.0
    """Between the firm and the main grid."""
    beyond: float = 0.0
    """What a kWh beyond the contract costs besides."""
    fuel: float = 0.0
    """EUR/l."""


class Money(NamedTuple):
    """Who paid whom in an interval, EUR."""

    bills_eur: Array
    """What each household paid the firm; below 0 where it was paid. Shape (n,)."""
    beyond_kwh: float
    """Exchanged with the main grid beyond the contract."""
    grid_eur: float
    """What the firm paid the main grid; below 0 where it was paid; NaN where the exchange is not known."""
    fuel_eur: float
    """What its fuel cost."""

    @property
    def margin_eur(self) -> float:
        """What is left to the firm."""
        return float(self.bills_eur.sum()) - self.grid_eur - self.fuel_eur


def settle(energies: Energies, prices: Prices, contract_kwh: tuple[float, float]) -> Money:
    """Who pays whom.

    Parameters
    ----------
    energies : Energies
        Of the interval.
    prices : Prices
        That hold in it.
    contract_kwh : (float, float)
        What the contract lets the firm draw and feed in over the interval.
    """
    imported, exported = energies.grid_import_kwh, energies.grid_export_kwh
    beyond_kwh = max(imported - contract_kwh[0], 0.0) + max(exported - contract_kwh[1], 0.0)
    return Money(
        bills_eur=prices.drawn * energies.drawn_kwh - prices.fed_in * energies.fed_in_kwh,
        beyond_kwh=beyond_kwh,
        grid_eur=prices.bought * imported - prices.sold * exported + prices.beyond * beyond_kwh,
        fuel_eur=prices.fuel * energies.fuel_l,
    )
