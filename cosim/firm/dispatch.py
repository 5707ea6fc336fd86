"""How a firm uses battery and generator: pure functions of what is needed and of what both can do.

Powers are means of an interval in kW; what is needed is positive where the firm must give.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Limits(NamedTuple):
    """What battery and generator can do over an interval, kW."""

    charge_kw: float
    discharge_kw: float
    """What the battery takes and gives at most."""
    least_kw: float
    most_kw: float
    """Between which the generator runs; 0 for both where it cannot."""


class Dispatch(NamedTuple):
    """What battery and generator do over an interval, kW."""

    generator_kw: float
    """What the generator gives."""
    battery_kw: float
    """What the battery gives; negative while it charges."""
    missing_kw: float
    beyond_kw: float
    """What is needed and neither gives; what is too much and neither takes. One of them is 0."""


def isolated_dispatch(need_kw: float, limits: Limits, wants_generator: bool) -> Dispatch:
    """On an island the battery balances; the generator runs where it is wanted, or where it is needed.

    Parameters
    ----------
    need_kw : float
        What the households and the losses take of the firm; negative where they give.
    limits : Limits
        What both can do.
    wants_generator : bool
        Whether the generator is to charge the battery, as far as that takes its least power.
    """
    is_needed = need_kw > limits.discharge_kw
    usable_kw = need_kw + limits.charge_kw
    generator_kw = 0.0
    if limits.most_kw > 0 and (is_needed or (wants_generator and usable_kw >= limits.least_kw)):
        generator_kw = min(max(usable_kw, limits.least_kw), limits.most_kw)
    return _rest_to_battery(need_kw, generator_kw, limits)


def connected_dispatch(
    need_kw: float, limits: Limits, import_kw: float, grid_price: float, generator_price: float
) -> Dispatch:
    """Beside the main grid the generator runs where it is cheaper, and to keep to the contract.

    Parameters
    ----------
    need_kw : float
        What the households take of the firm; negative where they give.
    limits : Limits
        What battery and generator can do.
    import_kw : float
        What the main grid gives by contract.
    grid_price, generator_price : float
        Of a kWh from the main grid and from the generator at rated power, EUR/kWh.
    """
    beyond_contract_kw = need_kw - limits.discharge_kw - import_kw
    generator_kw = 0.0
    if limits.most_kw > 0 and generator_price < grid_price and need_kw >= max(limits.least_kw, math.ulp(0.0)):
        generator_kw = min(need_kw, limits.most_kw)
    elif limits.most_kw > 0 and beyond_contract_kw > 0:
        generator_kw = min(max(beyond_contract_kw, limits.least_kw), limits.most_kw)
    return _rest_to_battery(need_kw, generator_kw, limits)


def _rest_to_battery(need_kw: float, generator_kw: float, limits: Limits) -> Dispatch:
    rest_kw = need_kw - generator_kw
    battery_kw = min(max(rest_kw, -limits.charge_kw), limits.discharge_kw)
    return Dispatch(generator_kw, battery_kw, max(rest_kw - battery_kw, 0.0), max(battery_kw - rest_kw, 0.0))
