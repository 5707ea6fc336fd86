"""docs/robustness.md: its sentences are those of its tables, and its tables those of the studies."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cosim.api.sweeps import sweep
from cosim.config import library
from cosim.report.robustness_maps import short
from cosim.study.robustness.estimates import ANY, NOT_NEGATIVE, estimate

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "robustness.md").read_text(encoding="utf-8")


def section(study: str) -> str:
    """What the page says of a study, up to the next heading."""
    return PAGE[PAGE.index(f"`robustness_{study}`:") :].split("\n## ")[0]


def row(study: str, name: str, table: int = 0) -> list[str]:
    """The cells of the row with this name, in one of the tables that have it."""
    found = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", section(study), flags=re.M)
    return [cell.strip() for cell in found[table].split("|")]


def mean(cell: str) -> float:
    """The mean that a cell begins with."""
    return float(re.split(r"[ ±\[]", cell)[0])


def test_how_large_a_gain_may_be_is_that_of_the_table() -> None:
    said = section("gain")
    rows = [
        [float(re.split("[ ±]", cell.strip())[0]) for cell in line.split("|")[1:-1]]
        for line in re.findall(r"^\| [\d.]+ \|.*\|$", said, flags=re.M)
    ]
    intervals = [float(width) for width in re.findall(r"± ([\d.]+) %", said)]
    assert len(rows) == len(intervals) == 17
    deviations = [deviation for _, _, _, deviation, _ in rows]
    furthest = max(abs(deviation) for deviation in deviations)
    with_interval = max(abs(d) + width for d, width in zip(deviations, intervals, strict=True))
    assert f"within {furthest:.1f} % of theory at all 17 delays" in said
    assert f"and with its interval within {with_interval:.1f} %" in said
    assert f"; {sum(deviations) / 17:.1f} % above it on average" in said
    assert all(abs(simulated / theory - 1) * 100 < furthest + 0.1 for _, simulated, theory, _, _ in rows)
    between = {delay: 100 * (1 - formula / theory) for delay, _, theory, _, formula in rows if delay % 1}
    low = [gap for delay, gap in between.items() if delay < 1]
    middle = [gap for delay, gap in between.items() if 1 < delay < 2]
    assert max(gap for delay, gap in between.items() if delay > 2) <= 4
    assert f"{min(middle):.0f} to {max(middle):.0f} % between 1 and 2" in said
    assert f"{min(low):.0f} to {max(low):.0f} % between 0 and 1" in said
    more = {delay: 100 * gap / (100 - gap) for delay, gap in between.items()}
    told = re.search(r"twice as much at d = 0.25, (\d+) % more at 0.5, (\d+) % at 0.74,", PAGE)
    assert told is not None
    assert [float(each) for each in told.groups()] == pytest.approx([more[0.5], more[0.738]], abs=0.6)
    assert 100 <= more[0.25] < 115
    assert max(each for delay, each in more.items() if delay > 1) <= 9


def test_what_latency_and_loss_cost_is_that_of_the_table() -> None:
    latency, loss, both = row("latency_loss", "consumption: error (RMS), additive")
    said = section("latency_loss")
    assert f"by {latency} % (additive), half of all messages lost by {loss} %, both by {both} %" in said
    rows = [
        row("latency_loss", f"{resource}: error (RMS), {policy}")
        for resource in ("consumption", "production")
        for policy in ("additive", "proportional", "inverse_average")
    ]
    of_latency, of_loss = ([mean(cells[column]) for cells in rows] for column in (0, 1))
    assert f"latency {min(of_latency):.0f} to {max(of_latency):.0f} %" in said
    assert f"loss {min(of_loss):.0f} to {max(of_loss):.0f} %." in said
    assert f"costs {min(of_loss):.0f} to {max(of_loss):.0f} % of tracking error" in PAGE
    assert f"a slow loop: {mean(latency):.0f} % more tracking error" in PAGE


def test_what_the_feeder_notices_is_that_of_the_table() -> None:
    said = section("feeder")
    first, late, *_ = row("feeder", "sale: error (RMS) [units]")
    more, of_loss, _ = row("feeder", "sale: error (RMS) [units]", 1)
    assert f"by {mean(late):.1f} units in place of {mean(first):.1f} ({more} more)" in said
    assert f"costs {of_loss} units" in said
    assert f"lowest voltage rises by {row('feeder', 'Lowest voltage [pu]', 1)[0]} pu" in said
    loading = row("feeder", "Highest line loading [%]", 1)[0]
    assert f"line falls by {loading.removeprefix('-')} points" in said
    assert f"by {mean(late):.0f} units in place of {mean(first):.0f}." in PAGE


def test_what_a_rule_does_for_the_feeder_is_that_of_the_table() -> None:
    said = section("grid_aware")
    outside = {
        rule: row("grid_aware", f"Intervals outside limits, {rule}")
        for rule in ("none", "less by 15 %", "halved")
    }
    loading = {
        rule: row("grid_aware", f"Highest transformer loading [%], {rule}") for rule in ("none", "halved")
    }
    first, halved = mean(outside["none"][0]), mean(outside["halved"][0])
    assert 0.63 < 1 - halved / first < 0.72
    assert f"({first:.1f} to {halved:g} quarter hours, three an evening)" in said
    assert f"({mean(loading['halved'][0]):.0f} and {mean(loading['none'][0]):.0f} %)" in said
    assert f"(a change of {row('grid_aware', '2')[2]} quarter hours)" in said
    left = [f"{mean(outside[rule][2]):.0f}" for rule in ("halved", "less by 15 %", "none")]
    assert f"lost, {left[0]} to {left[1]} of {left[2]} quarter hours remain" in said
    given = [
        mean(row("grid_aware", f"battery: discharged [kWh], {rule}")[0])
        for rule in ("none", "less by 15 %", "halved")
    ]
    gentle, hard = (f"{100 * (1 - each / given[0]):.0f} %" for each in given[1:])
    assert f"**It costs energy**: {gentle} of what" in said
    assert f"with the gentle rule, {hard} with halving" in said
    error = row("grid_aware", "sale: error (RMS) [units], none")
    assert f"({outside['none'][1]} in place of {first:.1f})" in said
    assert f"still reaches {mean(loading['none'][1]):.0f} %" in said
    assert f"is then {mean(error[1]):.1f} units in place of {mean(error[0]):.1f}" in said


def test_what_mitigations_are_worth_is_that_of_the_table() -> None:
    said = section("mitigations")
    names = ("none", "gain by estimated delay", "gain by measured delay", "Smith predictor")
    none, estimated, measured, smith = ([mean(cell) for cell in row("mitigations", name)] for name in names)
    of_none = row("mitigations", "none")
    assert f"from {none[0]:.1f} to {none[1]:.1f} at one step of latency each way" in said
    assert f"at two ({of_none[2]} units: everybody" in said
    assert f"already there at one step ({of_none[5]})" in said
    kept = estimated[:4]
    assert f"keeps the error at {min(kept):.1f} to {max(kept):.1f} over all latencies without loss" in said
    assert f"it leaves {row('mitigations', 'gain by estimated delay')[4]} units without latency" in said
    assert f"keeps the error within {max(measured):.1f} everywhere" in said
    assert f"does as well ({max(smith):.1f}), and a little better without latency" in said
    assert f"({smith[0]:.1f} against {measured[0]:.1f})" in said
    assert f"about a tenth ({max(measured):.1f} against {none[0]:.1f})" in PAGE
    above = sorted(100 * (each / none[0] - 1) for each in estimated[4:])
    assert f"leaves it {above[0]:.0f} to {above[-1]:.0f} % higher at a loss of 0.5" in PAGE


def test_what_faults_do_is_that_of_the_table() -> None:
    said = section("faults")
    alone = {name: mean(row("faults", name)[0]) for name in FAULTS}
    pair = {
        names: mean(row("faults", " + ".join(names))[0])
        for names in (
            ("platform_crash", "churn"),
            ("platform_crash", "non_complier"),
            ("churn", "non_complier"),
        )
    }
    assert f"five units ({alone['liar']:+.2f}) do more harm" in said
    assert f"crash of eighteen ({alone['household_crash']:+.2f}), a partition" in said
    assert f"of eighteen ({alone['partition']:+.2f}), or the loss" in said
    assert f"seven messages in ten ({alone['loss_burst']:+.2f})" in said
    assert f"({row('faults', 'platform_crash')[0]}): households carry on" in said
    for (one, other), together in pair.items():
        parts = alone[one] + alone[other]
        told = [float(each) for each in re.findall(r"\+(\d\.\d\d)", said[said.index("A platform that is") :])]
        assert together in told
        assert any(each == pytest.approx(parts, abs=0.011) for each in told)
    assert "without a fault: 3.58 ± 0.10" in said
    assert f"more than triples (3.6 to {3.58 + alone['liar']:.1f} units)" in PAGE
    assert max(abs(alone[name]) for name in ("clock", "duplication", "replay", "churn")) < 0.05


def shares(table: int) -> dict[int, list[str]]:
    """By latency, the cells of the table of trades (0) or bills (1) for each loss."""
    latencies = (0, 1, 2, 4, 6, 8, 10, 15, 30)
    return {latency: row("trading", str(latency), table) for latency in latencies}


def test_what_trading_loses_is_that_of_the_tables() -> None:
    said = section("trading")
    traded, bills = (
        {s: [mean(cell) for cell in cells] for s, cells in shares(table).items()} for table in (0, 1)
    )
    (of,) = [int(each) for each in re.findall(r"\((\d+) EUR without loss, for two days\)", said)]
    assert all(traded[latency][1] == 100 for latency in (0, 1, 2, 4))
    assert (
        f"half of them cost {100 - traded[0][5]:.0f} % of the trade** and {100 * bills[0][5] / of:.1f} %"
        in said
    )
    assert all(traded[latency][0] == 100 for latency in (0, 1, 2, 4, 6, 8, 10))
    assert not any(traded[15] + traded[30])
    assert f"rise by {bills[15][0]:.0f} EUR ({100 * bills[15][0] / of:.0f} %)" in said
    assert all(45 < traded[latency][3] < 60 for latency in (8, 10)), "nearly halves"
    few, many = ([traded[latency][column] for latency in (0, 1, 2, 4)] for column in (3, 5))
    assert f"keep {min(few):.0f} to {max(few):.0f} % of the trade at a loss of 0.3" in PAGE
    assert f"and {min(many):.0f} to {max(many):.0f} % at 0.5" in PAGE


@pytest.mark.slow
def test_trades_and_requests_are_what_their_runs_give(tmp_path: Path) -> None:
    """Latencies of 0, 4, 6 and 8 s, without loss and at 0.3."""
    config = yaml.safe_load(
        (library.shelf_folder("sweeps") / "robustness_trading.yaml").read_text(encoding="utf-8")
    )
    latency, loss = config["axes"]
    latency |= {"values": [0, 4000, 6000, 8000], "column_values": [0, 4, 6, 8]}
    loss |= {"values": [0, 0.3]}
    (tmp_path / "places.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert_trades(sweep(str(tmp_path / "places.yaml"), out=tmp_path / "swept", workers=2).points)


def assert_trades(points: Any) -> None:
    """What the page says of trades at those places, of twenty seeds each."""
    said = section("trading")
    places = {
        place: rows.set_index("seed") for place, rows in points.groupby(["latency_s", "loss_probability"])
    }
    first = places[0, 0.0]
    assert f"({first['bills_households_eur'].mean():.0f} EUR without loss" in said
    for (latency, loss), rows in places.items():
        assert len(rows) == 20
        traded = estimate(
            (100 * rows["traded_delivered_kwh"] / first["traded_delivered_kwh"]).to_numpy(), NOT_NEGATIVE
        )
        more = estimate((rows["bills_households_eur"] - first["bills_households_eur"]).to_numpy())
        for table, found in enumerate((traded, more)):
            shown = shares(table)[int(latency)][(0, 0.3).index(loss) * 3]
            assert shown == f"{found.mean:.1f} ± {found.high - found.mean:.1f}"
        assert rows["bills_imbalance_max_eur"].max() < 1e-9
    measured, expected = ([str(row[column]) for row in program().requests(points)] for column in (3, 4))
    for each in (measured, expected):
        assert f"{', '.join(each[:-1])} and {each[-1]} %" in said
    sent = [places[latency, 0.0]["trading_messages"].mean() for latency in (0, 4, 8)]
    assert (
        "{:,.0f} messages up to 2 s, {:,.0f} at 4 s, {:,.0f} at 8 s".format(*(round(n, -1) for n in sent))
        in said
    )


def kept(study: str) -> pd.DataFrame:
    """The rows of all runs of a study."""
    return pd.read_csv(DOCS / "robustness" / f"{study}.csv", keep_default_na=False)


def by_seed(study: str, case: str, of: str, number: str) -> pd.DataFrame:
    """What a number is in one case of an axis, by place, a column a seed."""
    rows = kept(study)
    rows = rows[rows[of] == case]
    places = [name for name in ("latency_steps", "loss_probability") if name in rows]
    if not places:
        return rows.set_index("seed")[[number]].T
    return rows.pivot(index=places, columns="seed", values=number)


@pytest.mark.parametrize("study", ["latency_loss", "mitigations", "faults", "feeder", "grid_aware"])
def test_every_run_of_a_study_has_a_row(study: str) -> None:
    (said,) = re.findall(rf"\| `robustness_{study}` \| ([\d,]+) \|", PAGE)
    rows = kept(study)
    places = [
        name
        for name in rows
        if name == "seed" or "_" not in name or name in ("latency_steps", "loss_probability")
    ]
    assert len(rows) == int(said.replace(",", "")) == len(rows.drop_duplicates(places))
    assert rows["seed"].nunique() == 20


@pytest.mark.slow
@pytest.mark.parametrize("study", ["latency_loss", "mitigations", "faults", "feeder", "grid_aware"])
def test_the_tables_are_those_of_the_rows(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = program()
    script.STUDIES[study](script.analyse(script.kept_study(study, tmp_path / study), []))
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) >= 10
    assert not [line for line in printed if line.rstrip() not in PAGE]


@pytest.mark.parametrize(
    ("mitigation", "number", "better", "worse"),
    [
        ("gain by measured delay", "market_consumption_tracking_rmse_units", 14, 0),
        ("Smith predictor", "market_consumption_tracking_rmse_units", 15, 0),
        ("gain by estimated delay", "market_consumption_tracking_rmse_units", 12, 0),
        ("missing reports scaled", "market_consumption_tracking_rmse_units", 14, 0),
        ("signals sent three times", "market_consumption_tracking_rmse_units", 12, 2),
        ("gain by estimated delay", "market_cost_gap_end", None, 8),
        ("gain by measured delay", "market_cost_gap_end", None, 9),
        ("Smith predictor", "market_cost_gap_end", None, 8),
    ],
)
def test_where_a_mitigation_is_better_beyond_chance(
    mitigation: str, number: str, better: int | None, worse: int
) -> None:
    change, none = (by_seed("mitigations", case, "mitigation", number) for case in (mitigation, "none"))
    signs = [estimate(row.to_numpy(dtype=float), ANY).sign for _, row in (change - none).iterrows()]
    assert len(signs) == 15
    assert signs.count(1) == worse
    if better is not None:
        assert signs.count(-1) == better
    said = section("mitigations")
    assert "at 14 and 15 of 15 places, and worse nowhere" in said
    assert "is better at 12 and worse nowhere" in said
    assert "better beyond chance at 14 of the 15 places and worse nowhere" in said
    assert "Signals sent three times are better at 12 and worse at 2" in said
    assert "even worse at 8, 9 and 8 of 15 places" in said


def test_what_pairs_of_faults_do_beyond_their_parts() -> None:
    number = "village_consumption_tracking_rmse_units"

    def error(case: str) -> Any:
        return by_seed("faults", case, "fault", number).to_numpy(dtype=float)[0]

    def beyond(one: str, other: str) -> Any:
        return error(f"{one} + {other}") - error(one) - error(other) + error("none")

    less = estimate(beyond("household_crash", "loss_burst"), ANY)
    said = f"({less.mean:.2f} ± {less.high - less.mean:.2f})".replace("-", "−")
    assert f"less harm than the two separately {said}" in section("faults")
    for case in ("duplication", "replay", "duplication + replay"):
        assert abs(error(case) - error("none")).max() < 0.005
    assert "(0.00 alone and in the pair of the two)" in section("faults")


def test_no_interval_of_the_feeder_is_outside_its_limits() -> None:
    assert not kept("feeder")["intervals_outside_limits"].any()
    assert f"no interval of any of the {len(kept('feeder'))} runs is outside its limits" in section("feeder")


def program() -> Any:
    """docs/robustness.py."""
    spec = importlib.util.spec_from_file_location("docs_robustness", DOCS / "robustness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAULTS = (
    "liar", "stuck_meter", "household_crash", "loss_burst", "non_complier", "platform_crash", "partition",
    "clock", "churn", "duplication", "replay",
)  # fmt: skip
PLACES: dict[str, dict[str, Any]] = {
    "latency_loss": {"latency_steps": 4, "loss_probability": 0, "policy": "additive"},
    "feeder": {"latency_steps": 4, "loss_probability": 0},
    "mitigations": {"latency_steps": 2, "loss_probability": 0.5, "mitigation": "Smith predictor"},
    "grid_aware": {"latency_steps": 0, "loss_probability": 0.5, "rule": "halved"},
}
"""A place of each study whose numbers stand in a table of the page."""
CELLS = {
    "latency_loss": (
        "market_consumption_tracking_rmse_units",
        "consumption: error (RMS) [units], additive",
        1,
    ),
    "feeder": ("village_sale_tracking_rmse_units", "sale: error (RMS) [units]", 1),
    "mitigations": ("market_consumption_tracking_rmse_units", "Smith predictor", 6),
    "grid_aware": ("intervals_outside_limits", "Intervals outside limits, halved", 2),
}
"""Which number, and the row and column where it stands."""


@pytest.mark.slow
@pytest.mark.parametrize("study", PLACES)
def test_a_cell_of_the_page_is_what_its_runs_give(study: str, tmp_path: Path) -> None:
    config = yaml.safe_load(
        (library.shelf_folder("sweeps") / f"robustness_{study}.yaml").read_text(encoding="utf-8")
    )
    config["axes"] = [only(axis, PLACES[study][axis["name"]]) for axis in config["axes"]]
    (tmp_path / "place.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    key, name, column = CELLS[study]
    points = sweep(str(tmp_path / "place.yaml"), out=tmp_path / "swept", workers=2).points
    found = estimate(points[key].to_numpy(dtype=float), NOT_NEGATIVE)
    assert len(points) == 20
    assert short(*found[:3]).replace("±", " ± ") == row(study, name)[column]


def only(axis: dict[str, Any], value: Any) -> dict[str, Any]:
    """An axis with one of its values."""
    if "cases" in axis:
        return axis | {"cases": {value: axis["cases"][value]}}
    shown = axis.get("column_values", axis["values"])
    rest = {key: each for key, each in axis.items() if key != "column_values"}
    kept = rest | {"values": [axis["values"][shown.index(value)]]}
    return kept | ({"column_values": [value]} if "column_values" in axis else {})
