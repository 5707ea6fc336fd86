"""What is wrong with a local firm: beside its own keys, with its grid, its households and its communities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, count, suggest
from cosim.firm.capacities import set_capacities
from cosim.firm.schema import ConnectedFirm, IsolatedFirm
from cosim.grid.feeder import Feeder
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households.schema import HouseholdsConfig
from cosim.households.subsystem import Households
from cosim.regulation.schema import CommunityConfig


def firm_problems(
    firm: ConnectedFirm | IsolatedFirm | None,
    groups: Sequence[HouseholdsConfig],
    communities: Sequence[CommunityConfig],
    grid: GridConfig | None,
    has_market: bool,
    context: Context,
) -> Iterator[Problem]:
    """Everything that the configuration alone can tell.

    Parameters
    ----------
    firm : ConnectedFirm, IsolatedFirm or None
        The firm.
    groups, communities, grid
        What is around it.
    has_market : bool
        Whether households also trade in the energy-value market.
    context : Context
        The run.
    """
    yield from _capacity_problems(firm, communities, context)
    if grid is not None and grid.supply is not None and not isinstance(firm, IsolatedFirm):
        message = "the feeder is cut off from the grid above, and nothing there gives energy"
        remedy = "Add `firm: {kind: isolated, ...}`, or leave out grid.supply."
        yield context.problem("grid.supply", message, remedy)
    if firm is None:
        return
    if not groups:
        message = "a firm without households has nobody to serve"
        yield context.problem("firm", message, "Add groups.")
    if has_market:
        message = "the firm and the energy-value market would both bill the households"
        yield context.problem("firm", message, "Leave out `firm` or `energy_value`.")
    if isinstance(firm, IsolatedFirm):
        yield from _island_problems(firm, groups, grid, context)


def _capacity_problems(
    firm: ConnectedFirm | IsolatedFirm | None, communities: Sequence[CommunityConfig], context: Context
) -> Iterator[Problem]:
    for each in set_capacities(communities):
        path = f"communities.{each.community}.resources.{each.resource}.capacity"
        if firm is None:
            message = "a capacity that a firm sets, in a scenario without one"
            yield context.problem(path, message, "Add `firm:`, or another capacity.")
        elif firm.battery is None:
            message = "a capacity that follows the firm's battery, and the firm has none"
            yield context.problem(path, message, "Add `firm.battery`, or another capacity.")


def _island_problems(
    firm: IsolatedFirm, groups: Sequence[HouseholdsConfig], grid: GridConfig | None, context: Context
) -> Iterator[Problem]:
    if grid is None:
        message = "an island is a feeder whose voltage the firm holds, and there is no grid"
        yield context.problem("firm.kind", message, "Add `grid:` with `supply: {bus: ...}`.", firm.kind)
        return
    if grid.supply is None:
        message = "an island with a second supply: the feeder is still connected to the grid above"
        remedy = (
            "Say where the firm is connected instead: `grid.supply: {bus: ...}`; or `firm.kind: connected`."
        )
        yield context.problem("grid", message, remedy)
    if grid.tap_changers or grid.run_control:
        message = "tap changers belong to the transformer that an island is cut off from"
        path = "grid.tap_changers" if grid.tap_changers else "grid.run_control"
        yield context.problem(path, message, "Leave them out.")
    known = [group.name for group in groups]
    for key in ("unserved_first", "curtailed_first"):
        listed = getattr(firm, key)
        for position, name in enumerate(listed):
            path = f"firm.{key}.{position}"
            if name not in known:
                remedy = suggest(name, known) or "Define it under groups."
                yield context.problem(path, "there is no group of this name", remedy, name)
            elif name in listed[:position]:
                yield context.problem(path, "this group is named twice", "Name it once.", name)
    for number, group in enumerate(groups):
        for kind, device in group.devices.items():
            if device.draws_by_itself():
                message = "an island cannot switch this off when energy is short"
                remedy = "Leave it out; a battery that stores only its household's surplus may stay."
                yield context.problem(f"groups.{number}.{kind}", message, remedy)


def built_problems(
    firm: ConnectedFirm | IsolatedFirm, households: Households, grid: PowerGrid | None, context: Context
) -> Iterator[Problem]:
    """What is wrong as far as the feeder and the devices of households tell."""
    if isinstance(firm, ConnectedFirm) and grid is not None:
        try:
            bus_of(firm, grid.feeder)
        except InputError as error:
            yield from error.problems
    controlled = households.generation
    if controlled is not None and (isinstance(firm, IsolatedFirm) or households.waits_for_voltages):
        does = "curtails" if isinstance(firm, IsolatedFirm) else "works with what meters show"
        message = f"the firm {does} before voltages are known, and inverters with a control wait for them"
        yield context.problem("firm.kind", message, "Leave out `pv.control`.", firm.kind)
    if isinstance(firm, IsolatedFirm) and grid is not None and grid.config.background != "none":
        left = len(households.placement.background)
        if left:
            message = f"the feeder has {count(left, 'element')} of its own that no household took, and an "
            message += "island must know which load it may leave unserved"
            remedy = "Set `grid.background: none`, or add households."
            yield context.problem("grid.background", message, remedy)


def bus_of(firm: ConnectedFirm, feeder: Feeder) -> int:
    """The bus where a firm's battery and generator stand.

    By default the first below the transformer, or the supply's own where there is none.

    Raises
    ------
    InputError
        If the feeder has no such bus.
    """
    if firm.bus is not None:
        return feeder.resolve_bus(firm.bus, "firm.bus")
    depth = np.where(feeder.bus.tree.distance_km == 0, feeder.bus.tree.depth, -1)
    return int(feeder.bus.index[int(np.argmax(depth))])
