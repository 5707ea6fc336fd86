"""What units of a resource are in kW."""

from __future__ import annotations

from cosim.core.clock import to_hours
from cosim.core.shown import number_text, rounded_like
from cosim.regulation.schema import ResourceConfig


def kw_per_unit(resource: ResourceConfig, step_ms: int) -> float | None:
    """One unit in each step as mean power, kW; None where it is no energy."""
    return resource.unit_kwh / to_hours(step_ms) if resource.unit_kwh else None


def step_power_text(units: float, resource: ResourceConfig, step_ms: int, beside: float | None = None) -> str:
    """So many units in a step, in kW; in units where they are no energy.

    Parameters
    ----------
    units : float
        How many.
    resource : ResourceConfig
        Of which.
    step_ms : int
        Length of a step.
    beside : float
        Another number of units, whose last digit that is shown this shall not go below.
    """
    kw = kw_per_unit(resource, step_ms)
    factor = 1.0 if kw is None else kw
    value = units * factor if beside is None else rounded_like(units * factor, beside * factor, 3)
    return f"{number_text(value, 3)} {'kW' if kw is not None else 'unit' if value == 1 else 'units'}"
