"""Grid fees: flat, by distance between peers, by congestion."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from cosim.config.base import FractionBelowOne, Price, Range
from cosim.trading.charges.charge_interface import GRID_FEES, Array, GridFee, Ground, Ints


@GRID_FEES.register("flat")
class FlatFee(GridFee):
    """The same for every kWh; a different one for what peers sell each other, if wanted."""

    eur_per_kwh: Price
    """Of what is bought from the grid [EUR/kWh]."""
    peers_eur_per_kwh: Price | None = None
    """Of what is bought from other households [EUR/kWh]; the same by default."""

    def from_grid(self, ground: Ground, buyer: int) -> Array:
        """See `GridFee.from_grid`."""
        return np.full(ground.n_hours, self.eur_per_kwh)

    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """See `GridFee.from_peers`."""
        fee = self.eur_per_kwh if self.peers_eur_per_kwh is None else self.peers_eur_per_kwh
        return np.full(len(sellers), fee)


class DistanceFee(GridFee):
    """What peers pay by how far they are from each other; energy from the grid does not pay it."""

    by_seller: ClassVar[bool] = True

    def from_grid(self, ground: Ground, buyer: int) -> Array:
        """Nothing."""
        return np.zeros(ground.n_hours)


@GRID_FEES.register("by_line_length")
class LineLengthFee(DistanceFee):
    """Peers pay by the length of the lines between them."""

    needs: ClassVar = "ways"

    eur_per_kwh_km: Price
    """[EUR/kWh/km]."""

    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """See `GridFee.from_peers`."""
        return self.eur_per_kwh_km * ground.line_km(buyer, sellers)


@GRID_FEES.register("by_electrical_distance")
class ElectricalDistanceFee(DistanceFee):
    """Peers pay by the impedance of the lines between them.

    T. Baroche, P. Pinson, R. Le Goff Latimier and H. Ben Ahmed, Exogenous cost allocation in peer-to-peer
    electricity markets, IEEE Trans. Power Systems 34 (2019), 2553-2564: of their three ways to allocate the
    costs of a grid (uniform, by electrical distance, by zones) the second. The distance is the Thévenin
    impedance ``|Z_ii + Z_jj - 2 Z_ij|``, on a radial feeder the impedance of the one way between the two.
    """

    needs: ClassVar = "ways"

    eur_per_kwh_ohm: Price
    """[EUR/kWh/Ω]."""

    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """See `GridFee.from_peers`."""
        return self.eur_per_kwh_ohm * ground.impedance_ohm(buyer, sellers)


@GRID_FEES.register("by_straight_line")
class StraightLineFee(DistanceFee):
    """Peers pay by their distance as the crow flies, where the feeder has coordinates."""

    needs: ClassVar = "coordinates"

    eur_per_kwh_km: Price
    """[EUR/kWh/km]."""

    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """See `GridFee.from_peers`."""
        return self.eur_per_kwh_km * ground.straight_km(buyer, sellers)


@GRID_FEES.register("by_congestion")
class CongestionFee(GridFee):
    """A purchase pays for each scarce line or transformer whose flow it adds to.

    The scarcity of a branch in an hour is ``max(0, (u - threshold) / (1 - threshold))``, u its loading over
    its limit: 0 up to the threshold, 1 at the limit, more beyond. A purchase pays the fee times the sum over
    the branches on its way that it loads further, as a price of congestion times a distribution factor of 1;
    where it goes against the flow it pays nothing. The fee is announced with the offers: u and the direction
    are those of the same hour on the last day that is over by then, and before there is one there is no fee.

    S. Huang, Q. Wu, S. S. Oren, R. Li and Z. Liu, Distribution locational marginal pricing through quadratic
    programming for congestion management in distribution networks, IEEE Trans. Power Systems 30 (2015),
    2170-2178 (tariffs announced a day ahead, the sum of the prices of congested lines); J. Guerrero, A. C.
    Chapman and G. Verbič, Decentralized P2P energy trading under network constraints in a low-voltage
    network, IEEE Trans. Smart Grid 10 (2019), 5163-5173 (distribution factors of a trade between two peers).
    There the prices are multipliers of an optimum; here they follow from what was measured.
    """

    needs: ClassVar = "loadings"
    by_seller: ClassVar[bool] = True

    eur_per_kwh: Annotated[Price, Range(0, 1_000_000)]
    """For one branch that is at its limit [EUR/kWh]."""
    threshold: FractionBelowOne = 0.8
    """Share of its limit up to which a branch is not scarce."""

    def from_grid(self, ground: Ground, buyer: int) -> Array:
        """See `GridFee.from_grid`."""
        return self.eur_per_kwh * ground.scarcity_from_grid(buyer, self.threshold)

    def from_peers(self, ground: Ground, buyer: int, sellers: Ints, hours: Ints) -> Array:
        """See `GridFee.from_peers`."""
        return self.eur_per_kwh * ground.scarcity_between(buyer, sellers, hours, self.threshold)
