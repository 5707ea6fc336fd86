"""What came of a run, in one to three sentences: limits, what happened when they were worst, the whole run.

A pure function of the run's numbers, the names in its feeder tables, one interval, and its scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.errors import count, listed
from cosim.core.numbers import Summary
from cosim.core.shown import THIN_SPACE, date_text, duration_text, number_text, share_text
from cosim.engine.moment import Moment, moment_text
from cosim.engine.scenario import Scenario
from cosim.engine.wings import catalogue
from cosim.faults.kinds import Fault
from cosim.faults.schema import fault_names
from cosim.grid.named_elements import Element, Elements, branch, element_name, limit_text, used_text
from cosim.grid.verdict import WORDS_BY_KEY
from cosim.regulation.reductions import Reduction, reduction_text
from cosim.regulation.schema import CommunityConfig
from cosim.regulation.units_in_kw import step_power_text
from cosim.results.run_tables import batches, schema_of, table_files

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
        rating = [name for name in schema_of(file).names if name == "rating_kva"]  # not in older runs
        for batch in batches(file, ["kind", "element", "name", "loading_max_percent", *rating]):
            for row in batch.to_pylist():
                kind, kva = row["kind"], row.get("rating_kva")
                found[kind, row["element"]] = branch(kind, row["name"], row["loading_max_percent"], kva)
    return found


def worst_hours(summary: Summary) -> float | None:
    """When the limit that the answer names first was used most, hours since the start; None if none was.

    Parameters
    ----------
    summary : dict
        The run's numbers.
    """
    key = next(iter(_exceeded(summary) or _nearest_keys(summary)), None)
    hours = summary.get(f"{key}_use_max_time_h")
    return None if hours is None else float(hours)


def answer(
    summary: Summary,
    scenario: Scenario,
    elements: Elements,
    moment: Moment | None = None,
    reductions: Sequence[Reduction] = (),
) -> str:
    """The sentences that a run begins and ends with.

    Parameters
    ----------
    summary : dict
        The run's numbers.
    scenario : Scenario
        What was run.
    elements : mapping
        As from `read_elements`.
    moment : Moment
        The interval of `worst_hours`; None where there is none.
    reductions : sequence of Reduction
        What the platforms took back because of the feeder.

    Returns
    -------
    str
        Empty where there is nothing to say: no feeder, no community, no market, no message.
    """
    limits, rest = (
        _limits(summary, scenario, elements),
        [*_following(summary, scenario), *_costs(summary, scenario)],
    )
    then = moment_text(moment, scenario) if moment is not None else ""
    sentences = [limits] if limits else []
    if then:
        length = "hour" if scenario.interval_ms == MS_PER_HOUR else duration_text(scenario.interval_ms)
        when = date_text(scenario.time.start, worst_hours(summary) or 0.0)
        sentences += [f"In the {length} from {when} on, {then}."]
    sentences += [reduction_text(each, scenario.time.start, scenario.time.step_ms) for each in reductions]
    if rest:
        whole = f"{'over the whole run ' if then else ''}{'; '.join(rest)}"
        sentences += [f"{whole[0].upper()}{whole[1:]}."]
    return " ".join(sentences).replace(THIN_SPACE, " ")


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
    feeders = int(summary.get("feeders") or 1)
    if outside:
        hours = number_text(to_hours(outside * scenario.interval_ms), 3)
        who = "The feeder was outside its limits"
        if feeders > 1:
            n_left, worst = summary.get("feeders_outside_limits"), summary.get("feeder_worst")
            who = f"{n_left} of {feeders:,} feeders were outside their limits, worst feeder {worst}, some"
        said = (
            f"{who} in {outside} of {count(n_solved, 'interval')} {length} "
            f"({share_text(outside / n_solved)}, {hours} h): "
        )
        which = [_left(key, summary, scenario, elements) for key in _exceeded(summary)]
        return f"{unsolved}{said}{'; '.join(which)}."
    nearest = listed([_extreme(key, summary, scenario, elements) for key in _nearest_keys(summary)])
    among = "solved interval" if told else "interval"
    where = f"in all {count(n_solved, among)}" if n_solved > 1 else f"in its only {among}"
    who = "The feeder kept its limits" if feeders == 1 else f"All {feeders:,} feeders kept their limits"
    return f"{unsolved}{who} {where} {length}; nearest to a limit: {nearest}."


def _exceeded(summary: Summary) -> list[str]:
    """The kinds of limits that were exceeded, the most frequent first."""
    kinds = [key for key in WORDS_BY_KEY if summary.get(f"{key}_intervals")]
    return sorted(kinds, key=lambda key: -float(summary[f"{key}_intervals"] or 0))


def _nearest_keys(summary: Summary) -> list[str]:
    """The loading and the voltage that used most of their limits."""
    found = []
    for keys in (_LOADINGS, _VOLTAGES):
        uses = {key: summary.get(f"{key}_use_max") for key in keys}
        known = {key: float(use) for key, use in uses.items() if use is not None}
        found += [max(known, key=known.__getitem__)] if known else []
    return found


def _left(key: str, summary: Summary, scenario: Scenario, elements: Elements) -> str:
    words = WORDS_BY_KEY[key]
    n = int(summary[f"{key}_intervals"] or 0)
    return f"{words.outside} in {n}, worst at {_extreme(key, summary, scenario, elements)}"


def _extreme(key: str, summary: Summary, scenario: Scenario, elements: Elements) -> str:
    """The element that uses its limit most, its value, the limit, and when."""
    words = WORDS_BY_KEY[key]
    use, index = summary.get(f"{key}_use_max"), summary.get(f"{key}_use_max_{words.table}")
    hours = summary.get(f"{key}_use_max_time_h")
    if use is None or index is None or hours is None:
        return f"a {words.element} that is not known"
    where = f"{words.element} {element_name(words.table, int(index), elements) or int(index)}"
    when = date_text(scenario.time.start, float(hours))
    element = elements.get((words.table, int(index)))
    if element is None or key not in element.limits:
        return f"{where} ({share_text(float(use))} of its limit) on {when}"
    return f"{where} ({used_text(key, float(use), element)}, limit {limit_text(key, element)}) on {when}"


def _following(summary: Summary, scenario: Scenario) -> list[str]:
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
    return told


def _community(community: CommunityConfig, summary: Summary, scenario: Scenario) -> str:
    """How far it was typically off its targets, and where that leaves it on average."""
    parts: list[str] = []
    for resource in community.resources:
        prefix = f"{community.name}_{resource.name}"
        names = ("tracking_rmse", "capacity_mean", "tracking_bias")
        known = [summary.get(f"{prefix}_{name}_units") for name in names]
        if None in known:
            continue
        error, target, bias = (float(each or 0.0) for each in known)
        off, mean = (step_power_text(each, resource, scenario.time.step_ms) for each in (error, target))
        shift = step_power_text(abs(bias), resource, scenario.time.step_ms, beside=error)
        side = "just as much" if shift.startswith("0 ") else f"{shift} {'more' if bias > 0 else 'less'}"
        if parts:
            parts.append(f"{off} off in {resource.name} ({mean} on average, and the community did {side})")
        else:
            on_average = f"the target was {mean} on average, and the community did {side}"
            parts.append(f"{off} off its target in {resource.name} (root mean square; {on_average})")
    return f"community {community.name} was typically {listed(parts)}" if parts else ""


def _failures(summary: Summary, scenario: Scenario) -> list[str]:
    """What each of the worst faults did to the resource that it hit hardest."""
    found = []
    for config, fault in zip(scenario.faults, fault_names(scenario.faults), strict=True):
        hit, when = [], _when(config, scenario)
        for community in scenario.communities:
            for resource in community.resources:
                key = f"fault_{fault}_{community.name}_{resource.name}_worst_deviation_units"
                units = float(summary.get(key) or 0.0)
                size = abs(units) * (resource.unit_kwh or 1.0)
                side = "too much" if units > 0 else "too little"
                power = step_power_text(abs(units), resource, scenario.time.step_ms)
                hit.append((size, f"during {fault}{when} it was up to {power} {side} in {resource.name}"))
        found.append(max(hit, default=(0.0, "")))
    worst = sorted(found, key=lambda each: -each[0])[:_MOST_FAULTS]
    return [text for size, text in worst if size]


def _when(fault: Fault, scenario: Scenario) -> str:
    """From when on a fault that happens once lasts; empty of one that comes at random or again."""
    if fault.from_h is None or fault.rate_per_day is not None:
        return ""
    return f" (from {date_text(scenario.time.start, fault.from_h)} on)"


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


def _costs(summary: Summary, scenario: Scenario) -> Iterator[str]:
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
        given = float(summary.get("energy_exported_kwh") or 0.0)
        fed = f" and fed in {number_text(given)} kWh" if given else ""
        yield f"households drew {number_text(float(drawn))} kWh at their meters{fed}"
    for number in catalogue().numbers:
        value = summary.get(number.pattern)
        if number.told and value:
            yield number.told.format(number_text(value))
    lost = summary.get("energy_lost_in_feeder_kwh")
    if lost is not None:
        yield f"lines and transformers lost {number_text(float(lost))} kWh"
