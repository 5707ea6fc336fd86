"""docs/impact_studies.md says what the studies gave that docs/impact holds."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.report.style import drawing

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "impact_studies.md").read_text(encoding="utf-8")


def capacities(study: str, **place: object) -> pd.Series:
    """One row of a study's capacities."""
    table = pd.read_csv(DOCS / f"impact/{study}.csv")
    for column, value in place.items():
        table = table[table[column] == value]
    (row,) = (row for _, row in table.iterrows())
    return row


def numbers(row: pd.Series) -> tuple[str, tuple[str, str], tuple[int, int, int] | None]:
    """Capacity, its interval, and the change of the mean, as the page writes them."""
    ends = str(row["from"]).removesuffix(" %"), str(row["to"]).removesuffix(" %")
    change = row[["change of the mean [points]", "change from", "change to"]]
    whole = None if change.isna().any() else tuple(round(float(each)) for each in change)
    return str(row["capacity at a risk of 10 %"]), ends, whole  # type: ignore[return-value]


def loaded(name: str) -> Any:
    """A script of the documentation."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("study", ["impact_communication", "impact_communication_pv"])
def test_maps_drawn_from_the_tables_show_what_these_say(study: str) -> None:
    script, table = loaded("impact_maps"), pd.read_csv(DOCS / f"impact/{study}.csv").dropna(subset=["loss"])
    with drawing():
        axes = script.drawn(study).axes
    for mode, ax in zip(table["mode"].unique(), axes, strict=False):
        of_mode = table[table["mode"] == mode].sort_values(["latency_h", "loss"])
        assert ax.get_title(loc="left") == mode.replace("_", " ")
        told = of_mode["capacity at a risk of 10 %"].str.removeprefix("at least ").str.removesuffix(" %")
        assert [text.get_text() for text in ax.texts] == told.tolist()
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("loss", "latency [h]")


@pytest.mark.parametrize(
    ("study", "place", "begins"),
    [
        ("impact_ev", {"feeder": "village", "mode": "uncontrolled"}, "| uncontrolled | 30 % | 20"),
        ("impact_ev", {"feeder": "village", "mode": "slow_chargers"}, "| chargers of 3.7 kW"),
        ("impact_ev", {"feeder": "village", "mode": "regulation"}, "| regulation, a signal"),
        ("impact_ev", {"feeder": "village", "mode": "watching"}, "| regulation that watches"),
        ("impact_ev", {"feeder": "village", "mode": "dimming"}, "| dimming to 4.2 kW"),
        ("impact_signals", {"mode": "uncontrolled"}, "| uncontrolled | 70 % | 60"),
        ("impact_signals", {"mode": "regulation", "loss": 0, "latency_h": 0}, "| regulated |"),
        ("impact_signals", {"mode": "regulation", "loss": 0.9, "latency_h": 0}, "| regulated, nine"),
        ("impact_signals", {"mode": "regulation", "loss": 0, "latency_h": 1}, "| regulated, an hour late |"),
        (
            "impact_signals",
            {"mode": "regulation", "loss": 0.9, "latency_h": 1},
            "| regulated, an hour late and",
        ),
    ],
    ids=str,
)
def test_each_row_is_that_of_the_study(study: str, place: dict[str, object], begins: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(begins))
    capacity, (low, high), change = numbers(capacities(study, **place))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == capacity
    assert cells[2] in ("", f"{low} to {high} %")
    assert (cells[2] == "") == (low == high)
    said = [round(float(each)) for each in re.findall(r"[+-]?\d+(?:\.\d+)?", cells[3])]
    assert said == list(change or ())


def test_the_transformer_binds_first_under_vehicles() -> None:
    binding = pd.read_csv(DOCS / "impact/impact_ev_binding.csv")
    assert set(binding["feeder"]) == {"village"}
    assert set(binding["limit"]) == {"transformer overloaded"}
    bounded = (pd.read_csv(DOCS / "impact/impact_ev_runs.csv")["feeder"] == "village").sum()
    assert len(binding) == bounded == 5


def test_simbench_feeders_host_all() -> None:
    table = pd.read_csv(DOCS / "impact/impact_ev.csv")
    assert set(table[table.feeder != "village"]["capacity at a risk of 10 %"]) == {"at least 100 %"}
    assert (table.seeds == 20).all()


def test_what_a_bad_network_costs() -> None:
    table = pd.read_csv(DOCS / "impact/impact_communication.csv")
    column = "capacity at a risk of 10 %"
    of = table.set_index(["mode", "loss", "latency_h"])[column]
    assert of["dimming_without_fallback", 0, 0] == "70 %"
    assert {of["dimming_without_fallback", loss, 1] for loss in (0, 0.5, 0.9)} == {"30 %"}
    assert of["dimming_without_fallback", 0.9, 0] == "30 %"
    assert (of["dimming", 0.5, 0], of["dimming", 0.9, 2]) == ("30 %", "60 %")
    assert set(table[table["mode"] == "regulation"][column]) == {"40 %", "50 %"}
    late = table[(table["mode"] == "dimming_without_fallback") & (table.latency_h == 1)]
    assert (late[["change from", "change to"]] == 0).all(axis=None)


def test_qualities_cannot_be_ranked_by_what_regulation_gains() -> None:
    table = pd.read_csv(DOCS / "impact/impact_communication.csv")
    regulated = table[table["mode"] == "regulation"].set_index(["loss", "latency_h"])
    gain, low, high = (regulated[f"change {end}"] for end in ("of the mean [points]", "from", "to"))
    assert (gain.min(), gain.max()) == pytest.approx((5.5, 22.5))
    assert f"+{gain[0, 0]:.1f} points, {low[0, 0]:.1f} to {high[0, 0]:.1f})" in PAGE
    assert (gain.idxmin(), gain.idxmax()) == ((0.9, 0), (0, 0))
    assert low.max() < high.min()
    assert (low < 0).sum() == 3
    dimmed = table[table["mode"] == "dimming"].set_index(["loss", "latency_h"])
    half, dead = dimmed.loc[(0.5, 0)], dimmed.loc[(0.9, 2)]
    assert (half["from"], half["to"], dead["from"], dead["to"]) == ("10 %", "60 %", "40 %", "60 %")
    assert (half["mean over seeds [%]"], dead["mean over seeds [%]"]) == pytest.approx((71.5, 75.5))


def test_how_near_to_its_limit_a_feeder_that_hosts_all_comes() -> None:
    loadings = pd.read_csv(DOCS / "impact/highest_loadings.csv").set_index("study")
    highest = loadings["highest transformer loading [%]"]
    assert f"reaches {highest['impact_ev']:.1f} % of its rating in the worst seed" in PAGE
    assert f"(at most {highest['impact_heat_pump'].max():.0f} % of its transformer)" in PAGE


def test_vehicles_pass_from_no_seed_to_four_in_five() -> None:
    table = pd.read_csv(DOCS / "impact/impact_ev_probabilities.csv").set_index("feeder")
    assert table.loc["village", "seeds with a violation [%]"].tolist() == [0, 80]
    assert table.loc["rural", "seeds with a violation [%]"].tolist() == [0, 0]


def test_prompt_orders_fail_at_40_or_50_percent_alone() -> None:
    table = pd.read_csv(DOCS / "impact/impact_communication_pv_prompt_orders.csv")
    failed = table[table["runs with a violation"] > 0]["penetration [%]"]
    assert failed.tolist() == [40, 50]
    assert f"[{table[table['penetration [%]'] >= 60]['runs'].sum()} runs]" in PAGE


@pytest.mark.parametrize("study", ["heat_pump", "mixed", "communication_pv", "pv", "ev"])
def test_how_many_runs_a_search_took(study: str) -> None:
    runs = pd.read_csv(DOCS / f"impact/impact_{study}_runs.csv")
    whole = 11 * runs["seeds"].sum()
    took = f"{runs['runs'].sum():,}"
    assert f"The search took {took} of {whole:,} runs" in PAGE or f"; {took} runs, 13 minutes" in PAGE


def test_what_roofs_gain() -> None:
    table = pd.read_csv(DOCS / "impact/impact_pv.csv")
    of = table.set_index(["feeder", "mode"])
    column = "capacity at a risk of 10 %"
    lines = [line for line in PAGE.partition("## PV roofs")[2].splitlines() if line.startswith("| ")][1:6]
    modes = ["uncontrolled", "q_of_v", "q_and_p_of_v", "feed_in_limit", "batteries"]
    for line, mode in zip(lines, modes, strict=True):
        said = [cell.strip() for cell in line.strip("|").split("|")][1:]
        assert said == [of.loc[(feeder, mode), column] for feeder in ("rural", "suburb", "village")]
    assert (of.xs("batteries", level="mode")[["change from", "change to"]] == 0).all(axis=None)
    limited = of.loc[("rural", "feed_in_limit")]
    assert limited["change from"] > 0
    assert of.loc[("rural", "q_of_v"), "change of the mean [points]"] == pytest.approx(-1)
    assert (of["seeds"] == 20).all()


def test_the_transformer_binds_first_under_roofs_and_p_of_v_never_acts() -> None:
    binding = pd.read_csv(DOCS / "impact/impact_pv_binding.csv")
    assert set(binding["limit"]) == {"transformer overloaded"}
    assert (binding[binding["feeder"] != "suburb"]["seeds"] == 20).all()
    costs = pd.read_csv(DOCS / "impact/impact_pv_costs.csv")
    with_p = (costs["number"] == "generation curtailed [kWh]") & (costs["mode"] == "q_and_p_of_v")
    assert costs[with_p][["mean", "to"]].to_numpy().tolist() == [[0, 0]] * 3


@pytest.mark.slow
def test_what_devices_add_to_the_peak_of_forty_homes() -> None:
    """Vehicles less than the measured 1.4 and 2.0 kW, heat pumps twice the measured 1.2 kW."""
    script = loaded("impact_peaks")
    assert script.table(script.RAW) in "\n".join(line.strip() for line in PAGE.splitlines())
    added = script.added(script.RAW)
    assert (added["count"] == 20).all()
    assert added.loc["a vehicle at 11 kW", "mean"] + added.loc["a vehicle at 11 kW", "half"] < 1.4
    assert added.loc["a heat pump", "mean"] / 1.2 == pytest.approx(2.1, abs=0.05)
    assert added.loc["a heat pump", "mean"] / 1.7 == pytest.approx(1.5, abs=0.05)
    kw = script.peak_kw(script.CASES["a vehicle at 11 kW"], 1)
    assert kw == pytest.approx(pd.read_csv(script.RAW)["peak_kw"][1], abs=1e-3)


@pytest.mark.parametrize(
    ("mode", "begins"),
    [
        ("uncontrolled", "| uncontrolled | 60 % | 40 %"),
        ("regulation", "| regulation, planned by the hour"),
        ("dimming", "| dimmed to 4.2 kW"),
        ("dimming_to_1_5_kw", "| dimmed to 1.5 kW"),
    ],
)
def test_heat_pumps_on_two_feeders(mode: str, begins: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(begins))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    rows = [capacities("impact_heat_pump", feeder=feeder, mode=mode) for feeder in ("rural", "village")]
    assert cells[1:3] == [
        capacity + (f" ({low} to {high})" if low != high else "")
        for capacity, (low, high), _ in map(numbers, rows)
    ]
    place = {"feeder": "village", "mode": mode}
    loading, missing, cold = (
        capacities("impact_heat_pump_costs", number=number, **place)["mean"]
        for number in ("highest transformer loading [%]", "missing [kWh]", "too cold [h]")
    )
    assert cells[3] == f"{loading:.0f} %"
    assert cells[4] == (f"{missing:.0f} kWh, {cold:.0f} h too cold" if missing else "nothing")


def test_what_control_does_to_heat_pumps() -> None:
    table = pd.read_csv(DOCS / "impact/impact_heat_pump.csv").set_index(["feeder", "mode"])
    assert (table["seeds"] == 20).all()
    assert (table["not monotone"] == 0).all()
    assert set(table.loc["suburb", "capacity at a risk of 10 %"]) == {"at least 100 %"}
    ends = ["change of the mean [points]", "change from", "change to"]
    assert (table.xs("dimming", level="mode")[ends] == 0).all(axis=None)
    assert table.loc[("rural", "dimming_to_1_5_kw"), ends].round(1).tolist() == [-19.5, -20.5, -18.5]
    assert table.loc[("rural", "regulation"), ends].round(1).tolist() == [3.0, 0.8, 5.2]
    assert table.loc[("village", "regulation"), ends].round(1).tolist() == [-0.5, -2.3, 1.3]
    loading = pd.read_csv(DOCS / "impact/impact_heat_pump_costs.csv").set_index(["number", "feeder", "mode"])
    higher = loading.loc["highest transformer loading [%]", ["change", "change from", "change to"]]
    assert higher.loc[("village", "dimming_to_1_5_kw")].round().tolist() == [36, 35, 37]
    assert higher.loc[("village", "regulation")].round(1).tolist() == [-4.1, -6.3, -2.0]
    assert higher.loc[("rural", "regulation")].round(1).tolist() == [-2.8, -4.0, -1.6]
    binding = pd.read_csv(DOCS / "impact/impact_heat_pump_binding.csv")
    assert set(binding["limit"]) == {"transformer overloaded"}
    assert (binding["seeds"] == 20).all()


def test_there_is_hardly_any_chance_about_heat_pumps() -> None:
    table = pd.read_csv(DOCS / "impact/impact_heat_pump_probabilities.csv")
    outside = table[table["mode"] == "uncontrolled"].groupby("feeder")["seeds with a violation [%]"]
    assert outside.get_group("village").tolist() == [0] * 4 + [5] + [100] * 6
    assert outside.get_group("rural").tolist() == [0] * 7 + [100] * 4


@pytest.mark.parametrize(
    ("mode", "loss", "latency_h", "begins"),
    [
        ("uncontrolled", None, None, "| uncontrolled | 30 % | 30 to"),
        ("q_of_v", None, None, "| Q(V), all reactive"),
        ("batteries", None, None, "| batteries that each home"),
        ("regulation", 0, 0, "| batteries under regulation, prompt"),
        ("regulation", 0.9, 0, "| batteries under regulation, nine"),
        ("regulation", 0, 1, "| batteries under regulation, an hour"),
        ("regulation", 0.9, 2, "| batteries under regulation, two hours"),
        ("ordered", 0, 0, "| ordered, prompt"),
        ("ordered", 0.9, 0, "| ordered, nine"),
        ("ordered", 0, 1, "| ordered, an hour"),
        ("ordered", 0.9, 2, "| ordered, two hours"),
        ("ordered_without_fallback", 0, 0, "| ordered without a fallback, prompt"),
        ("ordered_without_fallback", 0.9, 0, "| ordered without a fallback, nine"),
        ("ordered_without_fallback", 0, 1, "| ordered without a fallback, an hour"),
    ],
)
def test_roofs_over_a_bad_network(mode: str, loss: float | None, latency_h: int | None, begins: str) -> None:
    place = {"mode": mode} | ({} if loss is None else {"loss": loss, "latency_h": latency_h})
    (line,) = (line for line in PAGE.splitlines() if line.startswith(begins))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    capacity, (low, high), change = numbers(capacities("impact_communication_pv", **place))
    costs = capacities("impact_communication_pv_costs", number="generation curtailed [kWh]", **place)
    assert cells[1:3] == [capacity, "" if low == high else f"{low} to {high} %"]
    assert [int(each) for each in re.findall(r"[+-]?\d+", cells[3])] == list(change or ())
    curtailed = costs["mean"]
    assert cells[4] == ("" if math.isnan(curtailed) or curtailed == 0 else f"{curtailed:.0f} kWh")


def test_the_voltage_binds_first_on_the_line_in_every_seed() -> None:
    binding = pd.read_csv(DOCS / "impact/impact_communication_pv_binding.csv")
    assert set(binding["limit"]) == {"voltage too high"}
    assert binding[binding["mode"] == "uncontrolled"]["seeds"].sum() == 20


def test_late_signals_are_worse_than_none_and_prompt_orders_not_always_safe() -> None:
    table = pd.read_csv(DOCS / "impact/impact_communication_pv.csv")
    assert (table["seeds"] == 20).all()
    regulated = table[table["mode"] == "regulation"]
    late = regulated["latency_h"] > 0
    assert (regulated[late]["change to"] < 0).all()
    assert (regulated[~late]["change from"] > 0).all()
    of = table.set_index(["mode", "loss", "latency_h"])
    counted = "not monotone"
    assert (of.loc[("ordered", 0, 0), counted], of.loc[("ordered_without_fallback", 0, 0), counted]) == (2, 3)
    assert table[counted].sum() == 5
    binding = pd.read_csv(DOCS / "impact/impact_communication_pv_binding.csv")
    prompt = binding[(binding["mode"] == "ordered") & (binding["loss"] == 0) & (binding["latency_h"] == 0)]
    assert prompt["seeds"].sum() == 4
    costs = pd.read_csv(DOCS / "impact/impact_communication_pv_costs.csv")
    curtailed = costs[costs["number"] == "generation curtailed [kWh]"].set_index(
        ["mode", "loss", "latency_h"]
    )
    ratio = curtailed.loc[("ordered", 0, 1), "mean"] / curtailed.loc[("ordered", 0, 0), "mean"]
    assert ratio == pytest.approx(1.27, abs=0.01)


@pytest.mark.parametrize(
    ("feeder", "begins"),
    [
        ("rural", "| rural | 60 % | 70"),
        ("rural_scenario_1", "| rural, scenario 1"),
        ("rural_scenario_2", "| rural, scenario 2"),
        ("suburb", "| suburb |"),
        ("village", "| village | 40 % | 50"),
    ],
)
def test_everything_together(feeder: str, begins: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(begins))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    rows = [capacities("impact_mixed", feeder=feeder, mode=mode) for mode in ("uncontrolled", "dimming")]
    assert cells[1:3] == [
        capacity + (f" ({low} to {high})" if low != high else "")
        for capacity, (low, high), _ in map(numbers, rows)
    ]
    change = rows[1][["change of the mean [points]", "change from", "change to"]]
    said = [float(each) for each in re.findall(r"[+-]?\d+\.\d+", cells[3])]
    assert said == pytest.approx(change.astype(float).tolist(), abs=0.0501)
    costs = pd.read_csv(DOCS / "impact/impact_mixed_costs.csv")
    of_modes = costs.set_index(["number", "feeder", "mode"]).sort_index()
    loading = of_modes.loc[("highest transformer loading [%]", feeder), "mean"]
    assert cells[4] == f"{loading['uncontrolled']:.0f} %, {loading['dimming']:.0f} %"
    assert of_modes.loc[("missing at departure [kWh]", feeder, "dimming"), "change"] == 0


def test_what_simbenchs_future_takes() -> None:
    table = pd.read_csv(DOCS / "impact/impact_mixed.csv").set_index(["mode", "feeder"])
    assert (table["seeds"] == 20).all()
    mean = table["mean over seeds [%]"]
    assert mean["uncontrolled", "rural_scenario_1"] == mean["uncontrolled", "rural"] == pytest.approx(66)
    assert mean["uncontrolled", "rural_scenario_2"] == pytest.approx(54)
    binding = pd.read_csv(DOCS / "impact/impact_mixed_binding.csv")
    assert set(binding["limit"]) == {"transformer overloaded"}
    assert (binding["seeds"] == 20).all()


def test_what_roofs_and_a_bad_network_cost() -> None:
    """Rows of `costs.csv` at 50 %: of the rural feeder's roofs, and of vehicles an hour late."""
    place = {"feeder": "rural", "penetration [%]": 50}
    curtailed = capacities(
        "impact_pv_costs", number="generation curtailed [kWh]", mode="feed_in_limit", **place
    )
    losses, without = (
        capacities("impact_pv_costs", number="losses in the feeder [kWh]", mode=mode, **place)
        for mode in ("q_of_v", "uncontrolled")
    )
    assert f"{curtailed['mean']:.0f} kWh curtailed in the week at 50 %" in PAGE
    assert f"the losses rise by {losses['change']:.0f} kWh, from {without['mean']:.0f}." in PAGE
    late, alone = (
        capacities("impact_communication_costs", number="missing at departure [kWh]", mode=mode)["mean"]
        for mode in ("dimming", "uncontrolled")
    )
    assert f"{late:.0f} kWh missing at departure against {alone:.1f}." in PAGE


@pytest.mark.parametrize(
    ("mode", "begins", "said"),
    [
        ("uncontrolled", "| uncontrolled | 30 % | 20", "{missing:.1f} kWh missing"),
        ("slow_chargers", "| chargers of 3.7 kW", "{missing:.0f} kWh missing"),
        ("regulation", "| regulation, a signal", "{messages:,.0f} messages"),
        ("dimming", "| dimming to 4.2 kW", "{messages:,.0f} messages"),
    ],
)
def test_what_control_of_vehicles_costs(mode: str, begins: str, said: str) -> None:
    place = {"feeder": "village", "penetration [%]": 50}
    missing, messages, alone = (
        capacities("impact_ev_costs", number=number, mode=one, **place)["mean"]
        for number, one in (
            ("missing at departure [kWh]", mode),
            ("messages sent", mode),
            ("missing at departure [kWh]", "uncontrolled"),
        )
    )
    (line,) = (line for line in PAGE.splitlines() if line.startswith(begins))
    assert said.format(missing=missing, messages=1000 * round(messages / 1000)) in line
    assert (missing == alone) == (mode != "slow_chargers")
