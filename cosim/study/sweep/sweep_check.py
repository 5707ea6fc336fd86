"""What is wrong with the points of a sweep, found before any of them runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cosim.config.error_messages import UNKNOWN_KEY
from cosim.config.merge import value_at
from cosim.core.errors import InputError, Problem, count
from cosim.engine.check import check_configuration
from cosim.engine.inputs import input_files
from cosim.engine.load import LoadedScenario
from cosim.engine.run import preflight
from cosim.study.sweep.sweep_plan import Point, SweepPlan


@dataclass(frozen=True)
class Checked:
    """What the check of a sweep found."""

    problems: tuple[Problem, ...]
    """Each once, with the points that have it; errors, and warnings where they were asked for."""
    input_files: tuple[str, ...]
    """Files that some point names, relative to the base scenario's folder."""

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep the sweep from running."""
        return [problem for problem in self.problems if problem.severity == "error"]


def check_points(plan: SweepPlan, thorough: bool = False) -> Checked:
    """Validate every combination of the axes, with its first seed.

    Parameters
    ----------
    plan : SweepPlan
        The points.
    thorough : bool
        Look into the market and the files of every combination, which takes milliseconds each, and tell of
        warnings; else of the first combination alone.
    """
    firsts = plan.points[:: max(plan.sweep.config.n_seeds, 1)]
    found: dict[Problem, list[Point]] = {}
    files: set[str] = set()
    for point in firsts:
        try:
            loaded = plan.scenario(point)
            problems = preflight(loaded) if thorough or point.index == 0 else check_configuration(loaded)
            problems += _replaced(loaded, plan, point)
            if not any(problem.severity == "error" for problem in problems):
                named = set(input_files(loaded))
                problems += _missing(loaded, named - files)
                files |= named
        except InputError as error:
            problems = list(error.problems)
        for problem in dict.fromkeys(map(_whatever_its_value, problems)):
            if thorough or problem.severity == "error":
                found.setdefault(problem, []).append(point)
    told = [_with_points(problem, points, plan, len(firsts)) for problem, points in found.items()]
    return Checked((*plan.sweep.problems, *told), tuple(sorted(files)))


def _missing(loaded: LoadedScenario, files: set[str]) -> Iterator[Problem]:
    """Files that are named by another file, such as a grid's by its network, and are not there."""
    for file in sorted(files):
        if not (loaded.folder / file).is_file():
            remedy = "Put it there, or correct its name."
            yield Problem("there is no such file", remedy, file=str(loaded.folder / file))


def _replaced(loaded: LoadedScenario, plan: SweepPlan, point: Point) -> Iterator[Problem]:
    """What an axis sets and a later one takes away again, so that its column would say what is not so.

    Two names of one item do so, a mapping over a key of it, and a key that excludes another one.
    """
    for setting in point.combination.settings[len(plan.sweep.config.set) :]:
        found = value_at(loaded.document.data, setting.path)
        # What is set below a mapping later completes it.
        kept = isinstance(found, dict) if isinstance(setting.value, dict) else found == setting.value
        if not kept:
            message = "what is set here is replaced by what is set after it"
            remedy = "Vary it on one axis only, and put the axis of a whole before that of its parts."
            yield Problem(message, remedy, setting.path, *setting.places[""])


def _whatever_its_value(problem: Problem) -> Problem:
    """A key that does not exist is one problem, and not one for each value of an axis."""
    return replace(problem, value="") if problem.message.startswith(UNKNOWN_KEY) else problem


def _with_points(problem: Problem, points: list[Point], plan: SweepPlan, n_combinations: int) -> Problem:
    """The problem, with the combinations that have it where it is not all of them."""
    if len(points) == n_combinations or not plan.columns:
        return problem
    cells = points[0].combination.cells
    first = ", ".join(f"{column}={cell}" for column, cell in zip(plan.columns, cells, strict=True))
    where = f"with {first}" if len(points) == 1 else f"in {count(len(points), 'combination')}, first {first}"
    return replace(problem, message=f"{problem.message} ({where})")
