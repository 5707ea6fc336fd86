"""The table `decisions`, thinned to what a figure can show: everyone's averages and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY
from cosim.core.tables import Coded
from cosim.report.run_data import RunData, text_list

Array = NDArray[np.float64]

MAX_NUMBERS = 4_000_000
"""Most averages that are held, whatever the length of the run."""
MAX_POINTS = 1000
"""Most points in time that are kept; a longer run is averaged over stretches of several steps."""


class Group(NamedTuple):
    """A group of households."""

    name: str
    """Its name."""
    members: NDArray[np.int64]
    """Columns of its households in `DecisionData`."""
    resources: NDArray[np.int64]
    """Columns of the resources that they take."""


@dataclass(frozen=True)
class DecisionData:
    """Averages and gradients of P households and R resources at K points in time."""

    prosumers: list[str]
    resources: list[str]
    """Names of the columns."""
    target: Array
    """T of each household's cost; NaN where unknown. Shape (P,)."""
    groups: list[Group]
    """The groups, in the scenario's order; one for all where the table `prosumers` is missing."""
    time_ms: NDArray[np.int64]
    """Middle of each point's steps. Shape (K,)."""
    steps_per_point: int
    """Over how many steps each point is the mean."""
    average: Array
    gradient: Array
    """As the decisions found them; NaN where a household made none. Shape (K, P, R)."""
    last_average: Array
    """At each household's last decision. Shape (P, R)."""
    last_step: int
    """The run's last step."""


def decision_data(run: RunData) -> DecisionData | None:
    """What the figures need of a run's decisions, read once; None where it recorded none."""
    if not run.has("decisions"):
        return None
    return run.remember("decisions", lambda: _read(run))


def _read(run: RunData) -> DecisionData:
    prosumers, resources = _names(run)
    time = run.scenario.time
    last_step = max(int(batch["step"].max()) for batch in run.batches("decisions", ["step"]))
    width = steps_per_point(last_step, len(prosumers) * len(resources), time.step_ms)
    means = _Means(-(-last_step // width), len(prosumers), len(resources))
    last_average = np.full((len(prosumers), len(resources)), np.nan)
    columns = ["step", "prosumer", "resource", "average", "gradient"]
    for batch in run.batches("decisions", columns):
        who = _positions(batch["prosumer"], prosumers)
        what = _positions(batch["resource"], resources)
        last_average[who, what] = batch["average"]  # rows are in the order of time: the latest stays
        means.add((batch["step"] - 1) // width, who, what, batch["average"], batch["gradient"])
    average, gradient = means.result()
    start_ms = round(time.start.timestamp() * 1000)
    middle = start_ms + ((2 * np.arange(len(average)) + 1) * width - 1) * time.step_ms // 2
    return DecisionData(
        prosumers=prosumers,
        resources=resources,
        target=_targets(run, prosumers),
        groups=_groups(run, prosumers, resources, last_average),
        time_ms=middle,
        steps_per_point=width,
        average=average,
        gradient=gradient,
        last_average=last_average,
        last_step=last_step,
    )


def steps_per_point(last_step: int, numbers_per_step: int, step_ms: int) -> int:
    """Over how many steps a point is averaged: 1 where all steps fit, else a whole day where that suits."""
    n_points = max(1, min(MAX_POINTS, MAX_NUMBERS // max(1, numbers_per_step)))
    width = -(-last_step // n_points)
    if (
        width == 1
        or MS_PER_DAY % step_ms
        or width * step_ms > MS_PER_DAY
        or last_step * step_ms < 30 * MS_PER_DAY
    ):
        return width
    return MS_PER_DAY // step_ms


class _Means:
    """Running means of two quantities by point in time, household and resource."""

    def __init__(self, n_points: int, n_prosumers: int, n_resources: int) -> None:
        self._shape = (n_points, n_prosumers, n_resources)
        self._sums = np.zeros((2, *self._shape))
        self._count = np.zeros(self._shape, np.int32)

    def add(
        self, point: NDArray[np.int64], who: NDArray[np.int64], what: NDArray[np.int64], *values: Array
    ) -> None:
        """Take rows; those of one call lie close together in time."""
        _, n_prosumers, n_resources = self._shape
        first, last = int(point.min()), int(point.max()) + 1
        place = ((point - first) * n_prosumers + who) * n_resources + what
        shape = (last - first, n_prosumers, n_resources)
        size = shape[0] * n_prosumers * n_resources
        self._count[first:last] += np.bincount(place, minlength=size).reshape(shape).astype(np.int32)
        for total, value in zip(self._sums, values, strict=True):
            total[first:last] += np.bincount(place, value, size).reshape(shape)

    def result(self) -> tuple[Array, Array]:
        """The means; NaN where there was nothing."""
        count = np.where(self._count > 0, self._count, np.nan)
        return self._sums[0] / count, self._sums[1] / count


def _names(run: RunData) -> tuple[list[str], list[str]]:
    """Households in the order of their numbers, and resources in the scenario's order."""
    seen = set(run.distinct("decisions", "resource"))
    resources = dict.fromkeys(one.name for config in run.scenario.communities for one in config.resources)
    prosumers = sorted(run.distinct("decisions", "prosumer"), key=lambda name: (len(name), name))
    return prosumers, [name for name in resources if name in seen]


def _positions(column: Coded, names: list[str]) -> NDArray[np.int64]:
    position = {name: number for number, name in enumerate(names)}
    translation = np.array([position.get(text, -1) for text in column.texts], np.int64)
    return np.asarray(translation[column.codes])


def _targets(run: RunData, prosumers: list[str]) -> Array:
    if not run.has("prosumers", "cost_target"):
        return np.full(len(prosumers), np.nan)
    table = run.read("prosumers", ["prosumer", "cost_target"])
    target = dict(zip(text_list(table["prosumer"]), table["cost_target"].tolist(), strict=True))
    return np.array([target.get(name, np.nan) for name in prosumers])


def _groups(run: RunData, prosumers: list[str], resources: list[str], last_average: Array) -> list[Group]:
    if run.has("prosumers", "group"):
        table = run.read("prosumers", ["prosumer", "group"])
        group_of = dict(zip(text_list(table["prosumer"]), text_list(table["group"]), strict=True))
    else:
        group_of = {}
    names = np.array([group_of.get(name, "all households") for name in prosumers])
    order = [config.name for config in run.scenario.groups] + ["all households"]
    result = []
    for name in order:
        members = np.flatnonzero(names == name)
        if len(members):
            taken = np.flatnonzero(np.isfinite(last_average[members]).any(axis=0))
            result.append(Group(name, members, taken))
    return result
