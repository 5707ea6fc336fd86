"""When electric vehicles are at home, and what they need until they leave: drawn from a travel survey.

A source of sessions is a class of `SESSIONS`; sessions from a CSV file are one more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model, Probability, Range
from cosim.config.csv_format import TimeZone, fixed_offset_minutes
from cosim.config.values import NonNegativeValue, Value
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.registry import Registry
from cosim.devices import travel_survey as survey
from cosim.devices.sites import Site

Array = NDArray[np.float64]

_DAYS_BEFORE = 7
"""A vehicle that came home longer ago than this before the run is full."""
_DAYS_AFTER = 14
"""A vehicle that is not driven for this long after the run leaves then."""
_LEAST_AWAY_H = 0.25
_KM_PER_H = 40.0
_MOST_OUTINGS = 3


class Session(NamedTuple):
    """A vehicle's stay at its charger."""

    arrival_ms: int
    departure_ms: int
    """From when until when, ms since the start of the run; the arrival may be before it."""
    needed_kwh: float
    """What its battery is to be given in that time."""
    line: int = 0
    """Where it stands in a file; 0 for one that was drawn."""


class SessionSource(Model):
    """Where the sessions of a group's vehicles come from."""

    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return ()

    @abstractmethod
    def sessions(self, site: Site, battery_kwh: Array) -> Sequence[Sequence[Session]]:
        """The sessions of each vehicle, in order: those that are not over before the run, nor begin after it.

        Parameters
        ----------
        site : Site
            The households.
        battery_kwh : ndarray, shape (n,)
            Capacity of each vehicle's battery.
        """


SESSIONS: Registry[SessionSource] = Registry("source of charging sessions", SessionSource)  # type: ignore[type-abstract] # an interface
"""Where sessions come from."""


@SESSIONS.register("drawn")
class DrawnSessions(SessionSource):
    """Sessions drawn day by day from the German travel survey (MiD), weekdays, Saturdays and Sundays apart.

    A vehicle that is driven on a day leaves and comes home once for its charger: with two outings the earlier
    departure and the later return count. It is plugged in whenever it comes home, until it next leaves, which
    may be days later. What it needs is what it has driven since it left. The numbers and their source are in
    `cosim.devices.travel_survey`.

    Notes
    -----
    Drawn of each day and household are the number of trips; the distance of each outing, which is as far out
    as home (an odd trip stands alone); and a rank among the vehicles: one that leaves early comes home early,
    so that departures and returns each have the survey's distribution. No vehicle is back before it has
    driven, at 40 km/h, and stayed for a quarter of an hour. Within a class of the survey hours are uniform,
    and so are the logarithms of distances. Each number is a function of seed, date and household alone.
    Public holidays count as ordinary days.
    """

    commuters: Probability = 0.5
    """Share of the vehicles that go to work on weekdays; which ones do is drawn. The survey gives the hours
    of both kinds but not this share, which is our assumption."""
    consumption_kwh_per_km: Annotated[Value, Range(0, 10)] = 0.2
    """Energy that a vehicle takes from its battery for a kilometre, kWh/km."""
    distance_scaling: NonNegativeValue = 1.0
    """Factor on all distances; at 1 a vehicle is driven 26 km a day on average (9,600 km a year), for the
    survey's days hold few long journeys."""
    timezone: TimeZone = "Europe/Berlin"
    """Time zone in which people live."""

    def sessions(self, site: Site, battery_kwh: Array) -> list[list[Session]]:
        """Sessions of every vehicle of the group."""
        time, members = site.context.time, site.group.members
        first, n_days = _days_around(time.start, time.duration_ms)
        fields = _Fields(site, first, n_days)
        is_commuter = site.context.streams.field(f"{site.kind}/commuter").row(0, members.stop)[
            members.start :
        ]
        days = [first + timedelta(days=day) for day in range(n_days)]
        driven = [
            _driven(fields, row, survey.day_kind(day.weekday()), is_commuter < self.commuters)
            for row, day in enumerate(days)
        ]
        zeros_ms = np.array([_midnight_ms(day, self.timezone, time.start) for day in days])
        leaves, returns, km = (np.array(each) for each in zip(*driven, strict=True))
        scaling = site.values("distance_scaling", self.distance_scaling)
        per_km = site.values("consumption_kwh_per_km", self.consumption_kwh_per_km)
        needed_kwh = np.minimum(km * scaling * per_km, battery_kwh)
        return [
            list(_stays(zeros_ms, *each, time.duration_ms))
            for each in zip(leaves.T, returns.T, needed_kwh.T, strict=True)
        ]


class _Fields:
    """Uniform numbers by day and member; a day's counter is its date."""

    def __init__(self, site: Site, first: date, n_days: int) -> None:
        members, streams = site.group.members, site.context.streams

        def block(name: str) -> Array:
            drawn = streams.field(f"{site.kind}/{name}").block(first.toordinal(), n_days, members.stop)
            return drawn[:, members.start :]

        self.trips, self.rank = block("trips"), block("rank")
        self.distances = [block(f"distance_{outing}") for outing in range(_MOST_OUTINGS)]


def _driven(fields: _Fields, row: int, kind: int, commutes: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Hours at which each vehicle leaves and comes home on a day, and its km; NaN where it is not driven."""
    to_work = commutes & (kind == survey.WEEKDAY)
    shares = survey.cumulated(survey.TRIPS[kind])
    position = np.minimum(np.searchsorted(shares, fields.trips[row], "right") - 1, len(survey.N_TRIPS) - 1)
    n_trips = np.array(survey.N_TRIPS)[position]
    km = _distances(n_trips, [distance[row] for distance in fields.distances])
    outings = np.maximum(n_trips // 2, 1)
    rank = fields.rank[row]
    # The earlier of the departures on two outings, but to work there is one; and the later of the returns.
    early, late = 1 - (1 - rank) ** (1 / outings), rank ** (1 / outings)
    leaves = np.where(
        to_work,
        np.interp(rank, survey.cumulated(survey.TO_WORK), survey.OUT_EDGES_H),
        np.interp(early, survey.cumulated(survey.OUT[kind]), survey.OUT_EDGES_H),
    )
    returns = np.where(
        to_work,
        np.interp(late, survey.cumulated(survey.HOME_FROM_WORK), survey.HOME_EDGES_H),
        np.interp(late, survey.cumulated(survey.HOME[kind]), survey.HOME_EDGES_H),
    )
    returns = np.minimum(np.maximum(returns, leaves + _LEAST_AWAY_H + km / _KM_PER_H), survey.DAY_ENDS_H)
    stands = n_trips == 0
    leaves[stands] = returns[stands] = np.nan
    return leaves, returns, km


def _distances(n_trips: Array, uniforms: Sequence[Array]) -> Array:
    """Kilometres of all of a day's trips."""
    cumulative, edges = survey.cumulated(survey.DISTANCES), np.log(survey.DISTANCE_EDGES_KM)
    total = np.zeros(len(n_trips))
    for outing, uniform in enumerate(uniforms):
        trips = np.clip(n_trips - 2 * outing, 0, 2)
        total += trips * np.exp(np.interp(uniform, cumulative, edges))
    return total


def _days_around(start: datetime, duration_ms: int) -> tuple[date, int]:
    """The first day that is drawn, and how many there are."""
    return (start - timedelta(days=_DAYS_BEFORE + 1)).date(), (
        _DAYS_BEFORE + _DAYS_AFTER + 2 + -(-duration_ms // MS_PER_DAY)
    )


def _midnight_ms(day: date, timezone: str, start: datetime) -> int:
    """Midnight by the clock of that day's noon, ms since the start of the run."""
    noon = datetime(day.year, day.month, day.day, 12)
    offset = fixed_offset_minutes(timezone)
    if offset is None:
        offset = round(noon.replace(tzinfo=ZoneInfo(timezone)).utcoffset().total_seconds() / 60)  # type: ignore[union-attr] # it has a zone
    utc = noon - timedelta(minutes=offset, hours=12)
    return round((utc - start.replace(tzinfo=None)).total_seconds() * 1000)


def _stays(
    zeros_ms: NDArray[np.int64], leaves: Array, returns: Array, needed_kwh: Array, duration_ms: int
) -> Iterator[Session]:
    """From each return to the next departure, as far as that touches the run."""
    driven = np.flatnonzero(~np.isnan(leaves))
    leaves_ms = zeros_ms[driven] + np.rint(leaves[driven] * MS_PER_HOUR).astype(np.int64)
    returns_ms = zeros_ms[driven] + np.rint(returns[driven] * MS_PER_HOUR).astype(np.int64)
    until_ms = [*leaves_ms[1:].tolist(), int(zeros_ms[-1]) + MS_PER_DAY]
    for arrival, departure, needed in zip(
        returns_ms.tolist(), until_ms, needed_kwh[driven].tolist(), strict=True
    ):
        if departure > max(arrival, 0) and arrival < duration_ms:
            yield Session(arrival, departure, needed)
