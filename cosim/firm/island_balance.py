"""The balance of an island in one interval: what is curtailed, what is not served, what the firm gives.

What the firm must give contains the losses, which follow from what flows. So what is curtailed or not served
is found with the power flow itself: a step by the power that is still missing changes losses alone beside it,
and they are small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.firm.dispatch import Limits, isolated_dispatch
from cosim.firm.sharing import shared
from cosim.grid.subsystem import Trial

Array = NDArray[np.float64]
_CLOSES_KW = 1e-10
_MOST_TRIALS = 60


class Wanted(NamedTuple):
    """What households would do in an interval, kW on the mean, each of shape (n,)."""

    p_kw: Array
    q_kvar: Array
    """Drawn at the connection point."""
    load_kw: Array
    generation_kw: Array
    """Of it load that can be left unserved, and generation that can be curtailed."""


class Balanced(NamedTuple):
    """What takes place."""

    unserved_kw: Array
    curtailed_kw: Array
    """Load that is not served and generation that is given up, of each household. Shape (n,)."""
    p_kw: Array
    q_kvar: Array
    """Drawn at the connection points. Shape (n,)."""
    generator_kw: float
    battery_kw: float
    """Of the firm; the battery negative while it charges."""
    dumped_kw: float
    """What is left over after all has been curtailed, and goes into a ballast load at the firm."""
    losses_kw: float
    """In lines; NaN where the power flow did not converge, and the balance is without losses."""
    is_dark: bool = False
    """Whether nothing holds the voltage."""


Classes = Sequence[NDArray[np.int64]]
"""Who comes first, class by class."""
Flow = Callable[[Array, Array], Trial]
"""The power flow of what households draw, kW and kvar."""


class _Cut(NamedTuple):
    """What of load or generation does not take place, and what that leaves."""

    borne: Array
    p_kw: Array
    q_kvar: Array
    trial: Trial

    @property
    def given_kw(self) -> float:
        """What the firm gives; without losses where the power flow does not converge."""
        given_kw = self.trial.supplied_kw
        return float(self.p_kw.sum()) if math.isnan(given_kw) else given_kw


def balance(
    wanted: Wanted,
    limits: Limits,
    wants_generator: bool,
    classes: tuple[Classes, Classes],
    flow: Flow,
) -> Balanced:
    """Bring an interval into balance.

    Parameters
    ----------
    wanted : Wanted
        What households would do.
    limits : Limits
        What battery and generator can do.
    wants_generator : bool
        Whether the generator is to charge the battery.
    classes : (sequence, sequence)
        Households whose load is not served first, and whose generation is curtailed first.
    flow : callable
        The power flow of what households draw.
    """
    nothing = np.zeros_like(wanted.p_kw)
    cut = _Cut(nothing, wanted.p_kw, wanted.q_kvar, flow(wanted.p_kw, wanted.q_kvar))
    plan = isolated_dispatch(cut.given_kw, limits, wants_generator)
    unserved = curtailed = nothing
    if plan.missing_kw > 0:
        most_kw = cut.given_kw - plan.missing_kw
        cut = _cut(wanted, cut, most_kw, 1.0, classes[0], flow)
        if cut.given_kw - most_kw > 10 * _CLOSES_KW:  # it cannot even give what reactive power loses
            return blackout(wanted)
        unserved = cut.borne
    elif plan.beyond_kw > 0:
        cut = _cut(wanted, cut, cut.given_kw + plan.beyond_kw, -1.0, classes[1], flow)
        curtailed = cut.borne
    # Where nothing is left to be cut a ballast load takes what the battery cannot.
    dumped_kw = plan.generator_kw - limits.charge_kw - cut.given_kw
    dumped_kw = dumped_kw if dumped_kw > 10 * _CLOSES_KW else 0.0
    return Balanced(
        unserved,
        curtailed,
        cut.p_kw,
        cut.q_kvar,
        plan.generator_kw,
        cut.given_kw + dumped_kw - plan.generator_kw,
        dumped_kw,
        cut.trial.losses_kw,
    )


def blackout(wanted: Wanted) -> Balanced:
    """Nothing holds the voltage: nobody draws from the others or feeds in, and homes have what is theirs.

    What home batteries had promised to feed in goes into the ballast load.
    """
    unserved, curtailed = _most_cut(wanted, 1.0), _most_cut(wanted, -1.0)
    p_kw = wanted.p_kw - unserved + curtailed
    nothing = np.zeros_like(p_kw)
    return Balanced(unserved, curtailed, p_kw, nothing, 0.0, 0.0, -float(p_kw.sum()), 0.0, is_dark=True)


def _most_cut(wanted: Wanted, sign: float) -> Array:
    """What can be cut of each household's load (sign 1) or generation (-1).

    That is at most what it draws or feeds in: nobody gives up what he supplies himself with.
    """
    cuttable = wanted.load_kw if sign > 0 else wanted.generation_kw
    return np.clip(np.minimum(cuttable, sign * wanted.p_kw), 0.0, None)


def _cut(wanted: Wanted, cut: _Cut, target_kw: float, sign: float, classes: Classes, flow: Flow) -> _Cut:
    """Leave load unserved (sign 1) or curtail generation (-1) until the firm gives what is the target."""
    most, total = _most_cut(wanted, sign), 0.0
    limit = float(most.sum())
    for _ in range(_MOST_TRIALS):
        still_kw = sign * (cut.given_kw - target_kw)
        next_total = min(max(total + still_kw, 0.0), limit)
        if abs(still_kw) <= _CLOSES_KW or next_total == total:
            break
        total = next_total
        borne = shared(total, most, classes)
        p_kw, q_kvar = wanted.p_kw - sign * borne, wanted.q_kvar
        if sign > 0:  # reactive power goes with the load
            kept_kw = wanted.load_kw - borne
            q_kvar = q_kvar * np.divide(
                kept_kw, wanted.load_kw, out=np.ones_like(borne), where=wanted.load_kw > 0
            )
        cut = _Cut(borne, p_kw, q_kvar, flow(p_kw, q_kvar))
    return cut
