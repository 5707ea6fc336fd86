"""pandapower's tap controllers, read as plain numbers and built here; nothing a file names is imported."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cosim.core.errors import Problem, listed

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

_MODULE = "pandapower.control.controller.trafo."
_SIDES = {"trafo": ("hv", "lv"), "trafo3w": ("hv", "mv", "lv")}
_NEEDED = ("tap_neutral", "tap_min", "tap_max", "tap_step_percent")
KNOWN = ("DiscreteTapControl", "ContinuousTapControl")
"""The controllers that can act, by pandapower's names."""


@dataclass(frozen=True)
class Controller:
    """A row of a network's table of controllers."""

    name: str
    """The class that it names."""
    module: str
    """The module that it names."""
    in_service: bool
    """Whether it is to act."""
    order: float
    level: float
    """When it acts among the others; NaN where that is no number."""
    state: Mapping[str, Any]
    """Its attributes, as they stand."""

    @property
    def is_known(self) -> bool:
        """Whether it is one of pandapower's own that can act."""
        return self.name in KNOWN and self.module.startswith(_MODULE)


@dataclass(frozen=True)
class TapControl:
    """A tap controller that acts."""

    name: str
    """pandapower's name of its class."""
    element: str
    """Table of the transformer: ``trafo`` or ``trafo3w``."""
    index: int
    """The transformer."""
    position: float
    """The tap position of the data, from which every power flow begins."""
    order: float
    level: float
    """When it acts among the others."""
    settings: tuple[tuple[str, Any], ...]
    """What its class is built with: side, tolerance, and the voltages that it keeps."""


def controllers_of(net: pandapowerNet) -> tuple[Controller, ...]:
    """The controllers of a net made in Python."""
    table = net.get("controller")
    if table is None or not len(table) or "object" not in table:
        return ()
    rows = table.to_dict("records")
    return tuple(
        controller(type(row["object"]).__name__, type(row["object"]).__module__, row, vars(row["object"]))
        for row in rows
        if hasattr(row["object"], "__dict__")
    )


def controller(name: str, module: str, row: Mapping[str, Any], state: Mapping[str, Any]) -> Controller:
    """A controller by the row that it stands in and its attributes."""
    in_service = row.get("in_service", True)
    is_off = isinstance(in_service, bool | np.bool_) and not in_service
    return Controller(name, module, not is_off, _number(row.get("order")), _number(row.get("level")), state)


def tap_controls(
    controllers: Sequence[Controller], net: pandapowerNet, problems: list[Problem]
) -> tuple[TapControl, ...]:
    """The controllers that act on a net with complete tap changers; what stands in the way is a problem."""
    acting = [(number, each) for number, each in enumerate(controllers) if each.in_service]
    if not acting:
        message = "the network has no controller in service that could act"
        problems.append(Problem(message, "leave it out", "grid.run_control", severity="warning"))
    made = []
    for number, each in acting:
        path = f"controller.{number}"
        if not each.is_known:
            name = each.name or "a controller without a name"
            message = f"cosim runs {listed(KNOWN)} of pandapower, and not {name}"
            remedy = "take it out of the network, or leave out grid.run_control"
            problems.append(Problem(message, remedy, path))
            continue
        control = _control(each, net)
        wrong = list(_wrong(control, net))
        problems += [Problem(f"{each.name}: {what}", "correct it in the grid", path) for what in wrong]
        made += [] if wrong else [control]
    return tuple(made)


def reasons(controls: Sequence[TapControl]) -> tuple[str, ...]:
    """The controllers that act, counted by class: ``2 DiscreteTapControl``."""
    names = [control.name for control in controls]
    return tuple(f"{names.count(name)} {name}" for name in KNOWN if name in names)


def put_controls(net: pandapowerNet, controls: Sequence[TapControl]) -> None:
    """Build the controllers in a net, in place of those there, and set the taps to where they begin."""
    from pandapower import control as pandapower_control

    net["controller"] = net.controller.iloc[:0].copy()
    for each in controls:
        rows = net[each.element]
        rows["tap_pos"] = rows["tap_pos"].astype(np.float64)
        rows.loc[each.index, "tap_pos"] = each.position
    for each in controls:
        make = getattr(pandapower_control, each.name)
        make(net, each.index, element=each.element, order=each.order, level=each.level, **dict(each.settings))


def _control(found: Controller, net: pandapowerNet) -> TapControl:
    """A controller as what it is built with; what it lacks is NaN."""
    state = found.state
    index = _first(state, "element_index", "tid", "transformer_index")
    element = _text(state, "element", "trafotable")
    settings: dict[str, Any] = {"side": _text(state, "side"), "tol": _first(state, "tol")}
    if found.name == "DiscreteTapControl":
        settings |= {name: _first(state, name) for name in ("vm_lower_pu", "vm_upper_pu")}
    else:
        settings["vm_set_pu"] = _first(state, "vm_set_pu")
        settings["check_tap_bounds"] = state.get("check_tap_bounds", True) is not False
    there = element in _SIDES and index in net[element].index
    position = float(net[element].at[index, "tap_pos"]) if there else math.nan
    number = int(index) if math.isfinite(index) else -1
    return TapControl(
        found.name, element, number, position, found.order, found.level, tuple(settings.items())
    )


def _wrong(control: TapControl, net: pandapowerNet) -> Iterator[str]:
    """What keeps a controller from being built, and its transformer from being moved."""
    settings = dict(control.settings)
    if control.element not in _SIDES:
        yield "it controls something other than a transformer of the table trafo or trafo3w"
        return
    if control.index not in net[control.element].index:
        yield f"it does not control exactly one transformer of the table {control.element}"
        return
    where = f"{control.element} {control.index}"
    if settings["side"] not in _SIDES[control.element]:
        yield f"{where} has no side {settings['side'] or 'without a name'}"
    row = net[control.element].loc[control.index]
    gone = [name for name in _NEEDED if not math.isfinite(_number(row.get(name)))]
    gone += [name for name in ("tap_side", "tap_changer_type") if not isinstance(row.get(name), str)]
    if gone or math.isnan(control.position):
        yield f"the tap changer of {where} is not moved by it without {listed(gone or ['tap_pos'])}"
    elif row["tap_step_percent"] == 0:
        yield f"the tap changer of {where} has steps of 0 %"
    numbers = {"order": control.order, "level": control.level} | {
        name: value for name, value in settings.items() if isinstance(value, float)
    }
    bad = [name for name, value in numbers.items() if not math.isfinite(value)]
    if bad:
        yield f"{listed(bad)} {'is not a finite number' if len(bad) == 1 else 'are not finite numbers'}"
    elif min(value for name, value in numbers.items() if name not in ("order", "level")) < 0:
        yield "a voltage or its tolerance is negative"
    elif settings.get("vm_lower_pu", 0.0) > settings.get("vm_upper_pu", 0.0):
        yield "vm_lower_pu is above vm_upper_pu"


def _first(state: Mapping[str, Any], *names: str) -> float:
    """The number of the first attribute that is there; NaN where there is none."""
    return next((_number(state[name]) for name in names if name in state), math.nan)


def _text(state: Mapping[str, Any], *names: str) -> str:
    """The text of the first attribute that is there; empty where there is none."""
    found = next((state[name] for name in names if name in state), "")
    return found if isinstance(found, str) and len(found) < 20 else ""


def _number(value: Any) -> float:
    """A number, also one that a file wraps as numpy's; NaN for anything else."""
    if isinstance(value, Mapping) and value.get("_module") == "numpy":
        value = value.get("_object")
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
