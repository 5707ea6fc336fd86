"""What stands behind one connection point while time goes on: a battery, its meter, and the sun above."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.clock import MS_PER_HOUR
from cosim.devices.battery import (
    PARTS,
    Battery,
    Piece,
    Unit,
    charged_kwh,
    coverable_kwh,
    covered_kw,
    deliverable_kwh,
    leaked_kwh,
    own_use_kwh,
)
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
    is_regulated : bool
        Whether a market decides what the battery gives. If none does, it covers the own load by itself.
    charged_kwh, discharged_kwh, leaked_kwh : float
        Since the meter was last closed; the first two at the terminals.
    promise : list of (int, float)
        What the last decision promised: until when (ms) it gives which power, kW; in order of time.
    """

    __slots__ = (
        "battery",
        "book",
        "charged_kwh",
        "discharged_kwh",
        "index",
        "is_regulated",
        "leaked_kwh",
        "promise",
        "stored_kwh",
        "updated_ms",
    )

    def __init__(self, index: int, battery: Battery | None, stored_kwh: float, book: ProfileBook) -> None:
        self.index = index
        self.battery = battery
        self.stored_kwh = stored_kwh
        self.book = book
        self.updated_ms = 0
        self.is_regulated = False
        self.promise: list[tuple[int, float]] = []
        self.charged_kwh = 0.0
        self.discharged_kwh = 0.0
        self.leaked_kwh = 0.0

    def advance(self, now_ms: int) -> None:
        """Integrate the battery up to `now_ms`.

        A regulated one gives what was promised, else takes the surplus; what gives does not take at the same
        moment, and the surplus then goes to the feeder. One that is not regulated serves its own home.
        """
        if self.battery is None or self.updated_ms == now_ms:
            return
        book, promise = self.book, self.promise
        surplus_kw, slot_ms, first_ms = book.surplus_kw[self.index], book.slot_ms, book.first_ms
        t = self.updated_ms
        while t < now_ms:
            end = t - t % slot_ms + slot_ms
            if end > now_ms:
                end = now_ms
            if not self.is_regulated:
                self._serve_home(surplus_kw[(t - first_ms) // slot_ms], (end - t) / MS_PER_HOUR)
                t = end
                continue
            power_kw = 0.0
            if promise:
                until_ms, power_kw = promise[0]
                if end >= until_ms:
                    end = until_ms
                    del promise[0]
            if power_kw:
                self._give(power_kw, (end - t) / MS_PER_HOUR)
            else:
                self._take(surplus_kw[(t - first_ms) // slot_ms], (end - t) / MS_PER_HOUR)
            t = end
        self.updated_ms = now_ms

    def regulate(self, now_ms: int, is_on: bool) -> None:
        """A market decides from now on, or does so no longer; what was promised before is void."""
        self.advance(now_ms)
        self.promise = []
        self.is_regulated = is_on

    def deliver(
        self, requested: Sequence[int], units: Sequence[Unit], now_ms: int, step_ms: int
    ) -> list[float]:
        """Promise what of the requested units the battery can give over the coming step.

        A unit for the own load is given as far as that load, less the generation, takes it and as there is
        energy; any other unit whole or not at all.

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
        list of float
            What will be delivered of each, from 0 to 1, in whole `PARTS` of a unit.
        """
        self.advance(now_ms)
        self.promise = []
        battery, hours = self.battery, step_ms / MS_PER_HOUR
        if battery is None:
            return [0.0 if unit.energy_kwh else want for want, unit in zip(requested, units, strict=True)]
        if not any(requested):
            return list(requested)
        follows = any(want and unit.for_own_load for want, unit in zip(requested, units, strict=True))
        pieces = self._pieces(now_ms, now_ms + step_ms) if follows else []
        most_kwh = deliverable_kwh(battery, self.stored_kwh, hours)
        steady_kwh = own_kwh = 0.0
        delivered: list[float] = []
        for want, unit in zip(requested, units, strict=True):
            got: float = want
            if want and unit.for_own_load and unit.energy_kwh:
                coverable = coverable_kwh(pieces, battery.discharge_kw - steady_kwh / hours)
                left_kwh = min(coverable, most_kwh - steady_kwh) - own_kwh
                got = _in_parts(left_kwh / unit.energy_kwh)
                own_kwh += got * unit.energy_kwh
            elif want and unit.energy_kwh:
                # What was promised to the own load before must still find room beside it, at every moment.
                power_kw = (steady_kwh + unit.energy_kwh) / hours
                if steady_kwh + own_kwh + unit.energy_kwh > most_kwh or (
                    own_kwh and own_kwh > coverable_kwh(pieces, battery.discharge_kw - power_kw)
                ):
                    got = 0
                else:
                    steady_kwh += unit.energy_kwh
            delivered.append(got)
        self._promise(steady_kwh / hours, own_kwh, pieces, now_ms + step_ms)
        return delivered

    def _promise(self, steady_kw: float, own_kwh: float, pieces: Sequence[Piece], until_ms: int) -> None:
        """Give a steady power, and on top of it the same share of the own load all through the step."""
        assert self.battery is not None
        if own_kwh:
            limit_kw = self.battery.discharge_kw - steady_kw
            share = own_kwh / coverable_kwh(pieces, limit_kw)
            self.promise = [
                (piece.until_ms, steady_kw + share * covered_kw(piece.residual_kw, limit_kw))
                for piece in pieces
            ]
        elif steady_kw:
            self.promise = [(until_ms, steady_kw)]

    def _pieces(self, now_ms: int, end_ms: int) -> list[Piece]:
        """The household's load less its generation until `end_ms`, which it is taken to know.

        Past the end of the run the last slot stands.
        """
        book = self.book
        surplus_kw, slot_ms = book.surplus_kw[self.index], book.slot_ms
        pieces = []
        t, slot = now_ms, (now_ms - book.first_ms) // book.slot_ms
        while t < end_ms:
            until = min(t - t % slot_ms + slot_ms, end_ms)
            pieces.append(
                Piece(until, (until - t) / MS_PER_HOUR, -surplus_kw[min(slot, len(surplus_kw) - 1)])
            )
            t, slot = until, slot + 1
        return pieces

    def _give(self, power_kw: float, hours: float) -> None:
        self._change(0.0, power_kw * hours, hours)

    def _take(self, surplus_kw: float, hours: float) -> None:
        assert self.battery is not None
        self._change(charged_kwh(self.battery, self.stored_kwh, surplus_kw, hours), 0.0, hours)

    def _serve_home(self, surplus_kw: float, hours: float) -> None:
        assert self.battery is not None
        self._change(*own_use_kwh(self.battery, self.stored_kwh, surplus_kw, hours), hours)

    def _change(self, charged: float, discharged: float, hours: float) -> None:
        """Book energies at the terminals, and what leaks meanwhile."""
        battery = self.battery
        assert battery is not None
        if not (charged or discharged or battery.leak_per_hour):
            return
        leak = leaked_kwh(battery, self.stored_kwh, hours)
        self.stored_kwh += (
            -leak + battery.charge_efficiency * charged - discharged / battery.discharge_efficiency
        )
        self.charged_kwh += charged
        self.discharged_kwh += discharged
        self.leaked_kwh += leak


def _in_parts(fraction: float) -> float:
    """The fraction, at most 1, in whole parts of a unit, rounded down."""
    if fraction >= 1.0:
        return 1.0
    return int(fraction * PARTS) / PARTS if fraction > 0.0 else 0.0
