"""Loads whose power follows the voltage: S(V) = S_p + S_i |V| + S_z |V|², by pandapower's ``const_*`` shares.

At 1 pu a load draws its nominal power whatever its shares are. So a bus draws what its elements have as
nominal powers, plus S_i (|V| − 1) + S_z (|V|² − 1) of those that depend on the voltage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]

SHARES = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")
"""Columns of ``net.load``: percent of p_mw and q_mvar at constant impedance and at constant current."""


@dataclass(frozen=True)
class VoltageShares:
    """Which fractions of a load's power follow the voltage."""

    p_impedance: float = 0.0
    p_current: float = 0.0
    """Fraction of the active power at constant impedance (follows |V|²) and at constant current (|V|)."""
    q_impedance: float = 0.0
    q_current: float = 0.0
    """The same of the reactive power."""

    def __bool__(self) -> bool:
        """Whether anything follows the voltage."""
        return any((self.p_impedance, self.p_current, self.q_impedance, self.q_current))


CONSTANT_POWER = VoltageShares()


def shares_of(row: dict[Any, Any]) -> VoltageShares:
    """The shares that a row of ``net.load`` gives."""
    percent = [float(row.get(column, 0.0)) for column in SHARES]
    return VoltageShares(*(value / 100 for value in percent))


@dataclass(frozen=True)
class DependentPower:
    """The powers of T intervals that follow the voltage, at 1 pu, in load convention."""

    columns: NDArray[np.int64]
    """Columns of the buses that have any. Shape (n,)."""
    p_impedance_mw: FloatArray
    p_current_mw: FloatArray
    q_impedance_mvar: FloatArray
    q_current_mvar: FloatArray
    """Their parts at constant impedance and at constant current. Shape (T, n)."""

    def rows(self, which: Any) -> DependentPower:
        """The intervals `which` alone."""
        return DependentPower(self.columns, *(part[which] for part in self.parts))

    @property
    def parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The four powers."""
        return self.p_impedance_mw, self.p_current_mw, self.q_impedance_mvar, self.q_current_mvar

    def drawn(self, p_mw: FloatArray, q_mvar: FloatArray, vm_pu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What the buses draw at their voltages.

        Parameters
        ----------
        p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
            What they would draw at 1 pu.
        vm_pu : ndarray of float64, shape (T, n_bus)
            Their voltages.

        Returns
        -------
        p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
            NaN where a power that follows the voltage meets none.
        """
        return self._changed(p_mw, q_mvar, vm_pu, 1.0)

    def at_1_pu(
        self, p_mw: FloatArray, q_mvar: FloatArray, vm_pu: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """What the buses would draw at 1 pu, from what they draw at their voltages: back from `drawn`."""
        return self._changed(p_mw, q_mvar, vm_pu, -1.0)

    def _changed(
        self, p_mw: FloatArray, q_mvar: FloatArray, vm_pu: FloatArray, sign: float
    ) -> tuple[FloatArray, FloatArray]:
        vm = vm_pu[:, self.columns]
        p, q = p_mw.copy(), q_mvar.copy()
        p[:, self.columns] += sign * change(vm, self.p_impedance_mw, self.p_current_mw)
        q[:, self.columns] += sign * change(vm, self.q_impedance_mvar, self.q_current_mvar)
        return p, q


def change(vm_pu: FloatArray, impedance: FloatArray, current: FloatArray) -> FloatArray:
    """What voltage-dependent powers draw beyond what they draw at 1 pu."""
    away = vm_pu - 1.0
    return np.asarray(away * (current + impedance * (vm_pu + 1.0)))


def stack(rows: list[DependentPower | None]) -> DependentPower | None:
    """Single intervals as one; None where none has anything."""
    some = [row for row in rows if row is not None]
    if not some:
        return None
    parts = zip(*(row.parts for row in some), strict=True)
    return DependentPower(some[0].columns, *(np.concatenate(part) for part in parts))


def share_problems(net: pandapowerNet) -> Iterator[Problem]:
    """Shares that are no fractions of a whole, of loads in service."""
    loads = net.load[net.load.in_service.astype(bool)]
    for column in [column for column in SHARES if column in loads]:
        values = loads[column].to_numpy(np.float64, na_value=np.nan)
        for index in loads.index[~((values >= 0) & (values <= 100))]:
            remedy = "give 0 for a load of constant power"
            message = f"{column} must be from 0 to 100"
            value = str(loads.at[index, column])
            yield Problem(message, remedy, f"load.{index}.{column}", value=value)
    for part in ("p", "q"):
        pair = [f"const_z_{part}_percent", f"const_i_{part}_percent"]
        if not set(pair) <= set(loads.columns):
            continue
        total = loads[pair].to_numpy(np.float64, na_value=np.nan).sum(axis=1)
        for index in loads.index[total > 100]:
            message = f"{pair[0]} and {pair[1]} are more than 100 together"
            yield Problem(message, "correct one of them", f"load.{index}.{pair[0]}")


def mixed_node_warnings(net: pandapowerNet) -> list[Problem]:
    """Where pandapower would not take each load's shares for itself.

    ``runpp`` takes the plain mean of the shares of all loads at a bus, whatever their powers, and applies it
    to all that is connected there, generators and storages included (pandapower 3.5, ``build_bus.py`` and
    ``makeSbus.py``). Here each load follows its own.
    """
    return [
        Problem(
            "its power follows the voltage, and elements at its node have other shares; here each "
            f"follows its own; pandapower's runpp applies the loads' mean share to each of the {n}",
            "Give it a bus of its own to compare with runpp.",
            f"load.{index}",
            severity="warning",
        )
        for index, n in mixed_loads(net).items()
    ]


def mixed_loads(net: pandapowerNet) -> dict[int, int]:
    """Loads with shares at a node where elements with other shares stand, and how many elements it has."""
    at_node: dict[int, list[tuple[int | None, tuple[float, ...]]]] = {}
    node = node_of_bus(net)
    for kind in ("load", "sgen", "storage", "asymmetric_load", "asymmetric_sgen", "motor", "ward", "xward"):
        table = net[kind]
        for index, row in zip(table.index, table.to_dict("records"), strict=True):
            if row["in_service"]:
                shares = tuple(float(row.get(column, 0.0)) for column in SHARES)
                own = int(index) if kind == "load" and any(shares) else None
                at_node.setdefault(node[int(row["bus"])], []).append((own, shares))
    return {
        own: len(there)
        for there in at_node.values()
        for own, shares in there
        if own is not None and any(other != shares for _, other in there)
    }


def node_of_bus(net: pandapowerNet) -> dict[int, int]:
    """A number for each bus, the same for buses that closed switches without impedance make one."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    index = net.bus.index.to_numpy()
    position = {int(bus): k for k, bus in enumerate(index)}
    closed = net.switch[(net.switch.et == "b") & net.switch.closed.astype(bool)]
    if "z_ohm" in closed:
        closed = closed[~(closed.z_ohm.fillna(0) > 0)]
    first = [position[int(bus)] for bus in closed.bus]
    second = [position[int(bus)] for bus in closed.element]
    joined = csr_matrix((np.ones(len(first)), (first, second)), shape=(len(index), len(index)))
    label = connected_components(joined, directed=False)[1]
    return {int(bus): int(node) for bus, node in zip(index, label, strict=True)}
