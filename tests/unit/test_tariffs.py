"""Tariffs by hand: local days over both changes of the clocks, fees by place and by congestion, refusals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

import cosim
from cosim.config.weekdays import DAYS
from cosim.core.errors import InputError, Problem
from cosim.trading.charges.grid_fees import CongestionFee, FlatFee
from cosim.trading.charges.taxes import Levy, ValueAddedTax
from cosim.trading.schemas.retailers import TariffPrice
from cosim.trading.tariffs.feeder_ways import FeederGround, Usage, reference_day
from cosim.trading.tariffs.local_days import local_time
from cosim.trading.tariffs.retail_prices import local_series
from cosim.trading.tariffs.tariff_prices import Charging

BY_DAY = {
    "by_day": [
        {"days": ["weekday"], "price": {"by_hour": [hour / 100 for hour in range(24)]}},
        {"days": ["saturday"], "price": 0.5},
        {"days": ["sunday", "holiday"], "price": 0.6},
    ]
}


def test_clocks_are_put_forward_and_back() -> None:
    spring = local_time(datetime(2016, 3, 26, 23, tzinfo=UTC), 23, "Europe/Berlin")
    assert spring.hour.tolist() == [0, 1, *range(3, 24)]  # 02:00 is missing: a day of 23 hours
    assert set(spring.day.tolist()) == {DAYS.index("sunday")}
    autumn = local_time(datetime(2016, 10, 29, 22, tzinfo=UTC), 25, "Europe/Berlin")
    assert autumn.hour.tolist() == [0, 1, 2, 2, *range(3, 24)]  # 02:00 comes twice: a day of 25
    assert set(autumn.day.tolist()) == {DAYS.index("sunday")}
    after = local_time(datetime(2016, 10, 30, 23, tzinfo=UTC), 1, "Europe/Berlin")
    assert (after.hour[0], DAYS[after.day[0]]) == (0, "monday")


def test_a_holiday_begins_at_local_midnight_and_is_no_weekday() -> None:
    # Thursday, 5 May 2016, Ascension Day; its first local hour is 22:00 UTC of the Wednesday.
    time = local_time(datetime(2016, 5, 4, 21, tzinfo=UTC), 26, "Europe/Berlin", [date(2016, 5, 5)])
    assert [DAYS[day] for day in time.day.tolist()] == ["wednesday", *["holiday"] * 24, "friday"]


def test_a_tariff_by_days_is_read_by_the_local_clock() -> None:
    start = datetime(2016, 5, 4, 22, tzinfo=UTC)
    price = TypeAdapter(TariffPrice).validate_python(BY_DAY)
    time = local_time(start, 96, "Europe/Berlin", [date(2016, 5, 5)])
    values = local_series(price, "", time, start, Path()).values
    expected = [*[0.6] * 24, *[hour / 100 for hour in range(24)], *[0.5] * 24, *[0.6] * 24]
    assert values.tolist() == expected


def test_half_hours_are_refused() -> None:
    with pytest.raises(InputError) as error:
        local_time(datetime(2016, 5, 4, tzinfo=UTC), 2, "Asia/Kolkata")
    assert "whole hours" in str(error.value)
    in_half_hours = local_time(datetime(2016, 5, 4, tzinfo=UTC), 2, "Asia/Kolkata", per_hour=2)
    assert in_half_hours.hour.tolist() == [5, 6, 6, 7]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"days": ["weekday", "saturday"], "price": 0.3}], "none for sunday"),
        (
            [{"days": ["weekday", "monday"], "price": 0.3}, {"days": ["weekend", "sunday"], "price": 0.3}],
            "more than one for monday and sunday",
        ),
    ],
)
def test_gaps_and_overlaps_are_named(rules: list[object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TypeAdapter(TariffPrice).validate_python({"by_day": rules})


def test_taxes_count_what_comes_before_them() -> None:
    charging = Charging((FlatFee(eur_per_kwh=0.08, peers_eur_per_kwh=0.03),), (
        Levy(eur_per_kwh=0.02), ValueAddedTax(share=0.2, on_peers_price=False),
    ))  # fmt: skip
    price = np.array([0.1])
    assert charging.rates("grid", price, [np.array([0.08])]).tolist() == [[0.08], [0.02], [0.2 * 0.2]]
    assert charging.rates("peers", price, [np.array([0.03])])[:, 0].tolist() == [0.03, 0.02, 0.2 * 0.05]


def test_the_highest_price_costs_as_much_as_it_is_worth() -> None:
    charging = Charging((), (Levy(eur_per_kwh=0.02), ValueAddedTax(share=0.19)))
    worth, fees = np.array([0.3, 0.1, -0.05]), [np.array([0.03, 0.05, 0.0])]
    highest = charging.highest_price(worth, fees)
    assert np.allclose(highest + charging.rates("peers", highest, fees).sum(axis=0), worth, atol=1e-15)


class Ladder:
    """A feeder of a supply 0, a busbar 1, and two legs 1-2-3 and 1-4; households at 3, 4 and 2."""

    parent = np.array([-1, 0, 1, 2, 1])
    top_down = (1, 2, 4, 3)
    line_km = impedance_ohm = straight_km = None

    def column(self, household: int) -> int:
        return [3, 4, 2][household]

    def columns(self, households: np.ndarray) -> np.ndarray:
        return np.array([3, 4, 2])[households]

    def meeting(self, household: int, others: np.ndarray) -> np.ndarray:
        met = {(0, 0): 3, (0, 1): 1, (0, 2): 2, (1, 0): 1, (1, 1): 4, (1, 2): 1, (2, 0): 2, (2, 1): 1}
        return np.array([met[household, int(other)] for other in others])

    def summed(self, values: np.ndarray) -> np.ndarray:
        sums = np.zeros_like(values)
        for bus in self.top_down:
            sums[..., bus] = sums[..., self.parent[bus]] + values[..., bus]
        return sums


def test_congestion_is_paid_by_who_adds_to_it() -> None:
    share, down = np.zeros((24, 5)), np.ones((24, 5), dtype=bool)
    share[18] = [0, 0.9, 1.0, 0.8, 0.4]  # an evening: all flows down; transformer, first line scarce
    share[12] = [0, 1.2, 0.5, 0.5, 1.1]  # a noon: all flows up; transformer, second leg scarce
    down[12] = False
    ground = FeederGround(Ladder(), Usage(share, down))  # type: ignore[arg-type]
    fee = CongestionFee(eur_per_kwh=0.1, threshold=0.8)
    far = fee.from_grid(ground, 0)
    assert far[18] == pytest.approx(0.1 * (0.5 + 1.0 + 0.0))  # the transformer is half scarce, the line at 1
    assert far[12] == 0.0  # goes against the flow
    assert fee.from_grid(ground, 1)[18] == pytest.approx(0.1 * 0.5)
    others, evening, noon = np.array([1, 2, 0]), np.full(3, 18), np.full(3, 12)
    # From leg 1-4 it goes down the scarce line 1-2; from its neighbour and from itself nowhere scarce.
    assert fee.from_peers(ground, 0, others, evening) == pytest.approx([0.1, 0.0, 0.0])
    assert fee.from_peers(ground, 0, others, noon) == pytest.approx([0.1 * 1.5, 0.0, 0.0])
    # The other way round it relieves the line in the evening, and leg 1-4 at noon.
    assert fee.from_peers(ground, 1, np.array([0, 0]), np.array([18, 12])) == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    ("day", "publication_h", "known"), [(5, 14, 3), (5, 0.5, 3), (5, 24, 2), (5, 30, 2), (1, 14, -1)]
)
def test_fees_go_by_a_day_that_is_over(day: int, publication_h: float, known: int) -> None:
    assert reference_day(day, round(publication_h * 3_600_000)) == known


SCENARIO: dict[str, object] = {
    "name": "hamlet",
    "time": {"start": "2016-06-13T00:00:00Z", "duration_h": 48},
    "groups": [
        {"name": "solar", "households": 2, "load": {"kind": "constant", "p_kw": 0.4}},
        {"name": "other", "households": 2, "load": {"kind": "constant", "p_kw": 0.4}},
    ],
    "energy_value": {"prices": {"grid": 0.12}, "household": {"appliances": {"kind": "none"}}},
}


def errors(tariffs: dict[str, object], grid: dict[str, object] | None = None) -> list[Problem]:
    market = {**SCENARIO["energy_value"], "tariffs": tariffs}  # type: ignore[dict-item]
    more = {"grid": grid} if grid else {}
    found = cosim.check({**SCENARIO, "energy_value": market, **more})
    return [problem for problem in found if problem.severity == "error"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = errors(
        {
            "holidays": ["2016-06-14"],
            "retailers": [
                {"name": "works", "groups": ["solar", "homes"], "grid": 0.1},
                {"name": "club", "groups": ["solar"], "grid": {"by_day": [
                    {"days": ["weekday"], "price": 0.1}, {"days": ["weekend"], "price": 0.2}]}},
            ],
            "grid_fees": [
                {"kind": "flat", "eur_per_kwh": -0.01},
                {"kind": "by_line_length", "eur_per_kwh_km": 0.02},
                {"kind": "by_congestion", "eur_per_kwh": 0.02},
            ],
        }
    )  # fmt: skip
    said = [problem.message for problem in found]
    assert [problem.path.removeprefix("energy_value.tariffs.") for problem in found] == [
        "retailers.0.groups.1",
        "retailers.1.groups.0",
        "retailers.1.grid.by_day",
        "grid_fees.0",
        "grid_fees.1",
        "grid_fees.2",
    ], said
    assert "supplies a group that does not exist" in said[0]
    assert "has a retailer already, 'works'" in said[1]
    assert "there are holidays (2016-06-14)" in said[2]
    assert "somebody would be paid for using energy" in said[3]
    assert "there is none" in said[4]
    assert all(problem.remedy for problem in found)


def test_a_subsidy_is_taken_where_it_is_said_to_be_meant() -> None:
    fee = {"kind": "flat", "eur_per_kwh": -0.01}
    assert not errors({"grid_fees": [fee], "negative_fees": True})


@pytest.mark.parametrize(
    ("tariffs", "said"),
    [
        ({"time_zone": "Europe/Berlim"}, "no time zone"),
        ({"holidays": ["2016-06-14", "2016-06-14"]}, "two holidays"),
        ({"taxes": [{"kind": "levy", "eur_per_kwh": 0.1}] * 2}, "two fees or taxes are called levy"),
        ({"retailers": [{"name": "state", "groups": ["solar"], "grid": 0.1}]}, "cannot be called state"),
        ({"taxes": [{"kind": "vat", "share": 19}]}, "less than 1"),
        ({"grid_fees": ["by_distance"]}, "by_line_length"),
    ],
)
def test_what_a_tariff_cannot_be(tariffs: dict[str, object], said: str) -> None:
    found = errors(tariffs)
    assert len(found) == 1
    assert said in str(found[0]), str(found[0])


def test_without_coordinates_no_fee_goes_by_the_straight_line() -> None:
    fee = {"kind": "by_straight_line", "eur_per_kwh_km": 0.01}
    grid: dict[str, object] = {"network": "kerber_extreme_landnetz_freileitung_trafo", "interval_min": 60}
    (problem,) = errors({"grid_fees": [fee]}, grid)
    assert problem.path == "energy_value.tariffs.grid_fees.0"
    assert "no coordinates" in problem.message
