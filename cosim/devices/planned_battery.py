"""A battery whose charging and discharging a market plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cosim.core.planned_use import Need, PlannedPower, Store
from cosim.devices.active_device import NEVER
from cosim.devices.battery_at_home import InstalledBattery
from cosim.devices.battery_energies import Battery, change_kwh, charged_kwh, deliverable_kwh, leaked_kwh


class PlannedBattery(InstalledBattery):
    """A battery that follows a plan while time goes on, as far as its powers and its energy allow.

    Powers of the plan that are above 0 charge it, those below discharge it; without a plan it rests.

    Parameters
    ----------
    battery : Battery
        Its constants.
    stored_kwh : float
        Energy in storage at the start.
    planned_by : str
        The market that plans.
    """

    __slots__ = ("_plan", "_start_kwh", "planned_by")

    def __init__(self, battery: Battery, stored_kwh: float, planned_by: str) -> None:
        super().__init__(battery, stored_kwh)
        self.planned_by = planned_by
        self._start_kwh = stored_kwh
        self._plan: list[PlannedPower] = []

    def storage(self) -> Store:
        """What it stores, and what it can do."""
        its = self.battery
        return Store(
            self.stored_kwh, self._start_kwh, its.capacity_kwh, its.floor_kwh,
            its.charge_kw, its.discharge_kw, its.charge_efficiency, its.discharge_efficiency,
            its.leak_per_hour, its.grid_charge_kw > 0,
        )  # fmt: skip

    def need(self) -> Need | None:
        """Nothing: it may charge, and must not."""
        return None

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """It has none."""

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Charge and discharge as the plan says from now on."""
        self._plan = list(plan)
        self.until_ms = self._plan[0].until_ms if self._plan else NEVER

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it is planned to take and to give."""
        return [(until_ms, power_kw) for until_ms, power_kw in self._plan]

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Take or give what is planned, and lose what leaks meanwhile."""
        battery, stored_kwh = self.battery, self.stored_kwh
        power_kw = self._plan[0].power_kw if self._plan else 0.0
        charged = discharged = 0.0
        if power_kw > 0:
            charged = charged_kwh(battery._replace(grid_charge_below_kwh=0.0), stored_kwh, power_kw, hours)
        elif power_kw < 0:
            discharged = min(-power_kw * hours, deliverable_kwh(battery, stored_kwh, hours))
        leak = leaked_kwh(battery, stored_kwh, hours)
        if self._plan and end_ms == self._plan[0].until_ms:
            self.follow(self._plan[1:])
        if charged or discharged or leak:
            self.stored_kwh = stored_kwh + change_kwh(battery, charged, discharged, leak)
            self.charged_kwh += charged
            self.discharged_kwh += discharged
            self.leaked_kwh += leak
        return charged - discharged
