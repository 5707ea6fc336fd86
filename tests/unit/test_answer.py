"""The sentences that a run begins and ends with, from its numbers, its scenario and its elements' names."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.engine.answer import answer, worst_of
from cosim.engine.moment import Metered, Moment
from cosim.engine.scenario import Scenario
from cosim.faults.aftermath import Aftermath
from cosim.grid.named_elements import Element

FEEDER = {("trafo", 0): Element("T1", {"trafo_overload": 100.0}, 250.0),
          ("bus", 7): Element("", {"voltage_low": 0.9, "voltage_high": 1.1}),
          ("line", 3): Element("Main\x1b[31m", {"line_overload": 80.0})}  # fmt: skip
SOLVED = {"intervals": 96, "intervals_outside_limits": 0, "intervals_diverged": 0, "intervals_skipped": 0}


def scenario(**more: Any) -> Scenario:
    content = {"name": "s", "time": {"start": "2016-07-04T00:00:00Z", "duration_h": 24, "step_s": 900}}
    grid = {"grid": {"network": "kerber_dorfnetz", "interval_min": 15}}
    return Scenario.model_validate(content | grid | more)


def most_used(key: str, table: str, index: int, use: float, hours: float, n: int = 0) -> dict[str, Any]:
    return {f"{key}_intervals": n, f"{key}_use_max": use, f"{key}_use_max_{table}": index,
            f"{key}_use_max_time_h": hours}  # fmt: skip


LINE = most_used("line_overload", "line", 3, 0.5, 2)
TRAFO = most_used("trafo_overload", "trafo", 0, 0.429, 18.75)
OVERLOADED = most_used("trafo_overload", "trafo", 0, 1.425, 18.75, 2)
HIGHER = most_used("voltage_high", "bus", 7, 0.95, 12.25)
HIGH = most_used("voltage_high", "bus", 7, 1.01, 12.25, 3)
LOW = most_used("voltage_low", "bus", 7, 0.9375, 19)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (SOLVED | LINE | LOW,
         "The feeder kept its limits in all 96 power-flow intervals of 15 min; nearest to a limit: line "
         "Main\\x1b[31m (40 %, limit 80 %) on 2016-07-04 02:00 UTC, next bus 7 (0.9600 pu, 40 % of the way "
         "from the middle of its band to the limit, 0.9000 pu) on 2016-07-04 19:00 UTC."),
        (SOLVED | TRAFO | HIGHER,
         "The feeder kept its limits in all 96 power-flow intervals of 15 min; nearest to a limit: bus 7 "
         "(1.0450 pu, 45 % of the way from the middle of its band to the limit, 1.1000 pu) on 2016-07-04 "
         "12:15 UTC, next transformer T1 (42.9 % by current, limit 100 % of 250 kVA) on 2016-07-04 18:45 "
         "UTC."),
        (SOLVED | HIGH | OVERLOADED | LINE | {"intervals_outside_limits": 15},
         "The feeder was outside its limits in 15 of 96 power-flow intervals of 15 min (15.6 %, 3.75 h): "
         "transformer overloaded in 2, worst at transformer T1 (142.5 % by current, limit 100 % of 250 kVA) "
         "on 2016-07-04 18:45 UTC; voltage too high in 3, worst at bus 7 (1.1110 pu, limit 1.1000 pu) on "
         "2016-07-04 12:15 UTC."),
        (SOLVED | LINE | {"intervals_diverged": 2, "intervals_skipped": 1},
         "3 of 96 intervals not solved (2 diverged and 1 skipped). The feeder kept its limits in all 93 "
         "solved power-flow intervals of 15 min; nearest to a limit: line Main\\x1b[31m (40 %, limit "
         "80 %) on 2016-07-04 02:00 UTC."),
        (SOLVED | LINE | {"intervals": 1},
         "The feeder kept its limits in its only power-flow interval of 15 min; nearest to a limit: line "
         "Main\\x1b[31m (40 %, limit 80 %) on 2016-07-04 02:00 UTC."),
        ({"intervals": 2, "intervals_outside_limits": None, "intervals_diverged": 2, "intervals_skipped": 0},
         "None of 2 intervals was solved (2 diverged): nothing can be said about the feeder's limits."),
        ({"intervals": 0}, "No interval of the feeder was counted: nothing can be said about its limits."),
        ({}, ""),
    ],
    ids=["kept", "kept, by use", "left", "partly solved", "only one", "not solved", "not counted", "none"],
)  # fmt: skip
def test_the_feeder_comes_first(numbers: dict[str, Any], said: str) -> None:
    assert answer(numbers, scenario(), FEEDER) == said


def test_then_how_the_community_followed_in_kilowatts_and_what_was_lost_and_paid() -> None:
    community = {"name": "v", "groups": ["g"], "resources": [
        {"name": "sale", "unit_kwh": 0.5, "capacity": 3},
        {"name": "seats", "capacity": 3}]}  # fmt: skip
    homes = {"name": "g", "households": 9, "cost": {"kind": "separable", "linear": 1, "target": 0.5}}
    storm = {"kind": "platform_crash", "name": "storm", "from_h": 1, "duration_h": 1}
    run = scenario(grid=None, communities=[community], groups=[homes], faults=[storm])
    numbers: dict[str, Any] = {
        "fault_storm_v_sale_worst_deviation_units": -20.0, "fault_storm_v_sale_recovery_h": 2.5,
         "fault_storm_v_seats_worst_deviation_units": 3.0,
        "v_sale_tracking_rmse_units": 2.0, "v_sale_capacity_mean_units": 30.0,
        "v_sale_tracking_bias_units": -0.5,
        "v_seats_tracking_rmse_units": 1.5, "v_seats_capacity_mean_units": 20.0,
        "v_seats_tracking_bias_units": 0.25,
        "messages_sent": 12_000, "messages_lost": 3, "messages_expired": 1,
        "bills_households_eur": -12.5, "delivery_days": 1, "traded_delivered_kwh": 41.25,
        "energy_imported_kwh": 1234.4, "energy_lost_in_feeder_kwh": 7.0}  # fmt: skip
    after = {("storm", "v", "sale"): Aftermath(4.0, 2.75), ("storm", "v", "seats"): Aftermath(2.5, 2.0)}
    assert answer(numbers, run, {}, aftermaths=after) == (
        "Community v was off its target by 4 kW in sale (battery power given evenly, into the feeder too; "
        "root mean square of the deviations of all steps, 6.7 % of the mean target of 60 kW; it did 1 kW "
        "less on average) and 1.5 units in seats (7.5 % of 20 units; 0.25 units more on average); during and "
        "after the crash of the platform 'storm' (from 2016-07-04 01:00 UTC to 2016-07-04 02:00 UTC) v did "
        "up to 40 kW too little in sale (after it within 8 kW of its target, 1.75 times its usual deviation, "
        "first in the step from 2016-07-04 02:45 UTC on and as a root mean square of any 24 steps from 2.5 h "
        "after its end on) and up to 3 units too much in seats (after it within 2.5 units of its target "
        "first in the step from 2016-07-04 02:00 UTC on); 3 of 12 000 "
        "messages were lost (less than 0.1 %), 1 came too late; households earned 12.5 EUR in 1 day; 41.25 "
        "kWh were traded between them; households drew 1 234 kWh at their meters; lines and transformers"
        " lost 7 kWh."
    )


def test_what_happened_then_stands_between_the_limits_and_the_whole_run() -> None:
    community = {"name": "v", "groups": ["g"], "resources": [
        {"name": "sale", "unit_kwh": 0.5, "capacity": 3}, {"name": "seats", "capacity": 3}]}  # fmt: skip
    homes = {"name": "g", "households": 9, "cost": {"kind": "separable", "linear": 1, "target": 0.5},
             "battery": {"capacity_kwh": 5}}  # fmt: skip
    run = scenario(communities=[community], groups=[homes])
    numbers = SOLVED | OVERLOADED | {"intervals_outside_limits": 12, "energy_imported_kwh": 12.0,
                                "energy_exported_kwh": 3.0, "ev_missing_kwh": 2.5}  # fmt: skip
    assert [each.hours for each in worst_of(numbers, FEEDER)] == [18.75]
    sums = {("v", "sale"): (50.0, 45.0), ("v", "seats"): (1.0, 2.0)}
    moment = Moment(-95.5, -2.5, Metered(10.0, 4.0, 8.0, 108.0), sums, 1.5)
    assert answer(numbers, run, FEEDER, moment).split("UTC. ", 1)[1] == (
        "In the 15 min from 2016-07-04 18:45 UTC on, 95.5 kW flowed out of the feeder into the grid above: "
        "households used 10 kW and generated 4 "
        "kW, their batteries gave 108 kW and took 8 kW and the feeder's other generators gave 2.5 kW; lines "
        "and transformers lost 1.5 kW; of community v, sale (battery power given evenly, into the feeder "
        "too) was 100 kW (target 90 kW) and seats 1 unit "
        "(target 2 units). Over the whole run households drew "
        "12 kWh at their meters and fed in 3 kWh; vehicles left without 2.5 kWh that they needed."
    )
    assert (
        "In the 15 min from 2016-07-04 02:00 UTC on, 3 kW flowed from the grid above into the feeder."
        in answer(SOLVED | LINE | LOW, run, FEEDER, Moment(3.0, None, None, {}))
    )
    assert worst_of(SOLVED, FEEDER) == []


def test_what_a_firm_and_a_tie_came_to() -> None:
    island = {
        "firm_bills_eur": 150.0,
        "firm_margin_eur": -12.5,
        "firm_unserved_kwh": 30.0,
        "firm_unserved_fraction": 0.125,
        "firm_curtailed_kwh": 4.0,
    }
    assert answer(island, scenario(grid=None), {}) == (
        "Households paid the firm 150 EUR, and it lost 12.5 EUR; the island left 30 kWh unserved (12.5 % of "
        "the load), and curtailed 4 kWh of generation."
    )
    ends = {
        key: {"community": name, "resource": "energy"}
        for key, name in (("seller", "east"), ("buyer", "west"))
    }
    run = scenario(grid=None, ties=[{"name": "cable", "limit_kw": 3, **ends}])
    passed = {"tie_cable_energy_kwh": 120.0, "tie_cable_use_max_fraction": 0.9}
    said = "East sold west 120 kWh over cable, with up to 90 % of its limit."
    assert answer(passed, run, {}) == said
