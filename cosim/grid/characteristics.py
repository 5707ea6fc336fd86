"""Short-circuit voltages that depend on the tap position, as files of pandapower 2 give them.

There a transformer names a characteristic, an object that interpolates between points. The file is data, so
the object is not made; its points are read as numbers. Taps do not move in a run, and a position is nearly
always one of the points, where every way to interpolate gives the point itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cosim.core.errors import Problem
from cosim.grid.json_frames import Refusal, frame_body

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

_VOLTAGES = {
    "trafo": ("vk_percent", "vkr_percent"),
    "trafo3w": tuple(f"{kind}_{side}_percent" for kind in ("vk", "vkr") for side in ("hv", "mv", "lv")),
}


def apply_characteristics(net: pandapowerNet, characteristic: Any) -> Iterator[Problem]:
    """Put the values of the file's characteristics at the tap positions into `net`, which was just converted.

    Parameters
    ----------
    net : pandapowerNet
        A net of a file; where it has the column `tap_dependency_table`, pandapower 3 does not look at these.
    characteristic : object
        The entry ``characteristic`` of the file, as parsed; None where there is none.
    """
    for table, voltages in _VOLTAGES.items():
        rows = net[table]
        if "tap_dependency_table" in rows.columns:
            continue
        rows["tap_dependency_table"] = False
        if "tap_dependent_impedance" not in rows.columns:
            continue
        for index in rows.index[rows.tap_dependent_impedance.to_numpy(bool)]:
            position = float(rows.at[index, "tap_pos"])
            for column in voltages:
                label = (
                    rows.at[index, f"{column}_characteristic"] if f"{column}_characteristic" in rows else None
                )
                if not isinstance(label, int | float) and not hasattr(label, "__int__"):
                    continue
                points = _points(characteristic, label)
                if points.get(position) is None:
                    message = (
                        f"its {column} follows characteristic {label}, which has no point at the tap position"
                    )
                    remedy = "set tap_dependent_impedance to false, and give the value at this position"
                    yield Problem(message, remedy, f"{table}.{index}.{column}", value=f"{position:g}")
                else:
                    rows.loc[index, column] = points[position]
        rows["tap_dependent_impedance"] = False


def _points(characteristic: Any, label: Any) -> dict[float, float]:
    """The points of one characteristic; none where the file does not give them as numbers."""
    try:
        body = frame_body(characteristic, "")
        cell = body["data"][body["index"].index(int(label))][body["columns"].index("object")]
        inner = cell["_object"]
        inner = json.loads(inner) if isinstance(inner, str) else inner
        pairs = zip(inner["x_vals"], inner["y_vals"], strict=True)
        return {float(x): float(y) for x, y in pairs if type(x) in (int, float) and type(y) in (int, float)}
    except (Refusal, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return {}
