"""What a grid fee and a tax are: what a kWh costs besides its price, and who gets that."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model, Text
from cosim.core.registry import Registry

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Source = Literal["grid", "peers"]
"""From whom energy is bought."""


class Ground(Protocol):
    """What fees may know of the feeder on a delivery day; without a feeder, how many hours a day has."""

    @property
    def n_hours(self) -> int:
        """Hours of a day."""

    def line_km(self, buyer: int, sellers: Ints) -> Array:
        """Length of the lines from a household to others, km; shape (k,)."""

    def impedance_ohm(self, buyer: int, sellers: Ints) -> Array:
        """Magnitude of the impedance of the lines from a household to others, Ω; shape (k,)."""

    def straight_km(self, buyer: int, sellers: Ints) -> Array:
        """Distance as the crow flies by the feeder's coordinates, km; shape (k,)."""

    def scarcity_from_grid(self, buyer: int, threshold: float) -> Array:
        """Scarcity of all lines and transformers between the grid and a household, shape (n_hours,)."""

    def scarcity_between(self, buyer: int, sellers: Ints, hours: Ints, threshold: float) -> Array:
        """Scarcity of all lines and transformers on the ways from sellers in some hours, shape (k,)."""


class Charge(Model):
    """What comes on top of a price."""

    kind: str = ""
    name: Text = ""
    """What bills call it; by default its kind."""

    @property
    def called(self) -> str:
        """How bills call it."""
        return self.name or self.kind

    @property
    def least(self) -> float:
        """The lowest of its numbers: below 0, somebody is paid."""
        found = [getattr(self, key) for key in type(self).model_fields]
        return min((float(each) for each in found if isinstance(each, float)), default=0.0)


class GridFee(Charge):
    """What the grid operator gets for a kWh that a household buys.

    Attributes
    ----------
    needs : str
        What it must know of the feeder: ``nothing``, ``ways`` (one way from household to household),
        ``coordinates``, or ``loadings`` (of each interval, as it ends).
    by_seller : bool
        Whether the fee of a purchase from another household depends on which one it is.
    """

    needs: ClassVar[Literal["nothing", "ways", "coordinates", "loadings"]] = "nothing"
    by_seller: ClassVar[bool] = False

    @abstractmethod
    def from_grid(self, ground: Ground, buyer: int) -> Array:
        """EUR/kWh of what a household buys from the grid, in each hour of a day; shape (n_hours,)."""

    @abstractmethod
    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """EUR/kWh of what it buys from others.

        Parameters
        ----------
        ground : Ground
            What is known of the feeder.
        buyer : int
            Number of the household.
        sellers, hours : ndarray of int, shape (k,)
            From whom, and in which hours of the day.

        Returns
        -------
        ndarray, shape (k,)
        """


class TaxRate(NamedTuple):
    """A tax on a kWh: ``eur_per_kwh + of_price * price + of_charges * (all charges before it)``.

    Attributes
    ----------
    eur_per_kwh : float
        EUR/kWh.
    of_price, of_charges : float
        Shares of the energy's price, and of grid fees and earlier taxes; of the price at least -1.
    """

    eur_per_kwh: float
    of_price: float = 0.0
    of_charges: float = 0.0


class Tax(Charge):
    """What the state gets for a kWh that a household buys."""

    @abstractmethod
    def rate(self, source: Source) -> TaxRate:
        """The tax on what is bought from the grid, or from other households."""


GRID_FEES: Registry[GridFee] = Registry("grid fee", GridFee)  # type: ignore[type-abstract]
"""Grid fees by name."""
TAXES: Registry[Tax] = Registry("tax", Tax)  # type: ignore[type-abstract]
"""Taxes by name."""
