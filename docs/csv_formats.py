"""Files in formats that people have, and what is understood of each: docs/csv_formats.md.

python docs/csv_formats.py            # writes docs/csv_formats.md
python docs/csv_formats.py FOLDER     # writes the files themselves into a folder as well
"""

from __future__ import annotations

import gzip
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from cosim.comms.latency import TraceLatency
from cosim.comms.trace import read_trace
from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.errors import InputError
from cosim.csv_files.column_units import POWER, PRICE
from cosim.csv_files.series import read_series
from cosim.devices.profile_doubts import Profiles, load_doubts, pv_doubts

PAGE = Path(__file__).with_suffix(".md")
BERLIN = ZoneInfo("Europe/Berlin")
_SHOWN_LINES, _SHOWN_WIDTH, _SHOWN_VALUES = 4, 100, 4

Role = Literal["load", "pv", "price", "latency"]


class Example(NamedTuple):
    """A file and how a scenario names it."""

    title: str
    role: Role
    content: str | bytes
    keys: Mapping[str, Any] = {}
    columns: tuple[str, ...] = ()

    @property
    def raw(self) -> bytes:
        """The file's bytes."""
        return self.content if isinstance(self.content, bytes) else self.content.encode("utf-8")


def rows(
    row: Callable[[datetime, int], str],
    n: int = 24,
    start: datetime = datetime(2016, 7, 4, tzinfo=UTC),
    minutes: int = 60,
) -> str:
    """Lines of a file, one a slot; `row` makes a line of its start (UTC) and number."""
    return "".join(row(start + timedelta(minutes=minutes * number), number) + "\n" for number in range(n))


def evening(number: int) -> float:
    """A household's load in an hour of the day, kW."""
    return round(float(0.25 + 0.03 * (number % 4) + 0.9 * np.exp(-(((number % 24) - 19) ** 2) / 6)), 3)


def sun(number: int) -> float:
    """Generation of a kWp in an hour of the day, kW."""
    return round(max(0.0, 0.8 * np.sin((number % 24 - 5) / 14 * np.pi)), 3) if 5 < number % 24 < 19 else 0.0


def german(value: float, digits: int = 3) -> str:
    """A number with a decimal comma and points between thousands."""
    return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def local(stamp: datetime, how: str = "%d.%m.%Y %H:%M") -> str:
    """A stamp in the local time of Berlin."""
    return stamp.astimezone(BERLIN).strftime(how)


OCTOBER = datetime(2016, 10, 29, 22, tzinfo=UTC)  # midnight in Berlin; the day has 25 hours
MARCH = datetime(2016, 3, 26, 23, tzinfo=UTC)  # midnight in Berlin; the day has 23 hours


def _plain(stamp: datetime, number: int) -> str:
    return f"{stamp:%Y-%m-%dT%H:%M:%SZ},{evening(number)}"


def _german_row(stamp: datetime, number: int) -> str:
    return f"{local(stamp)};{german(evening(number))}"


PVGIS = """Latitude (decimal degrees):\t52.520
Longitude (decimal degrees):\t13.405
Elevation (m):\t38
Radiation database:\tPVGIS-SARAH2


Slope: 35 deg. (optimum)
Azimuth: 0 deg.
Nominal power of the PV system (c-Si) (kWp):\t1.0
System losses (%):\t14.0

time,P,G(i),H_sun,T2m,WS10m,Int
"""
PVGIS_END = """
P: PV system power (W)
G(i): Global irradiance on the inclined plane (plane of the array) (W/m2)
H_sun: Sun height (degree)
T2m: 2-m air temperature (degree Celsius)
WS10m: 10-m total wind speed (m/s)
Int: 1 means solar radiation values are reconstructed


PVGIS (c) European Union, 2001-2023
"""


def examples() -> Iterable[Example]:
    """All of them, in the order of the page."""
    yield Example("ISO stamps in UTC", "load", "time,home [kW]\n" + rows(_plain))
    yield Example(
        "ISO stamps with an offset",
        "load",
        "time,home [kW]\n"
        + rows(lambda t, n: f"{t.astimezone(BERLIN).isoformat()},{evening(n)}", start=OCTOBER, n=25),
    )
    yield Example(
        "stamps without an offset",
        "load",
        "Timestamp,kW\n" + rows(lambda t, n: f"{t:%Y-%m-%d %H:%M:%S},{evening(n)}"),
    )
    yield Example(
        "local time in October, zone given",
        "load",
        "time,home_kw\n" + rows(lambda t, n: f"{local(t, '%Y-%m-%d %H:%M')},{evening(n)}", 25, OCTOBER),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "local time in March, zone given",
        "load",
        "time,home_kw\n" + rows(lambda t, n: f"{local(t, '%Y-%m-%d %H:%M')},{evening(n)}", 23, MARCH),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "local time in October, no zone",
        "load",
        "time,home_kw\n" + rows(lambda t, n: f"{local(t, '%Y-%m-%d %H:%M')},{evening(n)}", 25, OCTOBER),
    )
    yield Example(
        "German spreadsheet",
        "load",
        "Zeit;Wohnung 1 [kW];Wohnung 2 [kW]\n"
        + rows(lambda t, n: f"{local(t)};{german(evening(n))};{german(evening(n + 1))}"),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "German spreadsheet, points between thousands",
        "load",
        "Zeit;Haus [W]\n" + rows(lambda t, n: f"{local(t)};{german(evening(n) * 4000, 1)}"),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "points that could be either",
        "load",
        "Zeit;Haus [W]\n" + rows(lambda t, n: f"{local(t)};{1 + n % 3}.{250 + 10 * n}"),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "the same, decimal mark given",
        "load",
        "Zeit;Haus [kW]\n" + rows(lambda t, n: f"{local(t)};{1 + n % 3}.{250 + 10 * n}"),
        {"timezone": "Europe/Berlin", "decimal": "."},
    )
    yield Example(
        "date and time in columns of their own",
        "load",
        "Datum;Uhrzeit;Verbrauch (kW)\n"
        + rows(lambda t, n: f"{local(t, '%d.%m.%Y;%H:%M')};{german(evening(n))}"),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "a grid operator's quarter hours in kWh",
        "load",
        "Datum von;Datum bis;Energiemenge in kWh\n"
        + rows(
            lambda t, n: f"{local(t)};{local(t + timedelta(minutes=15))};{german(evening(n // 4) / 4)}",
            96,
            datetime(2016, 7, 3, 22, tzinfo=UTC),
            15,
        ),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "LoadProfileGenerator, kWh a minute",
        "load",
        "Electricity.Timestep;Time;Sum [kWh]\n"
        + rows(lambda t, n: f"{n};{t:%d.%m.%Y %H:%M};{german(evening(n // 60) / 60, 6)}", 1440, minutes=1),
        {"timezone": "+01:00"},
    )
    yield Example(
        "PVGIS, hourly",
        "pv",
        PVGIS
        + rows(lambda t, n: f"{t:%Y%m%d}:{t:%H}10,{sun(n) * 1000:.1f},{sun(n) * 1100:.2f},12.1,18.3,2.4,0.0")
        + PVGIS_END,
    )
    yield Example(
        "renewables.ninja",
        "pv",
        "# Renewables.ninja PV (point) - 52.5200, 13.4050 - SARAH\n"
        "# Units: time in UTC, local_time in Europe/Berlin, electricity in kW\n"
        '# {"params": {"capacity": 1.0, "tilt": 35}}\n'
        "time,local_time,electricity\n"
        + rows(lambda t, n: f"{t:%Y-%m-%d %H:%M},{local(t, '%Y-%m-%d %H:%M')},{sun(n)}"),
    )
    yield Example(
        "SMARD, prices",
        "price",
        "\ufeffDatum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen\n"
        + rows(
            lambda t, n: f"{local(t)};{local(t + timedelta(hours=1))};{german(38 + 9.5 * (n % 5), 2)}",
            25,
            OCTOBER,
        ),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "SMARD, English",
        "price",
        "Start date;End date;Germany/Luxembourg [€/MWh] Original resolutions\n"
        + rows(
            lambda t, n: (
                f"{local(t, '%b %-d, %Y %-I:%M %p')};{local(t + timedelta(hours=1), '%b %-d, %Y %-I:%M %p')};"
                f"{38 + 9.5 * (n % 5):.2f}"
            )
        ),
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "ENTSO-E, prices, until 2024",
        "price",
        '"MTU (CET/CEST)","Day-ahead Price [EUR/MWh]","Currency","BZN|DE-LU"\n'
        + rows(
            lambda t, n: f'"{local(t)} - {local(t + timedelta(hours=1))}","{38 + 9.5 * (n % 5):.2f}","EUR",""'
        ),
    )
    yield Example(
        "ENTSO-E, prices, since 2025",
        "price",
        "MTU (CET/CEST),Area,Sequence,Day-ahead Price (EUR/MWh)\n"
        + rows(
            lambda t, n: (
                f"{local(t, '%d/%m/%Y %H:%M:%S')}{_mark(t)} - "
                f"{local(t + timedelta(hours=1), '%d/%m/%Y %H:%M:%S')}{_mark(t + timedelta(hours=1))},"
                f"BZN|DE-LU,Without Sequence,{38 + 9.5 * (n % 5):.2f}"
            ),
            25,
            OCTOBER,
        ),
    )
    yield Example(
        "Open Power System Data, unit given",
        "load",
        "utc_timestamp,cet_cest_timestamp,DE_KN_residential1_grid_import,interpolated\n"
        + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ},{local(t, '%Y-%m-%dT%H:%M:%S%z')},{120 + 0.4 * n:.2f},"),
        {"unit": "kWh"},
        ("DE_KN_residential1_grid_import",),
    )
    yield Example(
        "Open Power System Data, no unit",
        "load",
        "utc_timestamp,cet_cest_timestamp,DE_load_actual_entsoe_transparency\n"
        + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ},{local(t, '%Y-%m-%dT%H:%M:%S%z')},{50000 + 10 * n}"),
    )
    yield Example(
        "SimBench, relative profiles",
        "load",
        "time;H0-A_pload;H0-A_qload;G1-B_pload\n"
        + rows(lambda t, n: f"{t:%d.%m.%Y %H:%M};{evening(n)};{evening(n) / 3:.4f};0.2", 96, minutes=15),
        {"unit": "kW", "timezone": "UTC"},
        ("H0-A_pload",),
    )
    yield Example(
        "German weather service",
        "pv",
        "STATIONS_ID;MESS_DATUM;QN_592;FG_LBERG;SD_LBERG;eor\n"
        + rows(lambda t, n: f"427;{t:%Y%m%d%H};3;{sun(n) * 300:.1f};60;eor"),
        {},
        ("FG_LBERG",),
    )
    yield Example(
        "Loggers with seconds since 1970",
        "load",
        "ts,power_w\n" + rows(lambda t, n: f"{t.timestamp():.0f},{evening(n) * 1000:.0f}"),
    )
    yield Example(
        "American dates, twelve hours",
        "load",
        "Date,Usage (kWh)\n" + rows(lambda t, n: f"{t:%-m/%-d/%Y %-I:%M %p},{evening(n)}", 48 * 8),
        {"timezone": "-05:00"},
    )
    yield Example(
        "dates that could be either",
        "load",
        "time,home [kW]\n" + rows(lambda t, n: f"{t:%d/%m/%Y %H:%M},{evening(n)}"),
        {"timezone": "UTC"},
    )
    yield Example(
        "the same, format given",
        "load",
        "time,home [kW]\n" + rows(lambda t, n: f"{t:%d/%m/%Y %H:%M},{evening(n)}"),
        {"timezone": "UTC", "time_format": "%d/%m/%Y %H:%M"},
    )
    yield Example(
        "tabs, `sep=` for the spreadsheet, a byte order mark",
        "load",
        "\ufeffsep=\t\r\ntime\thome [kW]\r\n"
        + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ}\t{evening(n)}\r").replace("\r\n", "\r\n"),
    )
    yield Example(
        "units in a second line",
        "load",
        "time;Haus;Keller\n;kW;W\n" + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ};{german(evening(n))};60"),
    )
    yield Example(
        "a spreadsheet's count of days",
        "load",
        "time,home [kW]\n" + rows(lambda t, n: f"{42555 + n / 24:.6f},{evening(n)}"),
    )
    yield Example(
        "UTF-16, a spreadsheet's Unicode text", "load", ("time\thome [kW]\n" + rows(_plain)).encode("utf-16")
    )
    yield Example("Windows-1252", "load", ("Zeit;Küche [kW]\n" + rows(_german_row)).encode("cp1252"))
    yield Example(
        "Windows-1252, encoding given",
        "load",
        ("Zeit;Küche [kW]\n" + rows(_german_row)).encode("cp1252"),
        {"encoding": "windows-1252", "timezone": "Europe/Berlin"},
    )
    yield Example("compressed", "load", gzip.compress(("time,home [kW]\n" + rows(_plain)).encode(), mtime=0))
    yield Example(
        "compressed, and that is said",
        "load",
        gzip.compress(("time,home [kW]\n" + rows(_plain)).encode(), mtime=0),
        {"compression": "gzip"},
    )
    yield Example(
        "an archive of two files",
        "load",
        _archive(("a.csv", "time,home [kW]\n" + rows(_plain)), ("b.csv", "time,home [kW]\n" + rows(_plain))),
        {"compression": "zip"},
    )
    yield Example(
        "a row of totals below the data",
        "load",
        "Zeit;Haus [kW]\n" + rows(_german_row) + "Summe;11,3\n",
        {"timezone": "Europe/Berlin"},
    )
    yield Example(
        "names as macOS decomposes them",
        "load",
        unicodedata.normalize("NFD", "time,Küche [kW]\n") + rows(_plain),
        {},
        ("Küche",),
    )
    yield Example(
        "the newest row first",
        "load",
        "time,home [kW]\n" + "\n".join(reversed(rows(_plain).splitlines())) + "\n",
    )
    yield Example(
        "blank lines, a comment, a word among numbers",
        "load",
        "time,home [kW]\n\n\n# repaired in July\n" + rows(_plain).replace(",0.31\n", ",oops\n", 1),
    )
    yield Example(
        "one name, two units",
        "load",
        "time,home [kW],home [W]\n" + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ},1,9"),
    )
    yield Example(
        "marks of missing values",
        "load",
        "time,home [kW]\n" + rows(_plain).replace("T03:00:00Z,0.34", "T03:00:00Z,-999"),
    )
    yield Example(
        "watts under the name of kilowatts",
        "load",
        "time,home [kW]\n" + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ},{evening(n) * 3000:.0f}"),
    )
    yield Example(
        "generation with the sign of a load",
        "pv",
        "time,roof [kW/kWp]\n" + rows(lambda t, n: f"{t:%Y-%m-%dT%H:%M:%SZ},{0.0 - sun(n)}"),
    )
    yield Example(
        "measured latencies, decimal comma",
        "latency",
        "nr;rtt [ms]\n" + "".join(f"{n};{german(20 + n % 7, 1)}\n" for n in range(50)),
        {"column": "rtt"},
    )


def _archive(*files: tuple[str, str]) -> bytes:
    """A ZIP archive of some texts."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(zipfile.ZipInfo(name), text)
    return made.getvalue()


def _mark(stamp: datetime) -> str:
    """The zone's name beside a stamp, on the day when the clocks change."""
    return f" ({stamp.astimezone(BERLIN).tzname()})"


def understood(example: Example, folder: Path) -> list[str]:
    """What is understood of a file, or the sentence that refuses it."""
    file = folder / "file.csv"
    file.write_bytes(example.raw)
    try:
        if example.role == "latency":
            return _latencies(example, folder)
        config = CsvSeriesFormat.model_validate(dict(example.keys))
        known = PRICE if example.role == "price" else POWER
        read = read_series(
            file,
            file.name,
            config,
            known,
            wanted=example.columns,
            only_first=example.role == "price",
            single_slot_ms=3_600_000 if example.role == "price" else 0,
        )
    except InputError as error:
        return ["refused", *(str(problem) for problem in error.problems)]
    base = {"price": "EUR/kWh"}.get(example.role, "kW/kWp" if read.units[0].per_kwp else "kW")
    first = [f"{value:.6g}" for value in read.values[:_SHOWN_VALUES, 0]]
    largest = f"largest {read.values[:, 0].max():.6g} {base}"
    values = f"file.csv: first values of {read.columns[0]}: {', '.join(first)} {base}, {largest}"
    lines = [*read.found.lines(), values]
    warnings = list(read.warnings)
    if example.role in ("load", "pv"):
        profiles = Profiles(
            file.name,
            read.columns,
            read.units,
            read.values,
            read.lines,
            read.slot_ms,
            np.ones(len(read.units)),
        )
        warnings += load_doubts(profiles) if example.role == "load" else pv_doubts(profiles)
    return [*lines, *(f"warning {warning}" for warning in warnings)]


def _latencies(example: Example, folder: Path) -> list[str]:
    config = TraceLatency.model_validate({"file": "file.csv", **example.keys})
    values = read_trace(folder, config)
    first = ", ".join(f"{value:g}" for value in values[:_SHOWN_VALUES])
    return [f"file.csv: {len(values)} latencies, first values: {first} ms"]


def head(example: Example) -> list[str]:
    """The first lines of a file, as they can be printed."""
    if isinstance(example.content, bytes):
        return (
            [f"({len(example.content) // 100 * 100} bytes)"]
            if example.title.startswith(("compressed", "an archive"))
            else [str(example.raw[:60])[2:-1] + "..."]
        )
    lines = example.content.removeprefix("\ufeff").splitlines()
    shown = [line.replace("\t", "→")[:_SHOWN_WIDTH] for line in lines if line][: _SHOWN_LINES + 1]
    at = next((number for number, line in enumerate(lines) if line.startswith("time,P")), 0)
    if at:
        shown = [*shown[:2], "...", *lines[at : at + 3]]
    return [*shown, f"... ({len(lines)} lines)"]


def sections() -> Iterable[str]:
    """The examples as parts of the page."""
    with TemporaryDirectory() as name:
        for number, example in enumerate(examples(), 1):
            keys = {**example.keys, **({"columns": list(example.columns)} if example.columns else {})}
            given = ", ".join(f"{key}: {value}" for key, value in keys.items()) or "nothing"
            verdict = understood(example, Path(name))
            refused = verdict[0] == "refused"
            yield "\n".join(
                [
                    f"## {number}. {example.title[0].upper()}{example.title[1:]}",
                    "",
                    "```text",
                    *head(example),
                    "```",
                    "",
                    f"As {_ROLES[example.role]}; the scenario says {given}. "
                    f"{'It is refused:' if refused else 'Understood:'}",
                    "",
                    "```text",
                    *(verdict[1:] if refused else verdict),
                    "```",
                ]
            )


_ROLES = {"load": "a load", "pv": "photovoltaics", "price": "prices", "latency": "latencies"}
INTRODUCTION = """# CSV files: what is understood of each

Profiles, prices, measured latencies and traces of churn are read by one reader. It finds out how a file is
written; where that cannot be told for sure, the scenario says it, beside `file:`, with `separator`,
`decimal`, `skip_rows`, `encoding`, `compression`, `time_column`, `time_format`, `timezone` and `unit`
([keys](scenario_keys.md)). `cosim explain` shows what was understood of each file.

- **Time.** A stamp is the start of its slot. Stamps without an offset are taken as UTC, with a warning,
  unless the header, the tool's manual or `timezone` tell better. In local time the hour that comes twice in
  autumn is summer time first, and the hour that spring skips does not exist. An hour that is missing or
  comes twice without a `timezone` is refused. All slots are of one length; gaps are not filled.
  Of several columns of stamps, one that holds starts is taken, rather in UTC.
- **Values.** Power in W, kW, MW or GW; energy in each slot in Wh, kWh or MWh, which is divided by the
  slot's length; photovoltaics also per kWp; prices in EUR/kWh, EUR/MWh or ct/kWh. The unit stands in the
  header, `home [kW]`, `home (kW)`, `home_kw`, `Energie in kWh`, or in a line below it, or in `unit`.
  Without `columns` every column with such a unit is used; what is left out is shown.
- **Refused**, each with its line in the file: names that occur twice, stamps that do not advance, gaps,
  words among numbers, missing values, NUL bytes, cells that go on over a line's end, a day in each
  row with its hours as columns, a row of totals; other encodings than
  the one that is said, spreadsheets, and compressed files unless `compression` says how: gzip, bz2, xz, zstd,
  or zip with one file in it, of which no more is unpacked than the limit of the file's size.
- **Doubted** with a warning: signs that turn generation into load, marks of missing values such as -999,
  magnitudes that no household has, a single value far above all others, readings of a meter that counts up;
  stamps that a header calls the ends of slots, a `timezone` against the zone of the header or the tool.

The files below are made by `python docs/csv_formats.py`, which also writes this page (`python
docs/csv_formats.py FOLDER` keeps the files).
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "\n" + "\n\n".join(sections()) + "\n"


def main() -> None:
    """Write the page, and the files if a folder is named."""
    PAGE.write_text(page(), encoding="utf-8")
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for number, example in enumerate(examples(), 1):
            (folder / f"{number:02d}.csv").write_bytes(example.raw)


if __name__ == "__main__":
    main()
