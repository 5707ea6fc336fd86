"""Tap changers that act in a run in words, for `cosim explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.core.errors import count
from cosim.grid.feeder import Feeder
from cosim.grid.tap_changers import TapChanger
from cosim.grid.tap_control import TapControl


def tap_lines(feeder: Feeder, changers: Sequence[TapChanger], interval_min: int) -> Iterator[str]:
    """The scenario's tap changers, or the network's own controllers where those act; nothing without any."""
    controls = feeder.source.controls
    if changers or controls:
        yield "# tap changers: transformer, what it keeps, range, and when it steps"
    for each in changers:
        yield f"{_changer(feeder, each)}; {_when(each.delay_intervals, interval_min)}"
    for control in controls:
        yield _control(control)


def _changer(feeder: Feeder, one: TapChanger) -> str:
    bus, data = int(feeder.bus.index[one.column]), dict(one.data)
    names = dict(zip(feeder.trafo.index.tolist(), feeder.trafo.name, strict=True))
    way = "lowers" if one.lowers > 0 else "raises"
    return (
        f"{_named('transformer', one.trafo, names[one.trafo])}: dead band {one.vm_min_pu:g} to "
        f"{one.vm_max_pu:g} pu at {_named('bus', bus, feeder.bus.name[one.column])}; positions "
        f"{one.first} to {one.last}, starts at {one.start}; a step up {way} the voltage by about "
        f"{abs(float(str(data['tap_step_percent']))):g} %"
    )


def _when(delay_intervals: int, interval_min: int) -> str:
    if not delay_intervals:
        return "as many steps within an interval as it takes"
    return (
        f"one step for the next interval once the voltage has been outside for "
        f"{count(delay_intervals, 'interval')} ({delay_intervals * interval_min} min)"
    )


def _control(one: TapControl) -> str:
    settings = "  ".join(f"{name}={value}" for name, value in one.settings)
    return (
        f"{one.element} {one.index}: {one.name} of the network  {settings}; each interval begins at position "
        f"{one.position:g}"
    )


def _named(word: str, index: int, name: str) -> str:
    return f"{word} {index}{f' ({name})' if name else ''}"
