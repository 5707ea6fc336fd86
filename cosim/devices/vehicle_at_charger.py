"""An electric vehicle at its charger while time goes on: it comes, charges and leaves.

What its battery is given is stored until it leaves, and used for driving then:

    taken = change of stored + lost + used,  lost = (1 - charge_efficiency) * taken

closes by construction. What is missing at departure is charged elsewhere: it is counted, and does not come
home with the vehicle, so that its next session is the same however this one was controlled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cosim.core.clock import MS_PER_HOUR
from cosim.core.delivery import Unit
from cosim.devices.active_device import METERED, NEVER, ActiveDevice, Surroundings
from cosim.devices.ev_sessions import Session
from cosim.devices.vehicle_charging import (
    Charger,
    charged_kwh,
    charges_now,
    charging,
    due_ms,
    next_change_ms,
    promised,
)


class EndedSession(NamedTuple):
    """A session as it was."""

    arrival_ms: int
    departure_ms: int
    """From when until when."""
    needed_kwh: float
    charged_kwh: float
    missing_kwh: float
    """What its battery was to be given, was given, and lacked at departure."""


class InstalledVehicle(ActiveDevice):
    """A vehicle while time goes on.

    Parameters
    ----------
    charger : Charger
        Its constants.
    sessions : sequence of Session
        Its stays, in order. One that began before the run has been charging at once since then.

    Attributes
    ----------
    is_regulated : bool
        Whether a market decides when it charges; else it charges at once.
    limit_kw : float
        What it may draw at most.
    remaining_kwh : float
        What its battery still needs in this session.
    ended : list of EndedSession
        Sessions that ended, in order, from the start of the run.
    """

    metered = (*METERED, "needed_kwh", "plugged_h")
    __slots__ = (
        "_lost",
        "_plugged_h",
        "_position",
        "_promised_until_ms",
        "_taken",
        "_told",
        "_used",
        "charger",
        "ended",
        "is_regulated",
        "limit_kw",
        "now_ms",
        "remaining_kwh",
        "sessions",
    )

    def __init__(self, charger: Charger, sessions: Sequence[Session]) -> None:
        super().__init__(0.0, charger.charge_efficiency)
        self.charger = charger
        self.sessions = [since_the_start(session, charger) for session in sessions]
        self.is_regulated = False
        self.limit_kw = math.inf
        self.ended: list[EndedSession] = []
        self.now_ms = 0
        self.remaining_kwh = 0.0
        self._position = self._promised_until_ms = self._told = 0
        self._taken = self._lost = self._used = self._plugged_h = 0.0
        self._arrive()
        self._look_ahead()

    @property
    def is_here(self) -> bool:
        """Whether it is plugged in."""
        return self._position < len(self.sessions) and self._session.arrival_ms <= self.now_ms

    @property
    def power_kw(self) -> float:
        """What it draws from now on."""
        if not self.is_here:
            return 0.0
        return self._allowed_kw if charges_now(*self._standing()) else 0.0

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Charge, if it is time to; and leave or arrive at the end."""
        power_kw = self.power_kw
        energy = 0.0
        was_here = self.is_here
        if was_here:
            self._plugged_h += hours
        if power_kw:
            energy, stored = charged_kwh(self.charger, power_kw, self.remaining_kwh, hours)
            self.remaining_kwh -= stored
            self.stored_kwh += stored
            self._taken += energy
            self._lost += energy - stored
        self.now_ms = end_ms
        if was_here and end_ms >= self._session.departure_ms:
            self._leave()
            was_here = False
        if not was_here:
            self._arrive()
        self._look_ahead()
        return energy

    def close(self) -> tuple[float, ...]:
        """What happened since it was last called."""
        taken, lost, used, plugged_h = self._taken, self._lost, self._used, self._plugged_h
        self._taken = self._lost = self._used = self._plugged_h = 0.0
        return taken, 0.0, self.stored_kwh, lost, used, 0.0, self.remaining_kwh, plugged_h

    def events(self) -> Sequence[tuple[Any, ...]]:
        """The sessions that have ended since it was last called."""
        ended, self._told = self.ended[self._told :], len(self.ended)
        return ended

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer and it charges at once."""
        self.is_regulated = is_on
        self._promised_until_ms = 0
        self._look_ahead()

    def limit(self, most_kw: float) -> bool:
        """Charge with no more than this from now on."""
        self.limit_kw = most_kw
        self._look_ahead()
        return True

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it charges with, as far as it stands now: a market may ask for more, or less, later."""
        known: list[tuple[int, float]] = []
        at_ms = start_ms
        for session in self.sessions[self._position :]:
            if session.arrival_ms >= end_ms:
                break
            begin, stop = self._charging(session)
            begin, stop = max(begin, at_ms), min(stop, end_ms)
            if stop > begin:
                known += [(begin, 0.0)] * (begin > at_ms) + [(stop, self._allowed_kw)]
                at_ms = stop
        return known

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise to charge over the coming step, or to wait.

        What it will take of the charger's energy in the step goes to the first resource that asked for it;
        where none has, and it charges because it is due, to the first of all.
        """
        end_ms = now_ms + step_ms
        self._promised_until_ms = end_ms if any(requested) and self.remaining_kwh and self.is_here else 0
        self._look_ahead()
        delivered = [0.0] * len(requested)
        if self.is_here:
            power_kw, first = self._allowed_kw, requested.index(1) if 1 in requested else 0
            begin, stop = self._charging(self._session)
            delivered[first] = promised(self.charger, power_kw, begin, stop, now_ms, step_ms)
        return delivered

    @property
    def _session(self) -> Session:
        return self.sessions[self._position]

    @property
    def _allowed_kw(self) -> float:
        return min(self.charger.charger_kw, self.limit_kw)

    @property
    def _asked_until_ms(self) -> int:
        return self._promised_until_ms if self.is_regulated else NEVER

    def _standing(self) -> tuple[Charger, float, float, int, int, int]:
        """What the functions of charging ask of one that is here."""
        return (
            self.charger,
            self._allowed_kw,
            self.remaining_kwh,
            self.now_ms,
            self._session.departure_ms,
            self._asked_until_ms,
        )

    def _charging(self, session: Session) -> tuple[int, int]:
        """From when until when it charges in this session or a later one, as far as it stands now."""
        begin, asked_until_ms = max(session.arrival_ms, self.now_ms), self._asked_until_ms
        is_this = session is self._session and self.is_here
        kwh = self.remaining_kwh if is_this else session.needed_kwh
        if self.is_regulated and not is_this:
            asked_until_ms = 0
        return charging(self.charger, self._allowed_kw, kwh, begin, session.departure_ms, asked_until_ms)

    def _due_ms(self) -> int:
        """From when on only charging without a pause fills it in time."""
        return due_ms(self.charger, self._allowed_kw, self.remaining_kwh, self._session.departure_ms)

    def _arrive(self) -> None:
        if self.is_here:
            self.remaining_kwh = self._session.needed_kwh

    def _leave(self) -> None:
        session = self._session
        self.ended.append(
            EndedSession(
                session.arrival_ms,
                session.departure_ms,
                session.needed_kwh,
                self.stored_kwh,
                self.remaining_kwh,
            )
        )
        self._used += self.stored_kwh
        self.stored_kwh = self.remaining_kwh = 0.0
        self._promised_until_ms = 0
        self._position += 1

    def _look_ahead(self) -> None:
        """When it next changes what it does."""
        if self._position >= len(self.sessions):
            self.until_ms = NEVER
        elif not self.is_here:
            self.until_ms = self._session.arrival_ms
        else:
            self.until_ms = next_change_ms(*self._standing())


def since_the_start(session: Session, charger: Charger) -> Session:
    """A session as far as it is left at the start of the run."""
    hours = max(-session.arrival_ms, 0) / MS_PER_HOUR
    charged_kwh = charger.charger_kw * charger.charge_efficiency * hours
    return session._replace(needed_kwh=max(session.needed_kwh - charged_kwh, 0.0))


def missing_whatever_happens(session: Session, charger: Charger) -> float:
    """What is missing of a session even if it charges all the time, kWh."""
    hours = (session.departure_ms - max(session.arrival_ms, 0)) / MS_PER_HOUR
    return session.needed_kwh - charger.charger_kw * charger.charge_efficiency * hours
