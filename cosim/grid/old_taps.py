"""Phase shifters of files before pandapower 3, whose flag the conversion to version 3 does not look at.

Before version 3, `tap_phase_shifter` said that a tap changer turns the angle alone, by `tap_step_degree` or,
where that was missing, by `tap_step_percent`. The conversion goes by the steps, and makes a ratio of the
latter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

_TABLES = ("trafo", "trafo3w")


def keep_phase_shifters(net: pandapowerNet) -> dict[tuple[str, str], pd.Index]:
    """The elements that say that they are ideal phase shifters, by table and tap changer.

    Columns of steps that one version did not have are added: the conversion asks for both.
    """
    shifters = {}
    for table in _TABLES:
        rows = net[table]
        for old, tap in (("tp", "tap"), ("tap", "tap"), ("tap2", "tap2")):
            flag = f"{old}_phase_shifter"
            if flag in rows.columns:
                shifters[table, tap] = rows.index[rows[flag].to_numpy(bool)]
            steps = (f"{old}_step_percent", f"{old}_step_degree")
            if old != "tp" and any(step in rows.columns for step in steps):
                for step in steps:
                    if step not in rows.columns:
                        rows[step] = np.nan
    return shifters


def name_phase_shifters(net: pandapowerNet, shifters: dict[tuple[str, str], pd.Index]) -> None:
    """Make those of a converted net ideal phase shifters which said that they are."""
    for (table, tap), index in shifters.items():
        if len(index) and f"{tap}_changer_type" in net[table].columns:
            net[table].loc[index, f"{tap}_changer_type"] = "Ideal"
