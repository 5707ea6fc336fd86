"""Heated buildings over a year against heat pumps that were measured.

Fraunhofer ISE's field study *WP-QS im Bestand* (Günther et al., final results of November 2025): 77 heat
pumps in houses of one to three families in Germany, four years. Heat over electricity in a year was 2.6 to
5.4; in the mean 3.4 of those that take it from the air, 4.3 of those that take it from the ground.

Simultaneity: J. Love et al., "The addition of heat pump electricity load profiles to GB electricity demand",
Applied Energy 204 (2017): 1.7 kW a pump at the common peak of nearly 700 pumps; VITO (arXiv:2409.18105):
1.2 kW a pump at the peak of 40 Flemish connections.
"""

from __future__ import annotations

import numpy as np
import pytest

from cosim.devices.heat_pump import COPS
from cosim.devices.heat_pump_at_work import InstalledHeatPump, Pump
from cosim.devices.heat_store import Building, HeatedBuilding

HOUR_MS, N_HOURS = 3_600_000, 8760
GROUND_C = 10.0
HOURS = np.arange(N_HOURS)
OUTDOOR_C = (
    10.0 - 10.0 * np.cos(2 * np.pi * HOURS / N_HOURS) + 4.0 * np.cos(2 * np.pi * (HOURS % 24 - 15) / 24)
)
"""A year in the likeness of Germany's: 10 °C in the mean, 0 in January, 20 in July, 4 K up and down a day."""


def year(source: str, flow_c: float) -> tuple[float, float, np.ndarray]:
    """Heat over electricity, hours of cold, and the hourly electrical energy of a home that loses 150 W/K."""
    from_c = OUTDOOR_C if source == "air" else np.full(N_HOURS, GROUND_C)
    building = Building(1 / 0.15, 10.0, OUTDOOR_C, COPS[source](flow_c - from_c), HOUR_MS)
    pump = InstalledHeatPump(Pump(4.0, 0.0, True, HOUR_MS), HeatedBuilding(building, 20.0, 1.0))
    taken_kwh = np.array([pump.step((hour + 1) * HOUR_MS, 1.0, 0.0) for hour in range(N_HOURS)])
    flows = dict(zip(pump.metered, pump.close(), strict=True))
    return flows["heat_kwh"] / taken_kwh.sum(), flows["cold_h"], taken_kwh


@pytest.mark.parametrize(
    ("source", "radiators", "measured", "floor"), [("air", 2.57, 3.4, 3.66), ("ground", 3.94, 4.3, 5.48)]
)
def test_what_was_measured_lies_between_radiators_and_the_floor(
    source: str, radiators: float, measured: float, floor: float
) -> None:
    """Heat over electricity of a year, with flows of 50 and of 35 °C; the numbers of docs/devices.md."""
    found = [year(source, flow_c)[0] for flow_c in (50.0, 35.0)]
    assert found == pytest.approx([radiators, floor], abs=0.01)
    assert found[0] < measured < found[1]


def common_peak_kw(flow_c: tuple[float, float], n_pumps: int = 100) -> tuple[float, float]:
    """What each of many pumps draws at their common peak in the coldest week, kW, and that over the mean of
    their own peaks; homes lose 100 to 200 W/K and are held at 19 to 22 °C."""
    outdoor_c, draws = OUTDOOR_C[: 7 * 24], np.random.default_rng(1)
    taken_kwh = []
    for _ in range(n_pumps):
        loss, set_point_c, flow = (draws.uniform(*ends) for ends in ((0.1, 0.2), (19.0, 22.0), flow_c))
        building = Building(1 / loss, 10.0, outdoor_c, COPS["air"](flow - outdoor_c), HOUR_MS)
        pump = InstalledHeatPump(Pump(4.0, 0.0, True, HOUR_MS), HeatedBuilding(building, set_point_c, 1.0))
        taken_kwh.append([pump.step((hour + 1) * HOUR_MS, 1.0, 0.0) for hour in range(len(outdoor_c))])
    each = np.array(taken_kwh)
    peak_kw = each.mean(axis=0).max()
    return peak_kw, peak_kw / each.max(axis=1).mean()


def test_a_hundred_pumps_peak_as_high_as_measured_ones() -> None:
    """At -4 °C, between the 1.2 kW of Flanders and the 1.7 kW of Britain; floors below, radiators above.

    All follow the weather alone, so all peak at once: of the measured diversity of the hours of running,
    buildings have none.
    """
    mixed_kw, simultaneity = common_peak_kw((35.0, 50.0))
    assert 1.2 < mixed_kw < 1.7
    assert simultaneity == pytest.approx(1.0, abs=1e-6)
    floor_kw, radiators_kw = (common_peak_kw((flow_c, flow_c))[0] for flow_c in (35.0, 50.0))
    assert [floor_kw, mixed_kw, radiators_kw] == pytest.approx([1.22, 1.45, 1.75], abs=0.01)
    assert floor_kw < 1.7 < radiators_kw


def test_demand_follows_the_degrees_below_the_set_point() -> None:
    """Nine tenths of a year's energy are taken below 12 °C outside, and nobody is cold at 4 kW."""
    _, cold_h, taken_kwh = year("air", 35.0)
    assert cold_h == 0
    degree_hours = np.maximum(20.0 - OUTDOOR_C, 0.0).sum()
    assert 0.15 * degree_hours == pytest.approx(13_400, rel=0.05)
    assert taken_kwh[OUTDOOR_C < 12].sum() / taken_kwh.sum() == pytest.approx(0.9, abs=0.05)
    assert taken_kwh.max() < 1.4
