"""When cars leave and come home, how often and how far they are driven: figures of the German travel survey.

Sources
-------
The survey is *Mobilität in Deutschland* (MiD; infas, DLR, IVT and infas 360 on behalf of the German Federal
Ministry of Transport), read by its tables at www.mobilitaet-in-tabellen.de. The shares of trips by hour and
purpose, of cars by trips a day and of trips by distance are those that C. Gaete-Morales, H. Kramer,
W.-P. Schill and A. Zerrahn took from there: "An open tool for creating battery-electric vehicle time series
from empirical data, emobpy", Scientific Data 8 (2021) 152, doi:10.1038/s41597-021-00932-9; published with
emobpy 0.6.2, case `eg2` (Germany). Shares of trips with a purpose out of the house are added up here, and
each distribution is divided by its sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DAY_STARTS_H, DAY_ENDS_H = 4.0, 28.0
"""From when on cars leave, and until when they come home, hours of a day. The survey's first hours, 0 to 6,
are one class: we take its departures to be from 4 on, and its returns to be those of the evening before."""

OUT_EDGES_H = np.array([4.0, 6.0, 9.0, 11.0, 14.0, 17.0, 20.0, 23.0, 24.0])
"""Edges of the classes of departures, hours of the local day."""
HOME_EDGES_H = np.array([6.0, 9.0, 11.0, 14.0, 17.0, 20.0, 23.0, 24.0, 28.0])
"""Edges of the classes of returns; the last one is after midnight."""

WEEKDAY, SATURDAY, SUNDAY = range(3)

TO_WORK = (0.0339, 0.6139, 0.1683, 0.0693, 0.0693, 0.0198, 0.0198, 0.0057)
"""Departures to the workplace, on weekdays."""
OUT = {
    WEEKDAY: (0.0091, 0.0516, 0.2271, 0.2940, 0.2409, 0.1427, 0.0331, 0.0015),
    SATURDAY: (0.0152, 0.0396, 0.1690, 0.2886, 0.2366, 0.1848, 0.0638, 0.0025),
    SUNDAY: (0.0088, 0.0246, 0.1445, 0.2837, 0.3143, 0.1709, 0.0518, 0.0015),
}
"""Departures of all others: errands, escort, leisure and shopping."""
HOME_FROM_WORK = (0.0200, 0.0500, 0.1400, 0.2300, 0.3500, 0.1500, 0.0086, 0.0514)
"""Returns of those who work, on weekdays."""
HOME = {
    WEEKDAY: (0.0101, 0.1010, 0.3030, 0.2323, 0.2323, 0.0909, 0.0043, 0.0260),
    SATURDAY: (0.0200, 0.0800, 0.2400, 0.2000, 0.2500, 0.1300, 0.0114, 0.0686),
    SUNDAY: (0.0100, 0.0500, 0.1800, 0.2200, 0.3300, 0.1600, 0.0071, 0.0429),
}
"""Returns of all others."""

N_TRIPS = (0, 2, 3, 4, 5)
"""Trips of a car in a day."""
TRIPS = {
    WEEKDAY: (0.3541, 0.2987, 0.0833, 0.1250, 0.1389),
    SATURDAY: (0.5068, 0.2877, 0.0411, 0.0959, 0.0685),
    SUNDAY: (0.5068, 0.2877, 0.0411, 0.0959, 0.0685),
}
"""Shares of cars with that many trips."""

DISTANCE_EDGES_KM = np.array([0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 400.0])
"""Edges of the classes of a trip's distance; the first class is below 1 km."""
DISTANCES = (0.03179, 0.09183, 0.25898, 0.31613, 0.13683, 0.12381, 0.02742, 0.01321)
"""Shares of trips."""


def cumulated(shares: tuple[float, ...]) -> Array:
    """A distribution's values at the edges of its classes, from 0 to 1."""
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    cumulative: Array = sums / sums[-1]
    return cumulative


def day_kind(weekday: int) -> int:
    """Which of the survey's days a weekday is (Monday is 0)."""
    return WEEKDAY if weekday < 5 else SATURDAY if weekday == 5 else SUNDAY
