"""What a resource is, in few words, for readers who know its name alone."""

from __future__ import annotations

from cosim.devices.services import services
from cosim.regulation.schema import ResourceConfig


def resource_meaning(resource: ResourceConfig) -> str:
    """What is regulated: ``charging of electric vehicles``; empty where no device stands behind it."""
    return services()[resource.unit.service].brief if resource.unit.service else ""
