"""What a mitigation is: one interface for each of the three troubles it can be against.

A base class of them does nothing by itself, and stands for a platform that has no such mitigation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.registry import Registry, refused
from cosim.regulation.gain_schema import GainMargin
from cosim.regulation.heard_reports import Heard, Missing
from cosim.regulation.mixture_stability import mixture_stability_limit
from cosim.regulation.predictor import SentSignals
from cosim.regulation.stability import stability_limit


class Loop(NamedTuple):
    """A community's loop as it is designed, for what begins with it."""

    loop_gains: tuple[float, ...]
    """G of each resource, units per signal."""
    delay_steps: float
    """d, from phases and mean latencies, steps."""
    margins: tuple[GainMargin | None, ...]
    """How the gain of each resource is given, where it is no number."""


UNKNOWN_LOOP = Loop((), math.nan, ())
"""Of a platform that does nothing against its delay."""


class LoopState(Protocol):
    """What a platform remembers of its loop; a mitigation may change `gains`, `delays` and `sent`."""

    signals: tuple[float, ...]
    signal_step: int
    members: list[int]
    gains: tuple[float, ...]
    delays: list[float]
    sent: SentSignals


class Mitigation(Model):
    """What a platform does against one trouble of its community; each derives from one of the three below."""

    kind: str = ""
    against: ClassVar[str] = ""
    """The trouble, in words."""
    each_resource: ClassVar[tuple[str, ...]] = ()
    """Keys that may list a value for each resource."""

    @property
    def needs_reports(self) -> bool:
        """Whether it can do nothing where a meter measures the aggregate."""
        return True


class AgainstDelay(Mitigation):
    """Against signals that are answered late."""

    against: ClassVar[str] = "delay"

    def stable_product(self, resource: int, loop_gain: float, delay_steps: float) -> float:
        """Largest stable τG of one resource, with the same delay for all households.

        Parameters
        ----------
        resource : int
            Position of the resource.
        loop_gain : float
            G, units per signal.
        delay_steps : float
            d, as estimated or given, steps.
        """
        return stability_limit(delay_steps)

    def stable_product_of_all(
        self, resource: int, loop_gain: float, delays_steps: NDArray[np.float64]
    ) -> float:
        """The same with the delay of each household, shape (n,), steps."""
        return mixture_stability_limit(delays_steps)

    def first_delays(self, loop: Loop) -> list[float]:
        """The delay that is measured of each resource's loop, before the first tick, steps; NaN for none."""
        return [math.nan] * len(loop.loop_gains)

    def corrected(
        self,
        measured: tuple[float, ...],
        step: int,
        state: LoopState,
        loop: Loop,
        answered: Callable[[], list[int]],
        missing: Missing,
    ) -> tuple[float, ...]:
        """What a tick integrates instead of what it measured.

        Parameters
        ----------
        measured : tuple of float
            The aggregate of each resource, units.
        step : int
            The tick's number.
        state : LoopState
            What the platform remembers.
        loop : Loop
            As designed.
        answered : callable
            Number of the signal that each report answers which the aggregate is made from.
        missing : {"hold_last", "zero", "scale"}
            What stands for a report that did not arrive.
        """
        return measured


class AgainstLostSignals(Mitigation):
    """Against signals that do not arrive."""

    against: ClassVar[str] = "lost signals"

    @property
    def needs_reports(self) -> bool:
        """No."""
        return False

    def sent_again_ms(self) -> Sequence[int]:
        """When within its step a signal is sent again, ms after the tick; rising."""
        return ()


class AgainstFalseReports(Mitigation):
    """Against reports that are wrong: from reports to Σ x of each resource; as it stands here, their sum."""

    against: ClassVar[str] = "false reports"

    @property
    def weight(self) -> float:
        """Weight of the newest report in each household's running means; 0 where none are kept."""
        return 0.0

    def counted(self, delivered: Sequence[float]) -> Sequence[float]:
        """What a report counts as."""
        return delivered

    def sums(
        self,
        reports: Heard,
        members: Sequence[int],
        means: Sequence[Sequence[float]],
        n_resources: int,
        missing: Missing,
    ) -> list[float]:
        """Σ x of each resource.

        Parameters
        ----------
        reports : Heard
            What was heard; not changed.
        members : sequence of int
            Who takes part, in order.
        means : sequence of sequence of float
            Running means of every household's reports; empty where none are kept.
        n_resources : int
            m.
        missing : {"hold_last", "zero", "scale"}
            What stands for a household of which nothing arrived.
        """
        return reports.sums(members, n_resources, missing)


TROUBLES: tuple[type[Mitigation], ...] = (AgainstDelay, AgainstLostSignals, AgainstFalseReports)
"""What a mitigation can be against; a platform has at most one against each."""


def _is_against_something(name: str, cls: type[Mitigation]) -> None:
    if not issubclass(cls, TROUBLES):
        message = f"the mitigation '{name}' does not say what it is against"
        bases = ", ".join(trouble.__name__ for trouble in TROUBLES)
        raise refused(cls, message, f"Derive the class from one of {bases}.")


MITIGATIONS: Registry[Mitigation] = Registry("mitigation", Mitigation, welcome=_is_against_something)
"""Mitigations by name."""
