"""What is doubtful about a community's control loop before it runs: costs that lock out, gains that swing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.config.load import LoadedScenario
from cosim.engine.design import Design
from cosim.errors import Problem, count
from cosim.markets.regulation.costs import assumption_1_violations

_NAMED = 5


def loop_problems(
    loaded: LoadedScenario, designs: Sequence[Design], names: Sequence[str]
) -> Iterator[Problem]:
    """Warnings about each community's costs and gains.

    Parameters
    ----------
    loaded : LoadedScenario
        The scenario.
    designs : sequence of Design
        The controller of each of its communities.
    names : sequence of str
        The households' names, by number.
    """
    for number, made in enumerate(designs):
        yield from _assumption_1(loaded, number, made, names)
        yield from _stability(loaded, number, made)


def _assumption_1(
    loaded: LoadedScenario, number: int, made: Design, names: Sequence[str]
) -> Iterator[Problem]:
    violations = assumption_1_violations(made.costs, [resource.name for resource in made.config.resources])
    guilty = [(names[int(m)], text) for m, text in zip(made.members, violations, strict=True) if text]
    if not guilty:
        return
    listed = ", ".join(name for name, _ in guilty[:_NAMED])
    more = f" and {len(guilty) - _NAMED} more" if len(guilty) > _NAMED else ""
    who = f"{count(len(guilty), 'household')}: {listed}{more}"
    message = f"Assumption 1 of paper A fails on (0, 1] for {who}; {guilty[0][1]}"
    remedy = "Such a household can be locked out by a policy that multiplies; raise the cost's linear part."
    yield loaded.problem(f"communities.{number}.groups", message, remedy, warning=True)


def _stability(loaded: LoadedScenario, number: int, made: Design) -> Iterator[Problem]:
    for resource, gain, loop_gain, limit in zip(
        made.config.resources, made.gains, made.loop_gains, made.stable_products, strict=True
    ):
        if not loop_gain > 0:
            continue
        margin = gain * loop_gain / limit
        if margin >= 1:
            message = (
                f"the gain {gain:.4g} of '{resource.name}' is {margin:.2f} times the largest stable one "
                f"(loop gain {loop_gain:.4g}, delay {np.ceil(made.delay_steps):g} steps): "
                "the aggregate will oscillate"
            )
            remedy = f"Take at most {gain / margin:.4g}, or `gain: {{margin: 0.3}}`."
            yield loaded.problem(f"communities.{number}.platform.gain", message, remedy, warning=True)
