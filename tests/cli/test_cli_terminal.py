"""What names, paths and values hold is only ever seen on a terminal: no control characters, no markup."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from cosim.cli import main
from cosim.cli.progress import RunProgress, SweepProgress
from cosim.core.console import PlainConsole
from cosim.core.text import shortened, visible

NASTY = {
    "colour": "\x1b[31mred\x1b[0m",
    "title of the window": "\x1b]0;pwned\x07",
    "eight-bit escape": "\x9b31m",
    "bell": "ding\x07",
    "over what stood there": "bad\rgood",
    "rubbed out": "ab\x08\x08cd\x7f",
    "turned around": "abc\u202egnp.exe",
    "isolated": "\u2066abc\u2069",
    "not seen": "a\u200bb\ufeffc",
    "a line's end of its own": "a\u2028b\x85c",
    "tags": "a\U000e0041b",
    "half a character": "a\udcffb",
}
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0041]"
)
MARKUP = "[bold red]x[/bold red] [/] :smile: [link=file:///etc]y"


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_everything_that_acts_is_made_visible_and_nothing_else(text: str) -> None:
    shown = visible(text)
    assert not RAW.search(shown)
    assert visible(shown) == shown
    kept = "Ω(k), Σx̄, 5 °C\tä\n– '…' שלום 日本 👩"
    assert visible(kept) == kept
    assert visible("a\tb\nc\rd", one_line=True) == r"a\tb\nc\rd"


def test_a_long_text_keeps_both_ends() -> None:
    assert shortened("a" * 50 + "b" * 50, 10) == "aaaaa … bbbbb"
    assert shortened("short", 10) == "short"


def test_a_notebook_that_asks_for_colours_is_not_drawn_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells have no terminal, and each step of a bar would be a line of their output."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with RunProgress("run", 100, quiet=False) as bar:
        bar.update(50, 5)
    assert not stream.getvalue()


@pytest.mark.parametrize("text", [*NASTY.values(), MARKUP], ids=[*NASTY.keys(), "markup"])
@pytest.mark.parametrize("way", ["print", "styled", "table", "run", "sweep"])
def test_no_way_to_the_console_lets_it_through(way: str, text: str) -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, force_terminal=True, color_system=None, width=200, soft_wrap=True)
    if way == "print":
        console.print(text)
    elif way == "styled":
        console.print(Text("caution ", style="yellow").append(text))
    elif way == "table":
        table = Table(show_header=False, box=None)
        table.add_row(text, Text(text))
        console.print(table)
    elif way == "run":
        with RunProgress(text, 100, quiet=False, console=console) as bar:
            bar.update(100, 5)
    else:
        with SweepProgress(text, 100, quiet=False, console=console) as points:
            points.update(1, 0)
    written = stream.getvalue()
    if way in ("run", "sweep"):  # the bar itself moves the cursor
        written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", written)
    assert not RAW.search(written)
    if text == MARKUP:
        assert MARKUP in written


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
@pytest.mark.fast_cases("colour", "over what stood there", "turned around", "half a character")
def test_no_message_lets_it_through(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    escaped = (
        "".join(f"\\U{ord(c):08x}" for c in text) if "\udcff" not in text else text.replace("\udcff", "x")
    )
    Path("keys.yaml").write_text(f'name: "{escaped}"\n"{escaped}": 1\ntime: {{"{escaped}": "{escaped}"}}\n')
    Path("raw.yaml").write_bytes(f"name: {text}\n{text}: [".encode("utf-8", "surrogatepass"))
    folder = Path(f"run{text}".replace("/", ""))
    folder.mkdir()
    (folder / "run.json").write_text("[]")
    commands = (
        ["check", "keys.yaml"],
        ["check", "raw.yaml"],
        ["check", f"{text}.yaml"],
        ["check", text],
        ["check", "section6", "--set", f"{text}=1"],
        ["check", "section6", "--set", f"time.steps={text}"],
        ["check", "section6", "--seed", text],
        ["check", "section6", f"--{text}"],
        ["run", "section6", "--out", str(folder)],
        ["compare", str(folder), str(folder)],
        ["robustness", str(folder)],
        ["sweep", "sweep_example", "--out", str(folder), "--resume"],
        ["--debug", "run", text],
    )
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["cosim", *command])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == (1 if "--debug" in command else 2), command
        told = capsys.readouterr()
        assert not RAW.search(told.out + told.err), (command, told.err)


def test_a_name_does_not_make_a_message_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a\nerror all is lost", "a\r\nwarning x", "a\x0bdone: y"):
        monkeypatch.setattr(sys, "argv", ["cosim", "check", f"{tmp_path}{os.sep}{name}.yaml"])
        with pytest.raises(SystemExit):
            main()
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_markup_in_names_is_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("[red]a[/red].yaml", "[/].yaml", ":smile:.yaml", "a[link=x].yaml"):
        monkeypatch.setattr(sys, "argv", ["cosim", "check", str(tmp_path / source)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert source in capsys.readouterr().err
