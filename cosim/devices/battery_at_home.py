"""A battery while time goes on: it gives what a market was promised, or serves its own home."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.clock import to_hours
from cosim.core.delivery import Unit
from cosim.devices.active_device import METERED, NEVER, ActiveDevice, Piece, Surroundings
from cosim.devices.battery_energies import (
    Battery,
    change_kwh,
    covered_kw,
    deliverable_kwh,
    leaked_kwh,
    lost_kwh,
    own_use_kwh,
    promised,
    regulated_kwh,
    share_of_own,
)

OWN_LOAD, ANYTHING = "own_load", "anything"
"""What a battery can be asked for: to follow its household's own load, and so give no more than that takes;
or a whole unit evenly, or none."""


class InstalledBattery(ActiveDevice):
    """A battery while time goes on.

    One that a market regulates gives what was promised, else takes the surplus; what gives does not take at
    the same moment, and the surplus then goes to the feeder. One that is not regulated serves its own home.

    Parameters
    ----------
    battery : Battery
        Its constants.
    stored_kwh : float
        Energy in storage at the start.

    Attributes
    ----------
    is_regulated : bool
        Whether a market decides what it gives.
    promise : list of (int, float)
        Until when (ms) it gives which power, kW; in order of time.
    charged_kwh, discharged_kwh, leaked_kwh : float
        Since it was last read; the first two at the terminals.
    """

    metered = (*METERED, "leaked_kwh")
    __slots__ = (
        "_follows_load",
        "_unit_kwh",
        "_units",
        "battery",
        "charged_kwh",
        "constants",
        "discharged_kwh",
        "is_regulated",
        "leaked_kwh",
        "promise",
    )

    def __init__(self, battery: Battery, stored_kwh: float) -> None:
        super().__init__(stored_kwh, battery.charge_efficiency)
        self.battery = self.constants = battery
        self.is_regulated = False
        self.promise: list[tuple[int, float]] = []
        self._units: Sequence[Unit] = ()
        self._follows_load: list[bool] = []
        self._unit_kwh: list[float] = []
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Give what was promised, take the surplus, or serve the home; and lose what leaks meanwhile."""
        battery, stored_kwh = self.battery, self.stored_kwh
        if self.is_regulated:
            promise, power_kw = self.promise, 0.0
            if promise:
                until_ms, power_kw = promise[0]
                if end_ms == until_ms:
                    del promise[0]
                    self.until_ms = promise[0][0] if promise else NEVER
            charged, discharged, leak = regulated_kwh(battery, stored_kwh, power_kw, surplus_kw, hours)
        else:
            charged, discharged = own_use_kwh(battery, stored_kwh, surplus_kw, hours)
            leak = leaked_kwh(battery, stored_kwh, hours)
        if charged or discharged or leak:
            self.stored_kwh = stored_kwh + change_kwh(battery, charged, discharged, leak)
            self.charged_kwh += charged
            self.discharged_kwh += discharged
            self.leaked_kwh += leak
        return charged - discharged

    def close(self) -> tuple[float, ...]:
        """What happened since it was last called; of what was lost, self-discharge once more."""
        charged, discharged, leaked = self.charged_kwh, self.discharged_kwh, self.leaked_kwh
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0
        lost = lost_kwh(self.battery, charged, discharged, leaked)
        return charged, discharged, self.stored_kwh, lost, 0.0, 0.0, leaked

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer; what was promised before is void."""
        self._promise([])
        self.is_regulated = is_on

    def limit(self, most_kw: float) -> bool:
        """Charge with no more than this from now on."""
        self.battery = self.constants._replace(charge_kw=min(self.constants.charge_kw, most_kw))
        return True

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it has promised to give."""
        return [(until_ms, -power_kw) for until_ms, power_kw in self.promise]

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise what of the requested units it can give over the coming step."""
        if not any(requested):
            self._promise([])
            return list(requested)
        battery, hours, end_ms = self.battery, to_hours(step_ms), now_ms + step_ms
        if units is not self._units:
            self._units = units
            self._follows_load = [unit.service == OWN_LOAD for unit in units]
            self._unit_kwh = [unit.energy_kwh for unit in units]
        pieces: Sequence[Piece] = ()
        if any(want and is_own for want, is_own in zip(requested, self._follows_load, strict=True)):
            pieces = around.pieces(now_ms, end_ms, self)
        residual_kw, piece_h = [each.residual_kw for each in pieces], [each.hours for each in pieces]
        most_kwh = deliverable_kwh(battery, self.stored_kwh, hours)
        steady_kwh = own_kwh = 0.0
        delivered = []
        for want, is_own, unit_kwh in zip(requested, self._follows_load, self._unit_kwh, strict=True):
            got = 0.0
            if want:
                got = promised(
                    battery, most_kwh, is_own, unit_kwh, steady_kwh, own_kwh, residual_kw, piece_h, hours
                )
            if is_own:
                own_kwh += got * unit_kwh
            else:
                steady_kwh += got * unit_kwh
            delivered.append(got)
        steady_kw = steady_kwh / hours
        if own_kwh:
            limit_kw = battery.discharge_kw - steady_kw
            share = share_of_own(own_kwh, residual_kw, piece_h, limit_kw)
            self._promise(
                [
                    (each.until_ms, steady_kw + share * covered_kw(each.residual_kw, limit_kw))
                    for each in pieces
                ]
            )
        else:
            self._promise([(end_ms, steady_kw)] if steady_kw else [])
        return delivered

    def _promise(self, promise: list[tuple[int, float]]) -> None:
        self.promise = promise
        self.until_ms = promise[0][0] if promise else NEVER
