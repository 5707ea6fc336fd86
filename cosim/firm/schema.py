"""Configuration of a local firm: its battery and generator, its tariffs, and the side that it looks to.

Paper A, section 2, knows two: a firm between its households and the main grid, and one in isolation.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cosim.config.base import (
    MAX_KWH,
    Fraction,
    Kilowatts,
    Model,
    Name,
    NonNegative,
    NonNegativePrice,
    Number,
    Parts,
    PositiveKilowatts,
    Probability,
    Range,
)
from cosim.grid.schema import BusRef
from cosim.trading.schemas.tariffs import PriceSeries


class FirmBattery(Model):
    """The firm's battery."""

    capacity_kwh: Annotated[Number, Range(0, MAX_KWH, above_low=True)]
    """Usable capacity, kWh."""
    charge_kw: PositiveKilowatts
    """Largest charging power at the terminals, kW."""
    discharge_kw: PositiveKilowatts
    """Largest discharging power at the terminals, kW."""
    charge_efficiency: Fraction = 0.95
    """Stored energy over energy at the terminals."""
    discharge_efficiency: Fraction = 0.95
    """Energy at the terminals over energy taken from storage."""
    self_discharge_per_day: Probability = 0.0
    """Share of the stored energy that is lost in a day."""
    soc_initial: Probability = 0.5
    """State of charge at the start, as a share of the capacity."""
    soc_min: Probability = 0.1
    """State of charge below which it does not discharge, as a share of the capacity."""

    @model_validator(mode="after")
    def _begins_above_its_floor(self) -> Self:
        if self.soc_initial < self.soc_min:
            raise ValueError("soc_initial is below soc_min; raise it, or lower soc_min")
        return self


class FirmGenerator(Model):
    """The firm's generator; fuel grows with its power in a straight line (Skarstein and Uhlen, 1989)."""

    rated_kw: PositiveKilowatts
    """Largest power, kW."""
    min_kw: Kilowatts = 0.0
    """Power below which it does not run, kW: its minimum load."""
    fuel_l: NonNegative | None = None
    """Fuel in its tank at the start, l; null for any amount."""
    idle_l_per_h_kw: NonNegative = 0.0845
    """Fuel that it burns whatever its power, l/h for each kW of rated power."""
    fuel_l_per_kwh: NonNegative = 0.246
    """Fuel that each kWh takes on top of that, l/kWh."""
    fuel_eur_per_l: NonNegative = 1.6
    """Price of fuel, EUR/l."""

    @model_validator(mode="after")
    def _least_is_no_more_than_rated(self) -> Self:
        if self.min_kw > self.rated_kw:
            raise ValueError("min_kw is above rated_kw, so it could never run; lower it")
        return self

    @property
    def idle_l_per_h(self) -> float:
        """Fuel that it burns whatever its power, l/h."""
        return self.idle_l_per_h_kw * self.rated_kw

    @property
    def eur_per_kwh(self) -> float:
        """Price of its energy at rated power, EUR/kWh."""
        return self.fuel_eur_per_l * (self.fuel_l_per_kwh + self.idle_l_per_h_kw)


class HouseholdTariff(Model):
    """What passes between the firm and its households: each kWh drawn or fed in at a meter has its price."""

    drawn: PriceSeries = 0.30
    """What a household pays the firm for a kWh that it draws, EUR/kWh: a number, `{by_hour: [24 numbers]}` or
    `{file: prices.csv, column: NAME}`."""
    fed_in: PriceSeries = 0.08
    """What the firm pays a household for a kWh that it feeds in, EUR/kWh; likewise."""


class GridContract(Model):
    """What passes between the firm and the main grid."""

    bought: PriceSeries = 0.22
    """What the firm pays for a kWh from the main grid, EUR/kWh; as `tariff.drawn`."""
    sold: PriceSeries = 0.05
    """What the main grid pays the firm for a kWh, EUR/kWh; likewise."""
    import_kw: Kilowatts | None = None
    """Power that the firm may draw by its contract, mean of an interval, kW; null for any."""
    export_kw: Kilowatts | None = None
    """Power that it may feed in, likewise, kW."""
    beyond_eur_per_kwh: NonNegativePrice = 0.5
    """What each kWh beyond the contract costs in addition, EUR/kWh."""


class _Firm(Model):
    """What every local firm has."""

    battery: FirmBattery | None = None
    """Its battery."""
    generator: FirmGenerator | None = None
    """Its generator."""
    tariff: HouseholdTariff = HouseholdTariff()
    """What its households pay and are paid."""

    @model_validator(mode="after")
    def _has_energy(self) -> Self:
        if self.battery is None and self.generator is None:
            raise ValueError(
                "the firm has nothing to give energy with; give it a battery, a generator, or both"
            )
        return self


class ConnectedFirm(_Firm):
    """A local firm between its households and the main grid.

    Its battery takes the energy that its households have in excess and gives what they lack; its generator
    runs where its energy is cheaper than the main grid's, and where the firm would otherwise draw more than
    its contract allows; the main grid does the rest.
    """

    kind: Literal["connected"]
    """A firm that is connected to the main grid."""
    bus: BusRef | None = None
    """The bus of the feeder where battery and generator stand, by index or name; the first bus below the
    grid above by default. Not used without a grid."""
    contract: GridContract = GridContract()
    """What it has agreed with the main grid."""


class IsolatedFirm(_Firm):
    """A local firm that is the only supply: its battery and generator form the grid of an island.

    They stand at `grid.supply.bus`. The generator starts when the battery falls to `start_soc`, then runs as
    near to its rated power as the battery takes, and stops at `stop_soc` (cycle charging: Barley and Winn,
    Solar Energy 58, 1996); also whenever the battery alone is not enough. What both together cannot
    take is curtailed, and what they cannot give is not served.
    """

    kind: Literal["isolated"]
    """A firm in isolation: an island."""
    start_soc: Probability = 0.3
    """State of charge at which the generator starts."""
    stop_soc: Probability = 0.8
    """State of charge at which it stops."""
    unserved_first: Parts[Name] = ()
    """Groups whose load is not served when energy is short, the first of them first; all others come last,
    together."""
    curtailed_first: Parts[Name] = ()
    """Groups whose generation is curtailed when there is too much, the first of them first; all others come
    last, together."""

    @model_validator(mode="after")
    def _starts_below_where_it_stops(self) -> Self:
        if self.start_soc >= self.stop_soc:
            raise ValueError("start_soc is not below stop_soc; swap or correct them")
        return self


FirmConfig = Annotated[ConnectedFirm | IsolatedFirm, Field(discriminator="kind")]
"""A local firm, by its `kind`."""
