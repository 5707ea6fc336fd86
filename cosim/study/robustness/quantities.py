"""Which of a sweep's numbers are looked at, and which way is worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.engine.wings import describe
from cosim.study.robustness.estimates import Limits
from cosim.study.robustness.points import SweepPoints, require_columns

_LOOKED_AT = (
    "{community}_{resource}_tracking_rmse_units",
    "{community}_cost_gap_end",
    "intervals_outside_limits",
    "voltage_min_pu",
    "voltage_max_pu",
    "line_loading_max_percent",
    "trafo_loading_max_percent",
    "traded_delivered_kwh",
    "bills_households_eur",
    "welfare_eur",
)
"""Numbers of the catalogue that say how well a run went, in the order in which they are shown."""


def limits_of(key: str) -> Limits:
    """What a number of ``summary.json`` can be; of one that nobody declares nothing is known."""
    number = describe(key).number
    return Limits(number.least, number.most)


@dataclass(frozen=True)
class Quantity:
    """A number of every point."""

    key: str
    """Its name in ``summary.json``."""
    better: str
    """``less`` or ``more``; ``neither`` where that depends on what is wanted, and more counts as worse."""

    @property
    def larger_is_worse(self) -> bool:
        """False for what one wants much of, such as the energy that was traded."""
        return self.better != "more"

    def harm(self, difference: float) -> float:
        """A difference with the sign turned so that positive is worse."""
        return difference if self.larger_is_worse else -difference


def choose_quantities(points: SweepPoints, wanted: list[str]) -> list[Quantity]:
    """What to look at: what is asked for, else tracking, cost, feeder, trade, as far as they vary.

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    wanted : list of str
        Names of numbers; empty for the usual ones.

    Raises
    ------
    InputError
        If a wanted number is none of the points'.
    """
    require_columns(points, wanted)
    keys = list(dict.fromkeys(wanted)) or [key for key in _usual(points) if _varies(points, key)]
    return [Quantity(key, describe(key).number.better) for key in keys]


def constant_quantities(points: SweepPoints) -> dict[str, float]:
    """Of the usual numbers those that are the same at every point, with their value."""
    constant = {key: points.table[key].dropna() for key in _usual(points) if not _varies(points, key)}
    return {key: float(values.iloc[0]) for key, values in constant.items() if len(values)}


def _usual(points: SweepPoints) -> list[str]:
    names = [str(key) for key in points.table.columns]
    patterns = {name: describe(name).number.pattern for name in names}
    return [name for wanted in _LOOKED_AT for name, pattern in patterns.items() if pattern == wanted]


def _varies(points: SweepPoints, key: str) -> bool:
    """Whether a number differs by more than rounding, beyond which no map of it says anything."""
    values = points.table[key].to_numpy(dtype=float, na_value=np.nan)
    known = values[np.isfinite(values)]
    return len(known) > 0 and float(np.ptp(known)) > 1e-6 * max(1.0, float(np.abs(known).max()))
