"""What an impact study found, in sentences: what each mode hosts, what binds, what it changes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from cosim.config.axis_words import at_value
from cosim.core.errors import count, listed
from cosim.core.shown import THIN_SPACE, date_text, number_text, share_text
from cosim.devices.interface import device_title
from cosim.engine.scenario import Scenario
from cosim.grid.element_limits import feeder_limits
from cosim.grid.feeder import Feeder
from cosim.grid.named_elements import Element, Elements, elements_of, limit_text, used_text
from cosim.grid.verdict import WORDS_BY_KEY
from cosim.report.impact_moments import moment_sentence
from cosim.study.impact.headroom import Headroom
from cosim.study.impact.impact_analysis import Curve, ImpactAnalysis, Overload
from cosim.study.impact.statistics import is_short, resolves
from cosim.study.impact.violations import NOT_SOLVED, WORDS, Binding, most_used
from cosim.study.robustness.estimates import FEWEST_SEEDS, Estimate

Feeders = Mapping[str, Feeder]
"""The feeders by name, as far as they can be built."""
NOT_MONOTONE = "kept again at a higher penetration"
"""What becomes of a limit that is exceeded at one penetration and not at a higher one."""
_EXCEEDS = {
    key: "is overloaded"
    if words.table != "bus"
    else f"has too {'low' if key == 'voltage_low' else 'high'} a voltage"
    for key, words in WORDS_BY_KEY.items()
}
"""What an element does that exceeds a kind of limit."""
_NEARLY = 0.98
"""The share of its limit from which a hosted seed is said to be close to it."""
_MOST_BOUNDS = 4
_MOST_CURVES = 5
"""Of a feeder with more, the answer lists only the first mode and those that host the most and the least."""


def capitalised(text: str) -> str:
    """As it begins a sentence."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """A share as people say it: ``35 %``."""
    return f"{100 * share:.4g} %"


def change_text(change: Estimate, means: tuple[float, float], first: str) -> str:
    """The means of two capacities and their difference in percentage points, and what it proves.

    Parameters
    ----------
    change : Estimate
        The difference, seed by seed.
    means : tuple of float
        Of the mode's capacities and of the first mode's, over the seeds that both have.
    first : str
        The first mode.
    """
    own, other = (f"{100 * mean:.3g} %" for mean in means)
    beside = f"on average over the seeds {own}, against {other} for {first}: {_points(change)}"
    if change.n < FEWEST_SEEDS:
        return f"{beside}, from {count(change.n, 'seed')}, too few for an interval"
    if change.low == change.high == 0:
        return f"the same as {first} in every seed"
    judged = "which chance does not explain" if change.sign else "which may be chance"
    return f"{beside}, {judged}"


def _points(change: Estimate) -> str:
    ends = "" if change.n < FEWEST_SEEDS else f" ({100 * change.low:+.3g} to {100 * change.high:+.3g})"
    return f"{100 * change.mean:+.3g} percentage points{ends}"


def element_name(feeder: Feeder | None, kind: str, element: int) -> str:
    """An element as the network calls it: ``line LV1.101 Line 12``; empty where there is none.

    Its index stands there where it has no name, and beside a name that others have too.
    """
    if kind not in WORDS_BY_KEY or element < 0:
        return ""
    table, word = WORDS_BY_KEY[kind].table, WORDS_BY_KEY[kind].element
    if feeder is None:
        return f"{word} {element}"
    rows = getattr(feeder, table)
    positions = [place for place, index in enumerate(rows.index.tolist()) if index == element]
    name = rows.name[positions[0]] if positions else ""
    if not name:
        return f"{word} {element}"
    return f"{word} {name}{'' if list(rows.name).count(name) == 1 else f' ({element})'}"


def mode_title(analysis: ImpactAnalysis, mode: str) -> str:
    """What a mode is called on pages: the `title` that it sets, or its name in plain letters."""
    return str(analysis.config.modes[mode].get("title") or mode.replace("_", " "))


def mode_number(analysis: ImpactAnalysis, mode: str) -> int:
    """Its place among the study's modes, by which figures choose its colour."""
    return list(analysis.config.modes).index(mode)


def place_text(analysis: ImpactAnalysis, curve: Curve) -> str:
    """Mode and communication: ``dimming with latency 0 ms, loss 0.3``."""
    axes = analysis.config.communication.axes if analysis.config.communication else ()
    cells = zip(axes, curve.communication, strict=bool(curve.communication))
    pairs = [at_value(axis.column, cell) for axis, cell in cells]
    mode = mode_title(analysis, curve.mode)
    where = f"{curve.feeder}, {mode}" if curve.feeder else mode
    return f"{where} with {', '.join(pairs)}" if pairs else where


def bound_text(curve: Curve, position: int) -> str:
    """What a hosting capacity is where it is a bound: ``at least``, ``not even``; else empty."""
    return "not even" if position < 0 else "at least" if position == len(curve.grid) - 1 else ""


def capacity_text(curve: Curve, position: int) -> str:
    """A hosting capacity in words; a bound is called one."""
    return f"{bound_text(curve, position)} {percent(curve.grid[max(position, 0)])}".lstrip()


def sentences(analysis: ImpactAnalysis, feeders: Feeders) -> Iterator[str]:
    """The answer: what each mode hosts, and what it changes."""
    differences = {id(curve): change for curve, change in analysis.differences()}
    shown = _listed(analysis.curves)
    for curve in shown:
        text = f"**{place_text(analysis, curve)}**: {_hosted(analysis, curve)}"
        binds = _first_exceeded(analysis, curve, feeders.get(curve.feeder))
        change = differences.get(id(curve))
        if change is not None and change.n:
            text += f"; {change_text(change, _means(analysis, curve), first_mode(analysis))}"
        beside = _beside_first(analysis, curve, feeders.get(curve.feeder))
        yield f"{text}.{binds}{beside}{messages_text(analysis, curve)}".replace(THIN_SPACE, " ")
    if len(shown) < len(analysis.curves):
        yield (
            "Only the first mode and those that host the most and the least are listed here; "
            f"{len(analysis.curves) - len(shown)} more are in the table below."
        )


def first_mode(analysis: ImpactAnalysis) -> str:
    """What the mode that others are compared with is called within a sentence."""
    title = mode_title(analysis, next(iter(analysis.config.modes)))
    return f"'{title}'" if " " in title else title


def _means(analysis: ImpactAnalysis, curve: Curve) -> tuple[float, float]:
    """Mean capacities of a mode and of the first over the seeds that both have."""
    reference = analysis.reference(curve)
    assert reference is not None  # else there is no difference to tell
    own, other = curve.penetrations, reference.penetrations
    both = own.index.intersection(other.index)
    return float(own[both].mean()), float(other[both].mean())


def _listed(curves: Sequence[Curve]) -> list[Curve]:
    """All curves of a feeder that has few; of many the first, and those that host the most and the least."""
    kept = []
    for feeder in dict.fromkeys(curve.feeder for curve in curves):
        own = [curve for curve in curves if curve.feeder == feeder]
        if len(own) > _MOST_CURVES:
            known = [curve for curve in own[1:] if len(curve.known)]
            ranked = sorted(known, key=lambda curve: float(curve.capacities.mean()))
            chosen = [own[0], *ranked[:1], *ranked[-1:]]
            own = [curve for curve in own if any(curve is each for each in chosen)]
        kept += own
    return kept


def _hosted(analysis: ImpactAnalysis, curve: Curve) -> str:
    found = curve.at_risk
    if found is None:
        return "no seed was run to its end"
    between = ""
    if found.ends is not None and found.ends[0] != found.ends[1]:
        between = f" (95 % interval {' to '.join(capacity_text(curve, each) for each in found.ends)})"
    what = listed([device_title(each.device) for each in analysis.config.technologies])
    hosted = f"the feeder hosts {what} {_share(analysis, capacity_text(curve, found.position))}{between}"
    return f"{hosted} at a risk of {percent(analysis.config.risk)} over {count(len(curve.known), 'seed')}"


def _share(analysis: ImpactAnalysis, capacity: str) -> str:
    """A penetration with what it is a share of: ``in 75 % of the households``."""
    technologies = analysis.config.technologies
    if any(each.share_at_full != 1 for each in technologies):
        return f"at a penetration of {capacity}"
    named = dict.fromkeys(each.group for each in technologies)
    scenario = analysis.scenario(analysis.plan.chains[0].points[0])
    of = "" if len(named) == len(scenario.groups) else f" of {listed([repr(each) for each in named])}"
    return f"in {capacity} of the households{of}"


def _first_exceeded(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> str:
    found = analysis.bindings(curve)
    if not found:
        return _headroom(analysis, curve, feeder)
    (kind, element), n = next(iter(found.items()))
    name, of_seeds = element_name(feeder, kind, element), f"of {count(len(curve.known), 'seed')}"
    if len(found) == 1 and kind != NOT_SOLVED:
        said = f"{name} {_EXCEEDS[kind]} in {n} {of_seeds}"
    else:
        kinds: dict[str, int] = {}
        for (each, _), of_element in found.items():
            kinds[each] = kinds.get(each, 0) + of_element
        ranked = sorted(kinds.items(), key=lambda item: -item[1])
        said = listed([f"{WORDS[each]} in {of_kind} {of_seeds}" for each, of_kind in ranked])
    said += f", nothing in the other {curve.n_unbounded}" if curve.n_unbounded else ""
    said += f", most often at {name} in {n}" if len(found) > 1 and kind != NOT_SOLVED else ""
    instants = [] if kind == NOT_SOLVED else analysis.worst_instants(curve, kind, element)
    when = times_of_day(instants) if len(instants) > 1 else ""
    said += f"; worst {when}" if when else ""
    near = _nearly_exceeded(analysis, curve, feeder)
    return f" Limit exceeded first: {said}.{near}{_worst(analysis, curve, feeder)}"


def _nearly_exceeded(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> str:
    """That a seed which exceeds no limit is so close to one that little more would do."""
    left = analysis.headroom(curve)
    if left is None or left.kind not in analysis.config.limits or not _NEARLY <= left.use <= 1:
        return ""
    return (
        f" Of the seeds that exceed none, {_nearest(analysis, curve, left, feeder)}, so that little more "
        "would exceed it."
    )


def worst_overload(analysis: ImpactAnalysis, curve: Curve) -> Overload | None:
    """Of the runs one step above a mode's capacity, the one in which a limit is exceeded furthest."""
    runs = analysis.overloads(curve)
    return max(runs, key=lambda each: each.binding.use) if runs else None


def _worst(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> str:
    """How far a limit is exceeded one step above the capacity, where and when."""
    worst = worst_overload(analysis, curve)
    if worst is None or worst.binding.kind == NOT_SOLVED:
        return ""
    binds, scenario = worst.binding, analysis.scenario(worst.point)
    elements = elements_on(analysis, curve, feeder)
    element = elements.get((binds.table, binds.element))
    limit = "" if element is None else f" (limit {limit_text(binds.kind, element)})"
    return (
        f" At worst, with seed {worst.found.chain.seed} at {percent(worst.penetration)}, the first "
        "penetration at which that seed exceeds a limit, "
        f"{element_name(feeder, binds.kind, binds.element)} reaches "
        f"{_reached(binds, elements)}{limit}{_when(binds, scenario)}."
        f"{moment_sentence(binds.kind, worst.summary, scenario)}"
    )


def _beside_first(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> str:
    """What a mode does with the seed and penetration with which the first mode exceeds a limit."""
    beside = analysis.beside_first(curve)
    if beside is None:
        return ""
    first, own = (analysis.summary(point) for point in (beside.first, beside.own))
    there, here = (most_used(beside.kind, each) for each in (first, own))
    if there is None or here is None:
        return ""
    elements = elements_on(analysis, curve, feeder)
    told = [
        f"{element_name(feeder, each.kind, each.element)} to {_reached(each, elements)}"
        f"{_when(each, analysis.scenario(point))}"
        for each, point in ((there, beside.first), (here, beside.own))
    ]
    return (
        f" Side by side on the same seed, seed {beside.seed} at {percent(beside.penetration)}: "
        f"{first_mode(analysis)} takes {told[0]}, "
        f"and this mode {told[1]}.{moment_sentence(beside.kind, own, analysis.scenario(beside.own), first)}"
    )


def _reached(binds: Binding, elements: Elements) -> str:
    """A voltage or a loading; a share of the limit where that is not known."""
    element = elements.get((binds.table, binds.element))
    return (
        f"{percent(binds.use)} of its limit" if element is None else used_text(binds.kind, binds.use, element)
    )


def _when(binds: Binding, scenario: Scenario) -> str:
    return "" if binds.time_h is None else f" on {date_text(scenario.time.start, binds.time_h)}"


def elements_on(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> Elements:
    """Names and limits of a feeder's elements under a mode; empty where it can no longer be built."""
    grid = analysis.scenario(curve.found[0].chain.points[0]).grid
    if feeder is None or grid is None:
        return {}
    return elements_of(feeder, feeder_limits(feeder, grid.limits)[0])


def limits_text(analysis: ImpactAnalysis, feeders: Feeders) -> str:
    """The limits that count: ``voltages from 0.9 to 1.1 pu, lines up to 100 %``; empty where not known."""
    told: dict[str, list[str]] = {}
    for curve in analysis.curves:
        elements = elements_on(analysis, curve, feeders.get(curve.feeder)).values()
        parts = [_limit(kind, elements) for kind in analysis.config.limits]
        text = ", ".join(part for part in parts if part).replace(" pu, voltages at most", " and at most")
        if text:
            told.setdefault(text, []).append(curve.feeder)
    if len(told) == 1:
        return next(iter(told))
    return "; ".join(f"{text} ({', '.join(dict.fromkeys(names))})" for text, names in told.items())


def _limit(kind: str, elements: Collection[Element]) -> str:
    """What all elements of a kind allow; a range where they differ."""
    values = sorted({each.limits[kind] for each in elements if kind in each.limits})
    if not values:
        return ""
    least, most = (number_text(value) for value in (values[0], values[-1]))
    span = least if least == most else f"{least} to {most}"
    if kind.startswith("voltage"):
        return f"voltages {'at least' if kind == 'voltage_low' else 'at most'} {span} pu"
    return f"{WORDS_BY_KEY[kind].element}s up to {span} % of their rating"


def messages_text(analysis: ImpactAnalysis, curve: Curve) -> str:
    """What became of the messages of a mode, in all its runs; empty of one that sends none."""
    sent, lost, late, n_runs = analysis.messages(curve)
    if not sent:
        return ""
    gone = f"{number_text(lost)} ({share_text(lost / sent)})" if lost else "none"
    expired = f", {number_text(late)} came too late" if late else ""
    was = "was" if lost < 2 else "were"
    return f" Of the {number_text(sent)} messages of its {count(n_runs, 'run')} {gone} {was} lost{expired}."


def times_of_day(instants: Sequence[datetime]) -> str:
    """The times of day that hold all instants: ``at 10:00 UTC``, ``between 22:00 and 01:30 UTC``."""
    minutes = sorted({60 * each.hour + each.minute for each in instants})
    if not minutes:
        return ""
    # The day is a circle: what is left out is the widest gap between two of them.
    before = [minutes[-1], *minutes[:-1]]
    gaps = [(later - earlier) % 1440 for earlier, later in zip(before, minutes, strict=True)]
    first = gaps.index(max(gaps))
    begin, end = (f"{each // 60:02d}:{each % 60:02d}" for each in (minutes[first], minutes[first - 1]))
    return f"at {begin} UTC" if len(minutes) == 1 else f"between {begin} and {end} UTC"


def _headroom(analysis: ImpactAnalysis, curve: Curve, feeder: Feeder | None) -> str:
    """That nothing binds, and how far from the limits the worst seed is, with the powers then."""
    left = analysis.headroom(curve)
    if left is None:
        return ""
    loaded = ""
    if left.kind:
        moment = moment_sentence(left.kind, analysis.summary(left.point), analysis.scenario(left.point))
        loaded = f" Nearest to its limit, {_nearest(analysis, curve, left, feeder)}.{moment}"
    return (
        f" No limit is exceeded at any penetration that was run.{loaded} Over all seeds, voltages at "
        f"{percent(curve.grid[-1])} are {left.vm_min_pu:.3f} to {left.vm_max_pu:.3f} pu."
    )


def _nearest(analysis: ImpactAnalysis, curve: Curve, left: Headroom, feeder: Feeder | None) -> str:
    """The loading that uses most of its limit at the largest penetration, with its seed and time."""
    seed = next(each.chain.seed for each in curve.known if each.chain.points[-1] == left.point)
    return (
        f"seed {seed} at {percent(curve.grid[-1])} takes {element_name(feeder, left.kind, left.element)} to "
        f"{percent(left.use)} of its limit on "
        f"{date_text(analysis.scenario(left.point).time.start, left.time_h)}"
    )


def doubts(analysis: ImpactAnalysis) -> Iterator[str]:
    """What a reader must know before the numbers are used."""
    config = analysis.config
    n_seeds = len(config.seed_list)
    seeds = count(n_seeds, "seed")
    if config.risk == 0:
        yield f"At a risk of 0 the capacity is that of the worst of {seeds}; another may be worse."
    elif is_short(config.risk, n_seeds):
        said = []
        if not resolves(config.risk, n_seeds):
            said.append(
                f"a risk of {percent(config.risk)} is no different from none: the capacity is that of the "
                "worst of them"
            )
        if n_seeds >= FEWEST_SEEDS:
            said.append(
                f"intervals of the capacity at a risk of {percent(config.risk)} are too short: they contain "
                "the true one less often than 95 times in 100"
            )
        enough = math.ceil(2 / config.risk - 1e-9)
        yield f"With {seeds} {', and '.join(said)}. Take {enough} seeds or more."
    if n_seeds < FEWEST_SEEDS:
        yield f"With fewer than {FEWEST_SEEDS} seeds no intervals of capacities, means and changes are given."
    if analysis.idle_limits:
        words = listed([f"'{WORDS[kind]}'" for kind in analysis.idle_limits])
        yield f"No element of the feeder can exceed {words}, which the study names under the key limits."
    yield from _bounds(analysis)
    for curve in analysis.curves:
        where = capitalised(place_text(analysis, curve))
        if curve.n_not_monotone:
            yield (
                f"{where}: in {count(curve.n_not_monotone, 'seed')} a limit that is exceeded at one "
                "penetration holds at a higher one. The capacity is the largest penetration up to which "
                "none is exceeded."
            )
        unknown = len(curve.found) - len(curve.known)
        if unknown:
            yield f"{where}: {count(unknown, 'seed')} not run to the end; the others alone count."


def _bounds(analysis: ImpactAnalysis) -> Iterator[str]:
    """That capacities at the ends of the grid are bounds, and with them means and differences."""
    none = [curve for curve in analysis.curves if (curve.capacities < 0).any()]
    if none:
        named = [place_text(analysis, curve) for curve in none[:_MOST_BOUNDS]]
        named += [f"{len(none) - _MOST_BOUNDS} more"] if len(none) > _MOST_BOUNDS else []
        yield (
            f"A limit is exceeded even at {percent(analysis.config.grid[0])} in some seeds of "
            f"{listed(named)}: they count as 0 % in means and differences."
        )
    ends = [curve for curve in analysis.curves if curve.n_unbounded]
    if not ends:
        return
    named = [
        f"{place_text(analysis, curve)} ({curve.n_unbounded} of {count(len(curve.known), 'seed')})"
        for curve in ends[:_MOST_BOUNDS]
    ]
    named += [f"{len(ends) - _MOST_BOUNDS} more"] if len(ends) > _MOST_BOUNDS else []
    yield (
        f"Some seeds exceed no limit even at {percent(analysis.config.grid[-1])}, where the study ends: "
        f"{listed(named)}. What they host is at least that, so the means are too low, and "
        "differences of means may be off either way."
    )
