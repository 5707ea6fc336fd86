"""What a power flow gives, interval by interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cosim.grid.feeder import Feeder

FloatArray = NDArray[np.float64]

ROUTE_TYPE = "U12"
"""Room for the names of routes."""


@dataclass(frozen=True)
class FlowResult:
    """Results of T intervals; columns are in the order of the feeder's tables."""

    vm_pu: FloatArray
    """Voltage magnitude; NaN at buses without supply, and everywhere in an interval that did not converge.
    Shape (T, n_bus)."""
    line_loading_percent: FloatArray
    """Larger of the two ends' currents over the rated current; 0 for a line out of service between supplied
    buses, NaN for one without supply. Shape (T, n_line)."""
    trafo_loading_percent: FloatArray
    """Larger of the two sides' currents over the rated current; 0 and NaN as for lines. Shape (T,
    n_trafo)."""
    trafo3w_loading_percent: FloatArray
    """Largest of the three sides' currents over the rated current, of three-winding transformers. Shape (T,
    n_trafo3w)."""
    p_slack_mw: FloatArray
    q_slack_mvar: FloatArray
    """Power that all external grids together deliver, and the generators that stand for one (``slack``);
    negative when the feeder exports. Shape (T,)."""
    losses_mw: FloatArray
    """Active losses of lines, transformers and all other connections between buses. Shape (T,)."""
    status: NDArray[np.str_]
    """``converged``, ``diverged`` or ``skipped``. Shape (T,)."""
    cause: NDArray[np.object_]
    """Why an interval did not converge, or was not solved; empty otherwise. Shape (T,)."""
    residual_mva: FloatArray
    """Largest power that is unbalanced at any node, where inverters that follow the voltage count with what
    their characteristics say at the voltage that was solved; NaN where not converged. Shape (T,)."""
    route: NDArray[np.str_]
    """What solved it: ``zbus`` or ``runpp``, with ``_damped`` where inverters that follow the voltage would
    have made it oscillate; empty for what was not solved. Shape (T,)."""
    tap_positions: NDArray[np.int64]
    """Where the tap changers stood that act; none where there are none. Shape (T, n)."""
    of_copies_mw: FloatArray
    """What each copy of a feeder draws from the grid above, and what is lost in it. Shape (T, n_copies, 2);
    none where there is one feeder."""

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Intervals whose values stand, shape (T,)."""
        return np.asarray(self.status == "converged")

    @classmethod
    def empty(cls, n_interval: int, feeder: Feeder) -> FlowResult:
        """`n_interval` intervals of which nothing is known yet: NaN, ``skipped``."""
        return cls(
            np.full((n_interval, feeder.n_bus), np.nan),
            np.full((n_interval, len(feeder.line.index)), np.nan),
            np.full((n_interval, len(feeder.trafo.index)), np.nan),
            np.full((n_interval, len(feeder.trafo3w.index)), np.nan),
            np.full(n_interval, np.nan),
            np.full(n_interval, np.nan),
            np.full(n_interval, np.nan),
            np.full(n_interval, "skipped", dtype="U9"),
            np.full(n_interval, "", dtype=object),
            np.full(n_interval, np.nan),
            np.full(n_interval, "", dtype=ROUTE_TYPE),
            np.zeros((n_interval, 0), dtype=np.int64),
            np.zeros((n_interval, 0, 2)),
        )

    @classmethod
    def stacked(cls, results: Sequence[FlowResult]) -> FlowResult:
        """The intervals of several results, one after another."""
        return cls(
            *(np.concatenate([getattr(result, field.name) for result in results]) for field in fields(cls))
        )

    def rows(self, which: slice | NDArray[np.bool_]) -> FlowResult:
        """Some of the intervals."""
        return FlowResult(*(getattr(self, field.name)[which] for field in fields(self)))

    def put(self, rows: NDArray[np.intp] | slice, other: FlowResult) -> None:
        """Write the intervals of `other` into `rows`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)
