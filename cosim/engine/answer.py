"""What came of a run, in one to three sentences: limits, what happened when they were worst, the whole run.

A pure function of the run's numbers, the names in its feeder tables, one interval, and its scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.errors import count, listed
from cosim.core.numbers import Summary
from cosim.core.shown import THIN_SPACE, date_text, duration_text, number_text, share_text
from cosim.engine.moment import Moment, moment_text
from cosim.engine.scenario import Scenario, TimeConfig
from cosim.engine.wings import catalogue
from cosim.faults.aftermath import Aftermath, Key
from cosim.faults.kinds import Fault
from cosim.faults.recovery import BAND, WINDOW
from cosim.faults.schema import fault_names, fault_words
from cosim.grid.named_elements import (
    Element,
    Elements,
    branch,
    element_name,
    limit_text,
    limit_use,
    used_text,
    used_value,
)
from cosim.grid.verdict import WORDS_BY_KEY
from cosim.regulation.reductions import Beyond, Reduction, reductions_text
from cosim.regulation.resource_words import resource_meaning
from cosim.regulation.schema import CommunityConfig, ResourceConfig
from cosim.regulation.units_in_kw import step_power_text
from cosim.results.run_tables import batches, schema_of, table_files

_MOST_COMMUNITIES = 3
_MOST_FAULTS = 2
_MOST_HIT = 3


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


class Worst(NamedTuple):
    """An element that uses its limit more than others of its kind, and when it does most."""

    key: str
    """The kind of limit, as numbers of a summary begin."""
    element: int
    """Its index."""
    share: float
    """Value over limit, of a lowest voltage limit over value."""
    hours: float
    """Since the start of the run."""
    use: float
    """How far the limit is used, by the rule that ranks all elements; see `limit_use`."""


def worst_of(summary: Summary, elements: Elements) -> list[Worst]:
    """The element of each kind of limit that uses it most, those first that use theirs most.

    Parameters
    ----------
    summary : dict
        The run's numbers.
    elements : mapping
        As from `read_elements`.
    """
    found = []
    for key, words in WORDS_BY_KEY.items():
        share, element, hours = (
            summary.get(f"{key}_use_max{end}") for end in ("", f"_{words.table}", "_time_h")
        )
        if share is not None and element is not None and hours is not None:
            use = _use(key, float(share), elements.get((words.table, int(element))))
            found.append(Worst(key, int(element), float(share), float(hours), use))
    return sorted(found, key=lambda each: -each.use)


def _use(key: str, share: float, element: Element | None) -> float:
    """See `Worst`; the share where the limit is not known."""
    if element is None or key not in element.limits:
        return share
    return limit_use(key, used_value(key, share, element.limits[key]), element)


def answer(
    summary: Summary,
    scenario: Scenario,
    elements: Elements,
    moment: Moment | None = None,
    reductions: Sequence[Sequence[Reduction]] = (),
    beyond: Beyond | None = None,
    aftermaths: Mapping[Key, Aftermath] = MappingProxyType({}),
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
        The interval in which the first of `worst_of` was; None where there is none.
    reductions : sequence of sequence of Reduction
        What the platforms took back because of the feeder, by resource.
    beyond : Beyond
        Around that moment; None where that element was within its limit.
    aftermaths : mapping
        As from `read_aftermaths`.

    Returns
    -------
    str
        Empty where there is nothing to say: no feeder, no community, no market, no message.
    """
    worst = worst_of(summary, elements)
    limits, then = _limits(summary, scenario, elements, worst), ""
    told = () if moment is None else tuple(moment.sums)
    rest = [*_following(summary, scenario, told, aftermaths), *_costs(summary, scenario)]
    sentences, start, step_ms = [limits] if limits else [], scenario.time.start, scenario.time.step_ms
    if moment is not None and worst and (then := moment_text(moment, scenario)):
        length = "hour" if scenario.interval_ms == MS_PER_HOUR else duration_text(scenario.interval_ms)
        sentences += [f"In the {length} from {date_text(start, worst[0].hours)} on, {then}."]
    sentences += [reductions_text(each, start, step_ms, beyond) for each in reductions]
    if rest:
        whole = f"{'over the whole run ' if then else ''}{'; '.join(rest)}"
        sentences += [f"{whole[0].upper()}{whole[1:]}."]
    return " ".join(sentences).replace(THIN_SPACE, " ")


def _limits(summary: Summary, scenario: Scenario, elements: Elements, worst: Sequence[Worst]) -> str:
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
            n_left, where = summary.get("feeders_outside_limits"), summary.get("feeder_worst")
            who = f"{n_left} of {feeders:,} feeders were outside their limits, worst feeder {where}, some"
        said = (
            f"{who} in {outside} of {count(n_solved, 'power-flow interval')} {length} "
            f"({share_text(outside / n_solved)}, {hours} h): "
        )
        left = [each for each in worst if summary.get(f"{each.key}_intervals")]
        which = [_left(each, summary, scenario, elements) for each in left]
        return f"{unsolved}{said}{'; '.join(which)}."
    nearest = [_extreme(each, scenario, elements) for each in _nearest(worst)]
    among = "solved power-flow interval" if told else "power-flow interval"
    when = f"in all {count(n_solved, among)}" if n_solved > 1 else f"in its only {among}"
    who = "The feeder kept its limits" if feeders == 1 else f"All {feeders:,} feeders kept their limits"
    return f"{unsolved}{who} {when} {length}; nearest to a limit: {', next '.join(nearest)}."


def _nearest(worst: Sequence[Worst]) -> list[Worst]:
    """Of loadings and of voltages that which uses most of its limit."""
    found = {WORDS_BY_KEY[each.key].table == "bus": each for each in reversed(worst)}
    return sorted(found.values(), key=lambda each: -each.use)


def _left(each: Worst, summary: Summary, scenario: Scenario, elements: Elements) -> str:
    n = int(summary[f"{each.key}_intervals"] or 0)
    return f"{WORDS_BY_KEY[each.key].outside} in {n}, worst at {_extreme(each, scenario, elements)}"


def _extreme(each: Worst, scenario: Scenario, elements: Elements) -> str:
    """An element with its value, the limit, and when."""
    words, element = WORDS_BY_KEY[each.key], elements.get((WORDS_BY_KEY[each.key].table, each.element))
    where = f"{words.element} {element_name(words.table, each.element, elements) or each.element}"
    when = date_text(scenario.time.start, each.hours)
    if element is None or each.key not in element.limits:
        return f"{where} ({share_text(each.share)} of its limit) on {when}"
    value, limit = used_text(each.key, each.share, element), limit_text(each.key, element)
    if words.table == "bus" and each.use <= 1:
        way = f"{share_text(each.use)} of the way from the middle of its band to the limit"
        return f"{where} ({value}, {way}, {limit}) on {when}"
    return f"{where} ({value}, limit {limit}) on {when}"


def _following(
    summary: Summary,
    scenario: Scenario,
    told: Sequence[tuple[str, str]],
    aftermaths: Mapping[Key, Aftermath],
) -> list[str]:
    """How communities followed, and what became of messages; `told` are resources that were explained."""
    said = [
        text
        for each in scenario.communities[:_MOST_COMMUNITIES]
        if (text := _community(each, summary, scenario, told))
    ]
    more = len(scenario.communities) - _MOST_COMMUNITIES
    if more > 0:
        said.append(f"{count(more, 'more community', 'more communities')} in the summary")
    said += _failures(summary, scenario, aftermaths)
    sent, lost = int(summary.get("messages_sent") or 0), int(summary.get("messages_lost") or 0)
    late = int(summary.get("messages_expired") or 0)
    if sent:
        gone = f"none of {number_text(sent)} messages was lost"
        if lost:
            gone = (
                f"{number_text(lost)} of {number_text(sent)} messages were lost ({share_text(lost / sent)})"
            )
        said.append(f"{gone}{f', {number_text(late)} came too late' if late else ''}")
    return said


def _community(
    community: CommunityConfig, summary: Summary, scenario: Scenario, told: Sequence[tuple[str, str]]
) -> str:
    """How far it was off its targets, and where that leaves it on average."""
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
        share = f"{share_text(error / target)} of " if target else "beside "
        means = "" if (community.name, resource.name) in told else resource_meaning(resource)
        said = f"{share}{mean}; {side} on average"
        if not parts:
            rule = f"root mean square of the deviations of all steps, {share}the mean target of {mean}"
            said = f"{rule}; it did {side} on average"
        parts.append(f"{off} in {resource.name} ({f'{means}; ' if means else ''}{said})")
    return f"community {community.name} was off its target by {listed(parts)}" if parts else ""


def _failures(summary: Summary, scenario: Scenario, aftermaths: Mapping[Key, Aftermath]) -> list[str]:
    """What each of the worst faults did to the resources that it threw off their targets, worst first."""
    found = []
    for config, fault in zip(scenario.faults, fault_names(scenario.faults), strict=True):
        hits = _hits(fault, summary, scenario, aftermaths)
        if hits:
            own = [each for each in hits[:_MOST_HIT] if each is hits[0] or each.is_beyond]
            once = _happens_once(config)
            deeds = [each.told(once, said=own[:n]) for n, each in enumerate(own)]
            lasts = any(each.recovery_h for each in own)
            when = f"{'during and after' if lasts else 'during'} the {fault_words(config)}"
            found.append((hits[0].size, f"{when}{_when(config, scenario)} {listed(deeds)}"))
    worst = sorted(found, key=lambda each: -each[0])[:_MOST_FAULTS]
    return [text for _, text in worst]


def _hits(
    fault: str, summary: Summary, scenario: Scenario, aftermaths: Mapping[Key, Aftermath]
) -> list[_Hit]:
    """What a fault did to each resource, the largest first."""
    found = []
    for community in scenario.communities:
        for resource in community.resources:
            prefix = f"fault_{fault}_{community.name}_{resource.name}"
            units = float(summary.get(f"{prefix}_worst_deviation_units") or 0.0)
            after = aftermaths.get((fault, community.name, resource.name))
            recovery_h = summary.get(f"{prefix}_recovery_h")
            if units:
                again = None if recovery_h is None else float(recovery_h)
                found.append(_Hit(scenario.time, community.name, resource, units, again, after))
    return sorted(found, key=lambda each: -each.size)


class _Hit(NamedTuple):
    """What a fault did to one resource."""

    time: TimeConfig
    community: str
    resource: ResourceConfig
    units: float
    """Its largest deviation."""
    recovery_h: float | None
    after: Aftermath | None

    @property
    def size(self) -> float:
        return abs(self.units) * (self.resource.unit_kwh or 1.0)

    @property
    def is_beyond(self) -> bool:
        """Whether it was further off its target than is usual."""
        return self.after is not None and abs(self.units) > self.after.near

    def told(self, once: bool, said: Sequence[_Hit]) -> str:
        """In words, after what was `said`; of a fault that happens `once`, also until when."""
        side = "too much" if self.units > 0 else "too little"
        who = "" if said and said[-1].community == self.community else f"{self.community} did "
        deed = f"{who}up to {self._power(abs(self.units))} {side} in {self.resource.name}"
        back = listed(self._back(is_first=not said)) if once else ""
        return f"{deed} ({back})" if back else deed

    def _back(self, is_first: bool) -> list[str]:
        parts = []
        if self.after is not None and self.after.back_h is not None:
            means = f", {BAND:g} times its usual deviation," if is_first else ""
            near, when = self._power(self.after.near), date_text(self.time.start, self.after.back_h)
            parts.append(f"after it within {near} of its target{means} first in the step from {when} on")
        if self.recovery_h:
            hours = number_text(self.recovery_h, 3)
            parts.append(f"as a root mean square of any {WINDOW} steps from {hours} h after its end on")
        return parts

    def _power(self, units: float) -> str:
        return step_power_text(units, self.resource, self.time.step_ms)


def _happens_once(fault: Fault) -> bool:
    return fault.from_h is not None and fault.rate_per_day is None


def _when(fault: Fault, scenario: Scenario) -> str:
    """When a fault is on that happens once; empty of one that comes at random or again."""
    if fault.from_h is None or not _happens_once(fault):
        return ""
    start, end_h = scenario.time.start, to_hours(scenario.time.duration_ms)
    until_h = end_h if fault.duration_h is None else fault.from_h + fault.duration_h
    until = date_text(start, until_h) if until_h < end_h else "the end of the run"
    return f" (from {date_text(start, fault.from_h)} to {until})"


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
