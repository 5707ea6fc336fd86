"""From averages and signals to responses, for all households of a community at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import Which
from cosim.config.parameters import of_households
from cosim.regulation.community_costs import Costs
from cosim.regulation.costs.polynomial import CostParameters, GradientTerms
from cosim.regulation.policies import Policy
from cosim.regulation.responses import Responses

Array = NDArray[np.float64]


class DecisionRule:
    """The private costs and the policies of a community.

    Parameters
    ----------
    costs : Costs
        Of its households.
    responses : Responses
        Their policies.
    """

    def __init__(self, costs: Costs, responses: Responses) -> None:
        self._costs = costs
        self._responses = responses
        self._terms = GradientTerms.of(costs) if isinstance(costs, CostParameters) else None
        n = sum(map(len, responses.places))
        self._policy_of = np.zeros(n, np.int64)
        for number, places in enumerate(responses.places):
            self._policy_of[places] = number

    def responses(self, which: Which, averages: Array, signals: Array) -> tuple[Array, Array]:
        """Gradients and responses σ, not clipped, of some households.

        Parameters
        ----------
        which : slice or ndarray of int64
            All households, or some by position.
        averages, signals : ndarray, shape (m, n)
            x̄ and the freshest Ω of each of them.
        """
        if self._terms is not None:
            terms = self._terms if isinstance(which, slice) else self._terms.select(which)
            gradients = terms.gradients(averages[np.newaxis])[0]
        elif isinstance(which, slice):
            gradients = np.array(self._costs.gradients(list(averages)))
        else:
            whole = np.zeros((len(averages), len(self._policy_of)))
            whole[:, which] = averages
            gradients = np.array(self._costs.gradients(list(whole))).take(which, axis=1)
        return gradients, self._answers(which, averages, gradients, signals)

    def called(self, which: Which, place: int) -> str:
        """What a response is made by, for messages."""
        position = int(np.arange(len(self._policy_of))[which][place])
        policy: Policy = self._responses.policies[self._policy_of[position]]
        cost = self._costs.household(position)
        return " and ".join(f"{type(part).__module__}.{type(part).__qualname__}" for part in (policy, cost))

    def _answers(self, which: Which, averages: Array, gradients: Array, signals: Array) -> Array:
        if not isinstance(which, slice):
            which_policy, positions = self._policy_of[which], which
            parts = [
                (of_households(policy, np.searchsorted(places, positions[mine])), mine)
                for number, (policy, places) in enumerate(self._parts())
                if len(mine := np.flatnonzero(which_policy == number))
            ]
        elif len(self._responses.policies) == 1:
            answered = self._responses.policies[0].response(signals, averages, gradients)
            return np.ascontiguousarray(answered)
        else:
            parts = list(self._parts())
        answers = np.empty(averages.shape)
        for policy, places in parts:
            answers[:, places] = policy.response(
                signals[:, places], averages[:, places], gradients[:, places]
            )
        return answers

    def _parts(self) -> Iterator[tuple[Policy, NDArray[np.int64]]]:
        return zip(self._responses.policies, self._responses.places, strict=True)
