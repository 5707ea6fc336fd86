"""What a platform leaves of its capacities to the feeder, by what is measured there.

A reading that is not there is NaN: of a power flow that diverged.
"""

from __future__ import annotations

import math

from cosim.grid.measurement import FeederReading
from cosim.regulation.platform_schema import GridAwareRule


def is_violated(rule: GridAwareRule, reading: FeederReading) -> bool | None:
    """Whether the feeder is outside the limits that `rule` reacts to; None where that is not known."""
    checks = {
        "overvoltage": (reading.vm_max_pu, reading.vm_max_pu > rule.vm_max_pu),
        "undervoltage": (reading.vm_min_pu, reading.vm_min_pu < rule.vm_min_pu),
        "overload": (reading.loading_max_percent, reading.loading_max_percent > rule.loading_max_percent),
    }
    relevant = [checks[violation] for violation in rule.reacts_to]
    if any(violated for _, violated in relevant):
        return True
    return None if any(math.isnan(reading_) for reading_, _ in relevant) else False


def next_share(share: float, rule: GridAwareRule, reading: FeederReading | None) -> float:
    """The share of the configured capacity that the feeder leaves (AIMD, Chiu and Jain 1989).

    Parameters
    ----------
    share : float
        The share so far, in [0, 1]; 1 at the start.
    rule : GridAwareRule
        Limits, increase and decrease.
    reading : FeederReading or None
        A new measurement. With None (nothing new arrived) or an unknown reading the share stays.

    Returns
    -------
    float
        share·decrease_factor, not below min_share, if violated; else share + increase_per_step, up to 1.
    """
    violated = None if reading is None else is_violated(rule, reading)
    if violated is None:
        return share
    if violated:
        return max(rule.min_share, share * rule.decrease_factor)
    return min(1.0, share + rule.increase_per_step)
