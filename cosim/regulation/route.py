"""Which communities are stepped as arrays, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cosim.comms.network import Network
from cosim.config.base import Model
from cosim.core.compiled import can_compile
from cosim.core.many_runs import is_enough
from cosim.core.registry import class_name, is_own
from cosim.regulation.community_costs import MixedCosts
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.decisions.whole_and_parts import Drawn
from cosim.regulation.design import Design
from cosim.regulation.membership_times import Membership
from cosim.regulation.mitigations import AgainstFalseReports
from cosim.regulation.report_privacy import ExactReports

Route = Literal["auto", "arrays", "processes"]


FEWEST_DECISIONS = 20_000
"""With fewer, `auto` goes one household at a time: loading compiled loops takes as long as 15,000 of them."""


class EngineConfig(Model):
    """How a run is computed; results are the same to the byte whatever stands here."""

    route: Route = "auto"
    """How the households of a community are stepped: one by one (`processes`), or all at once between two
    signals (`arrays`), which does not support everything; `cosim explain` says what rules it out.
    `auto` takes arrays where that is possible, numba is installed, and there are 20,000 decisions or more (in
    a sweep: in all points of a worker so far)."""


def against_arrays(route: Route, obstacles: Sequence[str], n_decisions: int) -> list[str]:
    """Why the households of a community are not stepped as arrays, in words; empty where they are.

    Parameters
    ----------
    route : {"auto", "arrays", "processes"}
        What is configured.
    obstacles : sequence of str
        Why they cannot be.
    n_decisions : int
        How many they make.
    """
    if route == "processes":
        return ["as engine.route says"]
    if obstacles or route == "arrays":
        return list(obstacles)
    if not can_compile():
        return ["numba is not installed"]
    if not is_enough(n_decisions, FEWEST_DECISIONS):
        return [f"{n_decisions:,} decisions take less time than loading the loops for arrays"]
    return []


def array_obstacles(
    designed: Design, present: Membership, one_by_one: Sequence[str], network: Network
) -> list[str]:
    """Why the households of a community cannot be arrays, in words; empty where they can.

    Parameters
    ----------
    designed : Design
        The community.
    present : Membership
        When households take part.
    one_by_one : sequence of str
        What in the run acts on single households.
    network : Network
        The links.
    """
    config, members = designed.config, designed.members
    found = list(one_by_one)
    if present.joins_ms[members].any() or (present.leaves_ms[members] >= 0).any():
        found.append("households join or leave")
    if not isinstance(config.agent.decision, Drawn):
        found.append(f"the decision '{config.agent.decision.kind}' takes parts of a unit")
    if not isinstance(config.agent.reports, ExactReports):
        found.append(f"reports are '{config.agent.reports.kind}'")
    if designed.schedule.ever_changes:
        found.append("costs change in time")
    if config.agent.averages.window:
        found.append("averages are over a window")
    aggregate = config.platform.against(AgainstFalseReports)
    if aggregate.weight:
        found.append(f"the mitigation '{aggregate.kind}' follows each household's reports")
    costs = designed.costs.parts if isinstance(designed.costs, MixedCosts) else ()
    costs_of_classes = [cost for cost in costs if not isinstance(cost, CostParameters)]
    parts = [
        *designed.responses.policies,
        *costs_of_classes,
        config.agent.averages,
        *config.platform.mitigations,
    ]
    outside = dict.fromkeys(class_name(part) for part in parts if not is_own(part))
    found += [f"{name} comes from outside" for name in outside]
    return found + network.bulk_obstacles(members.tolist())
