"""How households answer signals, all of them in one compiled loop, from the functions of one household.

It knows paper A's costs, the averages and policies named here, and no others.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.regulation.averages import Average, CumulativeAverage, ExponentialAverage, cumulative, fading
from cosim.regulation.community_costs import Costs
from cosim.regulation.costs.polynomial import CostParameters, GradientTerms, own_slope, shared_slope
from cosim.regulation.policies.additive import Additive, additive
from cosim.regulation.policies.inverse_average import InverseAverage, inverse_average
from cosim.regulation.policies.proportional import Proportional, proportional
from cosim.regulation.responses import Responses

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_ADDITIVE, _PROPORTIONAL, _INVERSE_AVERAGE = range(3)
_POLICIES: Final = {Additive: _ADDITIVE, Proportional: _PROPORTIONAL, InverseAverage: _INVERSE_AVERAGE}
_KAPPA, _LINEAR, _TARGET, _DOUBLE_QUADRATIC, _FOURFOLD_QUARTIC, _OF_RESOURCES = range(6)
"""Rows of `AnswerRules.numbers`; then three for each resource: own target, double and fourfold weight."""


class AnswerRules(NamedTuple):
    """How each household answers."""

    weight: float
    """Of the newest outcome in an average that fades; 0 for the mean of all."""
    policies: Whole
    """Of each household, by number. Shape (n,)."""
    numbers: Array
    """Of its policy and its cost. Shape (5 + 3 m, n)."""


def answer_rules(average: Average, costs: Costs, responses: Responses) -> AnswerRules | None:
    """The rules of a community, where the loop knows them."""
    weights = {CumulativeAverage: 0.0, ExponentialAverage: getattr(average, "weight", 0.0)}
    is_known = type(average) in weights and all(type(one) in _POLICIES for one in responses.policies)
    if not is_known or not isinstance(costs, CostParameters):
        return None
    terms = GradientTerms.of(costs)
    m, n = terms.own_target.shape
    numbers = np.zeros((_OF_RESOURCES + 3 * m, n))
    numbers[_LINEAR:_OF_RESOURCES] = terms[:4]
    for row, each in enumerate(terms[4:]):
        numbers[_OF_RESOURCES + row :: 3] = each
    policies = np.zeros(n, np.int64)
    for policy, places in zip(responses.policies, responses.places, strict=True):
        policies[places] = _POLICIES[type(policy)]
        numbers[_KAPPA, places] = getattr(policy, "kappa", 0.0)
    return AnswerRules(weights[type(average)], policies, numbers)


def response_of(policy: int, kappa: float, signal: float, average: float, gradient: float) -> float:
    """σ by the policy of this number."""
    response: float
    if policy == _ADDITIVE:
        response = additive(signal, average, gradient, kappa)
    elif policy == _PROPORTIONAL:
        response = proportional(signal, average, gradient)
    else:
        response = inverse_average(signal, average, gradient)
    return response


def answer_all(
    step: int,
    who: Whole,
    weight: float,
    policies: Whole,
    numbers: Array,
    averages: Array,
    outcomes: Array,
    newest: Whole,
    signals: Array,
    draws: Array,
    answers: Array,
) -> bool:
    """Take the outcomes of a step into averages, and answer the freshest signals; whether no response is NaN.

    Parameters
    ----------
    step : int
        The step that ends; there is no outcome of step 0.
    who : ndarray of int64, shape (k,)
        The households that answer, by place.
    weight, policies, numbers
        As of `AnswerRules`.
    averages, outcomes : ndarray, shape (m, n)
        x̄ of all households, changed; and what each delivered.
    newest : ndarray of int64, shape (n,)
        Number of each household's freshest signal.
    signals : ndarray, shape (m, at least all numbers)
        The signals by number.
    draws : ndarray, shape (m, n)
        Uniform numbers of all households.
    answers : ndarray, shape (3, m, k)
        Gradients, responses, and whether a unit is asked for, 0 or 1; written.
    """
    is_number, m = True, len(averages)
    for each in range(len(who)):
        i = who[each]
        total = 0.0
        for r in range(m):
            x = averages[r, i]
            if step > 0:
                x = (
                    fading(x, outcomes[r, i], weight)
                    if weight > 0.0
                    else cumulative(x, outcomes[r, i], step - 1)
                )
                averages[r, i] = x
            total = total + x if r > 0 else x
        shared = shared_slope(
            numbers[_LINEAR, i], numbers[_TARGET, i],
            numbers[_DOUBLE_QUADRATIC, i], numbers[_FOURFOLD_QUARTIC, i], total,
        )  # fmt: skip
        for r in range(m):
            row, x = _OF_RESOURCES + 3 * r, averages[r, i]
            gradient = shared + own_slope(numbers[row, i], numbers[row + 1, i], numbers[row + 2, i], x)
            response = response_of(policies[i], numbers[_KAPPA, i], signals[r, newest[i]], x, gradient)
            answers[0, r, each], answers[1, r, each] = gradient, response
            answers[2, r, each] = 1.0 if draws[r, i] < response else 0.0
            is_number = is_number and response == response
    return is_number


ANSWERS: Final = (
    answer_all, response_of, cumulative, fading, shared_slope, own_slope,
    additive, proportional, inverse_average,
)  # fmt: skip
"""The functions that a loop calls which calls `answer_all`."""

answer = compiled(*ANSWERS[1:])(answer_all)
