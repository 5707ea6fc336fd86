"""Households on a feeder: each is given its place."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.grid.background import Background
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.subsystem import PowerGrid
from cosim.households.ownership import Owned
from cosim.households.placement import Placement, place
from cosim.households.source_account import account_of


def connect(
    owned: Sequence[Owned], brings_load: bool, grid: PowerGrid, context: Context
) -> tuple[Placement, list[Problem]]:
    """Put the households on the feeder.

    Parameters
    ----------
    owned : sequence of mapping
        What each household has.
    brings_load : bool
        Whether they have load besides that of their group.
    grid : PowerGrid
        The feeder, which is connected then.
    context : Context
        The run.

    Returns
    -------
    Placement
        Where they are.
    list of Problem
        What of the feeder's own elements is not taken as it is.

    Raises
    ------
    InputError
        If the households do not fit.
    """
    config, feeder, population = grid.config, grid.feeder, context.population
    placement = place(owned, population, config, feeder, context.streams)
    entries, missed = account_of(owned, brings_load, config, population, feeder, placement, grid.limits)
    switched_off = placement.background if config.background == "none" else ()
    grid.connected = ConnectedFeeder(
        config=config,
        feeder=feeder,
        power_flow=grid.power_flow,
        buses=placement.buses,
        columns=feeder.bus_positions(placement.buses),
        limits=grid.limits,
        background=Background(
            feeder, placement.background, config, context.time.start, context.time.n_intervals
        ),
        silent=(*placement.taken, *switched_off),
        tap_changers=grid.tap_changers,
        account=entries,
    )
    return placement, missed
