"""What came of a run, in one to three sentences: limits, how the community followed, what was lost and paid.

A pure function of the run's numbers, the names in its feeder tables, and its scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cosim.core.clock import to_hours
from cosim.core.errors import count, listed
from cosim.core.numbers import Summary
from cosim.core.shown import THIN_SPACE, date_text, duration_text, number_text, share_text
from cosim.core.text import visible
from cosim.engine.scenario import Scenario
from cosim.faults.schema import fault_names
from cosim.grid.verdict import WORDS_BY_KEY, LimitWords
from cosim.regulation.schema import CommunityConfig, ResourceConfig
from cosim.results.run_tables import batches, table_files


class Element(NamedTuple):
    """A bus, line or transformer of the feeder.

    Attributes
    ----------
    name : str
        As the network calls it; may be empty.
    limits : dict of str to float
        By key of the kind of limit: pu for voltages, percent for loadings.
    """

    name: str
    limits: Mapping[str, float]


Elements = Mapping[tuple[str, int], Element]
"""By table (``bus``, ``line``, ``trafo``, ``trafo3w``) and index."""
_VOLTAGES = ("voltage_low", "voltage_high")
_LOADINGS = ("line_overload", "trafo_overload", "trafo3w_overload")
_MOST_COMMUNITIES = 3
_MOST_FAULTS = 2


def read_elements(folder: Path) -> Elements:
    """The elements of a run's feeder, from its tables; empty without a feeder."""
    found: dict[tuple[str, int], Element] = {}
    for file in table_files(folder, "feeder_buses"):
        for batch in batches(file, ["bus", "name", "vm_min_pu", "vm_max_pu"]):
            for row in batch.to_pylist():
                limits = {"voltage_low": row["vm_min_pu"], "voltage_high": row["vm_max_pu"]}
                found["bus", row["bus"]] = Element(row["name"], limits)
    for file in table_files(folder, "feeder_branches"):
        for batch in batches(file, ["kind", "element", "name", "loading_max_percent"]):
            for row in batch.to_pylist():
                limits = {f"{row['kind']}_overload": row["loading_max_percent"]}
                found[row["kind"], row["element"]] = Element(row["name"], limits)
    return found


def answer(summary: Summary, scenario: Scenario, elements: Elements) -> str:
    """The sentences that a run begins and ends with.

    Parameters
    ----------
    summary : dict
        The run's numbers.
    scenario : Scenario
        What was run.
    elements : mapping
        As from `read_elements`.

    Returns
    -------
    str
        Empty where there is nothing to say: no feeder, no community, no market, no message.
    """
    parts = [_limits(summary, scenario, elements), _following(summary, scenario), _costs(summary, scenario)]
    return " ".join(filter(None, parts)).replace(THIN_SPACE, " ")


def element_text(words: LimitWords, index: int, elements: Elements) -> str:
    """An element as people point at it: ``line LV3.101 Line 1``; by its index where it has no name."""
    element = elements.get((words.table, index))
    name = element.name if element else ""
    return f"{words.element} {visible(name, one_line=True) or index}"


def _limits(summary: Summary, scenario: Scenario, elements: Elements) -> str:
    n = summary.get("intervals")
    if n is None or scenario.grid is None:
        return ""
    if n == 0:
        return "No interval of the feeder was counted: nothing can be said about its limits."
    missing = {kind: int(summary.get(f"intervals_{kind}") or 0) for kind in ("diverged", "skipped")}
    n_solved = int(n) - sum(missing.values())
    told = listed([f"{number} {kind}" for kind, number in missing.items() if number])
    if n_solved == 0:
        none = f"None of {count(int(n), 'interval')} was solved ({told})"
        return f"{none}: nothing can be said about the feeder's limits."
    unsolved = f"{sum(missing.values())} of {count(int(n), 'interval')} not solved ({told}). " if told else ""
    outside = int(summary.get("intervals_outside_limits") or 0)
    length = f"of {duration_text(scenario.interval_ms)}"
    if outside:
        hours = number_text(to_hours(outside * scenario.interval_ms), 3)
        said = (
            f"The feeder was outside its limits in {outside} of {count(n_solved, 'interval')} {length} "
            f"({share_text(outside / n_solved)}, {hours} h): "
        )
        kinds = [key for key in WORDS_BY_KEY if summary.get(f"{key}_intervals")]
        kinds.sort(key=lambda key: -float(summary[f"{key}_intervals"] or 0))
        return unsolved + said + "; ".join(_left(key, summary, scenario, elements) for key in kinds) + "."
    kept = [_nearest(pair, summary, scenario, elements) for pair in (_LOADINGS, _VOLTAGES)]
    nearest = listed([text for text in kept if text])
    among = "solved interval" if told else "interval"
    where = f"in all {count(n_solved, among)}" if n_solved > 1 else f"in its only {among}"
    return f"{unsolved}The feeder kept its limits {where} {length}; closest came {nearest}."


def _left(key: str, summary: Summary, scenario: Scenario, elements: Elements) -> str:
    words = WORDS_BY_KEY[key]
    n = int(summary[f"{key}_intervals"] or 0)
    return f"{words.outside} in {n}, worst at {_extreme(key, summary, scenario, elements)}"


def _nearest(keys: tuple[str, ...], summary: Summary, scenario: Scenario, elements: Elements) -> str:
    uses = {key: summary.get(f"{key}_use_max") for key in keys}
    known = {key: float(use) for key, use in uses.items() if use is not None}
    return _extreme(max(known, key=known.__getitem__), summary, scenario, elements) if known else ""


def _extreme(key: str, summary: Summary, scenario: Scenario, elements: Elements) -> str:
    """The element that uses its limit most, its value, the limit, and when."""
    words = WORDS_BY_KEY[key]
    use, index = summary.get(f"{key}_use_max"), summary.get(f"{key}_use_max_{words.table}")
    hours = summary.get(f"{key}_use_max_time_h")
    if use is None or index is None or hours is None:
        return f"a {words.element} that is not known"
    where = element_text(words, int(index), elements)
    when = date_text(scenario.time.start, float(hours))
    element = elements.get((words.table, int(index)))
    limit = element.limits.get(key) if element else None
    if limit is None:
        return f"{where} ({share_text(float(use))} of its limit) on {when}"
    value = limit / use if key == "voltage_low" else limit * use
    return f"{where} ({words.value.format(value)}, limit {words.value.format(limit)}) on {when}"


def _following(summary: Summary, scenario: Scenario) -> str:
    told = [
        text
        for each in scenario.communities[:_MOST_COMMUNITIES]
        if (text := _community(each, summary, scenario))
    ]
    more = len(scenario.communities) - _MOST_COMMUNITIES
    if more > 0:
        told.append(f"{count(more, 'more community', 'more communities')} in the summary")
    told += _failures(summary, scenario)
    sent, lost = int(summary.get("messages_sent") or 0), int(summary.get("messages_lost") or 0)
    late = int(summary.get("messages_expired") or 0)
    if sent:
        gone = f"none of {number_text(sent)} messages was lost"
        if lost:
            gone = (
                f"{number_text(lost)} of {number_text(sent)} messages were lost ({share_text(lost / sent)})"
            )
        told.append(f"{gone}{f', {number_text(late)} came too late' if late else ''}")
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _community(community: CommunityConfig, summary: Summary, scenario: Scenario) -> str:
    parts: list[str] = []
    for resource in community.resources:
        prefix = f"{community.name}_{resource.name}"
        error, mean = (summary.get(f"{prefix}_{name}_units") for name in ("tracking_rmse", "capacity_mean"))
        if error is not None and mean is not None:
            by, capacity = (power_text(float(each), resource, scenario) for each in (error, mean))
            parts.append(f"by {by} in {resource.name} (of {capacity}{'' if parts else ' on average'})")
    if not parts:
        return ""
    return f"community {community.name} missed its capacity {listed(parts)}, root mean square"


def _failures(summary: Summary, scenario: Scenario) -> list[str]:
    """What each of the worst faults did to the resource that it hit hardest."""
    found = []
    for fault in fault_names(scenario.faults):
        hit = []
        for community in scenario.communities:
            for resource in community.resources:
                key = f"fault_{fault}_{community.name}_{resource.name}_worst_deviation_units"
                units = float(summary.get(key) or 0.0)
                size = abs(units) * (resource.unit_kwh or 1.0)
                side = "too much" if units > 0 else "too little"
                text = f"{power_text(abs(units), resource, scenario)} {side} in {resource.name}"
                hit.append((size, f"during {fault} it was up to {text}"))
        found.append(max(hit, default=(0.0, "")))
    worst = sorted(found, key=lambda each: -each[0])[:_MOST_FAULTS]
    return [text for size, text in worst if size]


def power_text(units: float, resource: ResourceConfig, scenario: Scenario) -> str:
    """So many units of a resource a step in kW; in units where they are no energy."""
    if not resource.unit_kwh:
        return f"{number_text(units, 3)} {'unit' if units == 1 else 'units'}"
    return f"{number_text(units * resource.unit_kwh / to_hours(scenario.time.step_ms), 3)} kW"


def _costs(summary: Summary, scenario: Scenario) -> str:
    text = "; ".join(_cost_parts(summary, scenario))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _firm_parts(summary: Summary) -> Iterator[str]:
    bills, margin = summary.get("firm_bills_eur"), summary.get("firm_margin_eur")
    if bills is None or margin is None:
        return
    verb = "paid the firm" if bills >= 0 else "were paid by the firm"
    rest = f"{number_text(abs(float(margin)))} EUR"
    ends = f"{rest} of margin is left to it" if margin >= 0 else f"it lost {rest}"
    yield f"households {verb} {number_text(abs(float(bills)))} EUR, and {ends}"
    unserved = summary.get("firm_unserved_kwh")
    if unserved is not None:
        curtailed = float(summary.get("firm_curtailed_kwh") or 0.0)
        share = float(summary.get("firm_unserved_fraction") or 0.0)
        served = f"left {number_text(float(unserved))} kWh unserved ({share_text(share)} of the load)"
        yield (
            f"the island {served if unserved else 'served all load'}, and curtailed "
            f"{number_text(curtailed)} kWh of generation"
        )


def _cost_parts(summary: Summary, scenario: Scenario) -> Iterator[str]:
    bills, days = summary.get("bills_households_eur"), summary.get("delivery_days")
    if bills is not None and days:
        verb = "paid" if bills >= 0 else "earned"
        yield f"households {verb} {number_text(abs(float(bills)))} EUR in {count(int(days), 'day')}"
        traded = summary.get("traded_delivered_kwh")
        if traded is not None:
            yield f"{number_text(float(traded))} kWh were traded between them"
    yield from _firm_parts(summary)
    for tie in scenario.ties:
        passed = summary.get(f"tie_{tie.name}_energy_kwh")
        if passed is not None:
            largest = share_text(float(summary.get(f"tie_{tie.name}_use_max_fraction") or 0.0))
            yield (
                f"{tie.seller.community} sold {tie.buyer.community} {number_text(float(passed))} kWh over "
                f"{tie.name}, with up to {largest} of its limit"
            )
    drawn = summary.get("energy_imported_kwh")
    if drawn is not None:
        yield f"households drew {number_text(float(drawn))} kWh at their meters"
    curtailed = summary.get("pv_curtailed_kwh")
    if curtailed:
        yield f"{number_text(float(curtailed))} kWh of generation were curtailed"
    lost = summary.get("energy_lost_in_feeder_kwh")
    if lost is not None:
        yield f"lines and transformers lost {number_text(float(lost))} kWh"
