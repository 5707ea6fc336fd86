"""Where compiled loops are kept: in the cache folder, if it is the user's own, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cosim.core.compiled import compiled, is_kept


def twice(number: float) -> float:
    return 2.0 * number


def put_doubles(numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    for place in range(len(numbers)):
        numbers[place] = twice(numbers[place])


def kept_after_a_call() -> list[Path]:
    numbers = np.array([1.0, 2.0])
    loop = compiled(twice)(put_doubles)
    loop(numbers)
    assert is_kept(loop) == any(Path(os.environ["COSIM_CACHE_DIR"]).rglob("*.nbc"))
    assert numbers.tolist() == [2.0, 4.0]
    assert not [*Path(__file__).parent.glob("__pycache__/*.nb?")]
    return [*Path(os.environ["COSIM_CACHE_DIR"]).rglob("*.nbc")]


def test_loops_are_kept_in_the_users_own_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COSIM_CACHE_DIR", str(tmp_path / "file"))
    assert not kept_after_a_call()
    monkeypatch.setenv("COSIM_CACHE_DIR", str(tmp_path / "own"))
    (kept,) = kept_after_a_call()
    changed_ns = kept.stat().st_mtime_ns
    assert kept_after_a_call() == [kept]
    assert kept.stat().st_mtime_ns == changed_ns  # read, not compiled once more
    for broken in (kept, next(kept.parent.glob("*.nbi"))):
        broken.write_bytes(b"")
        assert kept_after_a_call() == [kept]
        assert broken.stat().st_size > 0  # made anew
    kept.unlink()
    monkeypatch.setattr(os, "getuid", lambda: -2)
    assert not kept_after_a_call()
