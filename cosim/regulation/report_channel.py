"""The way of the households' reports to the platform, which a fault can disturb."""

from __future__ import annotations

from collections.abc import Callable

from cosim.comms.network import Network
from cosim.core.message import PLATFORM
from cosim.regulation.heard_reports import Report
from cosim.regulation.message_kinds import REPORT

Distortion = Callable[[int, tuple[float, ...]], tuple[float, ...]]
"""From a household, and what it delivered of each resource, to what it reports."""


class ReportChannel:
    """Sends reports over the households' uplinks.

    Parameters
    ----------
    network : Network
        The links.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._distortions: list[Distortion] = []

    def disturb(self, distortion: Distortion) -> None:
        """Let all reports pass through `distortion` from now on, after those before it."""
        self._distortions.append(distortion)

    def report(self, household: int, step: int, delivered: tuple[float, ...], signal_step: int) -> None:
        """Report what was delivered in a step, as an answer to which signal."""
        for distort in self._distortions:
            delivered = distort(household, delivered)
        self._network.send("uplink", household, PLATFORM, REPORT, step, Report(delivered, signal_step))
