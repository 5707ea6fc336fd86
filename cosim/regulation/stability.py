"""How fast the regulation loop may be: limits of its gain.

Near its operating point the aggregate answers the signal linearly, and the platform integrates::

    x(k) = G Ω(k−d) + w(k)        Ω(k+1) = Ω(k) − τ (x(k) − C)

with the loop gain G = dΣx/dΩ, the delay d in steps and decisions' noise w. With d = 0 the next signal already
sees the response to the last one; paper A's own recursion (Algorithms 1 and 2) has d = 1.
"""

from __future__ import annotations

import math

from cosim.core.errors import InputError, Problem


def stability_limit(delay_steps: float) -> float:
    """Largest stable product τG: 2 sin(π / (2(2d+1))).

    It is where the roots of z^(d+1) − z^d + τG first reach the unit circle.

    Parameters
    ----------
    delay_steps : float
        d, the mean delay in steps. It need not be a whole number: households with different phases and
        latencies make a mixture of whole delays. Of all mixtures with one mean (weighted by dσ/dΩ) the one
        without spread has the lowest limit, so the formula at the mean is on the stable side. In continuous
        time this is known: x' = −a ∫ x(t−s) dη(s) is stable for a ∫ s dη(s) < π/2. Here a test holds it on
        random mixtures.

    Raises
    ------
    InputError
        If the delay is negative or not finite.
    """
    if not (math.isfinite(delay_steps) and delay_steps >= 0):
        raise InputError(
            [Problem("a delay is a number of steps, 0 or more", "Give 0 or more", value=str(delay_steps))]
        )
    return 2.0 * math.sin(math.pi / (2.0 * (2.0 * delay_steps + 1.0)))


def gain_for_margin(margin: float, delay_steps: float, loop_gain: float) -> float:
    """The gain τ that is `margin` times the largest stable one.

    Parameters
    ----------
    margin : float
        τ over its limit; below 1 is stable.
    delay_steps : float
        d, as in `stability_limit`.
    loop_gain : float
        G = dΣx/dΩ at the operating point.

    Raises
    ------
    InputError
        If the loop gain is not positive: no household answers the signal, so no gain has a margin.
    """
    return gain_for_product(margin * stability_limit(delay_steps), loop_gain)


def gain_for_product(product: float, loop_gain: float) -> float:
    """The gain τ with which τG is `product`.

    Raises
    ------
    InputError
        If the loop gain or the gain is not a positive number: no household answers the signal, or the costs
        are beyond what can be calculated with.
    """
    if loop_gain == 0:
        message = "the aggregate does not answer the signal: every household stays at 0 or 1"
        remedy = "Give the gain as a number, or a capacity that leaves households between 0 and 1"
    elif loop_gain < 0:
        message = f"the aggregate falls when the signal rises (loop gain {loop_gain:.4g} units per signal)"
        remedy = "No gain makes such a loop stable: raise the linear part of the costs"
    elif not math.isfinite(loop_gain):
        message = f"the loop gain is {loop_gain:g}: costs are too large or too small for it"
        remedy = "Give costs of ordinary size, or the gain as a number"
    elif not math.isfinite(product / loop_gain):
        message = f"no largest stable gain is known (τG {product:.4g}, loop gain {loop_gain:.4g})"
        remedy = "Give the gain as a number"
    else:
        return product / loop_gain
    raise InputError([Problem(message, remedy)])
