"""How CSV files are written: what is found out, what is refused with its line, what is doubted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import POWER, PRICE
from cosim.csv_files.series import CsvSeries, read_series

START = datetime(2016, 7, 4, tzinfo=UTC)
VALUES = [0.25, 1.5, 0.125, 0.5]


def read(folder: Path, content: str | bytes, columns: tuple[str, ...] = (), **how: Any) -> CsvSeries:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "p.csv").write_bytes(raw)
    known = PRICE if how.pop("price", False) else POWER
    return read_series(folder / "p.csv", "p.csv", CsvSeriesFormat.model_validate(how), known, wanted=columns)


def refused(
    folder: Path, content: str | bytes, columns: tuple[str, ...] = (), **how: Any
) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read(folder, content, columns, **how)
    assert all(problem.file == "p.csv" and problem.severity == "error" for problem in caught.value.problems)
    return caught.value.problems


def stamps(
    how: str = "%Y-%m-%dT%H:%M:%SZ", n: int = 4, minutes: int = 60, start: datetime = START
) -> list[str]:
    return [(start + timedelta(minutes=minutes * each)).strftime(how) for each in range(n)]


def table(header: str, *columns: list[Any], separator: str = ",") -> str:
    lines = [separator.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines]) + "\n"


def comma(values: list[float]) -> list[str]:
    return [str(value).replace(".", ",") for value in values]


@pytest.mark.parametrize(
    "text",
    [
        table("time,home [kW]", stamps(), VALUES),
        table("time;home [kW]", stamps(), comma(VALUES), separator=";"),
        table("time;home [kW]", stamps(), VALUES, separator=";"),
        table("time\thome [kW]", stamps(), comma(VALUES), separator="\t"),
        table("time|home [kW]", stamps(), VALUES, separator="|"),
        table("time,home [kW]", stamps(), [f'"{value}"' for value in comma(VALUES)]),
        table('"time","home [kW]"', [f'"{each}"' for each in stamps()], VALUES),
        "\ufeffsep=;\n" + table("time;home [kW]", stamps(), comma(VALUES), separator=";"),
        "made by a logger\nserial;4711\n\n" + table("time;home [kW]", stamps(), comma(VALUES), separator=";"),
        "# a comment\n" + table("time,home [kW]", stamps(), VALUES),
        "# a comment\n# time,home [kW]\n" + table("", stamps(), VALUES).lstrip("\n"),
        table("time;home\n;kW", stamps(), comma(VALUES), separator=";"),
        table("nr,time,home [kW]", [1, 2, 3, 4], stamps(), VALUES).replace("nr", "Timestep"),
        table("time;home [kW];", stamps(), comma(VALUES), [""] * 4, separator=";"),
        table("time,home [kW]", stamps(), VALUES).replace("\n", "\r\n"),
        table("time,home [kW]", stamps(), VALUES).replace("\n", "\r"),
        table("time,home [kW]", stamps(), VALUES) + "\n\nHOME: what a home draws\n(c) somebody, 2001-2016\n",
        table("time;home [kW]", stamps(), comma(VALUES), separator=";") + ";\n;\n",
    ],
)
def test_the_dialect_is_found_out(tmp_path: Path, text: str) -> None:
    series = read(tmp_path, text)
    assert series.columns == ("home",)
    assert series.values[:, 0].tolist() == VALUES
    assert (series.start, series.slot_ms) == (START, 3_600_000)
    assert series.warnings == ()


@pytest.mark.parametrize(
    "how",
    [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d %H:%M",
        "%d.%m.%Y %H:%M",
        "%d.%m.%y %H:%M:%S",
        "%d-%b-%Y %H:%M",
        "%b %d, %Y %I:%M %p",
        "%Y%m%d:%H%M",
        "%Y%m%d%H%M",
        "%Y%m%d%H",
        "%Y-%m-%d %H:%M:%S.%f",
        "%d.%m.%Y %H:%M Uhr",
        "%Y-%m-%d %H:%M UTC",
        "%Y-%m-%d %H:%M+00:00",
        "%Y-%m-%dT%H:%M:%S+0000",
        "%s",
    ],
)
def test_stamps_are_read_as_they_are_written(tmp_path: Path, how: str) -> None:
    written = stamps(how) if how != "%s" else [f"{START.timestamp() + 3600 * n:.0f}" for n in range(4)]
    series = read(tmp_path, table("time;home [kW]", written, VALUES, separator=";"), timezone="UTC")
    assert (series.start, series.slot_ms, len(series.values)) == (START, 3_600_000, 4)


@pytest.mark.parametrize("how", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_day_and_month_are_told_apart_or_asked_for(tmp_path: Path, how: str) -> None:
    long = table("time,home [kW]", stamps(how, 24 * 12), [1] * 288)
    assert read(tmp_path, long, timezone="UTC").start == START  # one way round the hours would jump by months
    day = table("time,home [kW]", stamps(how), VALUES)
    (problem,) = refused(tmp_path, day, timezone="UTC")
    assert "either way round" in problem.message
    assert read(tmp_path, day, timezone="UTC", time_format=how).start == START


def test_a_given_format_may_be_any(tmp_path: Path) -> None:
    how = "%H:%M %d-%m-%Y"
    assert (
        read(tmp_path, table("time,home [kW]", stamps(how), VALUES), timezone="UTC", time_format=how).start
        == START
    )


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", datetime(2016, 10, 29, 22, tzinfo=UTC), 25),
        ("Europe/Berlin", datetime(2016, 3, 26, 23, tzinfo=UTC), 23),
        ("Europe/London", datetime(2016, 10, 29, 23, tzinfo=UTC), 25),
        ("America/New_York", datetime(2016, 11, 6, 4, tzinfo=UTC), 25),
        ("Australia/Lord_Howe", datetime(2016, 4, 2, 13, tzinfo=UTC), 25),
        ("Europe/Berlin", datetime(2016, 10, 30, 0, tzinfo=UTC), 3),
        ("Europe/Berlin", datetime(2016, 10, 30, 1, tzinfo=UTC), 3),
        ("Europe/Berlin", datetime(2016, 10, 29, 12, tzinfo=UTC), 13),
        ("+01:00", datetime(2016, 10, 29, 22, tzinfo=UTC), 25),
    ],
)
@pytest.mark.parametrize("minutes", [60, 15])
@pytest.mark.parametrize("newest_first", [False, True])
def test_local_time_is_right_through_the_changes_of_the_clocks(
    tmp_path: Path, zone: str, start: datetime, hours: int, minutes: int, newest_first: bool
) -> None:
    """The judge is Python's own conversion of the instants to local time."""
    n = hours * 60 // minutes
    instants = [start + timedelta(minutes=minutes * each) for each in range(n)]
    if zone == "+01:00":
        local = [(each + timedelta(hours=1)).strftime("%d.%m.%Y %H:%M") for each in instants]
    else:
        local = [each.astimezone(ZoneInfo(zone)).strftime("%d.%m.%Y %H:%M") for each in instants]
    rows = list(zip(local, range(n), strict=True))
    rows = rows[::-1] if newest_first else rows
    text = table("time;home [kW]", *map(list, zip(*rows, strict=True)), separator=";")
    series = read(tmp_path, text, timezone=zone)
    assert (series.start, series.slot_ms) == (start, minutes * 60_000)
    assert series.values[:, 0].tolist() == list(range(n))
    assert series.lines.tolist() == list(range(n + 1, 1, -1) if newest_first else range(2, n + 2))
    assert len(series.warnings) == newest_first


@pytest.mark.parametrize("start", [datetime(2016, 10, 29, 12), datetime(2016, 3, 26, 12)])
@pytest.mark.parametrize("minutes", [60, 30, 15])
def test_local_time_without_a_zone_is_refused(tmp_path: Path, start: datetime, minutes: int) -> None:
    zone, instant = ZoneInfo("Europe/Berlin"), start.replace(tzinfo=UTC)
    n = 24 * 60 // minutes
    local = [
        (instant + timedelta(minutes=minutes * k)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
        for k in range(n)
    ]
    first = next(k for k in range(1, n) if _step(local[k - 1], local[k]) != minutes)
    (problem,) = refused(tmp_path, table("time,home [kW]", local, [1] * n))
    assert "timezone" in problem.remedy
    assert problem.line == first + 2


def _step(before: str, after: str) -> float:
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds() / 60


def test_times_that_the_zone_does_not_have(tmp_path: Path) -> None:
    rows = stamps("%Y-%m-%d %H:%M", 6, start=datetime(2016, 3, 27, tzinfo=UTC))
    problems = refused(tmp_path, table("time,home [kW]", rows, [1] * 6), timezone="Europe/Berlin")
    assert [(problem.line, "does not exist" in problem.message) for problem in problems] == [(4, True)]


def test_stamps_without_an_offset_are_utc_and_it_is_said(tmp_path: Path) -> None:
    text = table("time,home [kW]", stamps("%Y-%m-%d %H:%M"), VALUES)
    (warning,) = read(tmp_path, text).warnings
    assert (warning.severity, warning.line, "taken as UTC" in warning.message) == ("warning", 2, True)
    assert read(tmp_path, text, timezone="UTC").warnings == ()
    for header in ("utc_timestamp", "time (UTC)", "Time UTC", "MESS_DATUM"):
        assert read(tmp_path, text.replace("time", header, 1)).warnings == ()
    two = table("local,time (UTC),home [kW]", stamps("%Y-%m-%d 1%H:%M"), stamps("%Y-%m-%d %H:%M"), VALUES)
    assert read(tmp_path, two.replace(" 1", " ")).found.time_column == "time (UTC)"


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("home [kW]", 1),
        ("home (kW)", 1),
        ("home_kw", 1),
        ("home_w", 1e-3),
        ("home in W", 1e-3),
        ("home, MW", 1e3),
        ("home [KW]", 1),
        ("home [kWh]", 4),
        ("home (Wh)", 4e-3),
        ("home_mwh", 4e3),
        ("home [kWh/kWp]", 4),
        ("home [W/kWp]", 1e-3),
        ("[kW] home", 1),
    ],
)
def test_units_are_those_of_the_header_and_energy_becomes_power(
    tmp_path: Path, header: str, factor: float
) -> None:
    series = read(tmp_path, table(f"time;{header}", stamps(minutes=15), VALUES, separator=";"))
    assert series.columns == ("home",)
    np.testing.assert_allclose(series.values[:, 0], np.array(VALUES) * factor, rtol=1e-15)


def test_a_unit_can_be_given_and_must_not_contradict(tmp_path: Path) -> None:
    text = table("time,home", stamps(minutes=15), VALUES)
    assert read(tmp_path, text, unit="kWh").values[0, 0] == 1.0
    assert "no unit" in refused(tmp_path, text)[0].message
    assert "unknown unit [hp]" in refused(tmp_path, text, unit="hp")[0].message
    (problem,) = refused(tmp_path, text.replace("home", "home [W]"), unit="kW")
    assert "the header says W" in problem.message


@pytest.mark.parametrize("header", ["home [mW]", "home [kilowatt]", "home [kVA]", "home", "window"])
def test_units_that_are_not_known_are_refused(tmp_path: Path, header: str) -> None:
    (problem,) = refused(tmp_path, table(f"time,{header}", stamps(), VALUES))
    assert (problem.line, problem.path) == (1, header)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_column_of_remarks_without_a_single_one_is_left_out(tmp_path: Path, separator: str) -> None:
    text = table("time,home [kWh],flag", stamps(), VALUES, [""] * 4).replace(",", separator)
    series = read(tmp_path, text)
    assert series.columns == ("home",)
    assert series.found.left_out == ("flag",)
    late = table("time,home [kWh],flag", stamps(), VALUES, ["", "", "", "7"])
    assert any("flag: no unit" in str(problem) for problem in refused(tmp_path, late))
    alone = table("time,home,flag", stamps(), VALUES, [""] * 4)
    assert any("home: no unit" in str(problem) for problem in refused(tmp_path, alone))


def test_columns_of_other_quantities_are_left_out_and_named(tmp_path: Path) -> None:
    header = "time,T [°C],home [kW],G (W/m2),Q [kvar]"
    series = read(tmp_path, table(header, stamps(), [1] * 4, VALUES, [2] * 4, [3] * 4))
    assert series.columns == ("home",)
    assert series.found.left_out == ("T [°C]", "G (W/m2)", "Q [kvar]")
    assert any("not used: columns T [°C]" in line for line in series.found.lines())


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,5", "12,25", "0,5", "1.000.000"], [1234.5, 12.25, 0.5, 1e6]),
        (["1,234.5", "12.25", "0.5", "1,000,000"], [1234.5, 12.25, 0.5, 1e6]),
        (["1 234,5", "12,25", "0,5", "1 000 000"], [1234.5, 12.25, 0.5, 1e6]),
        (["1'234.5", "12.25", "0.5", "1'000'000"], [1234.5, 12.25, 0.5, 1e6]),
        (["1\u00a0234,5", "-2,5", "\u22123,5", "+4"], [1234.5, -2.5, -3.5, 4]),
        (["1.234", "0.5", "2.345", "3"], [1.234, 0.5, 2.345, 3]),
        (["1,234", "0,500", "2,345", "3"], [1.234, 0.5, 2.345, 3]),
        (["1.234", "56789", "2.345", "3"], [1.234, 56789, 2.345, 3]),
        (["1.5e-3", "2E2", "1", "1"], [0.0015, 200, 1, 1]),
        (["1", "22", "333", "4444"], [1, 22, 333, 4444]),
    ],
)
def test_decimal_marks_and_thousands(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    series = read(tmp_path, table("time;home [kW]", stamps(), cells, separator=";"))
    assert series.values[:, 0].tolist() == values


@pytest.mark.parametrize("cells", [["1.234", "2.345", "999", "12.000"], ["1,234", "2,345", "5", "12,000"]])
def test_marks_that_could_be_either_are_asked_for(tmp_path: Path, cells: list[str]) -> None:
    text = table("time;home [W]", stamps(), cells, separator=";")
    (problem,) = refused(tmp_path, text)
    assert (problem.line, problem.value) == (2, cells[0])
    assert "decimal" in problem.remedy
    grouped = [float(cell.replace(".", "").replace(",", "")) / 1000 for cell in cells]
    other, mark = (",", ".") if "." in cells[0] else (".", ",")
    assert read(tmp_path, text, decimal=other).values[:, 0].tolist() == grouped
    assert read(tmp_path, text, decimal=mark).values[0, 0] == pytest.approx(1.234e-3)


@pytest.mark.parametrize(
    "cell", ["1.2.3", "12.34,5", "0.5", "1,5,0", "0x1F", "1_0", "True", "12 5", "inf", "1e400"]
)
def test_what_is_no_number_in_the_files_way_of_writing(tmp_path: Path, cell: str) -> None:
    text = table("time;home [kW]", stamps(), ["0,5", "1,25", cell, "2,5"], separator=";")
    (problem,) = refused(tmp_path, text)
    assert (problem.line, problem.value, problem.path) == (4, cell, "home")


@pytest.mark.parametrize("before", ["\n\n\n", "# a comment\n", "\n# a, b\n\n", ",\n,\n"])
@pytest.mark.parametrize("above", ["", "made by a logger\n\n", "# one\n# two\n"])
def test_lines_are_those_of_the_file(tmp_path: Path, before: str, above: str) -> None:
    good = table("time,home [kW]", stamps(), VALUES)
    header, rest = good.split("\n", 1)
    bad = above + header + "\n" + before + rest.replace("0.125", "oops")
    (problem,) = refused(tmp_path, bad)
    assert problem.line == 1 + next(n for n, line in enumerate(bad.split("\n")) if "oops" in line)
    series = read(tmp_path, bad.replace("oops", "0.125"))
    assert [bad.split("\n")[line - 1][:20] for line in series.lines] == stamps()


def test_the_first_row_of_data_is_no_header_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    for cell in ("oops", "", "-"):
        text = table("time,home [kW]", stamps(), [cell, 1, 2, 3])
        assert [problem.line for problem in refused(tmp_path, text)] == [2]


@pytest.mark.parametrize(
    "header",
    [
        "time,home [kW],home [W]",
        "time,home,home",
        "time,home [kW],home (kW)",
        "time,time,home [kW]",
        "time,home_kw,home [kW]",
    ],
)
def test_names_that_occur_twice_are_refused(tmp_path: Path, header: str) -> None:
    problems = refused(tmp_path, table(header, stamps(), VALUES, VALUES), unit="kW")
    assert any("two columns have the name" in problem.message and problem.line == 1 for problem in problems)


@pytest.mark.parametrize("name", ["Küche", "Ångström", "Ñandú", "Wohnung\u00a02"])
def test_names_match_whatever_their_unicode_form(tmp_path: Path, name: str) -> None:
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")} | {f"\u200b{name} "}
    for given in forms:
        for written in forms:
            text = table(f"time,{written} [kW],other [kW]", stamps(), VALUES, [9] * 4)
            assert read(tmp_path, text, (given,)).values[:, 0].tolist() == VALUES


def test_two_forms_of_one_name_are_one_name(tmp_path: Path) -> None:
    header = f"time,Küche [kW],{unicodedata.normalize('NFD', 'Küche')} [kW]"
    assert "two columns" in refused(tmp_path, table(header, stamps(), VALUES, VALUES))[0].message


GOOD = table("time,home [kW]", stamps(n=40), [0.5] * 40)


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        (GOOD.encode("utf-16"), "UTF-16", 0),
        (GOOD.encode("utf-16-le"), "UTF-16", 0),
        (GOOD.encode("utf-16-be"), "UTF-16", 0),
        (GOOD.replace("home", "Küche").encode("cp1252"), "Windows-1252", 1),
        (GOOD.encode() + "# überprüft\n".encode("latin-1"), "Latin-1", 42),
        (gzip.compress(GOOD.encode()), "gzip", 0),
        (b"PK\x03\x04" + GOOD.encode(), "ZIP", 0),
        (b"BZh9" + GOOD.encode(), "bzip2", 0),
        (b"PAR1" + GOOD.encode(), "Parquet", 0),
        (b"<!DOCTYPE html><html></html>", "web page", 0),
        (GOOD.encode().replace(b"0.5\n", b"0.\x005\n", 1), "NUL", 2),
        (GOOD.encode() + b"\0" * 40, "NUL", 42),
        (GOOD.encode().replace(b"time", b"ti\0me"), "NUL", 1),
        (b"", "empty", 1),
        (b"\n\n\n", "empty", 1),
        (GOOD.split("\n", 1)[1].encode(), "the first line is a row of data", 1),
        (GOOD.replace("0.5", '"0.5', 1).encode(), "quote", 2),
        (GOOD.replace(",0.5", ',"0\n.5"', 1).encode(), "quoted", 2),
        (GOOD.replace(",0.5", ",0,5", 1).encode(), "more cells", 2),
        (GOOD.replace(",0.5", ",0.5,,7", 1).encode(), "more cells", 2),
        (GOOD.replace(",0.5", ",0.5,,,,7", 1).encode(), "more cells", 2),
        (GOOD.replace("home", "ho\x1b[2Jme").encode(), "control character", 1),
        (b"time" + b",x" * 1_500_000 + b"\n", "MB long", 1),
        (b"time" + b",x [kW]" * 20_000 + b"\n2016-07-04T00:00Z" + b",1" * 20_000, "more than the limit", 1),
    ],
)
def test_what_is_no_csv_text_is_refused_by_name(
    tmp_path: Path, content: bytes, words: str, line: int
) -> None:
    problems = refused(tmp_path, content)
    assert words in problems[0].message
    assert problems[0].line == line
    assert all(str(problem).isprintable() for problem in problems)


def zipped(*texts: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"{number}.csv", text)
    return made.getvalue()


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zstd": lambda text: bytes(pa.compress(text, codec="zstd", asbytes=True)),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_compressed_file_is_read_where_that_is_said(tmp_path: Path, kind: str) -> None:
    raw = COMPRESSED[kind](GOOD.encode())
    (problem,) = refused(tmp_path, raw)
    assert f"`compression: {kind}`" in problem.remedy
    series = read(tmp_path, raw, compression=kind)
    assert np.array_equal(series.values, read(tmp_path, GOOD).values)
    assert series.found.encoding == f"UTF-8 ({kind})"
    broken = COMPRESSED[kind](GOOD.replace("0.5", "x", 1).encode())
    (problem,) = refused(tmp_path, broken, compression=kind)
    assert (problem.line, problem.value) == (2, "x")


@pytest.mark.parametrize("kind", COMPRESSED)
def test_no_more_is_unpacked_than_the_limit(tmp_path: Path, kind: str) -> None:
    raw = COMPRESSED[kind](bytes(20_000_000))
    assert len(raw) < 1_000_000
    (tmp_path / "p.csv").write_bytes(raw)
    config = CsvSeriesFormat.model_validate({"compression": kind})
    with pytest.raises(InputError, match="unpacked it is larger than the limit of 1 MB"):
        read_series(tmp_path / "p.csv", "p.csv", config, POWER, limit=1_000_000)


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("damage", ["cut short", "another kind", "nothing", "not compressed"])
def test_what_cannot_be_unpacked_is_refused(tmp_path: Path, kind: str, damage: str) -> None:
    raw = COMPRESSED[kind](GOOD.encode())
    other = COMPRESSED["gzip" if kind == "xz" else "xz"](GOOD.encode())
    damaged = {"cut short": raw[:-20], "another kind": other, "nothing": b"", "not compressed": GOOD.encode()}
    (problem,) = refused(tmp_path, damaged[damage], compression=kind)
    assert ("empty" if damage == "nothing" else kind) in problem.message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (zipped(), "0 files"),
        (zipped(GOOD.encode(), GOOD.encode()), "2 files"),
        (zipped(*[b""] * 1001), "more than one file"),
        (zipped(GOOD.encode(), method=zipfile.ZIP_LZMA), "unusual way"),
        (zipped(gzip.compress(GOOD.encode())), "gzip"),
    ],
)
def test_an_archive_holds_one_csv_file(tmp_path: Path, raw: bytes, words: str) -> None:
    (problem,) = refused(tmp_path, raw, compression="zip")
    assert words in problem.message
    assert "compression" not in problem.remedy


@pytest.mark.parametrize("row", ["Summe;3,0", "Total,1.5", "Mittelwert: ;0,5", "Ø;0,5", "Gesamt kWh;12"])
def test_a_row_of_totals_is_named(tmp_path: Path, row: str) -> None:
    separator = "," if row.startswith("Total") else ";"
    text = table(f"time{separator}home [kW]", stamps(), [0, 1, 2, 3], separator=separator)
    (problem,) = refused(tmp_path, f"{text}{row}\n")
    assert "totals" in problem.message
    assert problem.line == 6


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1252", "latin-1"])
def test_another_encoding_can_be_given(tmp_path: Path, encoding: str) -> None:
    raw = GOOD.replace("home", "Küche").encode(encoding)
    series = read(tmp_path, raw, ("Küche",), encoding=encoding)
    assert series.columns == ("Küche",)
    assert series.found.encoding == encoding


@pytest.mark.parametrize(
    ("rows", "words", "line"),
    [
        ([START] * 4, "the same time stamp", 3),
        ([START + timedelta(microseconds=100 * n) for n in range(4)], "less than a millisecond", 3),
        ([START + timedelta(microseconds=1500 * n) for n in range(4)], "whole number of milliseconds", 3),
        (
            [START, START + timedelta(hours=1), START + timedelta(hours=1), START + timedelta(hours=2)],
            "do not increase",
            4,
        ),
        ([START + timedelta(hours=n) for n in (0, 1, 2, 3, 5, 6)], "a gap", 6),
        ([START + timedelta(hours=n) for n in (0, 1, 2, 1, 2, 3)], "do not increase", 5),
    ],
)
def test_stamps_that_do_not_advance_evenly_are_refused(
    tmp_path: Path, rows: list[datetime], words: str, line: int
) -> None:
    written = [each.isoformat(timespec="microseconds") for each in rows]
    problems = refused(tmp_path, table("time,home [kW]", written, [1] * len(rows)))
    assert words in problems[0].message
    assert problems[0].line == line


def test_an_offset_on_some_stamps_only(tmp_path: Path) -> None:
    rows = [*stamps()[:2], stamps("%Y-%m-%d %H:%M")[2], stamps()[3]]
    (problem,) = refused(tmp_path, table("time,home [kW]", rows, VALUES))
    assert (problem.line, "no offset" in problem.message) == (4, True)


@pytest.mark.parametrize("mark", ["-999", "-9999", "-99.9", "1e20", "9999", "65535"])
@pytest.mark.parametrize("row", [0, 17])
def test_marks_of_missing_values_are_doubted(tmp_path: Path, mark: str, row: int) -> None:
    values: list[Any] = [0.5] * 40
    values[row] = mark
    (warning,) = read(tmp_path, table("time,home [kW]", stamps(n=40), values)).warnings
    assert "marks a missing value" in warning.message
    assert (warning.severity, warning.line, warning.path) == ("warning", row + 2, "home")


def test_numbers_that_only_look_like_marks_are_not_doubted(tmp_path: Path) -> None:
    values = [9000, 9999, 9500, 9990] * 10
    assert read(tmp_path, table("time,home [W]", stamps(n=40), values)).warnings == ()


def test_readings_of_a_meter_are_doubted(tmp_path: Path) -> None:
    used = [round(0.3 + 0.1 * (n % 5), 1) for n in range(40)]
    for first in (0.0, 1200.0, 123456.7):
        readings = (first + np.cumsum(used)).tolist()
        (warning,) = read(tmp_path, table("time,home [kWh]", stamps(n=40), readings)).warnings
        assert "meter's readings" in warning.message
    assert read(tmp_path, table("time,home [kWh]", stamps(n=40), used)).warnings == ()


def test_price_columns_beside_text(tmp_path: Path) -> None:
    header = '"MTU (CET/CEST)","Price [EUR/MWh]","Currency","BZN|DE-LU"'
    mtu = [
        f"{a} - {b}"
        for a, b in zip(stamps("%d.%m.%Y %H:%M"), [*stamps("%d.%m.%Y %H:%M")[1:], "x"], strict=True)
    ]
    series = read(
        tmp_path, table(header, mtu, [40, 50, -5, 0], ["EUR"] * 4, ['""'] * 4), ("Price",), price=True
    )
    assert series.values[:, 0].tolist() == pytest.approx([0.04, 0.05, -0.005, 0])
    assert series.start == START - timedelta(hours=2)
    assert series.found.timezone.startswith("Europe/Berlin")


def test_skipped_rows_and_a_named_time_column(tmp_path: Path) -> None:
    text = "2016-01-01,1\n2016-01-02,2\n" + table(
        "sent,measured,home [kW]", stamps("%Y-%m-%d %H:30Z"), stamps(), VALUES
    )
    series = read(tmp_path, text, ("home",), skip_rows=2, time_column="measured")
    assert (series.start, series.lines[0], series.found.header_line) == (START, 4, 3)
    assert "'mesured'" in refused(tmp_path, text, ("home",), skip_rows=2, time_column="mesured")[0].message
    assert "skip_rows" in refused(tmp_path, text, skip_rows=99)[0].message


@pytest.mark.parametrize(
    "how",
    [{"timezone": "Europe/Berln"}, {"timezone": "../etc/passwd"}, {"timezone": ""}, {"separator": "x"},
     {"separator": ",", "decimal": ","}, {"decimal": "'"}, {"skip_rows": -1}, {"time_format": "%H:%M"},
     {"time_format": "%d.%m.%Y %H:%M%z"}, {"encoding": "utf-7"}],
)  # fmt: skip
def test_keys_that_make_no_sense(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(how))):
        CsvSeriesFormat.model_validate(how)


@pytest.mark.parametrize(
    ("header", "how"),
    [
        ("utc_timestamp,home [kW]", "%Y-%m-%d %H:%M"),
        ("time (GMT),home [kW]", "%d.%m.%Y %H:%M"),
        ("time,electricity", "%Y-%m-%d %H:%M"),
        ("time,P", "%Y%m%d:%H%M"),
    ],
)
def test_a_zone_other_than_the_files_own_is_doubted(tmp_path: Path, header: str, how: str) -> None:
    text = table(header, stamps(how), VALUES)
    assert not any("which is used" in each.message for each in read(tmp_path, text).warnings)
    for same in ("UTC", "+00:00", "Atlantic/Reykjavik"):
        assert not any(
            "which is used" in each.message for each in read(tmp_path, text, timezone=same).warnings
        )
    series = read(tmp_path, text, timezone="Europe/Berlin")
    (warning,) = [each for each in series.warnings if "which is used" in each.message]
    assert (warning.severity, warning.line) == ("warning", 2)
    assert "says UTC, and the scenario Europe/Berlin" in warning.message
    assert series.start == START - timedelta(hours=2)


@pytest.mark.parametrize(
    ("end", "begin"),
    [
        ("Datum bis", "Datum von"),
        ("PeriodEnd", "PeriodStart"),
        ("end_time", "start_time"),
        ("Ende", "Beginn"),
    ],
)
def test_a_start_is_preferred_and_an_end_alone_is_doubted(tmp_path: Path, end: str, begin: str) -> None:
    ends = stamps(minutes=30, start=START + timedelta(minutes=30))
    series = read(tmp_path, table(f"{end},{begin},home [kWh]", ends, stamps(minutes=30), VALUES))
    assert (series.start, series.warnings) == (START, ())
    (warning,) = read(tmp_path, table(f"{end},home [kWh]", ends, VALUES)).warnings
    assert f"'{end}' are probably the ends of the slots" in warning.message
    assert "30 min late" in warning.message


@pytest.mark.parametrize("header", ["Weekend time", "Kalender", "Sendezeit"])
def test_a_name_that_only_holds_the_letters_is_no_end(tmp_path: Path, header: str) -> None:
    assert read(tmp_path, table(f"{header},home [kW]", stamps(), VALUES)).warnings == ()


@pytest.mark.parametrize(
    ("header", "unit"),
    [("Datum;00:00;00:15;00:30", "kWh"), ("Datum;0:00 [kW];1:00 [kW]", None), ("day;00:30:00;01:00:00", "W")],
)
def test_a_day_in_each_row_is_refused(tmp_path: Path, header: str, unit: str | None) -> None:
    n = header.count(";")
    text = table(header, stamps("%d.%m.%Y", minutes=1440), *[comma(VALUES)] * n, separator=";")
    problems = refused(tmp_path, text, timezone="UTC", unit=unit)
    assert [each.message for each in problems] == ["the columns are times of day, with a day in each row"]
    assert problems[0].line == 1
