"""An electric vehicle whose charging a market plans: variable power, within its session.

Its driver says at arrival when it will leave and what it needs by then; nobody knows that before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cosim.core.planned_use import Need, PlannedPower
from cosim.devices.active_device import NEVER
from cosim.devices.ev_sessions import Session
from cosim.devices.vehicle_at_charger import InstalledVehicle
from cosim.devices.vehicle_charging import Charger

_NOTHING_PLANNED = PlannedPower(NEVER, 0.0)


class PlannedVehicle(InstalledVehicle):
    """A vehicle that follows a plan while time goes on.

    Once only charging without a pause fills it in time it does so, plan or not, if its charger says so
    (`Charger.charges_when_due`): a plan that was made for more power than there is does not leave it empty.

    Parameters
    ----------
    charger : Charger
        Its constants.
    sessions : sequence of Session
        Its stays, in order.
    planned_by : str
        The market that plans.
    """

    __slots__ = ("_plan", "_tell", "planned_by")

    def __init__(self, charger: Charger, sessions: Sequence[Session], planned_by: str) -> None:
        self.planned_by = planned_by
        self._plan: list[PlannedPower] = []
        self._tell: Callable[[], None] = lambda: None
        super().__init__(charger, sessions)

    @property
    def power_kw(self) -> float:
        """What it draws from now on."""
        if not self.remaining_kwh or not self.is_here:
            return 0.0
        if self.now_ms >= self._due_ms():
            return self._allowed_kw
        return min(self._planned_now.power_kw, self._allowed_kw)

    def need(self) -> Need | None:
        """What this session still needs at the charger's terminals."""
        if not self.remaining_kwh or not self.is_here:
            return None
        energy_kwh = self.remaining_kwh / self.charge_efficiency
        return Need(self.now_ms, self._session.departure_ms, energy_kwh, self._allowed_kw)

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Charge as the plan says from now on."""
        self._plan = list(plan)
        self._look_ahead()

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """Call this at every arrival, and when there is another limit to the power."""
        self._tell = tell

    def limit(self, most_kw: float) -> bool:
        """Charge with no more than this from now on, and have the rest of the session planned anew."""
        is_new = most_kw != self.limit_kw
        super().limit(most_kw)
        if is_new:
            self._tell()
        return True

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it charges with in this session, as far as it is planned."""
        if not self.remaining_kwh or not self.is_here:
            return ()
        if self.now_ms >= self._due_ms():
            return [(self._session.departure_ms, self._allowed_kw)]
        return [(until_ms, min(kw, self._allowed_kw)) for until_ms, kw in self._plan]

    @property
    def _planned_now(self) -> PlannedPower:
        return next((each for each in self._plan if self.now_ms < each.until_ms), _NOTHING_PLANNED)

    def _arrive(self) -> None:
        super()._arrive()
        if self.is_here:
            self._plan = []
            self._tell()

    def _look_ahead(self) -> None:
        """When it next changes what it does."""
        super()._look_ahead()
        if not self.is_here or not self.remaining_kwh:
            return
        self._plan = [each for each in self._plan if self.now_ms < each.until_ms]
        planned = self._planned_now
        for change in (planned.until_ms, self._falls_behind_ms(planned.power_kw)):
            if self.now_ms < change < self.until_ms:
                self.until_ms = change

    def _falls_behind_ms(self, power_kw: float) -> int:
        """When it becomes due if it charges with that power until then.

        A kWh that is charged makes it due the later: the time left shrinks by ``1 - power / largest power``.
        """
        due_ms, most_kw = self._due_ms(), self._allowed_kw
        if due_ms == NEVER or power_kw >= most_kw:
            return NEVER
        return self.now_ms + math.ceil((due_ms - self.now_ms) / (1.0 - power_kw / most_kw))
