"""Tap changers that act from interval to interval: read from a scenario, and where each stands.

A step changes the ratio of a transformer, and so the matrices; each set of positions has a solver of its own,
made when it is first needed and kept. Intervals are solved ahead with the positions as they are, up to the
first in which a voltage makes a tap changer move: so a block takes a few solutions and not one an interval,
and the results are those of solving one interval after the other.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, count, suggest
from cosim.grid.feeder import Feeder
from cosim.grid.schema import BusRef, TapChangerConfig

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]
_STEP_TYPES = ("Ratio", "Symmetrical")


@dataclass(frozen=True)
class TapChanger:
    """A tap changer that acts."""

    trafo: int
    """Index of its transformer in the net."""
    column: int
    """Column of the bus whose voltage it keeps."""
    vm_min_pu: float
    vm_max_pu: float
    """Its dead band."""
    lowers: int
    """Whether a higher position lowers that voltage (1) or raises it (-1)."""
    first: int
    last: int
    start: int
    """Its range, and where it stands at the beginning."""
    delay_intervals: int
    """How many intervals the voltage must have been outside before a step; 0 for steps within the
    interval."""
    data: tuple[tuple[str, object], ...]
    """What the transformer's row must say, besides the position."""

    def step(self, vm_pu: float, position: int) -> int:
        """Which way it wants to go: 1, -1, or 0 where it stays or cannot."""
        if vm_pu > self.vm_max_pu:
            way = self.lowers
        elif vm_pu < self.vm_min_pu:
            way = -self.lowers
        else:
            return 0
        return way if self.first <= position + way <= self.last else 0


def tap_changers(
    feeder: Feeder, configs: Sequence[TapChangerConfig], interval_min: int
) -> tuple[TapChanger, ...]:
    """The tap changers of a scenario.

    Raises
    ------
    InputError
        With everything that does not fit to the feeder.
    """
    made: list[TapChanger] = []
    problems: list[Problem] = []
    for number, config in enumerate(configs):
        path = f"grid.tap_changers.{number}"
        try:
            one = _tap_changer(feeder, config, interval_min)
            if any(one.trafo == other.trafo for other in made):
                _refuse("this transformer has another tap changer already", "leave one out", "trafo")
            made.append(one)
        except InputError as error:
            problems += [replace(each, path=f"{path}.{each.path}".rstrip(".")) for each in error.problems]
    if problems:
        raise InputError(problems)
    return tuple(made)


def put_positions(net: pandapowerNet, changers: Sequence[TapChanger], positions: Sequence[float]) -> None:
    """Set the taps of a net."""
    for each, position in zip(changers, positions, strict=True):
        for name, value in (*each.data, ("tap_pos", float(position))):
            if name not in net.trafo:
                net.trafo[name] = None
            if isinstance(value, float):
                net.trafo[name] = net.trafo[name].astype(np.float64)
            net.trafo.loc[each.trafo, name] = value


def with_positions(feeder: Feeder, changers: Sequence[TapChanger], positions: Sequence[float]) -> Feeder:
    """The feeder with its taps there; the one that is given is left as it is."""
    net = copy.deepcopy(feeder.net)
    put_positions(net, changers, positions)
    return replace(feeder, given=net)


def _tap_changer(feeder: Feeder, config: TapChangerConfig, interval_min: int) -> TapChanger:
    label = _trafo(feeder, config.trafo)
    row = feeder.net.trafo.loc[label]
    own = _Data.of(row)
    if config.step_percent is not None:
        own = _Data("hv", 0.0, config.step_percent, 0, 0, own.position)
    if config.positions is not None:
        own = replace(own, first=config.positions[0], last=config.positions[1])
    lacking = own.lacking
    if lacking:
        message = f"the data of transformer {label} have no tap changer that could be moved: {lacking}"
        _refuse(message, "give positions and step_percent", "")
    band = config.vm_max_pu - config.vm_min_pu
    if band <= abs(own.step_percent) / 100:
        message = f"the dead band is not wider than a step of {abs(own.step_percent):g} %, so it would hunt"
        _refuse(message, "widen it", "vm_max_pu", f"{config.vm_max_pu:g}")
    bus = int(row["lv_bus"]) if config.bus is None else feeder.resolve_bus(config.bus, "bus")
    if bus == int(row["hv_bus"]):
        _refuse("this is the high-voltage side of the transformer", "name a bus below it", "bus", str(bus))
    start = own.position if math.isfinite(own.position) else own.neutral
    lowers = (1 if own.side == "hv" else -1) * (1 if own.step_percent > 0 else -1)
    data = (
        ("tap_side", own.side),
        ("tap_neutral", own.neutral),
        ("tap_step_percent", own.step_percent),
        ("tap_step_degree", 0.0),
        ("tap_changer_type", own.type),
    )
    return TapChanger(
        label,
        int(feeder.bus_positions([bus])[0]),
        config.vm_min_pu,
        config.vm_max_pu,
        lowers,
        own.first,
        own.last,
        min(max(round(start), own.first), own.last),
        math.ceil(config.delay_min / interval_min),
        data,
    )


@dataclass(frozen=True)
class _Data:
    """What a row of ``net.trafo`` says of its tap changer; NaN, 0 or empty for what it does not."""

    side: str
    neutral: float
    step_percent: float
    first: int
    last: int
    position: float
    type: str = "Ratio"

    @classmethod
    def of(cls, row: object) -> _Data:
        get = row.get  # type: ignore[attr-defined]  # a row of a DataFrame
        side, kind = get("tap_side"), get("tap_changer_type")
        low, high = _number(get("tap_min")), _number(get("tap_max"))
        has_range = math.isfinite(low) and math.isfinite(high)
        return cls(
            side if side in ("hv", "lv") else "",
            _number(get("tap_neutral")),
            _number(get("tap_step_percent")),
            round(low) if has_range else 0,
            round(high) if has_range else 0,
            _number(get("tap_pos")),
            kind if isinstance(kind, str) else "Ratio",
        )

    @property
    def lacking(self) -> str:
        """What keeps it from being moved; empty for nothing."""
        if self.type not in _STEP_TYPES:
            return f"its type is {self.type}"
        if not self.side or not math.isfinite(self.neutral):
            return "no tap_side or tap_neutral"
        if not math.isfinite(self.step_percent) or self.step_percent == 0:
            return "no tap_step_percent"
        return "" if self.first < self.last else "no range from tap_min to tap_max"


def _trafo(feeder: Feeder, reference: BusRef | None) -> int:
    """Index of the transformer that is meant, which must be in use."""
    index, names = feeder.trafo.index.tolist(), feeder.trafo.name
    if reference is None:
        used = feeder.trafo.index[feeder.trafo.closed].tolist()
        if len(used) != 1:
            message = f"the network has {count(len(used), 'two-winding transformer')} in use"
            _refuse(message, "name the one that is meant" if used else "leave it out", "trafo")
        return int(used[0])
    if isinstance(reference, str):
        found = [label for label, name in zip(index, names, strict=True) if name == reference]
        remedy = suggest(reference, [name for name in names if name])
    else:
        found = [reference] if reference in index else []
        remedy = f"the transformers are {', '.join(map(str, index))}" if index else "leave it out"
    if len(found) != 1:
        message = "several transformers have this name" if found else "the network has no such transformer"
        _refuse(message, remedy, "trafo", str(reference))
    if not feeder.trafo.closed[index.index(found[0])]:
        _refuse(
            "this transformer is out of service or switched off", "name another one", "trafo", str(reference)
        )
    return int(found[0])


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number is NaN
    except (TypeError, ValueError):
        return math.nan


def _refuse(message: str, remedy: str, path: str, value: str = "") -> None:
    raise InputError([Problem(message, remedy, path, value=value)])


def moved(positions: Sequence[int], changers: Sequence[TapChanger], vm_pu: FloatArray) -> Iterator[int]:
    """The step that each wants to take, from the voltages of all buses."""
    for each, position in zip(changers, positions, strict=True):
        yield each.step(float(vm_pu[each.column]), position)
