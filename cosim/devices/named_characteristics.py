"""Characteristics of inverters as standards give them, by the names that a scenario uses.

Reactive power is drawn where positive, which is under-excited; the standards draw it the other way round.

References
----------
VDE-AR-N 4105:2018-11, "Erzeugungsanlagen am Niederspannungsnetz", 5.7.2: at most cos φ = 0.90 of plants above
4.6 kVA, and 0.95 of those up to that, as pandapower's `PQArea4105` has it too. Of its rating that is
sin(arccos 0.90) and sin(arccos 0.95) in reactive power. The corners of Q(U) at 0.93, 0.97, 1.03 and 1.07 of
the nominal voltage, and cos φ(P) that begins to fall at half of the power, are those of the grid profile
`DE_VDE4105_2018` of Hoymiles' inverters; the text of the rule was not before us. The network operator may
ask for other points.

IEEE Std 1547-2018, "Interconnection and Interoperability of Distributed Energy Resources", table 8 (voltage-
reactive power, categories A and B) and table 10 (voltage-active power): default settings. The power left by
the latter is 0.2 of the rating.
"""

from __future__ import annotations

import math

from cosim.core.inverters import Characteristic


def _drawn(cos_phi: float) -> float:
    """Reactive power at a rated apparent power, as a share of it."""
    return math.sqrt(1.0 - cos_phi**2)


def _four_corners(v: tuple[float, float, float, float], q: float) -> Characteristic:
    return Characteristic(v, (-q, 0.0, 0.0, q))


_VDE_VOLTAGES = (0.93, 0.97, 1.03, 1.07)

Q_OF_V = {
    "vde_ar_n_4105": _four_corners(_VDE_VOLTAGES, _drawn(0.90)),
    "vde_ar_n_4105_small": _four_corners(_VDE_VOLTAGES, _drawn(0.95)),
    "ieee_1547_a": Characteristic((0.9, 1.1), (-0.25, 0.25)),
    "ieee_1547_b": _four_corners((0.92, 0.98, 1.02, 1.08), 0.44),
}
"""Reactive power drawn, share of the rating, over the voltage, pu."""

COS_PHI_OF_P = {
    "vde_ar_n_4105": Characteristic((0.5, 1.0), (1.0, 0.90)),
    "vde_ar_n_4105_small": Characteristic((0.5, 1.0), (1.0, 0.95)),
}
"""cos φ over active power, share of the rating."""

P_OF_V = {"ieee_1547": Characteristic((1.06, 1.10), (1.0, 0.2))}
"""Most active power, share of the rating, over the voltage, pu."""
