"""What was found in a sweep, as rows of one table: a number, for which places, what it does, and how much."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from math import nan
from typing import NamedTuple

import numpy as np

from cosim.config.axis_words import at_value, axis_label
from cosim.core.errors import count
from cosim.engine.wings import describe
from cosim.report.robustness_maps import short
from cosim.study.robustness.analysis import Analysis
from cosim.study.robustness.boundary import Boundary
from cosim.study.robustness.break_even import BreakEven, baseline_of
from cosim.study.robustness.cells import Panel, Place, by_seed, cell_estimates, drawn_axes, label_of
from cosim.study.robustness.estimates import Estimate, paired_difference
from cosim.study.robustness.pairs import JOIN, PairMatrix
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity, constant_quantities
from cosim.study.robustness.sensitivity import Sensitivity, case_means, sampled_places

_SOFT = 0.2
"""A simulated boundary that lies by this share above the limit is of a loop that saturates softly."""
_MOST_STARTS = 4
"""How many break-evens of a case are findings; the table of break-evens has all."""


class Finding(NamedTuple):
    """A row of the table."""

    number: str
    of: str
    finding: str
    value: str = ""


def findings(analysis: Analysis) -> list[Finding]:
    """Everything that was found, the most general first."""
    points = analysis.points
    found = [
        Finding(title(points, key), "all points", "the same everywhere", value_text(points, key, value))
        for key, value in constant_quantities(points).items()
    ]
    found += [
        Finding(title(points, quantity.key), "", "neither side is better by itself; more counts as worse")
        for quantity in analysis.quantities
        if quantity.better == "neither"
    ]
    found += _of_the_sample(analysis) if points.is_sample else _of_the_grid(analysis)
    return found


def completeness(points: SweepPoints) -> list[str]:
    """How much of the sweep all this is from, in sentences."""
    rest = points.n_planned - points.n_done - points.n_failed
    at_most = "up to " if points.n_done < points.n_planned else ""
    seeds = f"{at_most}{count(points.n_seeds, 'seed')}"
    found = [f"{points.n_done} of {count(points.n_planned, 'point')} succeeded ({seeds} at each place)."]
    for cause, n in points.causes.items():
        found.append(
            f"{count(n, 'point')} failed and {'is' if n == 1 else 'are'} left out: {cause.rstrip('.')}."
        )
    if rest > 0:
        found.append(
            f"{count(rest, 'point')} {'was' if rest == 1 else 'were'} not run: the sweep is not complete."
        )
    if points.n_seeds == 1:
        found.append("With a single seed nothing is known about chance: no interval can be given.")
    return found


def value_text(points: SweepPoints, key: str, value: float, low: float = nan, high: float = nan) -> str:
    """A number of the summary with its interval, if it has one, and unit."""
    found = describe(key, points.communities)
    text = short(value * found.scale, low * found.scale, high * found.scale).replace("±", " ± ")
    return f"{text} {found.unit}".rstrip()


def title(points: SweepPoints, key: str) -> str:
    """What a number is called, with the community where there are several."""
    found = describe(key, points.communities)
    return f"{found.name} ({found.section})" if len(points.communities) > 1 else found.name


def _of_the_grid(analysis: Analysis) -> Iterator[Finding]:
    """Boundaries, maps, cases and pairs: what compares places."""
    points = analysis.points
    for boundary in analysis.boundaries:
        yield from _of_a_boundary(boundary, points.n_seeds)
    for quantity in analysis.quantities:
        for panel in analysis.panels.get(quantity.key, []):
            yield from _of_a_panel(points, quantity, panel)
        yield from _of_cases(points, quantity)
    for case, quantity in dict.fromkeys((b.case, b.quantity) for b in analysis.break_evens):
        mine = [b for b in analysis.break_evens if (b.case, b.quantity) == (case, quantity)]
        yield from _of_a_case(points, mine)
    for matrix in analysis.pair_matrices:
        yield from _of_pairs(points, matrix) if matrix.has_pairs else _of_single_cases(points, matrix)


def _of_the_sample(analysis: Analysis) -> Iterator[Finding]:
    """How far each quantity spreads, which axes it goes with, and its mean for each case."""
    points = analysis.points
    for quantity in analysis.quantities:
        name, means = title(points, quantity.key), sampled_places(points, quantity.key).means
        if not len(means):
            yield Finding(name, "all places", "no point gave a value")
            continue
        low, high = (value_text(points, quantity.key, float(end)) for end in (means.min(), means.max()))
        yield Finding(name, count(len(means), "place"), "least and most", f"{low} to {high}")
        mine = [each for each in analysis.sensitivities if each.quantity == quantity]
        for each in sorted(mine, key=lambda each: -abs(np.nan_to_num(each.correlation))):
            way = "rises with it" if each.correlation > 0 else "falls with it"
            says = way if each.is_beyond_chance else "inconclusive"
            yield Finding(name, axis_label(each.axis.name), says, f"rank correlation {interval_text(each)}")
        for axis in points.named_axes:
            for case, estimate in case_means(points, quantity, axis).items():
                value = value_text(points, quantity.key, *estimate[:3])
                yield Finding(name, f"{axis.name} = {case}", "mean over its places", value)


def interval_text(found: Sensitivity) -> str:
    """A rank correlation with its interval."""
    if np.isnan(found.correlation):
        return "not known"
    interval = "" if np.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.correlation:+.2f}{interval}"


def _of_a_boundary(boundary: Boundary, n_seeds: int) -> Iterator[Finding]:
    """How far the simulated boundary, where the error passes half of its largest, is off theory."""
    name, crossed = f"Stability of {boundary.resource}", boundary.crossed
    never = len(boundary.points) - len(crossed)
    if crossed:
        off = np.array([point.deviation.mean for point in crossed])
        farthest = crossed[int(np.argmax(np.abs(off)))]
        delays = [point.delay_steps for point in crossed]
        where = (
            f"{count(len(crossed), 'place')}, mean loop delay {min(delays):.3g} to {max(delays):.3g} steps"
        )
        yield Finding(name, where, "simulated limit less the theoretical one", f"{100 * np.mean(off):+.1f} %")
        at = label_of(boundary.other_axes, farthest.place)
        yield Finding(name, at, "the farthest off", f"{100 * farthest.deviation.mean:+.1f} %")
        near = f"{int(np.sum(np.abs(off) <= 0.1))} of {len(crossed)} places"
        yield Finding(name, "", "within 10 % of the theoretical limit", near)
        if np.max(off) > _SOFT:
            says = (
                "swings little at first beyond its limit: half of the largest error says where the swing is "
                "large, not where it begins"
            )
            yield Finding(name, at, says)
        above = [point.theory / point.formula for point in crossed]
        if max(above) > 1.02:
            most = label_of(boundary.other_axes, crossed[int(np.argmax(above))].place)
            says = "delays differ: limit over that at their mean delay, at most"
            yield Finding(name, most, says, f"{max(above):.2f}")
        partly = sum(point.simulated.n < n_seeds for point in crossed)
        if partly:
            yield Finding(name, count(partly, "place"), "some seeds stay below it within these gains")
    if never:
        yield Finding(name, count(never, "place"), "the limit lies outside the gains of this sweep")


def _of_a_panel(points: SweepPoints, quantity: Quantity, panel: Panel) -> Iterator[Finding]:
    """The value at the first place, what each axis does by itself, and the worst place."""
    axes, name = drawn_axes(points), title(points, quantity.key)
    known = np.isfinite(panel.mean)

    def at(index: tuple[int, ...], says: str) -> Finding:
        place: Place = tuple(axis.values[i] for axis, i in zip(axes, index, strict=True))
        ends = (float(each[index]) for each in (panel.mean, panel.low, panel.high))
        return Finding(
            name, _joined(panel.label, label_of(axes, place)), says, value_text(points, quantity.key, *ends)
        )

    if known.any():
        start = (0,) * len(axes)
        yield at(start, "at the first place")
        for position, axis in enumerate(axes):
            end = tuple(-1 if position == other else 0 for other in range(len(axes)))
            yield at(end, f"{axis_label(axis.name)} at its last value{', alone' if len(axes) > 1 else ''}")
        harm = np.where(known, quantity.harm(1) * panel.mean, -np.inf)
        worst = np.unravel_index(int(np.argmax(harm)), harm.shape)
        yield at(tuple(map(int, worst)), "the worst place")
    if not known.all():
        missing = count(int(np.sum(~known)), "place")
        yield Finding(name, _joined(panel.label, missing), "no point gave a value")


def _of_cases(points: SweepPoints, quantity: Quantity) -> Iterator[Finding]:
    """Which of several cases without a baseline is best at how many places, beyond chance."""
    for axis in points.named_axes:
        if baseline_of(axis) or any(JOIN in str(value) for value in axis.values):
            continue
        best, n_places = _best(points, quantity, axis)
        name, open_ = title(points, quantity.key), n_places - sum(best.values())
        for case, n in best.most_common():
            of = f"at {n} of {count(n_places, 'place')}"
            yield Finding(name, f"{axis.name} = {case}", "the best beyond chance", of)
        if open_:
            of = f"at {open_} of {count(n_places, 'place')}"
            yield Finding(name, axis_label(axis.name), "which is best is inconclusive", of)


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


def _of_a_case(points: SweepPoints, found: list[BreakEven]) -> Iterator[Finding]:
    """At how many places a case is better or worse than the baseline, and from where on, by each axis."""
    first = found[0]
    name, against = title(points, first.quantity.key), f"{first.case} against {first.baseline}"
    of_one_axis = [each for each in found if each.axis == first.axis]
    n = count(sum(len(e.effects) for e in of_one_axis), "place")
    better, worse = sum(e.n_better for e in of_one_axis), sum(e.n_worse for e in of_one_axis)
    yield Finding(name, against, "better beyond chance", f"at {better} of {n}")
    yield Finding(name, against, "worse beyond chance", f"at {worse} of {n}")
    best = min((e for each in of_one_axis for e in each.effects), key=lambda e: _or_infinite(e.mean))
    if best.mean < 0:
        gain = value_text(points, first.quantity.key, -best.mean, -best.high, -best.low)
        yield Finding(name, against, "better at best by", gain)
    # A break-even whose interval leaves the axis is no finding; the table has it.
    starts = [
        (each, "better from there on", f"{each.value:.3g} [{each.low:.3g}, {each.high:.3g}]")
        for each in found
        if math.isfinite(each.value) and math.isfinite(each.high)
    ]
    starts += [
        (each, "worse from there on", f"{each.worse_from:.3g}")
        for each in found
        if math.isfinite(each.worse_from) and each.n_better
    ]
    for each, says, value in starts[:_MOST_STARTS]:
        where = label_of(each.held_axes, each.held)
        yield Finding(name, _joined(against, where), says, at_value(each.axis.name, value))


def _of_pairs(points: SweepPoints, matrix: PairMatrix) -> Iterator[Finding]:
    """The worst case and pair, and how many pairs do more harm than their parts."""
    key, harm = matrix.quantity.key, matrix.quantity.harm
    name = title(points, key)
    ranked = sorted(matrix.effects.values(), key=lambda e: -harm(_or_zero(e.change.mean)))
    for kind, size in (("the worst case alone", 1), ("the worst pair", 2)):
        worst = next((effect for effect in ranked if len(effect.names) == size), None)
        if worst is not None:
            yield Finding(name, JOIN.join(worst.names), f"{kind}: change", _change(points, key, worst.change))
    known = [(effect, harm(effect.interaction.sign)) for effect in ranked if effect.interaction is not None]
    for says, sign in (("more", 1), ("less", -1)):
        some = [JOIN.join(effect.names) for effect, its_sign in known if its_sign * sign > 0]
        if known:
            yield Finding(
                name,
                _first(some),
                f"{says} harm than the parts together",
                f"{len(some)} of {len(known)} pairs",
            )


def _of_single_cases(points: SweepPoints, matrix: PairMatrix) -> Iterator[Finding]:
    """What each case changes, the worst first."""
    key, harm = matrix.quantity.key, matrix.quantity.harm
    name = title(points, key)
    yield Finding(name, "none", "mean", value_text(points, key, *matrix.baseline[:3]))
    for effect in sorted(matrix.effects.values(), key=lambda e: -harm(_or_zero(e.change.mean))):
        says = "change against none" if effect.change.sign else "change against none, within chance"
        yield Finding(name, effect.names[0], says, _change(points, key, effect.change))


def _change(points: SweepPoints, key: str, change: Estimate) -> str:
    return f"{'+' if change.mean > 0 else ''}{value_text(points, key, *change[:3])}"


def _first(names: list[str], most: int = 5) -> str:
    return ", ".join([*names[:most], "..."] if names[most:] else names)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _or_infinite(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
