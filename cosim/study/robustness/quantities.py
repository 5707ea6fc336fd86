"""Which of a sweep's numbers are looked at, and which way is worse."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from cosim.study.robustness.estimates import ANY, NOT_NEGATIVE, SHARE, Limits
from cosim.study.robustness.points import SweepPoints, require_columns

_LOOKED_AT = (
    r".*_tracking_rmse_units",
    r".*_cost_gap_end",
    r"intervals_outside_limits",
    r"voltage_min_pu",
    r"voltage_max_pu",
    r"line_loading_max_percent",
    r"trafo_loading_max_percent",
    r"traded_delivered_kwh",
    r"bills_households_eur",
    r"welfare_eur",
)
"""Numbers of ``summary.json`` that say how well a run went, in the order in which they are shown."""
_LARGER_IS_BETTER = (
    "voltage_min_pu",
    "traded_agreed_kwh",
    "traded_delivered_kwh",
    "welfare_eur",
    "energy_value_eur",
    "self_consumption_fraction",
    "self_sufficiency_fraction",
    "messages_delivered",
)
_SHARES = (r".*_fraction", r".*_probability", r".*_share(_\w+)?_(min|max)")
_MAY_BE_NEGATIVE = (r"energy_stored_change_kwh", r"energy_value_eur")
_NOT_NEGATIVE = (
    r".*_(rmse|spread|gap|distance)_\w+",  # of tracking, gradients, cost, and to the optimum
    r".*_distance_to_optimum_end",
    r".*_(gain_signal_per_unit|gain_over_limit|loop_delay_steps|episodes|recovery_h|time_h)",
    r"(messages|trading|trade_requests|intervals|delivery_days|verified|en50160_weeks)(_\w+)?",
    r"(energy|offered|traded)_(\w+_)?kwh",
    r"offered_kwh",
    r"(\w+_)?peak_(\w+_)?kw",
    r"voltage_(min|max)_pu",
    r".*_loading_max_percent",
    r"bills_imbalance_max_eur",
    r"schedules_unproved",
    r"schedule_gap_max_eur",
)


def limits_of(key: str) -> Limits:
    """What a number of ``summary.json`` can be, by its name; of an unknown one nothing is known."""
    if any(re.fullmatch(pattern, key) for pattern in _SHARES):
        return SHARE
    if any(re.fullmatch(pattern, key) for pattern in _MAY_BE_NEGATIVE):
        return ANY
    return NOT_NEGATIVE if any(re.fullmatch(pattern, key) for pattern in _NOT_NEGATIVE) else ANY


@dataclass(frozen=True)
class Quantity:
    """A number of every point.

    Attributes
    ----------
    key : str
        Its name in ``summary.json``.
    larger_is_worse : bool
        False for what one wants much of, such as the energy that was traded.
    """

    key: str
    larger_is_worse: bool

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
    return [Quantity(key, key not in _LARGER_IS_BETTER) for key in keys]


def constant_quantities(points: SweepPoints) -> dict[str, float]:
    """Of the usual numbers those that are the same at every point, with their value."""
    constant = {key: points.table[key].dropna() for key in _usual(points) if not _varies(points, key)}
    return {key: float(values.iloc[0]) for key, values in constant.items() if len(values)}


def _usual(points: SweepPoints) -> list[str]:
    names = [str(key) for key in points.table.columns]
    return [name for pattern in _LOOKED_AT for name in names if re.fullmatch(pattern, name)]


def _varies(points: SweepPoints, key: str) -> bool:
    """Whether a number differs by more than rounding, beyond which no map of it says anything."""
    values = points.table[key].to_numpy(dtype=float, na_value=np.nan)
    known = values[np.isfinite(values)]
    return len(known) > 0 and float(np.ptp(known)) > 1e-6 * max(1.0, float(np.abs(known).max()))
