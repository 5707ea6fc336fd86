"""The tables of a sweep's analysis, each as rows of text for CSV files and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cosim.report.robustness_findings import findings
from cosim.report.text_table import TextTable
from cosim.study.robustness.analysis import Analysis
from cosim.study.robustness.boundary import Boundary
from cosim.study.robustness.break_even import BreakEven
from cosim.study.robustness.cells import cell_estimates
from cosim.study.robustness.pairs import JOIN, Effect, PairMatrix
from cosim.study.robustness.sensitivity import Sensitivity


def tables(analysis: Analysis) -> list[TextTable]:
    """All tables that the analysis has something for; the first holds every place and quantity."""
    found = [_cells(analysis)]
    found += [_boundary(boundary, analysis) for boundary in analysis.boundaries]
    if analysis.break_evens:
        found.append(_break_evens(analysis.break_evens))
        found.append(_effects(analysis.break_evens))
    if analysis.pair_matrices:
        has_pairs = analysis.pair_matrices[0].has_pairs
        found.append(_pairs(analysis.pair_matrices) if has_pairs else _changes(analysis.pair_matrices))
    if analysis.sensitivities:
        found.append(_sensitivities(analysis.sensitivities))
    return found


def findings_table(analysis: Analysis) -> TextTable:
    """What was found, a row each."""
    rows: list[list[Any]] = [list(finding) for finding in findings(analysis)]
    return TextTable("findings", "What was found", ("number", "for", "finding", "value"), rows)


def boundary_name(boundary: Boundary, analysis: Analysis) -> str:
    """Name of a boundary's table and figure: with its resource where there are several."""
    return "boundary" if len(analysis.boundaries) == 1 else f"boundary_{boundary.resource}"


def _cells(analysis: Analysis) -> TextTable:
    names = tuple(axis.name for axis in analysis.points.axes)
    rows = [
        [quantity.key, *place, cell.mean, cell.low, cell.high, cell.n]
        for quantity in analysis.quantities
        for place, cell in cell_estimates(analysis.points, quantity.key).items()
    ]
    columns = ("quantity", *names, "mean", "low", "high", "seeds")
    return TextTable("cells", "Every place: mean and 95 % interval over the seeds", columns, rows)


def _boundary(boundary: Boundary, analysis: Analysis) -> TextTable:
    names = tuple(axis.name for axis in boundary.other_axes)
    rows = [
        [
            *point.place, point.delay_steps, point.simulated.mean, point.simulated.low, point.simulated.high,
            point.simulated.n, point.theory, point.formula, 100 * point.deviation.mean,
            100 * point.deviation.low, 100 * point.deviation.high,
        ]
        for point in boundary.points
    ]  # fmt: skip
    columns = (
        *names, "loop_delay_steps", "simulated", "low", "high", "seeds", "theory",
        "formula_at_mean_delay", "deviation_percent", "deviation_low", "deviation_high",
    )  # fmt: skip
    name = boundary_name(boundary, analysis)
    return TextTable(name, f"Largest stable {boundary.gain_axis.name} of {boundary.resource}", columns, rows)


def _held(each: BreakEven) -> str:
    return ", ".join(
        f"{axis.name}={value:g}" if axis.is_numeric else f"{axis.name}={value}"
        for axis, value in zip(each.held_axes, each.held, strict=True)
    )


def _break_evens(found: Iterable[BreakEven]) -> TextTable:
    rows = [
        [
            b.quantity.key, b.case, b.baseline, b.axis.name, _held(b), b.value, b.low, b.high, b.worse_from,
            f"{b.n_better} of {len(b.effects)}", f"{b.n_worse} of {len(b.effects)}",
        ]
        for b in found
    ]  # fmt: skip
    columns = (
        "quantity", "case", "against", "axis", "at", "better_from", "low", "high", "worse_from", "better_at",
        "worse_at",
    )  # fmt: skip
    title = "Break-even: the value of the axis from which a case is better than none, or worse"
    return TextTable("break_even", title, columns, rows)


def _effects(found: Sequence[BreakEven]) -> TextTable:
    rows = [
        [
            b.quantity.key,
            b.case,
            b.axis.name,
            value,
            _held(b),
            effect.mean,
            effect.low,
            effect.high,
            effect.n,
        ]
        for b in found
        for value, effect in zip(b.axis.values, b.effects, strict=True)
    ]
    columns = ("quantity", "case", "axis", "value", "at", "harm_mean", "low", "high", "seeds")
    return TextTable("effects", "What each case changes; negative is better", columns, rows)


def _pairs(matrices: Sequence[PairMatrix]) -> TextTable:
    rows = []
    for matrix in matrices:
        for effect in matrix.effects.values():
            beyond = effect.interaction
            extra = ["", "", ""] if beyond is None else [beyond.mean, beyond.low, beyond.high]
            rows.append([*_change(matrix, effect), *extra])
    columns = (*_CHANGE, "beyond_parts", "beyond_low", "beyond_high")
    return TextTable("pairs", "Cases alone and in pairs: change against none", columns, rows)


def _changes(matrices: Sequence[PairMatrix]) -> TextTable:
    rows = [_change(matrix, effect) for matrix in matrices for effect in matrix.effects.values()]
    return TextTable("changes", "What each case changes against none, seed by seed", _CHANGE, rows)


_CHANGE = ("quantity", "case", "change", "low", "high")


def _change(matrix: PairMatrix, effect: Effect) -> list[Any]:
    change = effect.change
    return [matrix.quantity.key, JOIN.join(effect.names), change.mean, change.low, change.high]


def _sensitivities(found: Sequence[Sensitivity]) -> TextTable:
    rows = [[s.quantity.key, s.axis.name, s.correlation, s.low, s.high, s.n] for s in found]
    columns = ("quantity", "axis", "rank_correlation", "low", "high", "places")
    title = "How each quantity varies with each axis, the others removed: partial rank correlation"
    return TextTable("sensitivity", title, columns, rows)
