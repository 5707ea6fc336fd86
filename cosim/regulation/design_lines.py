"""A community's controller in words, for `cosim explain`."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.core.clock import MS_PER_HOUR
from cosim.regulation.design import Design
from cosim.regulation.mitigations import AgainstDelay

_NAMED = 5
"""How many changes of costs are named."""


def design_lines(design: Design) -> Iterator[str]:
    """Its policies, its delay, and gain and first signal of each resource."""
    reports = design.config.agent.reports
    if noise := reports.noise_std(len(design.config.resources)):
        n = len(design.members)
        yield (
            f"reports {reports.kind}: noise of {noise:.4g} units in each, of {noise * n**0.5:.4g} units in "
            f"the sum of {n} (standard deviation)"
        )
    if design.schedule.ever_changes:
        times = [f"{from_ms / MS_PER_HOUR:.6g}" for from_ms, _ in design.schedule.changes[1:]]
        more = f" and {len(times) - _NAMED} more" if len(times) > _NAMED else ""
        yield (
            f"costs change at {', '.join(times[:_NAMED])} h{more}; gain and loop gain are for the largest "
            "loop gain of all"
        )
    if design.config.platform.control.is_event:
        delay = f"mean loop delay {design.delay_steps:.3g} steps"
        yield f"signal 1 when more than the capacity is taken, else 0; {delay}"
        return
    unit = design.responses.signal_unit
    for policy in {policy.kind: policy for policy in design.responses.policies}.values():
        yield f"policy {policy.kind}: fixed point {policy.fixed_point}; Ω in {unit}"
    mitigation = design.config.platform.against(AgainstDelay).kind
    with_it = f", with mitigation '{mitigation}'" if mitigation else ""
    yield (
        f"mean loop delay {design.delay_steps:.3g} steps{with_it}: "
        f"stable up to gain * loop gain = {min(design.stable_products):.4g}"
    )
    for number, resource in enumerate(design.config.resources):
        gain, loop_gain, limit = (
            design.gains[number],
            design.loop_gains[number],
            design.stable_products[number],
        )
        margin = f"{gain * loop_gain / limit:.3g} of the stable limit" if loop_gain > 0 else "-"
        yield (
            f"{resource.name}: gain {gain:.6g}, loop gain {loop_gain:.6g}, {margin}, "
            f"first signal {design.signals[number]:.6g} {unit}"
        )
