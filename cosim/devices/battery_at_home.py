"""A battery while time goes on: it gives what a market was promised, or serves its own home."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.clock import to_hours
from cosim.core.delivery import Unit, in_parts
from cosim.devices.active_device import METERED, NEVER, ActiveDevice, Piece, Surroundings
from cosim.devices.battery_energies import (
    Battery,
    charged_kwh,
    coverable_kwh,
    covered_kw,
    deliverable_kwh,
    leaked_kwh,
    own_use_kwh,
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
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Give what was promised, take the surplus, or serve the home; and lose what leaks meanwhile."""
        battery, stored_kwh = self.battery, self.stored_kwh
        charged = discharged = 0.0
        promise = self.promise
        if not self.is_regulated:
            charged, discharged = own_use_kwh(battery, stored_kwh, surplus_kw, hours)
        elif promise:
            until_ms, power_kw = promise[0]
            if power_kw:
                discharged = power_kw * hours
            else:
                charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
            if end_ms == until_ms:
                del promise[0]
                self.until_ms = promise[0][0] if promise else NEVER
        else:
            charged = charged_kwh(battery, stored_kwh, surplus_kw, hours)
        if charged or discharged or battery.leak_per_hour:
            leak = leaked_kwh(battery, stored_kwh, hours)
            self.stored_kwh = stored_kwh + (
                -leak + battery.charge_efficiency * charged - discharged / battery.discharge_efficiency
            )
            self.charged_kwh += charged
            self.discharged_kwh += discharged
            self.leaked_kwh += leak
        return charged - discharged

    def close(self) -> tuple[float, ...]:
        """What happened since it was last called; of what was lost, self-discharge once more."""
        battery, charged, discharged, leaked = (
            self.battery,
            self.charged_kwh,
            self.discharged_kwh,
            self.leaked_kwh,
        )
        self.charged_kwh = self.discharged_kwh = self.leaked_kwh = 0.0
        lost = (
            leaked
            + (1.0 - battery.charge_efficiency) * charged
            + (1.0 / battery.discharge_efficiency - 1.0) * discharged
        )
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
        """Promise what of the requested units it can give over the coming step.

        A unit for the own load is given as far as that load, less the generation, takes it and as there is
        energy; any other unit whole or not at all.
        """
        if not any(requested):
            self._promise([])
            return list(requested)
        battery, hours = self.battery, to_hours(step_ms)
        pieces: list[Piece] = []
        for want, unit in zip(requested, units, strict=True):
            if want and unit.service == OWN_LOAD:
                pieces = around.pieces(now_ms, now_ms + step_ms, self)
                break
        most_kwh = deliverable_kwh(battery, self.stored_kwh, hours)
        steady_kwh = own_kwh = 0.0
        delivered: list[float] = []
        for want, unit in zip(requested, units, strict=True):
            got: float = want
            if want and unit.service == OWN_LOAD:
                coverable = coverable_kwh(pieces, battery.discharge_kw - steady_kwh / hours)
                left_kwh = min(coverable, most_kwh - steady_kwh) - own_kwh
                got = in_parts(left_kwh / unit.energy_kwh)
                own_kwh += got * unit.energy_kwh
            elif want:
                # What was promised to the own load before must still find room beside it, at every moment.
                power_kw = (steady_kwh + unit.energy_kwh) / hours
                if steady_kwh + own_kwh + unit.energy_kwh > most_kwh or (
                    own_kwh and own_kwh > coverable_kwh(pieces, battery.discharge_kw - power_kw)
                ):
                    got = 0
                else:
                    steady_kwh += unit.energy_kwh
            delivered.append(got)
        promise = self.promise = self._pieces_of(steady_kwh / hours, own_kwh, pieces, now_ms + step_ms)
        self.until_ms = promise[0][0] if promise else NEVER
        return delivered

    def _pieces_of(
        self, steady_kw: float, own_kwh: float, pieces: Sequence[Piece], until_ms: int
    ) -> list[tuple[int, float]]:
        """A steady power, and on top of it the same share of the own load all through the step."""
        if own_kwh:
            limit_kw = self.battery.discharge_kw - steady_kw
            share = own_kwh / coverable_kwh(pieces, limit_kw)
            return [
                (piece.until_ms, steady_kw + share * covered_kw(piece.residual_kw, limit_kw))
                for piece in pieces
            ]
        return [(until_ms, steady_kw)] if steady_kw else []

    def _promise(self, promise: list[tuple[int, float]]) -> None:
        self.promise = promise
        self.until_ms = promise[0][0] if promise else NEVER
