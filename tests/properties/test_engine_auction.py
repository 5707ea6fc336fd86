"""A run in which an operator clears the market: what is written adds up, whatever links and operator do."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from cosim.core.errors import InputError
from cosim.engine.check import check_configuration
from cosim.engine.load import load_scenario
from cosim.results.store import read_table
from cosim.trading.clearing import CLEARINGS
from tests.trading_homes import BAD_LINKS, CRASHES, load_homes, run_homes, two_groups

SCENARIO = two_groups(
    5,
    3,
    "appliances: {kind: generated}, values: {rigidity: {uniform_int: [1, 5]}}",
    other_kw="[0.2, 0.8]",
)
OPERATORS = [name for name in CLEARINGS if CLEARINGS[name].has_operator]
FAULTS = (
    "faults=[{kind: operator_crash, rate_per_day: 40, mean_duration_h: 0.2, from_h: 9.5, duration_h: 2},"
    f" {CRASHES}]"
)


homes = partial(load_homes, SCENARIO)
"""Eight homes for two days, of which the second is traded."""
run = partial(run_homes, SCENARIO)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "pay_as_bid" else pytest.mark.slow) for n in OPERATORS]
)
def test_orders_trades_and_bills_add_up_over_bad_links(name: str, tmp_path: Path) -> None:
    outcome, folder = run(tmp_path, *BAD_LINKS, FAULTS, f"energy_value.rules.clearing={name}")
    bids, offers = read_table(folder, "bids"), read_table(folder, "offers")
    trades, bills = read_table(folder, "trades"), read_table(folder, "bills")
    hours = read_table(folder, "clearing").set_index(["day", "hour"])
    assert hours["agreed_kwh"].sum() > 1
    for column, table, amount in (
        ("bid_kwh", bids, "quantity_kwh"),
        ("offered_kwh", offers, "quantity_kwh"),
        ("agreed_kwh", trades, "agreed_kwh"),
    ):
        found = table.groupby(["day", "hour"])[amount].sum().reindex(hours.index, fill_value=0.0)
        assert np.allclose(found, hours[column], rtol=0, atol=1e-12), column
    # Nobody buys or sells beyond what he ordered, at no price beyond his own.
    for party, orders, sign in (("buyer", bids, 1), ("seller", offers, -1)):
        most = orders.groupby(["day", "hour", party])["quantity_kwh"].sum()
        got = trades.groupby(["day", "hour", party])["agreed_kwh"].sum()
        assert (got <= most.reindex(got.index)).all()
        worst = (sign * orders.set_index(["day", "hour", party])["price"]).groupby(level=[0, 1, 2]).max()
        paid = sign * trades.set_index(["day", "hour", party])["price"]
        assert (paid <= worst.reindex(paid.index)).all()
    assert abs(bills.groupby("day")["total_eur"].sum()).max() < 1e-9
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]
    unmet = 1 - trades["agreed_kwh"].sum() / bids["quantity_kwh"].sum()
    assert outcome.summary["bids_unmet_share"] == pytest.approx(unmet)


def test_if_every_message_is_lost_bills_are_those_without_trading(tmp_path: Path) -> None:
    lost = "comms.default.loss={kind: bernoulli, loss_probability: 1.0}"
    clearing = "energy_value.rules.clearing=double_auction_uniform"
    _, nothing_heard = run(tmp_path / "lost", lost, clearing)
    _, alone = run(tmp_path / "alone", "energy_value.rules.rule=no_trading")
    assert read_table(nothing_heard, "bills").equals(read_table(alone, "bills"))
    assert (read_table(nothing_heard, "clearing")["agreed_kwh"] == 0).all()


BROKER = "energy_value.rules.offers_to=broker"
KERBER = "grid={network: kerber_landnetz_kabel_1, background: nominal}"
DORF = "grid={network: kerber_dorfnetz, background: nominal}"


@pytest.mark.slow
def test_the_nearest_of_all_others_are_everybody(tmp_path: Path) -> None:
    nearest = "energy_value.rules.offers_to={kind: nearest, peers: 7}"
    _, all_others = run(tmp_path / "nearest", KERBER, nearest)
    _, everybody = run(tmp_path / "everybody", KERBER)
    for table in ("trades", "bills", "messages"):
        assert read_table(all_others, table).equals(read_table(everybody, table)), table


@pytest.mark.slow
def test_messages_grow_with_the_households_and_not_with_their_square(tmp_path: Path) -> None:
    """Twice as many homes: less than two and a half times the bytes, and three times where all hear all."""
    factor = {}
    for number, audience in enumerate(("everybody", "broker", "{kind: nearest, peers: 3}")):
        sent = []
        for n in (10, 20):
            settings = [f"groups.solar.households={n}", f"groups.other.households={n // 2}"]
            folder = tmp_path / f"{number}_{n}"
            outcome, _ = run(folder, DORF, f"energy_value.rules.offers_to={audience}", *settings)
            sent.append(outcome.summary["trading_message_bytes"])
        factor[audience] = sent[1] / sent[0]  # type: ignore[operator]
    everybody, *bounded = factor.values()
    assert max(bounded) < 2.5 < 3 < everybody


@pytest.mark.slow
def test_a_thousand_households_trade_a_day_within_a_minute(tmp_path: Path) -> None:
    began = process_time()
    outcome, _ = run(tmp_path, BROKER, "groups.solar.households=600", "groups.other.households=400")
    assert process_time() - began < 60
    assert outcome.summary["delivery_days_traded"] == 1
    assert outcome.summary["trading_messages"] < 10 * 1000  # type: ignore[operator]
    assert outcome.summary["traded_delivered_kwh"] > 2000  # type: ignore[operator]


def test_a_broker_that_crashes_leaves_households_to_themselves(tmp_path: Path) -> None:
    """Down over the whole trading: as without trading; down before it alone: orders are collected again."""
    down = "faults=[{kind: operator_crash, from_h: 9.5, duration_h: 4}]"
    _, nobody = run(tmp_path / "down", BROKER, down)
    _, alone = run(tmp_path / "alone", "energy_value.rules.rule=no_trading")
    assert read_table(nobody, "bills").equals(read_table(alone, "bills"))
    back = "faults=[{kind: operator_crash, from_h: 10.5, duration_h: 0.5}]"
    _, again = run(tmp_path / "again", BROKER, back)
    _, undisturbed = run(tmp_path / "undisturbed", BROKER)
    assert read_table(again, "bills").equals(read_table(undisturbed, "bills"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["energy_value.rules.clearing=vickrey"], "double_auction_uniform"),
        (["energy_value.rules.clearing={kind: double_auction_uniform, k: 1.5}"], "from 0 to 1"),
        (["energy_value.rules.clearing={kind: pay_as_bid, k: 0.5}"], "unknown key 'k'"),
        (["energy_value.household.buying=bold"], "energy_value"),
        (
            ["energy_value.rules={clearing: pay_as_bid, rounds: {every_h: 1}}"],
            "rounds belong to offers between households, and 'pay_as_bid' has none",
        ),
        (["energy_value.rules.rounds={every_h: 0}"], "from 0.25 to 24"),
        (["energy_value.rules={offers_to: broker, rounds: {every_h: 1}}"], "'broker' has none"),
        (["energy_value.rules={offers_to: broker, clearing: pay_as_bid}"], "to whom all orders go"),
        (["energy_value.rules.offers_to={kind: nearest, peers: 0}"], "from 1 to 1,000,000"),
        (
            ["energy_value.rules={rounds: {every_h: 0.5}, planning_spread_s: 1800}"],
            "planning_spread_s = 1800 is longer than a round",
        ),
    ],
)
def test_bad_input_is_told_before_the_run(settings: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        homes(tmp_path, *settings)
    assert words in str(error.value)


def test_doubts_and_faults_that_cannot_be(tmp_path: Path) -> None:
    crash = "faults=[{kind: operator_crash, from_h: 12, duration_h: 1}]"

    def found(*settings: str) -> list[str]:
        return [str(problem) for problem in check_configuration(homes(tmp_path, *settings))]

    assert any("the market has no operator" in each for each in found(crash))
    assert any("there is no feeder" in each for each in found("energy_value.rules.offers_to=same_branch"))
    clearing = "energy_value.rules.clearing=mid_market_rate"
    assert not any("operator" in each for each in found(crash, clearing))
    alone = found(clearing, "energy_value.rules.rule=no_trading")
    assert any("nobody trades" in each and "clearing" in each for each in alone)
    assert any(
        "bidding" in each and "sets the prices" in each
        for each in found(clearing, "energy_value.household.bidding={kind: fixed, kappa: 0.5}")
    )
    assert load_scenario("trading_village_auction").scenario.energy_value is not None
