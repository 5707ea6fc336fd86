"""From configured profiles to series: what the households and the feeder's own elements draw over the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.clock import MS_PER_MINUTE
from cosim.core.context import Context, TimeAxis
from cosim.core.errors import InputError, Problem
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.csv_files.series import CsvSeries, read_series
from cosim.csv_files.units import POWER
from cosim.csv_files.words import shown
from cosim.devices.profile_doubts import Profiles, load_doubts, pv_doubts
from cosim.devices.profiles import reactive_power, resample_mean
from cosim.devices.schema import (
    ConstantLoad,
    CsvLoad,
    CsvPv,
    FeederLoad,
    FeederPv,
    SimbenchLoad,
    SimbenchPv,
)
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder_profiles import FeederProfiles, SimbenchProfiles
from cosim.grid.simbench_data import SLOT_MINUTES, profile_names
from cosim.households.parameters import household_values
from cosim.households.placement import Placement
from cosim.households.profile_book import Demand, Series
from cosim.households.profile_sources import FEEDER, PickedColumns, ProfileSources, Slots
from cosim.households.schema import HouseholdsConfig

Array = NDArray[np.float64]
_CONSTANT, _NOTHING = "constant", ""


def slots_of(time: TimeAxis) -> Slots:
    """Slots that fit both SimBench's quarter hours and the metering interval."""
    interval_min = time.interval_ms // MS_PER_MINUTE
    slot_ms = math.gcd(SLOT_MINUTES, interval_min) * MS_PER_MINUTE
    n_slots = -(-time.duration_ms // slot_ms)
    return Slots(time.start, slot_ms, n_slots)


class _Columns:
    """Which source columns one quantity uses, each once."""

    def __init__(self, n_takers: int) -> None:
        self._position: dict[str, int] = {}
        self.choice = np.zeros(n_takers, np.int64)
        self.scale = np.zeros(n_takers)

    def put(self, taker: int, key: str, scale: float) -> None:
        """Let `taker` use column `key`, scaled."""
        self.choice[taker] = self._position.setdefault(key, len(self._position))
        self.scale[taker] = scale

    def series(self, sources: ProfileSources) -> Series:
        """The finished series; `sources` has what was asked for."""
        keys = tuple(self._position)
        return Series(PickedColumns(sources, keys or (_NOTHING,)), self.choice, self.scale, keys)


class DemandBuilder:
    """Collects who uses which profile; CSV files are read at once, SimBench when the run comes to it.

    Parameters
    ----------
    slots : Slots
        The grid of time.
    folder : Path
        What CSV files are relative to.
    n_takers : int
        Number of households or elements.
    feeder_profiles : FeederProfiles, optional
        What the feeder's own elements follow.
    """

    def __init__(
        self, slots: Slots, folder: Path, n_takers: int, feeder_profiles: FeederProfiles | None = None
    ) -> None:
        self._feeder_profiles = feeder_profiles
        self._slots = slots
        self._folder = folder
        self._load, self._load_q = _Columns(n_takers), _Columns(n_takers)
        self._pv, self._pv_q = _Columns(n_takers), _Columns(n_takers)
        self._csv: dict[str, Array] = {}
        self._read: dict[tuple[object, ...], CsvSeries] = {}
        self._simbench: set[str] = set()
        self.warnings: list[Problem] = []
        self._of_feeder: set[str] = set()

    def constant_load(self, taker: int, p_kw: float, q_kvar: float) -> None:
        """The same power all the time."""
        self._load.put(taker, _CONSTANT, p_kw)
        self._load_q.put(taker, _CONSTANT, q_kvar)

    def simbench_load(self, taker: int, p_profile: str, q_profile: str, p_kw: float, q_kvar: float) -> None:
        """SimBench columns times powers; an empty name means constant."""
        self._load.put(taker, self._ask(p_profile), p_kw)
        self._load_q.put(taker, self._ask(q_profile), q_kvar)

    def feeder_load(self, taker: int, element: ElementRecord, scale: float) -> None:
        """What a load of the feeder draws, scaled."""
        self._load.put(taker, self._ask_feeder(element.p_profile), element.p_mw * 1000 * scale)
        self._load_q.put(taker, self._ask_feeder(element.q_profile), element.q_mvar * 1000 * scale)

    def feeder_pv(self, taker: int, own: Sequence[ElementRecord], q_per_p: float | None) -> None:
        """Generators of the feeder that share a profile; None for `q_per_p` leaves them their own Q."""
        kwp = -1000 * sum(element.p_mw for element in own)
        key = self._ask_feeder(own[0].p_profile)
        self._pv.put(taker, key, kwp)
        if q_per_p is not None:
            self._pv_q.put(taker, key, kwp * q_per_p)
        else:
            q_kvar = 1000 * sum(element.q_mvar for element in own)
            self._pv_q.put(taker, self._ask_feeder(own[0].q_profile), q_kvar)

    def simbench_pv(self, taker: int, profile: str, kwp: float, q_per_p: float) -> None:
        """A SimBench column of generation times an installed power; an empty name means constant."""
        key = self._ask(profile)
        self._pv.put(taker, key, kwp)
        self._pv_q.put(taker, key, kwp * q_per_p)

    def csv(self, device: CsvLoad | CsvPv, takers: Sequence[int], scales: Sequence[float], path: str) -> None:
        """Columns of a CSV file, dealt in turn and multiplied by the takers' factors.

        Raises
        ------
        InputError
            If the file cannot be used, or does not cover the run.
        """
        keys, profiles = self.csv_columns(device, f"{path}.file")
        is_pv = isinstance(device, CsvPv)
        p, q = (self._pv, self._pv_q) if is_pv else (self._load, self._load_q)
        # An under-excited inverter draws reactive power while it generates: Q has the load's sign.
        factor = device.cos_phi if isinstance(device, CsvPv) else device.power_factor
        q_per_p = float(reactive_power(1.0, factor))
        for position, (taker, scale) in enumerate(zip(takers, scales, strict=True)):
            column = position % len(keys)
            p.put(taker, keys[column], scale)
            q.put(taker, keys[column], scale * q_per_p)
            profiles.scale[column] = max(profiles.scale[column], scale)
        self.warnings += pv_doubts(profiles) if is_pv else load_doubts(profiles)

    def csv_columns(self, device: CsvLoad | CsvPv, path: str) -> tuple[list[str], Profiles]:
        """A CSV file, cut and resampled to the run: the keys of its columns, and what is used of it.

        Raises
        ------
        InputError
            If it cannot be used, or does not cover the run.
        """
        file = device.file
        series = self._series(device, path)
        slots = self._slots
        first_ms = round((slots.start - series.start).total_seconds() * 1000)
        n_needed = -(-slots.n_slots * slots.slot_ms // series.slot_ms)
        first = first_ms // series.slot_ms
        if first_ms < 0 or first + n_needed > len(series.values):
            end = slots.start + timedelta(milliseconds=slots.n_slots * slots.slot_ms)
            message = (
                f"the profile covers {series.start:%Y-%m-%dT%H:%MZ} to {series.end:%Y-%m-%dT%H:%MZ}, "
                f"the run {slots.start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
            )
            remedy = "Shorten the run, move its start, or give a longer series."
            raise InputError([Problem(message, remedy, path, file)])
        if first_ms % series.slot_ms:
            message = f"the run does not start where a row of {file} starts"
            raise InputError([Problem(message, "Move time.start to a time stamp of the file.", path, file)])
        used = slice(first, first + n_needed)
        values = resample_mean(series.values[used], series.slot_ms, slots.slot_ms)[: slots.n_slots]
        n_read = list(self._read).index(_reading(device))
        keys = [f"csv:{n_read}:{file}:{name}" for name in series.columns]
        self._csv.update(zip(keys, values.T.copy(), strict=True))  # a copy lets go of the rest of the file
        scale = np.zeros(len(keys))
        return keys, Profiles(
            file, series.columns, series.units, series.values[used], series.lines[used], series.slot_ms, scale
        )

    def _series(self, device: CsvLoad | CsvPv, path: str) -> CsvSeries:
        """The file's columns; a file that several groups name is read once."""
        key = _reading(device)
        if key in self._read:
            return self._read[key]
        series = read_series(self._folder / device.file, device.file, device, POWER, wanted=device.columns)
        per_kwp = [name for name, unit in zip(series.columns, series.units, strict=True) if unit.per_kwp]
        if per_kwp and isinstance(device, CsvLoad):
            message = "a load's column is per installed kWp, a unit that only photovoltaics have"
            remedy = "Give the load in kW, or name the file as `pv`."
            line = series.found.header_line
            raise InputError(
                [Problem(message, remedy, shown(name), device.file, line) for name in per_kwp[:5]]
            )
        self._read[key] = series
        self.warnings += series.warnings
        return series

    def build(self) -> Demand:
        """Read what was asked for and put it together."""
        n_slots = self._slots.n_slots
        ones, zeros = np.broadcast_to(1.0, n_slots), np.broadcast_to(0.0, n_slots)
        held = {_CONSTANT: ones, _NOTHING: zeros, **self._csv}
        sources = ProfileSources(self._slots, held, self._simbench, self._feeder_profiles, self._of_feeder)
        load, load_q, pv, pv_q = (
            part.series(sources) for part in (self._load, self._load_q, self._pv, self._pv_q)
        )
        files = tuple(series.found for series in self._read.values())
        return Demand(load, load_q, pv, pv_q, files, tuple(dict.fromkeys(self.warnings)))

    def _ask(self, profile: str) -> str:
        if not profile:
            return _CONSTANT
        self._simbench.add(profile)
        return profile

    def _ask_feeder(self, profile: str) -> str:
        if not profile or self._feeder_profiles == SimbenchProfiles(0):
            return self._ask(profile)  # the same columns as households choose from
        self._of_feeder.add(profile)
        return f"{FEEDER}{profile}"


def _reading(device: CsvLoad | CsvPv) -> tuple[object, ...]:
    """What tells one reading of a file from another."""
    how = (getattr(device, name) for name in CsvSeriesFormat.model_fields)
    return (isinstance(device, CsvPv), device.file, device.columns, *how)


def household_demand(
    configs: Sequence[HouseholdsConfig], context: Context, placement: Placement | None
) -> Demand:
    """Load and generation of every household, by the configuration of each group.

    Without a placement, as where the grid has errors, what follows the feeder's elements is left out.

    Raises
    ------
    InputError
        With every profile that is missing, unknown, broken or too short.
    """
    profiles = None if placement is None else placement.profiles
    population, streams = context.population, context.streams
    builder = DemandBuilder(slots_of(context.time), context.folder, population.size, profiles)
    problems: list[Problem] = []
    for group, config in zip(population.groups, configs, strict=True):
        path = f"groups.{group.number}"
        for add in (_add_load, _add_pv):
            try:
                add(builder, group, config, path, placement, streams, population.size)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    return builder.build()


def _add_load(
    builder: DemandBuilder,
    group: Group,
    config: HouseholdsConfig,
    path: str,
    placement: Placement | None,
    streams: Streams,
    n: int,
) -> None:
    load, path = config.load, f"{path}.load"
    if load is None:
        return
    if isinstance(load, ConstantLoad):
        q_per_p = float(reactive_power(1.0, load.power_factor))
        for taker, p_kw in zip(
            group.members, _values(streams, "load.p_kw", load.p_kw, group, n), strict=True
        ):
            builder.constant_load(taker, p_kw, p_kw * q_per_p)
    elif isinstance(load, SimbenchLoad):
        _require_profile(f"{load.profile}_pload", load.profile, f"{path}.profile")
        peaks = _values(streams, "load.peak_kw", load.peak_kw, group, n)
        for taker, peak in zip(group.members, peaks, strict=True):
            builder.simbench_load(taker, f"{load.profile}_pload", f"{load.profile}_qload", peak, peak)
    elif isinstance(load, CsvLoad):
        scales = _values(streams, "load.scaling", load.scaling, group, n)
        builder.csv(load, group.members, scales, path)
    elif isinstance(load, FeederLoad) and placement is not None:
        scales = _values(streams, "load.scaling", load.scaling, group, n)
        for taker, scale in zip(group.members, scales, strict=True):
            element = placement.loads[taker]
            if element is None:
                message = (
                    "load.kind is 'feeder', and a household stands where the feeder has no load of its own"
                )
                raise InputError(
                    [Problem(message, "Use another load, or `grid.placement.kind: loads`.", path)]
                )
            builder.feeder_load(taker, element, scale)


def _add_pv(
    builder: DemandBuilder,
    group: Group,
    config: HouseholdsConfig,
    path: str,
    placement: Placement | None,
    streams: Streams,
    n: int,
) -> None:
    pv, path = config.pv, f"{path}.pv"
    if pv is None:
        return
    # An under-excited inverter draws reactive power while it generates: Q has the load's sign.
    q_per_p = float(reactive_power(1.0, pv.cos_phi))
    if isinstance(pv, SimbenchPv):
        names = _pv_profiles() if pv.profile == "any" else (pv.profile,)
        if pv.profile != "any":
            _require_profile(pv.profile, pv.profile, f"{path}.profile")
        picks = streams.field("household/pv.profile").row(0, n)
        powers = _values(streams, "pv.kwp", pv.kwp, group, n)
        for taker, kwp in zip(group.members, powers, strict=True):
            builder.simbench_pv(taker, names[int(picks[taker] * len(names))], kwp, q_per_p)
    elif isinstance(pv, CsvPv):
        builder.csv(pv, group.members, _values(streams, "pv.kwp", pv.kwp, group, n), path)
    elif isinstance(pv, FeederPv) and placement is not None:
        for taker in group.members:
            own = placement.sgens[taker]
            if own:
                builder.feeder_pv(taker, own, q_per_p if "cos_phi" in pv.model_fields_set else None)


def _values(streams: Streams, purpose: str, value: object, group: Group, n: int) -> list[float]:
    drawn: list[float] = household_values(streams, purpose, value, group, n).tolist()  # type: ignore[arg-type]
    return drawn


def _pv_profiles() -> tuple[str, ...]:
    return tuple(sorted(name for name in profile_names() if name.startswith("PV")))


def _require_profile(column: str, profile: str, path: str) -> None:
    known = profile_names()
    if column not in known:
        from cosim.core.errors import suggest

        names = sorted({name.removesuffix("_pload").removesuffix("_qload") for name in known})
        raise InputError(
            [Problem("SimBench has no such profile", suggest(profile, names), path, value=profile)]
        )
