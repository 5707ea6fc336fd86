"""What units of a resource are in kW."""

from __future__ import annotations

from cosim.core.clock import to_hours
from cosim.core.shown import number_text
from cosim.regulation.schema import ResourceConfig


def kw_per_unit(resource: ResourceConfig, step_ms: int) -> float | None:
    """One unit in each step as mean power, kW; None where it is no energy."""
    return resource.unit_kwh / to_hours(step_ms) if resource.unit_kwh else None


def step_power_text(units: float, resource: ResourceConfig, step_ms: int) -> str:
    """So many units in a step, in kW; in units where they are no energy."""
    kw = kw_per_unit(resource, step_ms)
    if kw is None:
        return f"{number_text(units, 3)} {'unit' if units == 1 else 'units'}"
    return f"{number_text(units * kw, 3)} kW"
