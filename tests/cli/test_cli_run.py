"""How a run ends, and what it leaves: done, failed, interrupted, killed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cosim.cli import main
from cosim.engine.load import load_scenario
from cosim.results.store import read_table

PROGRAM = "from cosim.cli import main; main()"
LONG = (("steps: 4", "steps: 100000"), ("households: 3", "households: 30"))


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    """What a test that failed has left running ends with it."""
    yield
    while _started:
        _started.pop().kill()


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    _started.append(
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )
    )  # fmt: skip
    return _started[-1]


def wait_until_running(process: subprocess.Popen[str], folder: Path) -> None:
    """Until the simulation has written its first batch of a table."""
    deadline = time.monotonic() + 300
    while not list(folder.glob("tables/.parts/decisions.*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_done(cosim: Callable, write: Callable, folder: Path) -> None:
    ended = cosim("run", write(), "--out", "r", "--seed", "7")
    assert ended.code == 0
    assert ended.err == "good: writing to r\n"
    answer, *rest = ended.out.splitlines()
    assert answer.startswith("Community ")
    assert rest == [
        "done: r",
        "Every number: r/summary.json, or cosim run -v",
    ]
    assert "\x1b" not in ended.out + ended.err, "no control codes where there is no terminal"
    assert record(folder / "r")["status"] == "done"
    assert record(folder / "r")["seed"] == 7
    assert len(read_table(folder / "r", "regulation")) == 8
    assert not list((folder / "r").rglob("*.partial"))


def test_the_default_folder_names_scenario_time_and_hash(
    cosim: Callable, write: Callable, folder: Path
) -> None:
    for _ in range(2):
        assert cosim("run", write(), "--quiet").code == 0
    made = sorted(path.relative_to(folder) for path in folder.glob("results/good/*"))
    assert len(made) == 2, "a second run in the same second has a folder of its own"
    digest = record(folder / made[0])["scenario_hash"]
    assert all(f"Z-{digest[:8]}" in path.name for path in made)


def test_quiet_prints_nothing(cosim: Callable, write: Callable) -> None:
    ended = cosim("run", write(), "--out", "r", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_the_scenario_in_the_run_directory_runs_again_to_the_same_bytes(
    cosim: Callable, write: Callable, folder: Path
) -> None:
    rows = "".join(f"2016-01-01T{hour:02d}:00:00Z,0.{hour}\n" for hour in range(4))
    (folder / "p.csv").write_text("time,home [kW]\n" + rows)
    write(name="base.yaml")
    changes = "  groups.homes.load: {kind: csv, file: p.csv}\n  time.duration_h: 3\n"
    (folder / "s.yaml").write_text(f"name: again\nbase: base.yaml\noverride:\n{changes}")
    assert cosim("run", "s.yaml", "--out", "first", "--set", "seed=9", "--set", "time.steps=2").code == 0
    assert cosim("run", "first/scenario.yaml", "--out", "second").code == 0
    tables = sorted(path.name for path in (folder / "first" / "tables").glob("*.parquet"))
    assert "meters" in {Path(name).stem for name in tables}
    for name in tables:
        first, second = ((folder / run / "tables" / name).read_bytes() for run in ("first", "second"))
        assert first == second, name
    assert load_scenario("first/scenario.yaml").scenario == load_scenario("second/scenario.yaml").scenario


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_run_says_so_and_can_be_read(write: Callable, folder: Path, number: int) -> None:
    process = start("run", write(*LONG), "--out", "r")
    wait_until_running(process, folder / "r")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted: r" in out
    content = record(folder / "r")
    assert content["status"] == "interrupted"
    reached = content["simulated_until_ms"]
    assert 0 < reached < 100_000 * 3_600_000
    table = read_table(folder / "r", "regulation")
    last = (table["time"].iloc[-1] - table["time"].iloc[0]).total_seconds() * 1000
    assert last <= reached
    assert reached - last <= 3_600_000, "up to where it was, and not less"
    assert json.loads((folder / "r" / "summary.json").read_text())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ImportError("of the interrupt"), ""),
        (OSError("the disk is full"), "after the interrupt: OSError: the disk is full"),
    ],
)
def test_an_error_after_ctrl_c_is_told(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted_command(arguments: list[str]) -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if not told:
                raise error  # noqa: B904  (an import that is interrupted may lose its cause, not its context)
        raise error

    monkeypatch.setattr("cosim.cli.entry._run_command", interrupted_command)
    monkeypatch.setattr(sys, "argv", ["cosim", "run", "x"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) == bool(told)


@pytest.mark.slow
def test_a_second_interrupt_ends_at_once(write: Callable, folder: Path) -> None:
    process = start("run", write(*LONG), "--out", "r", "--quiet")
    wait_until_running(process, folder / "r")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert record(folder / "r")["status"] == "interrupted"


@pytest.mark.slow
def test_a_killed_run_does_not_claim_to_be_complete(write: Callable, folder: Path) -> None:
    process = start("run", write(*LONG), "--out", "r")
    wait_until_running(process, folder / "r")
    process.kill()
    process.communicate(timeout=60)
    assert record(folder / "r")["status"] == "running"
    assert not (folder / "r" / "summary.json").exists()
    assert len(read_table(folder / "r", "decisions")) > 0, "what was written can be read"


@pytest.mark.slow
def test_a_full_disk_fails_the_run(write: Callable, folder: Path) -> None:
    """Files may not grow beyond 100 kB, which is what writing to a full disk looks like to the program."""
    limit = 100_000

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start("run", write(("steps: 4", "steps: 100000")), "--out", "r", preexec_fn=no_room)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert "error OSError: " in err
    assert "the run up to that point is in r" in err
    content = record(folder / "r")
    assert content["status"] == "failed"
    assert "File too large" in content["cause"]
    assert len(read_table(folder / "r", "decisions"))


@pytest.mark.slow
def test_tables_that_can_no_longer_be_written_fail_the_run(write: Callable, folder: Path) -> None:
    process = start("run", write(*LONG), "--out", "r")
    wait_until_running(process, folder / "r")
    # A file in place of the folder: not even the superuser can write below it.
    (folder / "r" / "tables" / ".parts").rename(folder / "moved")
    (folder / "r" / "tables" / ".parts").write_text("")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert record(folder / "r")["status"] == "failed"


def test_a_directory_that_cannot_be_made_is_bad_input(cosim: Callable, write: Callable, folder: Path) -> None:
    (folder / "file").write_text("")
    ended = cosim("run", write(), "--out", "file/r")
    assert ended.code == 2
    assert ended.problems == [
        "error file/r: the run directory cannot be created: Not a directory. Choose another with --out."
    ]


def test_a_fault_of_the_program_fails_the_run_and_is_told_without_a_traceback(
    cosim: Callable, write: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cosim.engine.simulation import Simulation

    def broken(self: Simulation) -> None:
        raise KeyError("nobody")

    monkeypatch.setattr(Simulation, "run", broken)
    ended = cosim("run", write(), "--out", "r")
    assert ended.code == 3
    assert "internal error in cosim: KeyError: 'nobody'" in ended.err
    assert "`cosim --debug ...`" in ended.err
    assert "Traceback" not in ended.err
    assert record(folder / "r")["status"] == "failed"
    ended = cosim("run", write(), "--out", "r2", "--debug")
    assert ended.code == 1
    assert "Traceback" in ended.err
    assert ended.err.rstrip().endswith("KeyError: 'nobody'")


def test_a_report_that_fails_leaves_the_run_done_and_says_so(
    cosim: Callable, write: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("cosim.report.page.run_page.write_report", broken)
    ended = cosim("run", write(), "--out", "r", "--set", "report.figures=true")
    assert ended.code == 3
    assert "the report could not be made (failed: RuntimeError: no ink); the tables are complete" in ended.err
    content = record(folder / "r")
    assert (content["status"], content["report"]) == ("done", "failed: RuntimeError: no ink")


def test_a_reader_that_has_seen_enough_gets_no_traceback(write: Callable, folder: Path) -> None:
    process = start("explain", write(("households: 3", "households: 1000")))
    assert process.stdout is not None
    assert process.stdout.readline().startswith("# good")
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0, err
    assert err == ""


def test_progress_in_a_log_is_plain_lines(write: Callable, folder: Path) -> None:
    from io import StringIO

    from rich.console import Console

    from cosim.cli.progress import RunProgress

    text = StringIO()
    with RunProgress("good", 7_200_000, quiet=False, console=Console(file=text)) as progress:
        progress._next = 0.0
        progress.update(3_600_000, 5)
        progress.update(3_700_000, 6)
    (line,) = text.getvalue().splitlines()
    assert line.startswith("good: 1.0 h of 2.0 h, ")
    assert line.endswith(" events/s")
    assert "\x1b" not in line


def test_version(cosim: Callable) -> None:
    import cosim as package

    ended = cosim("--version")
    assert (ended.code, ended.out) == (0, f"cosim {package.__version__}\n")


def test_reports_of_no_run(cosim: Callable, folder: Path) -> None:
    ended = cosim("report", "nowhere")
    assert ended.code == 2
    assert ended.problems == [
        "error nowhere: this is not a run directory. A run directory contains a run.json."
    ]
    assert os.listdir(folder) == []
