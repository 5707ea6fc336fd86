"""A firm's battery and generator: what they can do over an interval, and what is left of them after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cosim.devices.battery_energies import Battery, charged_kwh, deliverable_kwh, leak_rate, leaked_kwh
from cosim.firm.dispatch import Limits
from cosim.firm.schema import FirmBattery, FirmGenerator

_ANY_SURPLUS_KW = 1e12


@dataclass(slots=True)
class Plant:
    """A firm's battery and generator, and their state.

    Attributes
    ----------
    battery : Battery or None
        Constants of the battery.
    generator : FirmGenerator or None
        The generator.
    stored_kwh : float
        What is stored.
    fuel_l : float or None
        What is left of the fuel; None for as much as it needs.
    is_failed : bool
        Whether the generator is out of order.
    """

    battery: Battery | None
    generator: FirmGenerator | None
    stored_kwh: float
    fuel_l: float | None
    is_failed: bool = field(default=False)

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
        return (generator.least_kw, most_kw) if most_kw >= generator.least_kw else (0.0, 0.0)

    def run(self, generator_kw: float, battery_kw: float, hours: float) -> tuple[float, float]:
        """Let both work for `hours`.

        Parameters
        ----------
        generator_kw, battery_kw : float
            Their power; of the battery negative while it charges.
        hours : float
            For how long.

        Returns
        -------
        tuple of (float, float)
            Fuel burnt, l, and what the battery lost by self-discharge, kWh.
        """
        burnt_l = leak_kwh = 0.0
        generator, battery = self.generator, self.battery
        if generator is not None and generator_kw > 0:
            burnt_l = (generator.idle_l_per_h + generator.fuel_l_per_kwh * generator_kw) * hours
            if self.fuel_l is not None:
                burnt_l = min(burnt_l, self.fuel_l)
                self.fuel_l -= burnt_l
        if battery is not None:
            leak_kwh = leaked_kwh(battery, self.stored_kwh, hours)
            taken_kwh, given_kwh = max(-battery_kw, 0.0) * hours, max(battery_kw, 0.0) * hours
            self.stored_kwh += taken_kwh * battery.charge_efficiency - leak_kwh
            self.stored_kwh -= given_kwh / battery.discharge_efficiency
        return burnt_l, leak_kwh


def plant_of(battery: FirmBattery | None, generator: FirmGenerator | None) -> Plant:
    """Battery and generator at the start."""
    if battery is None:
        return Plant(None, generator, 0.0, None if generator is None else generator.fuel_l)
    constants = Battery(
        capacity_kwh=battery.capacity_kwh,
        floor_kwh=battery.soc_min * battery.capacity_kwh,
        charge_kw=battery.charge_kw,
        discharge_kw=battery.discharge_kw,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        leak_per_hour=leak_rate(battery.self_discharge_per_day),
    )
    fuel_l = None if generator is None else generator.fuel_l
    return Plant(constants, generator, battery.soc_initial * battery.capacity_kwh, fuel_l)
