"""A firm's battery and generator: what they can do over an interval, and what is left of them after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.devices.battery_energies import Battery, charged_kwh, deliverable_kwh, leak_rate, leaked_kwh
from cosim.firm.dispatch import Limits
from cosim.firm.firm_account import Energies
from cosim.firm.schema import FirmBattery, FirmGenerator

_ANY_SURPLUS_KW = 1e12


@dataclass(slots=True)
class Plant:
    """A firm's battery and generator, and their state."""

    battery: Battery | None
    """Constants of the battery."""
    generator: FirmGenerator | None
    """The generator."""
    stored_kwh: float
    """What is stored."""
    fuel_l: float | None
    """What is left of the fuel; None for as much as it needs."""
    is_failed: bool = False
    """Whether the generator is out of order."""

    @property
    def soc(self) -> float:
        """State of charge; 0 without a battery."""
        return 0.0 if self.battery is None else self.stored_kwh / self.battery.capacity_kwh

    def limits(self, hours: float) -> Limits:
        """What both can do over the next `hours`, kW on the mean."""
        charge_kw = discharge_kw = 0.0
        if self.battery is not None:
            charge_kw = charged_kwh(self.battery, self.stored_kwh, _ANY_SURPLUS_KW, hours) / hours
            discharge_kw = deliverable_kwh(self.battery, self.stored_kwh, hours) / hours
        least_kw, most_kw = self._generator_kw(hours)
        return Limits(charge_kw, discharge_kw, least_kw, most_kw)

    def _generator_kw(self, hours: float) -> tuple[float, float]:
        """Least and most power of the generator; 0 for both where it cannot run."""
        generator = self.generator
        if generator is None or self.is_failed:
            return 0.0, 0.0
        most_kw = generator.rated_kw
        if self.fuel_l is not None:
            left_l_per_h = self.fuel_l / hours - generator.idle_l_per_h
            if left_l_per_h < 0:
                return 0.0, 0.0
            if generator.fuel_l_per_kwh * most_kw > left_l_per_h:
                most_kw = left_l_per_h / generator.fuel_l_per_kwh
        return (generator.min_kw, most_kw) if most_kw >= generator.min_kw else (0.0, 0.0)

    def run(
        self, generator_kw: float, battery_kw: float, net_kwh: NDArray[np.float64], hours: float
    ) -> Energies:
        """Let both work for `hours`.

        Parameters
        ----------
        generator_kw, battery_kw : float
            Their power; of the battery negative while it charges.
        net_kwh : ndarray, shape (n,)
            What each household draws at its meter meanwhile; negative where it feeds in.
        hours : float
            For how long.

        Returns
        -------
        Energies
            Of households that were served and not curtailed, without losses and the main grid.
        """
        charge_kwh, discharge_kwh = max(-battery_kw, 0.0) * hours, max(battery_kw, 0.0) * hours
        fuel_l, leak_kwh = self._burn(generator_kw, hours), 0.0
        battery = self.battery
        if battery is not None:
            leak_kwh = leaked_kwh(battery, self.stored_kwh, hours)
            self.stored_kwh += charge_kwh * battery.charge_efficiency - leak_kwh
            self.stored_kwh -= discharge_kwh / battery.discharge_efficiency
        return Energies(
            drawn_kwh=np.maximum(net_kwh, 0.0),
            fed_in_kwh=np.maximum(-net_kwh, 0.0),
            unserved_kwh=np.zeros_like(net_kwh),
            curtailed_kwh=np.zeros_like(net_kwh),
            generator_kwh=generator_kw * hours,
            charge_kwh=charge_kwh,
            discharge_kwh=discharge_kwh,
            leaked_kwh=leak_kwh,
            stored_kwh=self.stored_kwh,
            fuel_l=fuel_l,
        )

    def _burn(self, generator_kw: float, hours: float) -> float:
        """Take from the tank what the generator burns, l."""
        if self.generator is None or generator_kw <= 0:
            return 0.0
        burnt_l = (self.generator.idle_l_per_h + self.generator.fuel_l_per_kwh * generator_kw) * hours
        if self.fuel_l is not None:
            burnt_l = min(burnt_l, self.fuel_l)
            self.fuel_l -= burnt_l
        return burnt_l


def plant_of(battery: FirmBattery | None, generator: FirmGenerator | None) -> Plant:
    """Battery and generator at the start."""
    fuel_l = None if generator is None else generator.fuel_l
    if battery is None:
        return Plant(None, generator, 0.0, fuel_l)
    constants = Battery(
        capacity_kwh=battery.capacity_kwh,
        floor_kwh=battery.soc_min * battery.capacity_kwh,
        charge_kw=battery.charge_kw,
        discharge_kw=battery.discharge_kw,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        leak_per_hour=leak_rate(battery.self_discharge_per_day),
    )
    return Plant(constants, generator, battery.soc_initial * battery.capacity_kwh, fuel_l)
