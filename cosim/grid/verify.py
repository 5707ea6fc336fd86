"""Results judged by the whole network as pandapower reads it, not by what was kept of it.

The source's net is left as it is, but for what the scenario itself says: loads and generators that a
household took are out, the households' powers are in, and the elements that act as a background have their
powers of the interval. Whatever else of the source was left out on the way to the solver shows as a
difference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.grid.elements import ActingPower, ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.flow_result import FlowResult
from cosim.grid.reference import read_results, run
from cosim.grid.tap_changers import TapChanger, put_positions
from cosim.grid.voltage_dependence import SHARES, mixed_loads

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """The largest difference of a quantity, and the element that has it."""

    value: float = 0.0
    """Its amount; infinite where a number stands against none."""
    element: str = ""
    """For example ``bus 5``; empty where there is no difference."""


NO_DIFFERENCE = Difference()


@dataclass(frozen=True)
class Agreement:
    """How far results and pandapower's `runpp` on the whole network are apart on the intervals compared."""

    intervals: tuple[int, ...]
    """Which intervals were compared."""
    vm_pu: Difference
    loading_percent: Difference
    p_slack_mw: Difference
    losses_mw: Difference
    """Largest differences; 0 where nothing was compared."""
    status_differs: tuple[int, ...]
    """Intervals that one converged on and the other did not."""


class WholeNetwork:
    """A feeder's source, into which intervals are written.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    silent : collection of ElementRecord
        Elements that draw nothing because the scenario says so: a household stands for them, or the
        background is switched off.
    tap_changers : sequence of TapChanger
        Those that act from interval to interval.
    """

    def __init__(
        self, feeder: Feeder, silent: Collection[ElementRecord], tap_changers: Sequence[TapChanger] = ()
    ) -> None:
        self._feeder = feeder
        self._tap_changers = tap_changers
        self._net = copy.deepcopy(feeder.source.net)
        for element in silent:
            self._net[element.kind].loc[element.index, "in_service"] = False

    def net(
        self,
        acting: list[ActingPower],
        p_mw: FloatArray,
        q_mvar: FloatArray,
        vm_pu: FloatArray,
        tap_positions: Sequence[int] = (),
    ) -> pandapowerNet:
        """The net with the powers of an interval, not solved yet.

        Parameters
        ----------
        acting : list of ActingPower
            The source's own elements that act as the interval says.
        p_mw, q_mvar : ndarray of float64, shape (n_bus,)
            What each bus draws at 1 pu, these elements included.
        vm_pu : ndarray of float64, shape (n_bus,)
            The voltages to be judged: a load that follows the voltage and is not alone at its node has its
            power there as a constant, because pandapower would mix it with its neighbours'. If the voltages
            are right, `runpp` finds them again.
        tap_positions : sequence of int
            Where each of the tap changers stood.
        """
        import pandapower as pp

        net, feeder = copy.deepcopy(self._net), self._feeder
        put_positions(net, self._tap_changers, tap_positions)
        beyond_p, beyond_q = p_mw.copy(), q_mvar.copy()
        columns = feeder.bus_positions([element.bus for element, _, _ in acting])
        for column, (_, p, q) in zip(columns, acting, strict=True):
            beyond_p[column] -= p
            beyond_q[column] -= q
        households = feeder.bus.supplied & (
            (np.abs(beyond_p) > _ROUNDING_MW) | (np.abs(beyond_q) > _ROUNDING_MW)
        )
        buses = feeder.bus.index[households]
        pp.create_loads(net, buses, p_mw=beyond_p[households], q_mvar=beyond_q[households], name=HOUSEHOLDS)
        mixed = mixed_loads(net)
        powers = [
            (element, *_drawn(element, p, q, vm_pu[column]))
            if element.kind == "load" and element.index in mixed
            else (element, p, q)
            for column, (element, p, q) in zip(columns, acting, strict=True)
        ]
        net.load.loc[list(mixed), list(SHARES)] = 0.0
        _write(net, powers)
        return net

    def solve(
        self,
        acting: list[ActingPower],
        p_mw: FloatArray,
        q_mvar: FloatArray,
        vm_pu: FloatArray,
        tap_positions: Sequence[int] = (),
    ) -> FlowResult:
        """One interval by `runpp`; the arguments are those of `net`."""
        net = self.net(acting, p_mw, q_mvar, vm_pu, tap_positions)
        result = FlowResult.empty(1, self._feeder)
        cause = run(net, self._feeder.source.controls)
        if cause:
            result.status[0], result.cause[0] = "diverged", cause
        else:
            read_results(net, result)
        return result


HOUSEHOLDS = "cosim: households"
"""Name of the load that stands for all households of a bus."""
_ROUNDING_MW = 1e-12
"""What sums of powers, of up to a hundred megawatts, leave behind; a microwatt is no household."""


def _drawn(element: ElementRecord, p_mw: float, q_mvar: float, vm_pu: float) -> tuple[float, float]:
    """What a load draws at a voltage."""
    shares = element.shares
    p = 1.0 + shares.p_current * (vm_pu - 1.0) + shares.p_impedance * (vm_pu**2 - 1.0)
    q = 1.0 + shares.q_current * (vm_pu - 1.0) + shares.q_impedance * (vm_pu**2 - 1.0)
    return p_mw * p, q_mvar * q


def _write(net: pandapowerNet, powers: list[ActingPower]) -> None:
    """Give elements their powers, in the sign of their own table."""
    for kind in sorted({element.kind for element, _, _ in powers}):
        some = [(element, p, q) for element, p, q in powers if element.kind == kind]
        index = [element.index for element, _, _ in some]
        sign = -1.0 if kind.endswith("sgen") else 1.0
        p, q = (sign * np.array([each[k] for each in some], dtype=np.float64) for k in (1, 2))
        balanced = not kind.startswith("asymmetric")
        columns = {"p_mw": p, "q_mvar": q} if balanced else {"p_a_mw": p, "q_a_mvar": q}
        if not balanced:  # the sum of the phases is what counts
            columns |= dict.fromkeys(("p_b_mw", "p_c_mw", "q_b_mvar", "q_c_mvar"), 0.0 * p)
        for name, values in (columns | {"scaling": np.ones(len(some))}).items():
            net[kind][name] = net[kind][name].astype(np.float64)
            net[kind].loc[index, name] = values


def compare(
    network: WholeNetwork,
    feeder: Feeder,
    rows: list[int],
    acting: Callable[[int], list[ActingPower]],
    p_mw: FloatArray,
    q_mvar: FloatArray,
    result: FlowResult,
) -> Agreement:
    """Solve some intervals again on the whole network and compare.

    Parameters
    ----------
    network : WholeNetwork
        The judge.
    feeder : Feeder
        The feeder.
    rows : list of int
        Which intervals.
    acting : callable
        Gives the elements that act in the interval of a row.
    p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
        What each bus draws at 1 pu.
    result : FlowResult
        What came out.
    """
    worst = dict.fromkeys(("vm_pu", "loading_percent", "p_slack_mw", "losses_mw"), NO_DIFFERENCE)
    differs = []
    for row in rows:
        taps = result.tap_positions[row].tolist()
        again = network.solve(acting(row), p_mw[row], q_mvar[row], result.vm_pu[row], taps)
        if again.converged[0] != result.converged[row]:
            differs.append(row)
        elif again.converged[0]:
            for name, found in _differences(feeder, result, row, again):
                worst[name] = max(worst[name], found, key=lambda each: each.value)
    return Agreement(tuple(rows), **worst, status_differs=tuple(differs))


def _differences(
    feeder: Feeder, result: FlowResult, row: int, again: FlowResult
) -> list[tuple[str, Difference]]:
    """Largest difference of each quantity of an interval."""
    tables = (
        ("vm_pu", "vm_pu", "bus", feeder.bus.index),
        ("loading_percent", "line_loading_percent", "line", feeder.line.index),
        ("loading_percent", "trafo_loading_percent", "trafo", feeder.trafo.index),
        ("loading_percent", "trafo3w_loading_percent", "trafo3w", feeder.trafo3w.index),
    )
    found = [
        (quantity, _apart(getattr(result, field)[row], getattr(again, field)[0], kind, index))
        for quantity, field, kind, index in tables
    ]
    for name in ("p_slack_mw", "losses_mw"):
        gap = abs(float(getattr(result, name)[row] - getattr(again, name)[0]))
        found.append((name, Difference(gap, "the whole network")))
    return found


def _apart(first: FloatArray, second: FloatArray, kind: str, index: NDArray[np.int64]) -> Difference:
    """The element that differs most; infinite where a number stands against none."""
    if not first.size:
        return NO_DIFFERENCE
    gap = np.abs(first - second)
    gap[np.isnan(first) & np.isnan(second)] = 0.0
    gap[np.isnan(first) != np.isnan(second)] = np.inf
    worst = int(gap.argmax())
    return Difference(float(gap[worst]), f"{kind} {index[worst]}")
