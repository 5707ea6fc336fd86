"""Which household has which device, where only a share of its group has one.

Who does is a rank, drawn by the seed for each household and kind of device: whoever has a device at a share
of 0.3 has it at 0.4, too, and with the same parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cosim.core.context import Context
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.devices.interface import DEVICES, Device
from cosim.households.schema import HouseholdsConfig

Owned = Mapping[str, Device]
"""What a household has, by kind."""


def owned_devices(groups: Sequence[HouseholdsConfig], context: Context) -> list[Owned]:
    """What each household has, in the order of their numbers."""
    owned: list[Owned] = []
    for group, config in zip(context.population.groups, groups, strict=True):
        devices = config.devices
        partly = {
            kind: owners(device.share, kind, group, context.streams)
            for kind, device in devices.items()
            if device.share < 1
        }
        if not partly:
            owned += [devices] * len(group.members)
            continue
        owned += [
            {kind: each for kind, each in devices.items() if household in partly.get(kind, group.members)}
            for household in group.members
        ]
    return owned


def owners(share: float, kind: str, group: Group, streams: Streams) -> frozenset[int]:
    """The households of a group that have a kind of device: `share` of them, to the nearest whole number."""
    ranks = streams.field(f"household/{kind}.share").row(0, group.last)[group.first :]
    n_owners = math.floor(share * len(ranks) + 0.5)
    chosen = np.argsort(ranks, kind="stable")[:n_owners]
    return frozenset((group.first + chosen).tolist())


def standing_for(owned: Owned, table: str) -> list[Device]:
    """The devices with which a household stands for the feeder's own elements of `load` or `sgen`."""
    return [device for kind, device in owned.items() if DEVICES[kind].stands_for == table]
