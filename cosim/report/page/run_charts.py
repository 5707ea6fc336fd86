"""The series of a run on its page: feeder, power, communities, batteries, market, and duration curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.shown import number_text
from cosim.devices.interface import given_columns
from cosim.devices.services import services
from cosim.engine.moment import device_words
from cosim.engine.scenario import Scenario
from cosim.faults.schema import fault_names, fault_words
from cosim.regulation.reductions import is_grid_aware, planned_capacity
from cosim.regulation.resource_words import resource_meaning
from cosim.regulation.schema import CommunityConfig, ResourceConfig
from cosim.regulation.units_in_kw import kw_per_unit
from cosim.report.device_data import panels
from cosim.report.dimming_data import LIMITED, limited
from cosim.report.figures.message_figures import latency_data
from cosim.report.long_series import blocks, row_quantiles, sums_over_elements
from cosim.report.page.charts import Chart, band, chart, duration, series
from cosim.report.page.feeder_data import Solved, solved
from cosim.report.page.moment_data import then
from cosim.report.page.packing import packed
from cosim.report.page.signal_data import signal_charts
from cosim.report.regulation_data import ResourceSeries, resource_series
from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms
from cosim.report.trading_data import bills, market_hours

Array = NDArray[np.float64]
Times = NDArray[np.int64]

_BILL_WORDS = {
    "from_grid_eur": "paid to the grid",
    "purchases_eur": "paid to households",
    "compensation_eur": "compensation",
    "sales_eur": "earned from households",
    "to_grid_eur": "earned by feeding in",
    "grid_fees_eur": "grid fees",
    "taxes_eur": "taxes",
}
_BRANCHES = {"line": "lines", "trafo": "transformers", "trafo3w": "three-winding transformers"}


def time_charts(run: RunData) -> list[Chart]:
    """Every figure over time that the run has something for."""
    parts = (_feeder, _power, _communities, signal_charts, _storage, _devices, _limited, _trading)
    return [each for part in parts for each in part(run)]


def _feeder(run: RunData) -> Iterator[Chart]:
    found, zero = solved(run), start_ms(run)
    if found is None or not len(found.time_ms):
        return
    low, high = np.fmin.reduce(found.vm_pu, axis=1), np.fmax.reduce(found.vm_pu, axis=1)
    lines = []
    for name, what in (("vm_max_pu", "highest"), ("vm_min_pu", "lowest")):
        values = [value for value in run.limits[name].values() if np.isfinite(value)]
        if values:
            ((limit, _),) = Counter(values).most_common(1)
            lines.append({"value": limit, "name": f"{what} limit of most buses"})
    yield chart(
        "voltage",
        "Voltage",
        "pu",
        [
            series("highest of all buses", found.time_ms, high, zero, steps=True),
            series("lowest of all buses", found.time_ms, low, zero, steps=True, dash=True),
        ],
        lines=lines,
        about=f"The highest and the lowest voltage among all buses in each interval.{_of_copy(run)}",
        tables="bus_voltage",
    )
    if found.percent:
        yield chart(
            "loading",
            "Loading",
            "% of the limit",
            [
                series(
                    f"most loaded of the {_BRANCHES[kind]}",
                    found.time_ms,
                    _highest(run, found, kind),
                    zero,
                    steps=True,
                    dash=kind == "line",
                )
                for kind in sorted(found.percent, reverse=True)
            ],
            lines=[{"value": 100, "name": "limit"}],
            about=f"How much of its own limit the most loaded line and transformer carry.{_of_copy(run)}",
            tables="line_loading and trafo_loading",
        )


def _of_copy(run: RunData) -> str:
    """Of which copy of a feeder that is; it is there many times."""
    return "" if run.copy is None else f" Of {run.copy.words}."


def _highest(run: RunData, found: Solved, kind: str) -> Array:
    percent = found.of_limit(run, kind)
    return np.asarray(np.fmax.reduce(percent, axis=1)) if percent.shape[1] else np.full(len(percent), np.nan)


def _power(run: RunData) -> Iterator[Chart]:
    zero, to_kw, span_ms = start_ms(run), MS_PER_HOUR / run.scenario.interval_ms, run.scenario.interval_ms
    homes: list[dict[str, Any]] = []
    feeder: list[dict[str, Any]] = []
    net, acting = None, False

    def add(
        parts: list[dict[str, Any]], name: str, time_ms: Times, values: Array, dash: bool = False
    ) -> None:
        at = then(run, time_ms, values, span_ms)
        parts.append(series(name, time_ms, values, zero, steps=True, dash=dash, **at))

    if run.has("meters"):
        time_ms, sums = sums_over_elements(run, "meters", ["load_kwh", "pv_kwh", "net_kwh"])
        load, made, at_meters = (to_kw * each for each in sums.values())
        net, balance = (time_ms, at_meters), at_meters - load + made
        # Where devices were not recorded, the balance is all that is known.
        given = np.maximum(to_kw * _given_kwh(run, time_ms), -balance)
        add(homes, "load of the households", time_ms, load)
        if made.any():
            add(homes, "their generation", time_ms, made, dash=True)
        for name, values in (("taken by their devices", balance + given), ("given by their devices", given)):
            if values.max(initial=0) > 1e-9:
                add(homes, name, time_ms, values, dash=values is given)
                acting = True
    if run.has("power_flow"):
        for each in _of_feeder(run, net):
            add(feeder, *each)
    if homes:
        devices = f" Their devices: {device_words(run.scenario)}." if acting else ""
        about = f"Means of each interval. Solid: taken; dashed: given.{devices}"
        yield chart("power", "Power of the households", "kW", homes, about=about, tables="meters")
    if feeder:
        about = "Means of each interval; with the power of the households it adds up."
        yield chart("feeder_power", "Power of the feeder", "kW", feeder, about=about, tables="power_flow")


def _given_kwh(run: RunData, time_ms: Times) -> Array:
    """What devices gave to their households in each interval, as far as it was recorded."""
    total = np.zeros(len(time_ms))
    for table, columns in given_columns().items():
        if run.has(table, *columns):
            at_ms, sums = sums_over_elements(run, table, columns)
            _, here, there = np.intersect1d(time_ms, at_ms, assume_unique=True, return_indices=True)
            total[here] += np.sum(list(sums.values()), axis=0)[there]
    return total


def _of_feeder(run: RunData, net: tuple[Times, Array] | None) -> Iterator[tuple[str, Times, Array]]:
    """Power from above, and where it goes beside the households, so that the balance closes, kW."""
    table = run.read("power_flow", ["time", "p_slack_mw", "losses_mw"])
    time_ms, above, lost = np.asarray(table["time"]), 1000 * table["p_slack_mw"], 1000 * table["losses_mw"]
    yield "from the grid above (into it: negative)", time_ms, above
    if net is not None and run.scenario.firm is None:
        _, here, there = np.intersect1d(time_ms, net[0], assume_unique=True, return_indices=True)
        other = above[here] - lost[here] - net[1][there]
        if np.nanmax(np.abs(other), initial=0) > 1e-6:
            yield "other loads of the feeder (its generators: negative)", time_ms[here], other
    yield "lost in lines and transformers", time_ms, lost


def _devices(run: RunData) -> Iterator[Chart]:
    zero = start_ms(run)
    for panel in panels(run):
        curves = [
            series(label, time_ms, values, zero, steps=panel.unit != "kWh", dash=number % 2 == 1)
            for number, (label, time_ms, values) in enumerate(panel.curves)
        ]
        yield chart(
            panel.name, panel.title, panel.unit, curves, about="All of them together.", tables=panel.table
        )


def _limited(run: RunData) -> Iterator[Chart]:
    if run.scenario.dimming is None or not run.has("power_limits"):
        return
    found, zero = limited(run), start_ms(run)
    curves = [
        series(
            label,
            found.time_ms,
            found.households[:, number].astype(float),
            zero,
            steps=True,
            dash=number == 1,
        )
        for number, label in enumerate(LIMITED)
        if found.households[:, number].any()
    ]
    about = "How many households the operator limits, or limit themselves because they have heard nothing."
    yield chart(
        "limited", "Households under a limit", "households", curves, about=about, tables="power_limits"
    )


def _communities(run: RunData) -> Iterator[Chart]:
    zero, found = start_ms(run), resource_series(run)
    for number, one in enumerate(found):
        yield _resource(run, number, one)
    for community in dict.fromkeys(one.community for one in found):
        own = [one for one in found if one.community == community]
        yield chart(
            f"signal_{community}",
            f"{community}: signals",
            own[0].signal_unit,
            [series(one.resource, one.time_ms, one.signal, zero, steps=True) for one in own],
            about="The signal that the platform sends to the households for each resource; while it is down, "
            "the last one.",
            tables="regulation",
        )
        if np.isfinite(own[0].optimum_gap).any():
            gap = series("above the optimum", own[0].time_ms, own[0].optimum_gap, zero, steps=True)
            about = (
                "How much more the households' average decisions cost than the cheapest way to share out the "
                "same sums among them."
            )
            yield chart(
                f"gap_{community}",
                f"{community}: cost above the optimum",
                "cost",
                [gap],
                about=about,
                tables="regulation",
            )


def _resource(run: RunData, number: int, one: ResourceSeries) -> Chart:
    """What a community was to do of a resource, and did; beside the plan where the feeder can change it."""
    scenario, zero, step_ms = run.scenario, start_ms(run), run.scenario.time.step_ms
    community, config = _configured(scenario, one)
    kw = kw_per_unit(config, step_ms)
    factor, unit = (1.0, "units") if kw is None else (kw, "kW")
    target, did = factor * one.capacity, factor * one.aggregate[1:]
    # What a step did stands at its end; drawn from the step's start on, as power over the step.
    at_ms = (one.time_ms - step_ms)[1:]
    parts = [
        series("target", one.time_ms, target, zero, steps=True, **then(run, one.time_ms, target, step_ms)),
        series(
            "what the community did",
            at_ms,
            did,
            zero,
            steps=True,
            dash=True,
            **then(run, at_ms, did, step_ms),
        ),
    ]
    means = resource_meaning(config)
    about = f"{one.resource}{f' ({means})' if means else ''}: what the community did in each step, "
    about += "against the target that its platform sent out signals for."
    if is_grid_aware(community, config) and scenario.firm is None:
        plan = factor * planned_capacity(config, one.time_ms - zero, scenario.time.start)
        parts.append(
            series(
                "planned target", one.time_ms, plan, zero, steps=True, **then(run, one.time_ms, plan, step_ms)
            )
        )
        about += (
            " Where the target lies below the planned one, the platform lowered it because of the feeder."
        )
    if config.unit_kwh:
        about += f" A unit is {number_text(config.unit_kwh)} kWh at the devices' terminals, and"
        about += f" {services()[config.serves].meaning}."
    title = f"{one.community}: {one.resource}"
    names = {"community": one.community, "resource": one.resource}
    return chart(f"resource_{number}", title, unit, parts, about=about, tables="regulation", **names)


def _configured(scenario: Scenario, one: ResourceSeries) -> tuple[CommunityConfig, ResourceConfig]:
    community = next(each for each in scenario.communities if each.name == one.community)
    return community, next(each for each in community.resources if each.name == one.resource)


def _storage(run: RunData) -> Iterator[Chart]:
    if not run.has("batteries"):
        return
    owners, capacity = run.distinct("batteries", "prosumer"), None
    if run.has("prosumers", "battery_capacity_kwh"):
        table = run.read("prosumers", ["prosumer", "battery_capacity_kwh"])
        of = dict(zip(text_list(table["prosumer"]), table["battery_capacity_kwh"].tolist(), strict=True))
        capacity = np.array([of[owner] for owner in owners])
    parts = list(blocks(run, "batteries", "prosumer", "soc_kwh", owners))
    time_ms = np.concatenate([each.time_ms for each in parts])
    stored = np.concatenate([each.values for each in parts])
    if capacity is not None:
        stored = 100 * stored / capacity
    low, low5, median, high5, high = row_quantiles(stored, (0.0, 0.05, 0.5, 0.95, 1.0)).T
    zero, at_ms = start_ms(run), time_ms + run.scenario.interval_ms
    yield chart(
        "stored",
        "State of charge of the batteries",
        "kWh" if capacity is None else "% of capacity",
        [
            band("5 to 95 % of the batteries", at_ms, low5, high5, zero),
            series("median", at_ms, median, zero),
            series("emptiest", at_ms, low, zero, dash=True),
            series("fullest", at_ms, high, zero, dash=True),
        ],
        about="At the end of each interval.",
        tables="batteries",
    )


def _trading(run: RunData) -> Iterator[Chart]:
    hours, zero = market_hours(run), start_ms(run)
    if hours is None:
        return
    yield chart(
        "traded",
        "Energy offered and traded",
        "kWh per hour",
        [
            series("offered", hours.time_ms, hours.offered_kwh, zero, steps=True, dash=True),
            series("delivered between households", hours.time_ms, hours.traded_kwh, zero, steps=True),
        ],
        about="What all households offered to each other, and what was delivered.",
        tables="offers and prices",
    )
    yield chart(
        "prices",
        "Prices",
        "EUR/kWh",
        [
            series("of the grid", hours.time_ms, hours.grid_price, zero, steps=True),
            series("for feeding in", hours.time_ms, hours.feed_in_price, zero, steps=True, dash=True),
            series("mean between households", hours.time_ms, hours.price, zero, steps=True),
        ],
        about="The mean price of what households delivered to each other lies between those of the grid.",
        tables="offers and prices",
    )


def duration_charts(run: RunData) -> list[Chart]:
    """Duration curves of the feeder: for which share of the time a value was reached or passed."""
    found = solved(run)
    if found is None or not len(found.time_ms):
        return []
    voltages = [
        duration("highest of all buses", np.fmax.reduce(found.vm_pu, axis=1)),
        duration("lowest of all buses", np.fmin.reduce(found.vm_pu, axis=1)),
    ]
    result = [chart("duration_voltage", "Voltage, sorted", "pu", voltages)]
    loads = [
        duration(_BRANCHES[kind], _highest(run, found, kind)) for kind in sorted(found.percent, reverse=True)
    ]
    if loads:
        limit = [{"value": 100, "name": "limit"}]
        result.append(
            chart("duration_loading", "Highest loading, sorted", "% of the limit", loads, lines=limit)
        )
    drawn = 1000 * np.asarray(run.read("power_flow", ["p_slack_mw"])["p_slack_mw"], float)
    about = "How much was reached or exceeded during a share of the time."
    result.append(
        chart(
            "duration_power",
            "Power from the grid above, sorted",
            "kW",
            [duration("from the grid above", drawn)],
        )
    )
    return [each | {"about": about, "kind": "share"} for each in result]


def latency_chart(run: RunData) -> list[Chart]:
    """Which share of the messages came within a time; none where every message came at once."""
    if not (run.has("message_latency") and run.has("messages")):
        return []
    curves = []
    for (direction, kind), one in latency_data(run).items():
        late = one.latency_ms > 0
        if one.sent and late.any():
            share = 100 * np.cumsum(one.times) / max(1, one.times.sum())
            x = np.repeat(np.maximum(one.latency_ms, 1), 2).astype(float)
            y = np.concatenate([[0.0], np.repeat(share, 2)[:-1]])
            rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), 1500)).astype(int))
            curves.append(
                {"name": f"{direction}, {kind}", "x": packed(np.log10(x[rows])), "y": packed(y[rows])}
            )
    if not curves:
        return []
    about = (
        "The share of the delivered messages that took no longer than this; the axis of time is logarithmic."
    )
    return [chart("latency", "Latencies", "% of the messages", curves, about=about, kind="latency")]


def bill_chart(run: RunData) -> dict[str, Any] | None:
    """Each household's bill by its parts; None where no day was settled."""
    found = bills(run)
    if found is None:
        return None
    parts = [
        {"name": _BILL_WORDS[part], "values": np.round(found.eur[:, column], 4).tolist()}
        for column, part in enumerate(found.parts)
        if np.any(found.eur[:, column])
    ]
    return {"households": found.prosumers, "parts": parts}


def fault_bands(run: RunData) -> list[dict[str, Any]]:
    """When something had failed, in seconds since the start: stretches of each fault that do not overlap."""
    if not run.has("faults"):
        return []
    table, zero = run.read("faults", ["fault", "target", "start", "end"]), start_ms(run)
    names, targets = (text_list(table[name]) for name in ("fault", "target"))
    configured = run.scenario.faults
    titles = dict(zip(fault_names(configured), map(fault_words, configured), strict=True))
    merged: dict[str, list[dict[str, Any]]] = {}
    rows = sorted(zip(table["start"].tolist(), table["end"].tolist(), names, targets, strict=True))
    for start, end, name, target in rows:
        first, last = (start - zero) // 1000, (end - zero) // 1000
        own = merged.setdefault(name, [])
        if own and first <= own[-1]["end"]:
            own[-1]["end"] = max(own[-1]["end"], last)
            own[-1]["targets"] += 1
        else:
            own.append(
                {
                    "name": name,
                    "title": titles.get(name, name),
                    "target": target,
                    "targets": 1,
                    "start": first,
                    "end": last,
                }
            )
    return [each for own in merged.values() for each in own]
