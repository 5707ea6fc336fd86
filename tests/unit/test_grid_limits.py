"""Limits: which intervals leave them, where, and for how many."""

from __future__ import annotations

import numpy as np

from cosim.config.network import VoltageAndLoadingLimits
from cosim.grid.limits import band_exceedance, extremes, find_violations

NAN = np.nan
VM = np.array([[1.0, 0.9, NAN], [0.89, 1.11, 1.0], [NAN, NAN, NAN], [1.1, 1.2, 1.2]])
LINE = np.array([[100.0, 5.0], [100.1, 101.0], [NAN, NAN], [0.0, 0.0]])
TRAFO = np.array([[99.0], [120.0], [NAN], [1.0]])


def test_violations() -> None:
    found = find_violations(VM, LINE, TRAFO, VoltageAndLoadingLimits())
    assert found.under_voltage.tolist() == [False, True, False, False]
    assert found.over_voltage.tolist() == [False, True, False, True]
    assert found.line_overload.tolist() == [False, True, False, False]
    assert found.trafo_overload.tolist() == [False, True, False, False]
    assert found.outside.tolist() == [False, True, False, True]
    assert found.buses_outside.tolist() == [0, 2, 0, 2]
    assert found.lines_overloaded.tolist() == [0, 2, 0, 0]
    assert found.trafos_overloaded.tolist() == [0, 1, 0, 0]
    assert found.worst_line.column.tolist() == [0, 1, -1, 0]
    np.testing.assert_array_equal(found.lowest_voltage.value, [0.9, 0.89, NAN, 1.1])
    assert found.lowest_voltage.column.tolist() == [1, 0, -1, 0]
    assert found.highest_voltage.column.tolist() == [0, 1, -1, 1]


def test_a_feeder_without_transformer_has_no_worst_one() -> None:
    none = extremes(np.empty((2, 0)), largest=True)
    assert np.isnan(none.value).all()
    assert none.column.tolist() == [-1, -1]


def test_band_exceedance_adds_up() -> None:
    whole = band_exceedance(VM, 0.9, 1.1)
    assert whole.below.tolist() == [1, 0, 0]
    assert whole.above.tolist() == [0, 2, 1]
    assert whole.known.tolist() == [3, 3, 2]
    parts = band_exceedance(VM[:1], 0.9, 1.1) + band_exceedance(VM[1:], 0.9, 1.1)
    assert parts.above.tolist() == whole.above.tolist()
    np.testing.assert_allclose(whole.share, [1 / 3, 2 / 3, 1 / 2])
    assert np.isnan(band_exceedance(VM[2:3], 0.9, 1.1).share).all()
