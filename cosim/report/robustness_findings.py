"""What was found in a sweep, in sentences made from its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from math import nan

import numpy as np

from cosim.core.errors import count, listed
from cosim.engine.wings import describe
from cosim.report.robustness_maps import short
from cosim.report.robustness_scatter import interval_text
from cosim.study.robustness.analysis import Analysis
from cosim.study.robustness.boundary import Boundary
from cosim.study.robustness.break_even import BreakEven, baseline_of
from cosim.study.robustness.cells import Panel, by_seed, cell_estimates, drawn_axes, label_of
from cosim.study.robustness.estimates import paired_difference
from cosim.study.robustness.pairs import JOIN, Effect, PairMatrix
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity, constant_quantities
from cosim.study.robustness.sensitivity import case_means, sampled_places

_SOFT = 0.2
"""A simulated boundary that lies by this share above the limit is of a loop that saturates softly."""


def findings(analysis: Analysis) -> list[str]:
    """Every finding as a sentence, the most general first."""
    found = [*_of_the_points(analysis.points)]
    for key, value in constant_quantities(analysis.points).items():
        found.append(f"{title(analysis.points, key)}: {number(analysis.points, key, value)} at every point.")
    found += _of_the_sample(analysis) if analysis.points.is_sample else _of_the_grid(analysis)
    return found


def number(points: SweepPoints, key: str, value: float, low: float = nan, high: float = nan) -> str:
    """A number of the summary with its interval, if it has one, and unit."""
    name = describe(key, points.communities)
    text = short(value * name.scale, low * name.scale, high * name.scale).replace("±", " ± ")
    return f"{text} {name.unit}".rstrip()


def title(points: SweepPoints, key: str) -> str:
    """What a number is called, with the community where there are several."""
    found = describe(key, points.communities)
    return f"{found.name} ({found.section})" if len(points.communities) > 1 else found.name


def phrase(points: SweepPoints, key: str) -> str:
    """The same within a sentence."""
    found = describe(key, points.communities)
    return f"{found.phrase} ({found.section})" if len(points.communities) > 1 else found.phrase


def _of_the_points(points: SweepPoints) -> Iterator[str]:
    rest = points.n_planned - points.n_done - points.n_failed
    at_most = "up to " if points.n_done < points.n_planned else ""
    seeds = f"{at_most}{count(points.n_seeds, 'seed')}"
    yield f"{points.n_done} of {count(points.n_planned, 'point')} succeeded ({seeds} at each place)."
    for cause, n in points.causes.items():
        yield f"{count(n, 'point')} failed and {'is' if n == 1 else 'are'} left out: {cause.rstrip('.')}."
    if rest > 0:
        yield f"{count(rest, 'point')} {'was' if rest == 1 else 'were'} not run: the sweep is not complete."
    if points.n_seeds == 1:
        yield "With a single seed nothing is known about chance: no interval can be given."


def _of_the_grid(analysis: Analysis) -> Iterator[str]:
    """Boundaries, maps, remedies and pairs: what compares places."""
    points = analysis.points
    for boundary in analysis.boundaries:
        yield from _of_a_boundary(boundary, points.n_seeds)
    for quantity in analysis.quantities:
        for panel in analysis.panels.get(quantity.key, []):
            yield _of_a_panel(points, quantity, panel)
        yield from _of_cases(points, quantity)
    for remedy, quantity in dict.fromkeys((b.remedy, b.quantity) for b in analysis.break_evens):
        mine = [b for b in analysis.break_evens if (b.remedy, b.quantity) == (remedy, quantity)]
        yield _of_a_remedy(points, mine)
    for matrix in analysis.pair_matrices:
        yield from _of_pairs(points, matrix)


def _of_the_sample(analysis: Analysis) -> Iterator[str]:
    """How far each quantity spreads, which axes it goes with, and its mean for each case."""
    points = analysis.points
    for quantity in analysis.quantities:
        means = sampled_places(points, quantity.key).means
        if not len(means):
            yield f"{title(points, quantity.key)}: no point gave a value."
            continue
        low, high = (number(points, quantity.key, float(end)) for end in (means.min(), means.max()))
        mine = [each for each in analysis.sensitivities if each.quantity == quantity]
        certain = sorted(
            (each for each in mine if each.is_beyond_chance), key=lambda each: -abs(each.correlation)
        )
        goes_with = [
            f"{'rises' if each.correlation > 0 else 'falls'} with {each.axis.name} ({interval_text(each)})"
            for each in certain
        ]
        open_ = [each.axis.name for each in mine if not each.is_beyond_chance]
        undecided = f"; for {listed(open_)} the result is inconclusive" if open_ else ""
        yield (
            f"{title(points, quantity.key)}: {low} to {high} over {count(len(means), 'place')}; "
            f"it {listed(goes_with) or 'goes with no axis beyond chance'}{undecided if goes_with else ''}."
        )
        for axis in points.named_axes:
            each_mean = [
                f"{case} {number(points, quantity.key, *found[:3])}"
                for case, found in case_means(points, quantity, axis).items()
            ]
            of_which = f"{title(points, quantity.key)}, mean over the places of each {axis.name}"
            yield f"{of_which}: {listed(each_mean)}."


def _of_a_boundary(boundary: Boundary, n_seeds: int) -> Iterator[str]:
    crossed = boundary.crossed
    if not crossed:
        yield f"The gains of this sweep never cross the boundary of {boundary.resource}."
        return
    deviations = np.array([point.deviation.mean for point in crossed])
    worst = crossed[int(np.argmax(np.abs(deviations)))]
    where = _in_brackets(label_of(boundary.other_axes, worst.place))
    delays = [point.delay_steps for point in crossed]
    yield (
        f"Oscillation of {boundary.resource}: over {count(len(crossed), 'place')} with a mean loop delay of "
        f"{min(delays):.3g} to {max(delays):.3g} steps the simulated boundary, "
        "where the error passes half of its largest, is "
        f"{100 * np.mean(deviations):+.1f} % off the theoretical one on average, and "
        f"{100 * worst.deviation.mean:+.1f} % at worst{where}; "
        f"{int(np.sum(np.abs(deviations) <= 0.1))} of {len(crossed)} places are within 10 %."
    )
    if np.max(deviations) > _SOFT:
        yield (
            f"{boundary.resource} swings little at first beyond its limit, so half of its largest error says "
            "where the swing is large, and not where it begins: see where the error begins to rise."
        )
    above = [point.theory / point.formula for point in crossed]
    if max(above) > 1.02:
        most = label_of(boundary.other_axes, crossed[int(np.argmax(above))].place)
        yield (
            "Where the households' delays differ, theory allows more gain than the formula at their mean "
            f"delay: up to {max(above):.2f} times as much{_in_brackets(most)}."
        )
    partly = sum(point.simulated.n < n_seeds for point in crossed)
    if partly:
        yield f"At {count(partly, 'place')} some seeds do not pass it within the gains of this sweep."
    never = len(boundary.points) - len(crossed)
    if never:
        yield f"At {count(never, 'place')} the boundary lies outside the gains of this sweep."


def _of_a_panel(points: SweepPoints, quantity: Quantity, panel: Panel) -> str:
    """The value at the first place, what each axis does by itself, and the worst place."""
    axes = drawn_axes(points)
    if not np.isfinite(panel.mean).any():
        return f"{title(points, quantity.key)}{_in_brackets(panel.label)}: no point gave a value."

    def at(index: tuple[int, ...]) -> str:
        return number(
            points, quantity.key, float(panel.mean[index]), float(panel.low[index]), float(panel.high[index])
        )

    start = (0,) * len(axes)
    where = label_of(axes, tuple(axis.values[0] for axis in axes))
    of_which = f" ({panel.label})" if panel.label else ""
    text = f"{title(points, quantity.key)}{of_which}: {at(start)} at {where}"
    for position, axis in enumerate(axes):
        index = tuple(-1 if position == other else 0 for other in range(len(axes)))
        text += f", {at(index)} at {axis.name} = {axis.values[-1]:g}{' alone' if len(axes) > 1 else ''}"
    harm = np.where(np.isfinite(panel.mean), quantity.harm(1) * panel.mean, -np.inf)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(harm)), harm.shape))
    worst_place = label_of(axes, tuple(axis.values[i] for axis, i in zip(axes, worst, strict=True)))
    missing = int(np.sum(~np.isfinite(panel.mean)))
    gap = f" At {count(missing, 'place')} no point gave a value." if missing else ""
    return f"{text}; the worst is {at(worst)} at {worst_place}.{gap}"


def _of_cases(points: SweepPoints, quantity: Quantity) -> Iterator[str]:
    """Which of several cases without a baseline is best at how many places, beyond chance."""
    for axis in points.named_axes:
        if baseline_of(axis) or any(JOIN in str(value) for value in axis.values):
            continue
        best, n_places = _best(points, quantity, axis)
        if n_places:
            each = [f"{name} at {n}" for name, n in best.most_common()]
            undecided = n_places - sum(best.values())
            beyond = f", undecided at {undecided}" if undecided else ""
            yield (
                f"Best {axis.name} by {phrase(points, quantity.key)}, beyond chance, at "
                f"{count(n_places, 'place')}: {listed(each) or 'none'}{beyond}."
            )


def _best(points: SweepPoints, quantity: Quantity, axis: Axis) -> tuple[Counter[str], int]:
    """How often each case beats every other with its whole interval, and the number of places."""
    position = points.axes.index(axis)
    cells = cell_estimates(points, quantity.key)
    others = dict.fromkeys(place[:position] + place[position + 1 :] for place in cells)
    names = [each.name for each in points.axes if each != axis]
    found: Counter[str] = Counter()
    for place in others:
        fixed = dict(zip(names, place, strict=True))
        runs = {
            value: quantity.harm(1) * by_seed(points, quantity.key, {**fixed, axis.name: value})
            for value in axis.values
        }
        leader = min(runs, key=lambda value: _or_infinite(float(runs[value].mean())))
        rivals = [value for value in axis.values if value != leader]
        if all(paired_difference(runs[leader], runs[rival]).sign < 0 for rival in rivals):
            found[str(leader)] += 1
    return found, len(others)


def _of_a_remedy(points: SweepPoints, found: list[BreakEven]) -> str:
    """At how many places a remedy helps or hurts, and from where on, by each axis."""
    first = found[0]
    of_one_axis = [each for each in found if each.axis == first.axis]
    better, worse = sum(e.n_better for e in of_one_axis), sum(e.n_worse for e in of_one_axis)
    n = sum(len(e.effects) for e in of_one_axis)
    best = min((e for each in of_one_axis for e in each.effects), key=lambda e: _or_infinite(e.mean))
    key = first.quantity.key
    text = (
        f"{first.remedy} against {first.baseline}, by {phrase(points, key)}: "
        f"better at {better} and worse at {worse} of {count(n, 'place')} beyond chance"
    )
    if math.isnan(best.mean):
        text += ", for no point gave a value"
    elif best.mean < 0:
        text += f", at best by {number(points, key, -best.mean, -best.high, -best.low)}"
    else:
        text += ", nowhere better on average"
    # A break-even whose interval leaves the axis is no finding; the table has it.
    starts = [_start_text(each) for each in found if math.isfinite(each.value) and math.isfinite(each.high)]
    starts += [_end_text(each) for each in found if math.isfinite(each.worse_from) and each.n_better]
    more = " (more in the table)" if starts[4:] else ""
    return f"{'; '.join([text, *starts[:4]])}{more}."


def _start_text(each: BreakEven) -> str:
    where = label_of(each.held_axes, each.held)
    place = f" at {where}" if where else ""
    interval = f"[{each.low:.3g}, {each.high:.3g}]"
    return f"better from {each.axis.name} = {each.value:.3g} {interval} on{place}"


def _end_text(each: BreakEven) -> str:
    where = label_of(each.held_axes, each.held)
    return f"worse from {each.axis.name} = {each.worse_from:.3g} on{f' at {where}' if where else ''}"


def _of_pairs(points: SweepPoints, matrix: PairMatrix) -> Iterator[str]:
    key, harm = matrix.quantity.key, matrix.quantity.harm
    ranked = sorted(matrix.effects.values(), key=lambda e: -harm(_or_zero(e.change.mean)))
    if not matrix.has_pairs:
        yield _of_single_cases(points, matrix, ranked)
        return
    for kind, size in (("case alone", 1), ("pair", 2)):
        of_size = [effect for effect in ranked if len(effect.names) == size]
        if of_size:
            worst = of_size[0]
            change = number(points, key, *worst.change[:3])
            names = JOIN.join(worst.names)
            yield f"{title(points, key)}: the worst {kind} is {names}, which changes it by {change}."
    known = [effect for effect in ranked if effect.interaction is not None]
    if known:
        more = [e for e in known if e.interaction is not None and harm(e.interaction.sign) > 0]
        less = [e for e in known if e.interaction is not None and harm(e.interaction.sign) < 0]
        first = [JOIN.join(effect.names) for effect in more[:5]]
        worse = f" ({', '.join(first)}{', ...' if more[5:] else ''})" if more else ""
        yield (
            f"{title(points, key)}: of {count(len(known), 'pair')}, {len(more)} do more harm than their "
            f"parts together{worse}, {len(less)} less; for the others the result is inconclusive."
        )


def _of_single_cases(points: SweepPoints, matrix: PairMatrix, ranked: list[Effect]) -> str:
    """What each case changes, the worst first; what chance leaves open is in brackets."""
    key = matrix.quantity.key
    texts = []
    for effect in ranked:
        change = number(points, key, *effect.change[:3])
        text = f"{'+' if effect.change.mean > 0 else ''}{change} by {effect.names[0]}"
        texts.append(text if effect.change.sign else f"({text})")
    base = number(points, key, *matrix.baseline[:3])
    return f"{title(points, key)}: {base} with none; against that {listed(texts)}."


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _or_infinite(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
