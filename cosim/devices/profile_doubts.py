"""What is doubtful in measured profiles: signs and magnitudes that cannot be those of a household."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY
from cosim.core.errors import Problem, count
from cosim.csv_files.column_units import Unit
from cosim.csv_files.words import shown

Array = NDArray[np.float64]

LARGEST_LOAD_KW = 100.0
"""More than a household draws: three phases of 160 A are 110 kW."""
SMALLEST_LOAD_KW = 0.005
"""Less than what is always on in a household, as its largest value over a day."""
LARGEST_PV_KW = 200.0
"""More than a roof carries."""
LARGEST_PV_PER_KWP = 1.5
"""More than a module gives in the best second (cold, clear sky beside a cloud)."""
_SPIKE = 50.0
_NIGHT = 0.02


class Profiles(NamedTuple):
    """Columns of a file as far as a run uses them."""

    file: str
    """For messages."""
    names: tuple[str, ...]
    """Columns."""
    units: tuple[Unit, ...]
    """Their units."""
    values: Array
    """kW, or kW per kWp. Shape (n, len(names))."""
    lines: NDArray[np.int64]
    """The line of each row. Shape (n,)."""
    slot_ms: int
    """Length of a row's slot."""
    scale: Array
    """The largest factor that a household has on each column. Shape (len(names),)."""


_Doubt = tuple[int, str, str]


def load_doubts(profiles: Profiles) -> list[Problem]:
    """Warnings of loads: one a kind of doubt, naming the first column and its line."""
    return _warnings(profiles, (_generates, _too_large_a_load, _too_small_a_load))


def pv_doubts(profiles: Profiles) -> list[Problem]:
    """Warnings of photovoltaics: one a kind of doubt, naming the first column and its line."""
    return _warnings(profiles, (_draws, _too_large_a_generation, _scaled_twice))


def _warnings(
    profiles: Profiles, kinds: Sequence[Callable[[Profiles, int, Array], _Doubt | None]]
) -> list[Problem]:
    used = [column for column in range(len(profiles.names)) if profiles.scale[column] > 0]
    found: list[Problem] = []
    for kind in kinds:
        doubts = [
            (column, doubt)
            for column in used
            if (doubt := kind(profiles, column, profiles.values[:, column])) is not None
        ]
        found += _first_of(profiles, doubts)
    return found


def _first_of(profiles: Profiles, doubts: Sequence[tuple[int, _Doubt]]) -> Iterator[Problem]:
    if not doubts:
        return
    column, (row, message, remedy) = doubts[0]
    if len(doubts) > 1:
        message += f"; likewise in {count(len(doubts) - 1, 'other column')}"
    name, line = shown(profiles.names[column]), int(profiles.lines[row])
    yield Problem(message, remedy, name, profiles.file, line, severity="warning")


def _generates(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    """A load is positive; one that is negative on the whole is generation, or has the other sign."""
    if values.size == 0 or not values.mean() < 0:
        return None
    row = int(np.flatnonzero(values < 0)[0])
    remedy = "A load is positive; give generation as `pv`, or reverse the sign."
    if values.max() <= 0:
        return row, "no value of this load is above 0: it generates all the time", remedy
    return (
        row,
        f"this load is negative overall, {values.mean():.3g} kW on average: it generates",
        remedy,
    )


def _draws(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    """Generation is positive; an inverter draws next to nothing at night."""
    below = np.flatnonzero(values < -_NIGHT * np.abs(values).max(initial=0.0))
    if not len(below):
        return None
    remedy = "Generation is positive; reverse the sign, or correct the values."
    if values.max() <= 0:
        return int(below[0]), "generation is given as negative numbers, so it acts as a load", remedy
    lowest = values.min() * profiles.scale[column]
    where = f"generation is below 0 in {count(len(below), 'row')}, down to {lowest:.3g} kW"
    return int(below[0]), f"{where}, and acts as a load there", remedy


def _too_large_a_load(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    scaled = values * profiles.scale[column]
    drawn = _spike(scaled, LARGEST_LOAD_KW / 5) or _above(scaled, LARGEST_LOAD_KW, "draws")
    return drawn or _above(-scaled, LARGEST_PV_KW, "feeds in")  # behind a meter that a roof feeds, too


def _too_large_a_generation(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    if not profiles.units[column].per_kwp:
        scaled = values * profiles.scale[column]
        return _spike(scaled, LARGEST_PV_KW / 5) or _above(scaled, LARGEST_PV_KW, "generates")
    row = int(values.argmax())
    if values[row] <= LARGEST_PV_PER_KWP:
        return None
    message = f"{values[row]:.6g} kW per kWp is more than any module gives"
    return row, message, "Check the column's unit: is it W/kWp, or kWh over a year?"


def _spike(scaled: Array, at_least_kw: float) -> _Doubt | None:
    """One value far above nearly all others."""
    row, usual = (
        int(scaled.argmax()),
        float(np.quantile(scaled, 0.99)) if len(scaled) >= 100 else np.median(scaled),
    )
    if not 0 < _SPIKE * usual < scaled[row] or scaled[row] < at_least_kw:
        return None
    message = f"{scaled[row]:.10g} kW stands out: nearly all other values are at most {usual:.3g} kW"
    return row, message, "Correct the value if it was not measured."


def _above(scaled: Array, most_kw: float, does: str) -> _Doubt | None:
    row = int(scaled.argmax())
    if scaled[row] <= most_kw:
        return None
    message = f"{scaled[row]:.6g} kW is far more than a household {does}"
    return row, message, "Check the column's unit (W taken for kW?), and the factor on it."


def _too_small_a_load(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    scaled = values * profiles.scale[column]
    row = int(scaled.argmax())
    lasts_a_day = len(values) * profiles.slot_ms >= MS_PER_DAY
    if not lasts_a_day or not 0 < scaled[row] < SMALLEST_LOAD_KW:
        return None
    message = f"{scaled[row] * 1000:.3g} W at most is less than any household draws"
    return row, message, "Check the column's unit (kW taken for W?), and the factor on it."


def _scaled_twice(profiles: Profiles, column: int, values: Array) -> _Doubt | None:
    """Power of a whole plant, and multiplied by its kWp again."""
    row, scale = int(values.argmax()), profiles.scale[column]
    unit = profiles.units[column]
    if unit.per_kwp or scale == 1 or values[row] <= LARGEST_PV_PER_KWP:
        return None
    reaches = f"the column is in {unit.symbol}, reaches {values[row]:.4g} kW"
    return (
        row,
        f"{reaches} and is multiplied by `kwp` ({scale:g}) besides",
        "Leave `kwp` out, or give the column per kWp as [kW/kWp].",
    )
