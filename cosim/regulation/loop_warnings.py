"""What is doubtful about a community's control loop before it runs: costs that lock out, gains that swing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.config.base import plain
from cosim.core.context import Context
from cosim.core.errors import Problem, count
from cosim.regulation.community_costs import Costs
from cosim.regulation.cost_checks import assumption_1_violations
from cosim.regulation.design import Design
from cosim.regulation.operating_point import OperatingPoint
from cosim.regulation.policies.interface import LEAST

_NAMED = 5


def loop_problems(designs: Sequence[Design], context: Context) -> Iterator[Problem]:
    """Warnings about each community's costs, where its policy comes to rest, its gains and its delays.

    Parameters
    ----------
    designs : sequence of Design
        The controller of each community.
    context : Context
        The run.
    """
    names = context.population.names
    for number, made in enumerate(designs):
        yield from _assumption_1(context, number, made, names)
        if made.config.platform.control.is_event:
            yield from _giving_way(context, number, made)
            continue
        yield from _operating_point(context, number, made, names)
        yield from _stability(context, number, made)
        yield from _late_answers(context, number, made, names)


def _giving_way(context: Context, number: int, made: Design) -> Iterator[Problem]:
    """Decisions that costs have no say in, where all households have an equal share of a capacity."""
    shares = [np.full(len(made.members), c / max(1, len(made.members))) for c in made.mean_capacities]
    path = f"communities.{number}.agent.decision"
    for when, costs in made.schedule.different():
        slopes = costs.gradients(shares)
        for resource, share, slope in zip(made.config.resources, shares, slopes, strict=True):
            doubt = made.config.agent.decision.doubt(slope / np.maximum(share, LEAST))
            if doubt is not None:
                message, remedy = doubt
                yield context.problem(path, f"'{resource.name}'{when}: {message}", remedy, warning=True)


def _assumption_1(context: Context, number: int, made: Design, names: Sequence[str]) -> Iterator[Problem]:
    for when, costs in made.schedule.different():
        yield from _assumption_1_of(context, number, made, names, when, costs)


def _assumption_1_of(
    context: Context, number: int, made: Design, names: Sequence[str], when: str, costs: Costs
) -> Iterator[Problem]:
    violations = assumption_1_violations(costs, [resource.name for resource in made.config.resources])
    guilty = [
        (names[int(m)], text)
        for m, text, multiplies in zip(made.members, violations, made.responses.multiplies, strict=True)
        if text and (multiplies or not _only_falls(text))
    ]
    if not guilty:
        return
    who = _listed([name for name, _ in guilty])
    message = f"Assumption 1 of paper A fails on (0, 1]{when} for {who}; {guilty[0][1]}"
    remedy = (
        "A multiplicative policy can lock such a household out; raise the cost's linear part, or use "
        "`policy: additive`."
    )
    yield context.problem(f"communities.{number}.groups", message, remedy, warning=True)


def _only_falls(violation: str) -> bool:
    """Whether a cost falls somewhere, and has nothing else against it: it has an optimum all the same.

    A policy that adds finds it whatever the sign of marginal costs; who sells has some below 0.
    """
    return violation.startswith("not strictly increasing") and ";" not in violation


def _stability(context: Context, number: int, made: Design) -> Iterator[Problem]:
    for resource, gain, loop_gain, limit in zip(
        made.config.resources, made.gains, made.loop_gains, made.stable_products, strict=True
    ):
        if not loop_gain > 0:
            continue
        margin = gain * loop_gain / limit
        if margin >= 1:
            steps = np.ceil(made.delay_steps)
            message = (
                f"the gain {gain:.4g} of '{resource.name}' is {margin:.2f} times the largest stable one "
                f"(loop gain {loop_gain:.4g}, delay {steps:g} step{'' if steps == 1 else 's'}): "
                "the aggregate will oscillate"
            )
            remedy = f"Use at most {gain / margin:.4g}, or `gain: {{margin: 0.3}}`."
            yield context.problem(f"communities.{number}.platform.gain", message, remedy, warning=True)


def _operating_point(context: Context, number: int, made: Design, names: Sequence[str]) -> Iterator[Problem]:
    """Capacities at which the policy comes to no rest, or only without some of the households."""
    points = zip((made.at_mean, *made.at_later), made.schedule.different(), strict=True)
    for point, (when, _) in points:
        yield from _rest(context, number, made, names, point, when)


def _rest(
    context: Context, number: int, made: Design, names: Sequence[str], point: OperatingPoint, when: str
) -> Iterator[Problem]:
    resources = [resource.name for resource in made.config.resources]
    path = f"communities.{number}.agent.policy"
    locked = [names[int(member)] for member in made.members[point.locked_out]]
    called, several = made.responses.called, len(made.responses.kinds) > 1
    without = f" without {_listed(locked)}, locked out by gradients that are not positive" if locked else ""
    if not point.is_fixed:
        sums = ", ".join(
            f"{name} {total:.4g} of {capacity:.4g}"
            for name, total, capacity in zip(
                resources, point.averages.sum(axis=0), made.mean_capacities, strict=True
            )
        )
        do = "do" if several else "does"
        message = f"{called} {do} not hold the mean capacities{when}{without}: averages add up to {sums}"
        remedy = "The signal will run away. Change the capacities, or use `policy: additive`."
        yield context.problem(path, message, remedy, warning=True)
    elif locked:
        message = f"{called} {'hold' if several else 'holds'} the mean capacities{when} only{without}"
        remedy = "Raise the capacities or the linear part of their costs, or use `policy: additive`."
        yield context.problem(path, message, remedy, warning=True)


def _late_answers(context: Context, number: int, made: Design, names: Sequence[str]) -> Iterator[Problem]:
    """Households whose answer to a signal counts only after the end of the run."""
    time = context.time
    n_steps = time.duration_ms // time.step_ms
    late = made.delays_steps >= n_steps
    if late.any():
        who = _listed([names[int(member)] for member in made.members[late]])
        soonest = plain(round(float(made.delays_steps[late].min()), 2))
        message = (
            f"the answers of {who} to a signal reach the platform at least {soonest} "
            f"steps later, but the run has {n_steps:,}: their loop never closes"
        )
        remedy = "Shorten the latencies of their links, or make the run longer."
        yield context.problem("comms", message, remedy, warning=True)


def _listed(names: Sequence[str]) -> str:
    """How many households, and the first of their names."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{count(len(names), 'household')} ({', '.join(names[:_NAMED])}{more})"
