"""What makes an aggregate of reports: how each counts, what is remembered of them, and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cosim.config.base import Model
from cosim.core.registry import Registry
from cosim.regulation.aggregates.reports import Heard, Missing


class Aggregate(Model):
    """A way from reports to Σ x of each resource; as it stands here, their plain sum.

    Attributes
    ----------
    needs_reports : bool
        Whether it does nothing where a meter measures the aggregate.
    """

    kind: str = ""
    needs_reports: ClassVar[bool] = True

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


AGGREGATES: Registry[Aggregate] = Registry("aggregate", Aggregate)
"""Aggregates by name."""
