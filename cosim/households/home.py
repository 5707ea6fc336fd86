"""What stands behind one connection point while time goes on: a battery, its meter, and the sun above."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.clock import MS_PER_HOUR
from cosim.devices.battery import Battery, Unit, can_deliver, charged_kwh, leaked_kwh
from cosim.households.profile_book import ProfileBook


class Home:
    """A household's devices, brought up to date whenever somebody looks.

    Between two decisions nothing happens that is not known at the first, so no event is needed for it:
    `advance` integrates from the last look to this one, slot by slot of the profiles.

    Parameters
    ----------
    index : int
        Number of the household.
    battery : Battery or None
        Its constants.
    stored_kwh : float
        Energy in storage at the start.
    book : ProfileBook
        Where its surplus is looked up.

    Attributes
    ----------
    charged_kwh, discharged_kwh, leaked_kwh : float
        Since the meter was last closed; the first two at the terminals.
    discharge_kw, discharge_until_ms
        The promise made at the last decision.
    """

    __slots__ = (
        "battery",
        "book",
        "charged_kwh",
        "discharge_kw",
        "discharge_until_ms",
        "discharged_kwh",
        "index",
        "leaked_kwh",
        "stored_kwh",
        "updated_ms",
    )

    def __init__(self, index: int, battery: Battery | None, stored_kwh: float, book: ProfileBook) -> None:
        self.index = index
        self.battery = battery
        self.stored_kwh = stored_kwh
        self.book = book
        self.updated_ms = 0
        self.discharge_kw = 0.0
        self.discharge_until_ms = 0
        self.charged_kwh = 0.0
        self.discharged_kwh = 0.0
        self.leaked_kwh = 0.0

    def advance(self, now_ms: int) -> None:
        """Integrate the battery up to `now_ms`: it gives what was promised, else takes the surplus.

        A battery that gives does not take in the same moment; the surplus then goes to the feeder.
        """
        if self.battery is None or self.updated_ms == now_ms:
            return
        book = self.book
        surplus_kw, slot_ms, first_ms = book.surplus_kw[self.index], book.slot_ms, book.first_ms
        t = self.updated_ms
        while t < now_ms:
            end = t - t % slot_ms + slot_ms
            if end > now_ms:
                end = now_ms
            if t < self.discharge_until_ms:
                if end > self.discharge_until_ms:
                    end = self.discharge_until_ms
                self._give((end - t) / MS_PER_HOUR)
            else:
                self._take(surplus_kw[(t - first_ms) // slot_ms], (end - t) / MS_PER_HOUR)
            t = end
        self.updated_ms = now_ms

    def deliver(
        self, requested: Sequence[int], units: Sequence[Unit], now_ms: int, step_ms: int
    ) -> list[int]:
        """Promise what of the requested units the battery can give over the coming step.

        Parameters
        ----------
        requested : sequence of int
            0 or 1 for each resource; served in this order.
        units : sequence of Unit
            What one unit of each takes from the battery.
        now_ms, step_ms : int
            Start and length of the step.

        Returns
        -------
        list of int
            What will be delivered: all of a unit, or nothing of it.
        """
        self.advance(now_ms)
        hours = step_ms / MS_PER_HOUR
        battery = self.battery
        promised_kwh = own_kwh = 0.0
        delivered = []
        for want, unit in zip(requested, units, strict=True):
            if want and unit.energy_kwh > 0.0:
                own = unit.energy_kwh if unit.for_own_load else 0.0
                if (
                    battery is None
                    or not can_deliver(battery, self.stored_kwh, promised_kwh + unit.energy_kwh, hours)
                    or (own and (own_kwh + own) / hours > self._least_residual_kw(now_ms, step_ms))
                ):
                    want = 0
                else:
                    promised_kwh += unit.energy_kwh
                    own_kwh += own
            delivered.append(want)
        self.discharge_kw = promised_kwh / hours
        self.discharge_until_ms = now_ms + step_ms if promised_kwh else now_ms
        return delivered

    def _least_residual_kw(self, now_ms: int, step_ms: int) -> float:
        """Smallest load less generation in the coming step: what its own battery can cover all the time.

        The household knows its own next step; past the end of what the book holds, the last slot stands.
        """
        book = self.book
        surplus_kw = book.surplus_kw[self.index]
        first = (now_ms - book.first_ms) // book.slot_ms
        last = (now_ms + step_ms - 1 - book.first_ms) // book.slot_ms
        return -max(surplus_kw[first : last + 1] or surplus_kw[-1:])

    def _give(self, hours: float) -> None:
        battery = self.battery
        assert battery is not None
        leak = leaked_kwh(battery, self.stored_kwh, hours)
        energy = self.discharge_kw * hours
        self.stored_kwh += -leak - energy / battery.discharge_efficiency
        self.discharged_kwh += energy
        self.leaked_kwh += leak

    def _take(self, surplus_kw: float, hours: float) -> None:
        battery = self.battery
        assert battery is not None
        energy = charged_kwh(battery, self.stored_kwh, surplus_kw, hours)
        if energy == 0.0 and battery.leak_per_hour == 0.0:
            return
        leak = leaked_kwh(battery, self.stored_kwh, hours)
        self.stored_kwh += -leak + battery.charge_efficiency * energy
        self.charged_kwh += energy
        self.leaked_kwh += leak
