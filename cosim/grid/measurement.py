"""What the feeder's own meter measures of a power flow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.flow_result import FlowResult


class FeederReading(NamedTuple):
    """Extremes over the feeder in one interval; NaN where the power flow did not converge."""

    vm_min_pu: float
    vm_max_pu: float
    """Lowest and highest voltage of any bus, pu."""
    loading_max_percent: float
    """Highest loading of any line or transformer, %."""


def read_feeder(flow: FlowResult, loading_factor: NDArray[np.float64]) -> FeederReading:
    """The reading of the first interval of a solved block.

    Parameters
    ----------
    flow : FlowResult
        The power flows.
    loading_factor : ndarray
        What the loading of each line and transformer is multiplied by to be of its own limit.
    """
    loadings = (flow.line_loading_percent[0], flow.trafo_loading_percent[0], flow.trafo3w_loading_percent[0])
    if not flow.converged[0]:
        return FeederReading(float("nan"), float("nan"), float("nan"))
    # Without any line or transformer nothing is loaded.
    largest = np.nanmax(np.concatenate(loadings) * loading_factor, initial=0.0)
    return FeederReading(float(np.nanmin(flow.vm_pu[0])), float(np.nanmax(flow.vm_pu[0])), float(largest))
