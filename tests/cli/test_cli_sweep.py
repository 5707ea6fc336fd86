"""The same sweep gives the same bytes, whoever runs its points, and however often it is interrupted."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest

SMALL = """
name: small
base: section6_additive
set:
  time.step_s: 3600
  time.steps: 30
  groups.community_1.households: 10
  groups.community_2.households: 10
  communities.market.resources.consumption.capacity: 18
  communities.market.resources.production.capacity: 16
  comms.default.latency: {kind: exponential, mean_ms: 600000}
axes:
  - name: loss
    path: comms.default.loss
    values: [{kind: bernoulli, loss_probability: 0.1}, {kind: bernoulli, loss_probability: 0.3}]
    column_values: [0.1, 0.3]
  - name: policy
    cases:
      additive: {communities.market.agent.policy: additive}
      proportional:
        communities.market.agent.policy: proportional
        communities.market.platform.initial_signal: gradient
seeds: [3, 5]
keep: summary
"""
Here = Callable[[], AbstractContextManager[None]]
COSIM = [sys.executable, "-c", "from cosim.cli import main; main()"]


@pytest.fixture
def small(folder: Path) -> str:
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    return "small.yaml"


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that other tests have registered in this process are no plugins of these sweeps."""
    monkeypatch.setattr("cosim.engine.run.plugins", lambda: ())


def slow_sweep(folder: Path, *, keep: str = "summary", n_seeds: int = 6) -> str:
    """A sweep of points that take long enough (some tenths of a second) to be interrupted."""
    text = SMALL.replace("steps: 30", "steps: 200").replace("[3, 5]", str(n_seeds))
    (folder / "slow.yaml").write_text(text.replace("keep: summary", f"keep: {keep}"), encoding="utf-8")
    return "slow.yaml"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where sweeps that nothing has disturbed are kept, by name."""
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture
def swept(cosim: Callable, folder: Path, undisturbed: Path, points_here: Here) -> Callable[[str], Path]:
    """Called with a sweep's file in the working directory: its directory, made once, and by no worker."""

    def make(file: str) -> Path:
        kept = undisturbed / re.sub(r"\W", "_", (folder / file).read_text(encoding="utf-8"))[-200:]
        if not kept.exists():
            with points_here():
                ended = cosim("sweep", file, "--out", str(kept), "--workers", "1", "--quiet")
            assert ended.code == 0, ended.err
        return kept

    return make


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    """What a test that failed has left running ends with it; workers end with their sweep."""
    yield
    while _started:
        _started.pop().kill()


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*COSIM, "sweep", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    _started.append(process)
    return process


def wait_for_lines(process: subprocess.Popen[str], file: Path, n: int) -> None:
    """Wait until a sweep has finished n points."""
    while not file.exists() or len(file.read_text().splitlines()) < n:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Processes that a process has started and that run Python code of a worker."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    found = [int(child) for child in text.split()]
    return [c for c in found if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


def ignores_interrupts(pid: int) -> bool:
    """Whether a process has never seen Ctrl-C, from its first moment on."""
    (blocked,) = re.findall(r"^SigBlk:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return bool(int(blocked, 16) >> (signal.SIGINT - 1) & 1)


def table_bytes(folder: Path) -> bytes:
    return (folder / "points.parquet").read_bytes()


def record(folder: Path) -> dict[str, object]:
    content = json.loads((folder / "sweep.json").read_text())
    assert isinstance(content, dict)
    return content


def test_two_workers_and_none_give_the_same_bytes(
    cosim: Callable, folder: Path, small: str, swept: Callable
) -> None:
    none = swept(small)
    ended = cosim("sweep", small, "--out", "with_2", "--workers", "2", "--quiet")
    assert ended.code == 0, ended.err
    assert table_bytes(none) == table_bytes(folder / "with_2")
    points = pd.read_parquet(none / "points.parquet")
    assert list(points.columns[:6]) == ["point", "loss", "policy", "seed", "status", "cause"]
    assert list(points.columns[6:]) == sorted(points.columns[6:])
    assert points.point.tolist() == list(range(8))
    assert points.loss.tolist() == [0.1] * 4 + [0.3] * 4
    assert points.policy.tolist() == ["additive", "additive", "proportional", "proportional"] * 2
    assert points.seed.tolist() == [3, 5] * 4
    assert set(points.status) == {"done"}
    assert record(folder / "with_2")["done"] == 8
    assert not (folder / "with_2" / "points").exists(), "only summaries are kept"


def test_each_point_is_what_cosim_run_gives(
    cosim: Callable, folder: Path, small: str, swept: Callable
) -> None:
    points = pd.read_parquet(swept(small) / "points.parquet")
    commands = [line for line in cosim("sweep", small, "--dry-run").out.splitlines() if line[0] != "#"]
    assert len(commands) == len(points)
    for index in (0, 7):
        _, *words = shlex.split(commands[index])
        assert cosim(*words, "--set", "report.figures=false", "--out", f"run_{index}", "--quiet").code == 0
        summary = json.loads((folder / f"run_{index}" / "summary.json").read_text())
        assert summary.pop("verdict")
        row = points.iloc[index]
        assert {name: None if pd.isna(row[name]) else row[name] for name in summary} == summary


def test_run_directories_are_those_of_cosim_run(cosim: Callable, folder: Path, points_here: Here) -> None:
    text = SMALL.replace("keep: summary", "keep: runs").replace("[3, 5]", "[3]")
    (folder / "runs.yaml").write_text(text, encoding="utf-8")
    with points_here():
        assert cosim("sweep", "runs.yaml", "--out", "out", "--quiet").code == 0
    runs = sorted((folder / "out" / "points").iterdir())
    assert [run.name for run in runs] == ["00000", "00001", "00002", "00003"]
    again = cosim(
        "run", str(runs[2] / "scenario.yaml"), "--set", "report.figures=false", "--out", "again", "--quiet"
    )
    assert again.code == 0, again.err
    tables = sorted(path.name for path in (runs[2] / "tables").iterdir())
    assert "decisions.parquet" in tables
    for table in tables:
        first, second = runs[2] / "tables" / table, folder / "again" / "tables" / table
        assert first.read_bytes() == second.read_bytes(), table
    assert (runs[2] / "summary.json").read_bytes() == (folder / "again" / "summary.json").read_bytes()
    kept = pd.read_parquet(folder / "out" / "points.parquet").set_index("point")
    summary = json.loads((runs[2] / "summary.json").read_text())
    assert kept.loc[2, "messages_lost"] == summary["messages_lost"]


def test_workers_load_neither_pandapower_nor_matplotlib(folder: Path) -> None:
    """What a worker runs a market with, so that it is ready soon and small."""
    program = """
import sys
from cosim.engine.load import read_scenario, Setting
from cosim.study.sweep import local_workers
result = local_workers.run_point(
    read_scenario("section6_additive"), local_workers.PointTask(0, (Setting("time.steps", 3),), 1)
)
assert result.status == "done", result
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = {
        "pandapower",
        "simbench",
        "matplotlib",
        "pyarrow",
        "pandas",
        "scipy",
        "distributed",
        "typer",
        "rich",
    }
    assert not heavy & set(done.stdout.split())


@pytest.mark.slow
def test_killed_whole_and_resumed(cosim: Callable, folder: Path, swept: Callable, points_here: Here) -> None:
    """By SIGKILL: what was done is not done again, and the bytes are those of an undisturbed sweep."""
    whole = swept(slow_sweep(folder, n_seeds=1))
    slow = slow_sweep(folder, keep="runs", n_seeds=1)
    process = start(folder, slow, "--out", "killed", "--workers", "1")
    wait_for_lines(process, folder / "killed" / "finished.jsonl", 2)
    process.kill()
    process.communicate()
    assert record(folder / "killed")["status"] == "running"
    lines = (folder / "killed" / "finished.jsonl").read_text().splitlines()
    assert 2 <= len(lines) < 4
    with (folder / "killed" / "finished.jsonl").open("a") as stream:
        # As a full disk or a power cut leaves it, here in the middle of a character.
        stream.buffer.write('{"point": 3, "status": "failed", "cause": "ü'.encode()[:-1])
    kept = (folder / "killed" / "points" / f"{json.loads(lines[0])['point']:05d}" / "run.json").read_bytes()
    refused = cosim("sweep", slow, "--out", "killed", "--quiet")
    assert refused.code == 2
    assert "--resume" in refused.err
    with points_here():
        resumed = cosim("sweep", slow, "--out", "killed", "--resume", "--quiet")
    assert resumed.code == 0, resumed.err
    assert table_bytes(folder / "killed") == table_bytes(whole)
    after = folder / "killed" / "points" / f"{json.loads(lines[0])['point']:05d}" / "run.json"
    assert after.read_bytes() == kept, "what was done is not done again"
    assert sorted(p.name for p in (folder / "killed" / "points").iterdir()) == [f"{n:05d}" for n in range(4)]
    assert record(folder / "killed")["status"] == "done"


def test_a_full_disc_is_said_and_the_sweep_goes_on_later(
    cosim: Callable, folder: Path, small: str, swept: Callable, points_here: Here
) -> None:
    whole = swept(small)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with points_here():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))  # a file fails as on a disc that is full
        try:
            ended = cosim("sweep", small, "--out", "full", "--quiet")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert ended.code == 3
        assert "full cannot be written: File too large" in ended.err.replace("\n", " ")
        assert "Traceback" not in ended.err
        assert record(folder / "full")["status"] == "failed"
        assert cosim("sweep", small, "--out", "full", "--resume", "--quiet").code == 0
    assert table_bytes(folder / "full") == table_bytes(whole)


@pytest.mark.slow
def test_workers_end_with_the_sweep_that_is_killed(folder: Path) -> None:
    """At once, and not after their points, which may be long: who resumes wants the cores and the memory."""
    slow = (folder / slow_sweep(folder)).read_text().replace("steps: 200", "steps: 1000000")
    (folder / "endless.yaml").write_text(slow, encoding="utf-8")
    process = start(folder, "endless.yaml", "--out", "out", "--workers", "1")
    limit = time.monotonic() + 30
    while not (workers := children(process.pid)):
        assert time.monotonic() < limit
        time.sleep(0.02)
    time.sleep(2.5)  # it is at work by now
    process.kill()
    process.communicate()
    limit = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_only_one_sweep_works_in_a_directory_and_ctrl_c_ends_it(cosim: Callable, folder: Path) -> None:
    slow = slow_sweep(folder)
    process = start(folder, slow, "--out", "out", "--workers", "2")
    wait_for_lines(process, folder / "out" / "finished.jsonl", 2)
    workers = children(process.pid)
    second = cosim("sweep", slow, "--out", "out", "--resume", "--quiet")
    assert second.code == 2
    assert "is running in this directory" in second.err
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal: all of them get it
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "cosim sweep slow.yaml --out out --resume" in stderr
    assert len(workers) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    so_far = pd.read_parquet(folder / "out" / "points.parquet")
    assert 2 <= len(so_far) < 24
    assert record(folder / "out")["status"] == "interrupted"
    assert record(folder / "out")["done"] == len(so_far)


@pytest.mark.slow
def test_interrupted_while_the_workers_start(folder: Path) -> None:
    """A worker that is still importing leaves as quietly as one at work."""
    process = start(folder, slow_sweep(folder), "--out", "my out", "--workers", "2")
    limit = time.monotonic() + 30
    while len(children(process.pid)) < 2 and time.monotonic() < limit:
        time.sleep(0.005)
    time.sleep(0.15)
    assert [ignores_interrupts(worker) for worker in children(process.pid)] == [True, True]
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "KeyboardInterrupt" not in stderr
    assert "cosim sweep slow.yaml --out 'my out' --resume" in stderr


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_killed_worker_s_point_is_taken_up_by_another(
    n_workers: int, folder: Path, swept: Callable
) -> None:
    """One of one, so that the sweep has none for a while; two of two, one after the other."""
    slow = slow_sweep(folder, n_seeds=n_workers)
    whole = swept(slow)
    process = start(folder, slow, "--out", "out", "--workers", str(n_workers))
    for n_done, which in ((1, 0), (4, -1))[:n_workers]:
        wait_for_lines(process, folder / "out" / "finished.jsonl", n_done)
        os.kill(children(process.pid)[which], signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert table_bytes(folder / "out") == table_bytes(whole)


@pytest.mark.slow
def test_a_sweep_that_is_asked_to_end_ends_as_by_ctrl_c(folder: Path) -> None:
    process = start(folder, slow_sweep(folder), "--out", "out", "--workers", "1")
    wait_for_lines(process, folder / "out" / "finished.jsonl", 1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_a_failed_point_is_a_row_with_its_cause(cosim: Callable, folder: Path, points_here: Here) -> None:
    """What only a run can find fails alone: here a profile that is too short for the longer run."""
    rows = [f"2016-01-01T{hour:02d}:00:00Z,1.0" for hour in range(24)]
    (folder / "load.csv").write_text("\n".join(["time,home [kW]", *rows, ""]))
    (folder / "base.yaml").write_text(
        "name: b\ntime: {step_s: 3600, steps: 24}\n"
        "groups: [{name: g, households: 2, load: {kind: csv, file: load.csv}}]\n"
    )
    (folder / "s.yaml").write_text(
        "name: s\nbase: base.yaml\naxes: [{path: time.steps, values: [12, 24, 48]}]\nkeep: runs\n"
    )
    with points_here():
        ended = cosim("sweep", "s.yaml", "--out", "out", "--quiet")
    points = pd.read_parquet(folder / "out" / "points.parquet")
    assert ended.code == 0, ended.err
    assert points.status.tolist() == ["done", "done", "failed"]
    assert "the profile covers" in points.cause[2]
    assert points.cause[2] in ended.err
    assert points.energy_load_kwh.tolist()[:2] == [24.0, 48.0]
    assert pd.isna(points.energy_load_kwh[2])
    # The directory holds what it needs to be repeated elsewhere.
    with points_here():
        assert cosim("sweep", "out/sweep.yaml", "--out", "again", "--quiet").code == 0
    assert table_bytes(folder / "again") == table_bytes(folder / "out")


@pytest.mark.slow
def test_after_three_killed_workers_a_point_is_given_up(folder: Path) -> None:
    """A point that takes its worker down with it does not stop the others, and is not tried for ever."""
    deadly = """
import os, signal
from cosim.study.sweep.point import PointTask

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Deadly(PointTask):
    def __reduce__(self):  # whoever receives it
        return die, ()
"""
    program = """
from cosim.engine.load import read_scenario, Setting
from cosim.study.sweep.local_workers import LocalWorkers
from cosim.study.sweep.point import PointTask
from deadly import Deadly

kinds = [PointTask, Deadly, PointTask, PointTask]
tasks = [kind(n, (Setting("time.steps", 3),), n) for n, kind in enumerate(kinds)]
for result in LocalWorkers(2).run(read_scenario("section6_additive"), tasks):
    print(result.index, result.status, result.cause)
"""
    (folder / "deadly.py").write_text(deadly, encoding="utf-8")
    (folder / "program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = sorted(done.stdout.splitlines())
    assert [line.split()[:2] for line in lines] == [
        ["0", "done"],
        ["1", "failed"],
        ["2", "done"],
        ["3", "done"],
    ]
    assert "3 workers were killed" in lines[1]


DASK_ENVIRONMENT = {
    **os.environ,
    "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    "DASK_LOGGING__DISTRIBUTED": "warning",
}


def dask(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=DASK_ENVIRONMENT, stdout=log, stderr=log)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a scheduler; its two workers (with no nanny, so that a kill is a kill), and itself last."""
    folder = tmp_path_factory.mktemp("dask")
    scheduler = dask(
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        "s.json",
        folder=folder,
    )
    processes = [scheduler]
    try:
        limit = time.monotonic() + 300
        while not (folder / "s.json").exists() or not (folder / "s.json").read_text().strip():
            assert time.monotonic() < limit, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        address = re.search(r'"address": "(tcp://[^"]+)"', (folder / "s.json").read_text())[1]
        workers = [
            dask("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", folder=folder)
            for _ in range(2)
        ]
        processes += workers
        yield address, [*workers, scheduler]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_on_dask_with_a_worker_killed_the_bytes_are_the_same(
    cosim: Callable, folder: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    slow = slow_sweep(folder, keep="runs", n_seeds=3)
    assert cosim("sweep", slow, "--out", "local", "--workers", "2", "--quiet").code == 0
    process = start(folder, slow, "--out", "dask", "--dask", address)
    wait_for_lines(process, folder / "dask" / "finished.jsonl", 3)
    os.kill(workers[0].pid, signal.SIGKILL)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert table_bytes(folder / "dask") == table_bytes(folder / "local")
    for name in ("summary.json", "scenario.yaml", "tables/regulation.parquet", "tables/decisions.parquet"):
        first, second = (folder / where / "points" / "00005" / name for where in ("dask", "local"))
        assert first.read_bytes() == second.read_bytes(), name
    assert len(list((folder / "dask" / "points").iterdir())) == 12


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_said_and_the_sweep_resumed(
    cosim: Callable, folder: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, (*_, scheduler) = cluster
    slow = slow_sweep(folder, n_seeds=2)
    process = start(folder, slow, "--out", "out", "--dask", address)
    wait_for_lines(process, folder / "out" / "finished.jsonl", 2)
    os.kill(scheduler.pid, signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Traceback" not in stderr
    assert "finished points are kept" in stderr
    assert record(folder / "out")["status"] == "failed"
    assert cosim("sweep", slow, "--out", "out", "--resume", "--workers", "2", "--quiet").code == 0
    assert record(folder / "out")["done"] == 8


def test_a_worker_that_comes_late_with_another_cosim_runs_nothing() -> None:
    from cosim.study.sweep.dask_workers import run_of_version

    with pytest.raises(RuntimeError, match=r"this sweep is of 0\.0\.0"):
        run_of_version("0.0.0", (), None, None)  # type: ignore[arg-type]


def test_dask_gives_the_same_bytes(
    cosim: Callable, folder: Path, small: str, swept: Callable, points_here: Here
) -> None:
    """A cluster in this process, of one worker: through Dask, the bytes are what they are without."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        ended = cosim("sweep", small, "--out", "dask", "--dask", cluster.scheduler_address, "--quiet")
    assert ended.code == 0, ended.err
    assert table_bytes(folder / "dask") == table_bytes(swept(small))


@pytest.mark.slow
def test_dask_started_on_this_machine(folder: Path, small: str, swept: Callable) -> None:
    process = start(folder, small, "--out", "dask", "--dask", "local", "--workers", "2")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert table_bytes(folder / "dask") == table_bytes(swept(small))
