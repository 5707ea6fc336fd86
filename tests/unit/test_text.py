"""Names in files that others open: no formula in a spreadsheet or a figure, no HTML or link on a page."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path

import pytest

from cosim.core.text import markdown_text, spreadsheet_cell
from cosim.report.style import drawing, new_figure, save, scale_axis
from cosim.report.text_table import TextTable
from cosim.study.compare import ComparedRun, Comparison
from cosim.study.compare_csv import differences_csv, numbers_csv
from cosim.study.scenario_differences import Difference

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\n@x",
    "=",
    "-",
    "\uff1d1",
]
NUMBERS = ["-5", "+0.5", "-1e-9", "-.5", "1.", "12"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_compute_is_quoted(text: str) -> None:
    assert spreadsheet_cell(text) == "'" + text


@pytest.mark.parametrize("cell", [*NUMBERS, -5, -0.5, None, True, "a=b", "x - y", "", "0 - 1", "'=1"])
def test_numbers_and_other_texts_stay(cell: object) -> None:
    assert spreadsheet_cell(cell) is cell


def test_every_csv_file_is_guarded() -> None:
    runs = tuple(
        ComparedRun(letter, label, Path(letter), {}, {}, {"=x_kwh": -1.5, "y": None})
        for letter, label in (("A", "=a"), ("B", "@b"))
    )
    comparison = Comparison(
        runs, ("=x_kwh", "y"), (Difference("title", ("=1+1", "-7")), Difference("@p", (-7, 2))), ()
    )
    written = [numbers_csv(comparison), differences_csv(comparison)]
    written.append(TextTable("t", "T", ("=h", "n"), [["@c", -0.25], ["+c", 1], ["-3", float("nan")]]).csv())
    cells = [cell for text in written for row in csv.reader(io.StringIO(text)) for cell in row]
    assert {"'=x_kwh", "'=a", "'@b", "'=h", "'@c", "'+c", "'@p", "-1.5", "-0.25", "-7"} <= set(cells)
    for cell in cells:
        assert not cell.startswith(("=", "@", "+", "-")) or float(cell) < 0


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("![x](http://example.org/x.png)", "]("),
        ("[x](javascript:1)", "]("),
        ("a\n# Heading", "\n"),
        ("\x1b[31m", "\x1b"),
        ("a\u202eb", "\u202e"),
    ],
)
def test_a_page_shows_names_as_text(text: str, never: str) -> None:
    table = TextTable("t", "T", ("name",), [[text]])
    for shown in (markdown_text(text), "|".join(table.markdown()[2:])):
        assert never not in shown


@pytest.mark.parametrize("text", ["a|b", "`a|b", "a`b`c", "|"])
def test_a_cell_of_a_table_stays_one_cell(text: str) -> None:
    (row,) = TextTable("t", "T", ("name",), [[text]]).markdown()[2:]
    assert row.replace("\\|", "").count("|") == 2
    assert "`" not in row.replace("\\`", "")


@pytest.mark.parametrize(
    "text", ["$x^$", "$\\frac{$", "US$ and CA$", "$\\alpha$", "a\x1b[31m\x07", "\u202eabc", "a\udcff", "日本"]
)
@pytest.mark.fast_cases("US$ and CA$", "a\\x1b[31m\\x07")
def test_a_figure_shows_names_as_text(text: str, tmp_path: Path) -> None:
    with drawing(), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Glyph")
        figure, (ax,) = new_figure(2)
        ax.plot([1, 10, 100], [1, 2, 3], label=text)
        scale_axis(ax, "log")
        ax.set_title(text)
        ax.set_ylabel(text)
        if "\udcff" not in text:  # names of cases come from YAML, which has no halves of characters
            ax.set_yticks([1, 2], [text, text])
        ax.legend()
        save(figure, tmp_path / "a.png")
        assert not ax.title.get_parse_math()
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert "$" not in "".join(label.get_text() for label in ax.get_xticklabels())
