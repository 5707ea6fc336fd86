"""A feeder that is cut off from the grid above: another source holds the voltage, at one of its buses."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from cosim.core.errors import InputError, Problem, listed
from cosim.grid.grid_source import GridSource
from cosim.grid.schema import SupplyConfig

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

_HOLD_VOLTAGE = ("gen", "dcline", "xward", "vsc", "svc", "ssc")
"""Tables of elements, besides external grids, that hold a voltage of their own."""
_TRAFOS = ("trafo", "trafo3w")


def islanded(source: GridSource, supply: SupplyConfig, bus: int) -> GridSource:
    """The source of a network with its external grid at another bus.

    The way up is opened where it is: transformers whose high-voltage side stands at the external grid's bus
    are taken out of service, with that bus.

    Parameters
    ----------
    source : GridSource
        A network as it is taken in.
    supply : SupplyConfig
        Where the source stands, and its voltage.
    bus : int
        The index of its bus.

    Raises
    ------
    InputError
        If the network has a second supply, or nothing is left of it at the new one.
    """
    net = copy.deepcopy(source.net)
    above = net.ext_grid.index[net.ext_grid.in_service.to_numpy(bool)]
    others = [
        f"{len(rows)} in `{table}`"
        for table in _HOLD_VOLTAGE
        if table in net and len(rows := net[table].index[net[table].in_service.to_numpy(bool)])
    ]
    if len(above) != 1 or others:
        found = listed([f"{len(above)} external grids"] * (len(above) != 1) + others)
        message = f"the network has a second supply ({found}), and an island has one"
        remedy = "Take all but one external grid out of the network, or leave out grid.supply."
        raise InputError([Problem(message, remedy, "grid.supply")])
    bus_above = int(net.ext_grid.bus.at[above[0]])
    if bus == bus_above and any(len(net[table]) and (net[table].hv_bus == bus).any() for table in _TRAFOS):
        message = "this bus is above the feeder's transformer, where the grid that is cut off begins"
        remedy = "Name a bus of the low-voltage side."
        raise InputError([Problem(message, remedy, "grid.supply.bus", value=str(supply.bus))])
    _open_the_way_up(net, bus_above)
    net.ext_grid.loc[above[0], "bus"] = bus
    net.ext_grid.loc[above[0], "vm_pu"] = supply.vm_pu
    net.ext_grid.loc[above[0], "va_degree"] = 0.0
    return replace(source, given=net)


def _open_the_way_up(net: pandapowerNet, bus_above: int) -> None:
    """Take transformers that the external grid feeds out of service, and their bus."""
    for table in _TRAFOS:
        fed = net[table].index[net[table].hv_bus == bus_above]
        net[table].loc[fed, "in_service"] = False
        if len(fed):
            net.bus.loc[bus_above, "in_service"] = False
