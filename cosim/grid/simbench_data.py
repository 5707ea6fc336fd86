"""SimBench grids and profiles, by way of a cache in the user's cache folder.

The package `simbench` parses a 40 MB data set into some 775 MB of memory for each grid it is asked for. So
that happens once, in a process of its own (``python -m cosim.grid.simbench_data 1-LV-rural3--0-sw`` does it
ahead of time), which leaves the grid as JSON and the profiles of its scenario as one parquet file.

Time
----
SimBench stamps its 35,136 quarter hours of 2016 in German local time: 2016-03-27 jumps from 01:45 to 03:00,
and 02:00 ... 02:45 of 2016-10-30 stand there twice. Row by row they are evenly spaced in universal time:
row ``k`` begins at 2015-12-31T23:00Z + k · 15 min. The extraction checks the stamps against exactly that, and
the loads bear it out: businesses open at the same local time in winter and in summer. The sun does less
well: averaged over the eight photovoltaic profiles, noon is near 10:30 UTC the year round, some 50 minutes
before it is at 10° E. That is in the data; loads and sun are kept together as SimBench publishes them.

Values
------
A load's profile ``H0-A`` is two columns, ``H0-A_pload`` and ``H0-A_qload``: factors on the load's own
``p_mw`` and ``q_mvar``. A generator's profile ``PV3`` is one column: a factor on its ``p_mw``.

Cache
-----
``$COSIM_CACHE_DIR``, else ``$XDG_CACHE_HOME/cosim``, else ``~/.cache/cosim``; below it a folder named by the
versions of simbench and pandapower. Files appear whole or not at all; one that cannot be read is made anew.
The data set is under the Open Database License: the cache is for the user's own machine.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.cache_folder import cache_folder
from cosim.core.errors import InputError, Problem, SimulationError, suggest

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FIRST_SLOT = datetime(2015, 12, 31, 23, 0, tzinfo=UTC)
"""Start of the first quarter hour: midnight of 2016-01-01 in Germany."""
SLOT_MINUTES = 15
N_SLOTS = 366 * 96
_SLOT = timedelta(minutes=SLOT_MINUTES)
_CODE = re.compile(r"^1-LV-[a-z]+\d--([012])-(sw|no_sw)$")
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Profiles:
    """Quarter-hourly profiles."""

    names: tuple[str, ...]
    """Names of the columns."""
    start: datetime
    """Start of the first slot, UTC."""
    values: NDArray[np.float64]
    """Factors on the element's nominal power, per unit. Shape (n_slots, n_names)."""


def read_grid(code: str) -> pandapowerNet:
    """The grid of a SimBench code, without its profiles.

    Raises
    ------
    InputError
        If the code is none of a low-voltage grid, or the package `simbench` is missing.
    """
    from cosim.grid.safe_json import read_net

    return cached_grid_file(code, read_net)


def cached_grid_file(code: str, read: Callable[[Path], _Read]) -> _Read:
    """What `read` gives for the grid of a SimBench code in the cache, a pandapower JSON file.

    Raises
    ------
    InputError
        As `read_grid`.
    """
    _scenario_of(code)
    return _cached(f"{code}.json", ["grid", code], read)


def cached_grid(code: str) -> Path:
    """Where the grid of a SimBench code is in the cache, if it is there.

    Raises
    ------
    InputError
        If the package `simbench` is missing.
    """
    return cache_folder() / _versions() / f"{code}.json"


def profile_names(scenario: int = 0) -> tuple[str, ...]:
    """Names of all profiles of a SimBench scenario (0 today, 1 near future, 2 far future)."""
    import pyarrow.parquet as pq

    def read(file: Path) -> tuple[str, ...]:
        return tuple(pq.read_schema(file).names)

    return _cached(f"profiles-{scenario}.parquet", ["profiles", str(scenario)], read)


def read_profiles(names: Iterable[str], start: datetime, n_slots: int, scenario: int = 0) -> Profiles:
    """`n_slots` quarter hours of the named profiles from `start` on.

    Parameters
    ----------
    names : iterable of str
        Columns, as `profile_names` lists them.
    start : datetime
        Start of the first slot, with a time zone, on a quarter hour, within 2016 (German local time).
    n_slots : int
        Number of quarter hours.
    scenario : int
        SimBench scenario, 0, 1 or 2.

    Raises
    ------
    InputError
        If a name is unknown, or the time asked for is not covered.
    """
    import pyarrow.parquet as pq

    wanted = tuple(names)
    first = check_profiles(wanted, start, n_slots, scenario)

    def read(file: Path) -> NDArray[np.float64]:
        values = np.empty((n_slots, len(wanted)))
        with pq.ParquetFile(file) as stream:
            for column, name in enumerate(
                wanted
            ):  # one at a time: the file's row groups need not fit in memory
                series = stream.read(columns=[name]).column(0).slice(first, n_slots)
                values[:, column] = np.from_dlpack(series.combine_chunks())  # `to_numpy` imports pandas
        return values

    values = _cached(f"profiles-{scenario}.parquet", ["profiles", str(scenario)], read)
    return Profiles(wanted, start, values)


def check_profiles(names: Iterable[str], start: datetime, n_slots: int, scenario: int = 0) -> int:
    """Row of the file at which `start` is; parameters and errors as `read_profiles`."""
    known = profile_names(scenario)
    problems = [
        Problem("SimBench has no such profile", suggest(n, known), value=n) for n in names if n not in known
    ]
    first = _first_row(start, n_slots, problems)
    if problems:
        raise InputError(problems)
    return first


def scenario_of(code: str) -> int:
    """The scenario (0, 1 or 2) that a SimBench code belongs to."""
    return _scenario_of(code)


def _scenario_of(code: str) -> int:
    """As `scenario_of`; an InputError where the code is not one of a low-voltage grid."""
    match = _CODE.match(code)
    if match is None:
        remedy = "name a low-voltage grid, for example 1-LV-rural3--0-sw"
        raise InputError(
            [Problem("not the SimBench code of a low-voltage grid", remedy, "source.code", value=code)]
        )
    return int(match.group(1))


def _first_row(start: datetime, n_slots: int, problems: list[Problem]) -> int:
    """Row of `start`; what is wrong with the time goes to `problems`."""
    last = FIRST_SLOT + N_SLOTS * _SLOT
    covered = f"they cover {FIRST_SLOT:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ} in quarter hours"
    if start.tzinfo is None:
        problems.append(Problem("the start has no time zone", "give it in UTC", value=start.isoformat()))
        return 0
    row, rest = divmod(start - FIRST_SLOT, _SLOT)
    if rest:
        problems.append(Problem("the start is not on a quarter hour", covered, value=start.isoformat()))
    if row < 0 or n_slots < 1 or row + n_slots > N_SLOTS:
        end = start + n_slots * _SLOT
        message = "SimBench profiles exist only for 2016"
        problems.append(Problem(message, covered, value=f"{start.isoformat()} to {end.isoformat()}"))
    return row


@functools.cache
def _versions() -> str:
    """Versions that the cached files depend on, as the name of their folder."""
    try:
        simbench = metadata.version("simbench")
    except metadata.PackageNotFoundError:
        message = "SimBench grids and profiles need the package simbench, which is not installed"
        raise InputError([Problem(message, "Run pip install 'cosim[simbench]'")]) from None
    return f"simbench-{simbench}-pandapower-{metadata.version('pandapower')}"


def _cached(name: str, arguments: list[str], read: Callable[[Path], _Read]) -> _Read:
    """What `read` gives for a file of the cache, which is made if it is missing, and again if broken."""
    folder = cache_folder() / _versions()
    file = folder / name
    if file.exists():
        try:
            return read(file)
        except (OSError, ValueError, KeyError, InputError):
            file.unlink(missing_ok=True)
    _extract(arguments, file)
    return read(file)


def _extract(arguments: list[str], file: Path) -> None:
    """Have a process of its own write `file`; it appears whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=file.suffix)
    except OSError as error:
        message = f"the cache folder is not writable: {error.strerror}"
        remedy = "set COSIM_CACHE_DIR to a folder that is"
        raise InputError([Problem(message, remedy, value=str(file.parent))]) from error
    os.close(handle)
    try:
        command = [sys.executable, "-m", "cosim.grid.simbench_data", *arguments, temporary]
        # simbench orders some of its columns by Python's hashes; the same file must come out each time
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SimulationError(f"SimBench's {' '.join(arguments)} could not be extracted: {reason}")
        os.replace(temporary, file)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _write_grid(code: str, file: str) -> None:
    """The grid of `code` as pandapower JSON (runs in the extracting process)."""
    import pandapower as pp
    import simbench

    net = simbench.get_simbench_net(code)
    for key in [
        key for key in net if key in ("profiles", "loadcases", "controller") or key.startswith("res_")
    ]:
        del net[key]
    pp.to_json(net, file)


def _write_profiles(scenario: int, file: str) -> None:
    """Every profile of loads, renewables and storages as parquet (runs in the extracting process)."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import simbench

    tables = simbench.get_all_simbench_profiles(scenario)
    columns: dict[str, NDArray[np.float64]] = {}
    for kind in ("load", "renewables", "storage"):
        table = tables[kind]
        if len(table) == 0:
            continue
        check_stamps([str(stamp) for stamp in table["time"]])
        for name in table.columns.drop("time"):
            columns.setdefault(str(name), table[name].to_numpy(np.float64))
    pq.write_table(pa.table(columns), file, row_group_size=N_SLOTS, compression="zstd")


def check_stamps(stamps: list[str]) -> None:
    """Raise unless `stamps` are German local time of the quarter hours from `FIRST_SLOT` on, in order."""
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    expected = [
        (FIRST_SLOT + k * _SLOT).astimezone(berlin).strftime("%d.%m.%Y %H:%M") for k in range(N_SLOTS)
    ]
    if stamps != expected:
        raise SimulationError("SimBench's time stamps are not the quarter hours of 2016 in German local time")


def _main(arguments: list[str]) -> None:
    """``grid CODE FILE`` and ``profiles SCENARIO FILE`` extract; a code alone warms the cache."""
    match arguments:
        case ["grid", code, file]:
            _write_grid(code, file)
        case ["profiles", scenario, file]:
            _write_profiles(int(scenario), file)
        case [code]:
            read_grid(code)
            profile_names(_scenario_of(code))
        case _:
            raise SystemExit("usage: python -m cosim.grid.simbench_data CODE")


if __name__ == "__main__":
    _main(sys.argv[1:])
