"""What is built from the sources holds the built-in networks and scenarios, and works without a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that building leaves the checkout as it is."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(ROOT / name, source / name)
    for name in ("cosim", "networks", "scenarios"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    return source


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel would hold."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", "build", "--build-lib", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    return target


def test_every_module_is_in_it(installed: Path) -> None:
    here = {file.relative_to(ROOT) for file in (ROOT / "cosim").rglob("*.py")}
    there = {file.relative_to(installed) for file in (installed / "cosim").rglob("*.py")}
    assert there == here
    assert (installed / "cosim" / "py.typed").is_file()
    assert {path.name for path in installed.iterdir()} == {"cosim"}


@pytest.mark.parametrize("shelf", ["networks", "scenarios"])
def test_every_built_in_file_is_in_it(installed: Path, shelf: str) -> None:
    here = {file.name: file.read_bytes() for file in (ROOT / shelf).glob("*.yaml")}
    there = {
        file.name: file.read_bytes() for file in (installed / "cosim" / "builtin" / shelf).glob("*.yaml")
    }
    assert there == here
    assert len(here) >= 7


def test_built_in_names_work_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = (
        "import sys, cosim.config.library as library\n"
        "sys.argv = ['cosim', 'scenarios']\n"
        "print(library.shelf_folder('scenarios'))\n"
        "from cosim.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    where, *listed = done.stdout.splitlines()
    assert Path(where) == installed / "cosim" / "builtin" / "scenarios"
    assert any(line.startswith("storage_village ") for line in listed)


@pytest.mark.slow
def test_a_fresh_environment_installs_the_wheel_and_runs_without_an_extra(
    source: Path, tmp_path: Path
) -> None:
    """With the versions of the lock file, from where pip takes packages here."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert (
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "dist", source).returncode == 0
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    assert wheel.stat().st_size < 2e6
    assert run(sys.executable, "-m", "venv", "fresh").returncode == 0
    binaries = tmp_path / "fresh" / "bin"
    pip = run(binaries / "pip", "install", "--no-compile", "--constraint", ROOT / "requirements.lock", wheel)
    assert pip.returncode == 0, pip.stderr
    for extra in ("simbench", "pvlib", "distributed"):
        assert run(binaries / "python", "-c", f"import {extra}").returncode
    demo = run(binaries / "cosim", "run", "small_street", "--out", "street")
    assert demo.returncode == 0, demo.stderr
    assert "The feeder kept its limits" in demo.stdout
    assert (tmp_path / "street" / "report.html").is_file()
    village = run(binaries / "cosim", "run", "storage_village", "--out", "village")
    assert village.returncode == 2
    assert "pip install 'cosim[simbench]'" in village.stderr
    assert not (tmp_path / "village").exists()
