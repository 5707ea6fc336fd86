"""`cosim new`, `cosim open`, and what `--json`, `-q` and `-v` mean of every command."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandapower as pp
import pytest

from cosim.cli import terminal
from cosim.cli.entry import app


def _network(file: Path, n_loads: int) -> None:
    net = pp.create_empty_network()
    medium, low, end = (pp.create_bus(net, vn_kv=vn_kv) for vn_kv in (20, 0.4, 0.4))
    pp.create_ext_grid(net, medium)
    pp.create_transformer(net, medium, low, "0.25 MVA 20/0.4 kV")
    pp.create_line(net, low, end, length_km=0.2, std_type="NAYY 4x150 SE")
    for _ in range(n_loads):
        pp.create_load(net, end, p_mw=0.003)
    pp.to_json(net, str(file))


def test_a_new_scenario_runs_as_it_is(cosim: Callable, folder: Path) -> None:
    _network(folder / "net.json", 3)
    assert cosim("new", "my.yaml", "--network", "net.json").out == "my.yaml\n"
    ended = cosim(
        "run",
        "my.yaml",
        "--out",
        "ran",
        "--set",
        "report.figures=false",
        "--set",
        "time.duration_h=24",
        "--json",
    )
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["command"], told["exit_code"]) == ("run", 0)
    result = told["result"]
    assert result["status"] == "done"
    assert result["verdict"].startswith("The feeder ")
    whole = json.loads((folder / "ran" / "summary.json").read_text())
    assert whole == {"verdict": result["verdict"], **result["summary"]}
    assert result["summary"]["energy_imported_kwh"] > 0 < result["summary"]["messages_sent"]
    shown = cosim("explain", "my.yaml", "--section", "house", "--section", "feeder").out.splitlines()
    assert [line.split(":")[0] for line in shown if line.startswith("#")] == ["# households", "# feeder"]
    assert sum(line.startswith("h00") for line in shown) == 3


def test_a_new_scenario_is_written_nowhere_in_vain(cosim: Callable, folder: Path) -> None:
    """Nothing is overwritten, and no file comes of a network that cannot be used."""
    (folder / "taken.yaml").write_text("mine")
    (folder / "below").mkdir()
    _network(folder / "net.json", 1)
    _network(folder / "empty.json", 0)
    (folder / "broken.json").write_text("{}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for arguments, said in (
        (("taken.yaml",), "already in use"),
        (("my.json",), "not the name of a YAML file"),
        (("nowhere/my.yaml",), "folder does not exist"),
        (("my.yaml", "--network", "nix.json"), "no such file"),
        (("my.yaml", "--network", "kerber_dorfnet"), "kerber_dorfnetz"),
        (("my.yaml", "--network", "empty.json"), "no place for a household"),
        (("my.yaml", "--network", "broken.json"), "broken.json"),
        (("below/my.yaml", "--network", "net.json"), "own folder"),
    ):
        ended = cosim("new", *arguments)
        assert ended.code == 2, arguments
        assert any(said in problem for problem in ended.problems), (arguments, ended.err)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_open_shows_the_page_in_a_browser(
    cosim: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert cosim("open", "run").code == 2
    (folder / "run").mkdir()
    (folder / "run" / "report.html").write_text("<p>")
    assert cosim("open", "run").out == "run/report.html\n"
    assert opened == [(folder / "run" / "report.html").as_uri()]


def test_every_command_has_the_same_options_of_speech() -> None:
    import typer

    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        options = {text for each in command.params for text in each.opts}
        assert options >= {"--quiet", "-q", "--verbose", "-v", "--json"}, name


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "s.yaml"), 0),
        (("explain", "s.yaml"), 0),
        (("explain", "s.yaml", "--section", "nothing"), 2),
        (("list", "loss"), 0),
        (("schema",), 0),
        (("check", "wrong.yaml"), 2),
        (("compare", "a", "b"), 2),
        (("run", "s.yaml", "--nonsense"), 2),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else str(each),
)
def test_json_is_all_there_is_on_the_standard_output(
    cosim: Callable, write: Callable, arguments: tuple[str, ...], code: int
) -> None:
    """One shape, whichever way it ends."""
    write()
    write(("households: 3", "hosueholds: 3"), name="wrong.yaml")
    ended = cosim(*arguments, "--json")
    told = json.loads(ended.out)
    assert list(told) == ["cosim", "command", "exit_code", "problems", "result"]
    assert (told["command"] or arguments[0], told["exit_code"], ended.code) == (arguments[0], code, code)
    assert bool(code) == any(problem["severity"] == "error" for problem in told["problems"])
    assert code or told["result"]


def test_quiet_leaves_out_and_verbose_adds(cosim: Callable, write: Callable) -> None:
    source = write()
    assert cosim("check", source, "-q")[:2] == (0, "")
    assert "Python" not in cosim("check", source).err
    assert "Python" in cosim("check", source, "-v").err
    assert "simulate: " in cosim("run", source, "--out", "r", "-v").err


def test_lines_are_broken_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "h001  " + "load_scale_kw=1.234 kW  " * 9
    assert list(terminal.within_width([line])) == [line]
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setenv("COLUMNS", "60")
    first, *others = terminal.within_width([line])
    assert max(map(len, (first, *others))) <= 60
    assert others
    assert all(each.startswith("    load") or each.startswith("    kW") for each in others)
