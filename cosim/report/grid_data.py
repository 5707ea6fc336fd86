"""Voltages and loadings of a run, boiled down while they are read: by interval or by day, and by element."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.report.long_series import MAX_POINTS, bin_width_ms, blocks, row_quantiles
from cosim.report.run_data import RunData, text_list

Array = NDArray[np.float64]
Times = NDArray[np.int64]

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


class Band(NamedTuple):
    """Quantiles over elements, and over the intervals of a day where the run is long."""

    time_ms: Times
    """Start of each interval, or the middle of each stretch. Shape (T,)."""
    quantiles: Array
    """Smallest, 5 %, median, 95 %, largest; NaN where nothing is known. Shape (T, 5)."""
    width_ms: int
    """Length of a stretch; 0 where each interval stands for itself."""


class ByElement(NamedTuple):
    """Extremes of each element over the run, arrays of shape (n,); NaN where nothing is known."""

    elements: list[int]
    """Index in the feeder."""
    low: Array
    high: Array
    """Smallest and largest value."""


def interval_starts(run: RunData) -> Times:
    """Start of each interval of the power flow."""
    return np.asarray(run.read("power_flow", ["time"])["time"]).astype(np.int64)


def voltage_band(run: RunData) -> tuple[Band, ByElement]:
    """Voltages over all buses, and the extremes of each bus; needs the table `bus_voltage`."""
    return run.remember("voltage", lambda: _voltages(run))


def _voltages(run: RunData) -> tuple[Band, ByElement]:
    buses = run.distinct("bus_voltage", "bus")
    width_ms = bin_width_ms(interval_starts(run), MAX_POINTS)
    times, rows = [], []
    low, high = np.full(len(buses), np.inf), np.full(len(buses), -np.inf)
    for time_ms, vm_pu in blocks(run, "bus_voltage", "bus", "vm_pu", buses, width_ms or 1):
        low, high = np.fmin(low, np.fmin.reduce(vm_pu)), np.fmax(high, np.fmax.reduce(vm_pu))
        if not width_ms:
            times.append(time_ms)
            rows.append(row_quantiles(vm_pu, QUANTILES))
            continue
        number = time_ms // width_ms
        for stretch in np.unique(number):
            times.append(np.array([stretch * width_ms + width_ms // 2]))
            rows.append(row_quantiles(vm_pu[number == stretch].reshape(1, -1), QUANTILES))
    band = Band(np.concatenate(times), np.concatenate(rows), width_ms)
    return band, ByElement(buses, _known(low), _known(high))


def _known(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


class Loadings(NamedTuple):
    """Loadings of lines or transformers, percent."""

    by_element: ByElement
    """Extremes of each."""
    largest: Array
    """The highest loading of each interval; NaN where it is not known. Shape (T,)."""
    busiest: dict[int, Array]
    """The elements with the highest loadings, the highest first, over all intervals. Shape (T,)."""


def loadings(run: RunData, kind: str, n_busiest: int) -> Loadings:
    """Loadings of all elements of a kind; needs the table ``<kind>_loading``.

    Parameters
    ----------
    run : RunData
        The run.
    kind : {"line", "trafo", "trafo3w"}
        Which table.
    n_busiest : int
        How many elements to follow over time.
    """
    return run.remember(f"{kind} {n_busiest}", lambda: _loadings(run, kind, n_busiest))


def _loadings(run: RunData, kind: str, n_busiest: int) -> Loadings:
    elements = run.distinct(f"{kind}_loading", kind)
    low, high = np.full(len(elements), np.inf), np.full(len(elements), -np.inf)
    largest = []
    for _, percent in blocks(run, f"{kind}_loading", kind, "loading_percent", elements):
        low, high = np.fmin(low, np.fmin.reduce(percent)), np.fmax(high, np.fmax.reduce(percent))
        largest.append(np.fmax.reduce(percent, axis=1))
    order = np.argsort(-np.where(np.isfinite(high), high, -np.inf), kind="stable")[:n_busiest]
    picked = [
        percent[:, order] for _, percent in blocks(run, f"{kind}_loading", kind, "loading_percent", elements)
    ]
    followed = np.concatenate(picked)
    busiest = {int(elements[column]): followed[:, place] for place, column in enumerate(order)}
    return Loadings(ByElement(elements, _known(low), _known(high)), np.concatenate(largest), busiest)


def unsolved(run: RunData) -> Times:
    """Start of each interval whose power flow did not converge."""
    table = run.read("power_flow", ["time", "status"])
    status = np.array(text_list(table["status"]))
    return np.asarray(table["time"][status != "converged"])
