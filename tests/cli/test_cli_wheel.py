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
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel would hold, built from a copy so that the checkout stays as it is."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(ROOT / name, source / name)
    for name in ("cosim", "networks", "scenarios"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
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
